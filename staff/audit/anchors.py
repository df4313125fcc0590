"""Anchors: one file a day that holds the newest link of the audit trail.

A person who owns the database can replace the whole chain or cut off its end, and the chain that
remains is still consistent. An anchor shows it, because it records the link that an event had on
that day. It is only worth something where that person cannot change it: copy the files to another
machine, or print them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.trail import audit_events
from storage.engine import READING, connect

FOLDER = "anchors"
"""In the state folder."""


class AnchorError(ValueError):
    """A file is not an anchor; the message names it."""


@dataclass(frozen=True)
class Anchor:
    """The newest link of the trail on one day."""

    number: int
    link: str
    at: datetime
    """When the anchor was written."""
    file: str = ""

    def line(self) -> str:
        """Return the content of its file: number, link, time."""
        return f"{self.number} {self.link} {self.at.astimezone(timezone.utc).isoformat()}\n"


def write(state_dir: Path, connection: Connection, now: datetime) -> Anchor | None:
    """Write today's anchor (UTC); return None when there is one already, or no event yet.

    Safe to call repeatedly and from several processes. Raises OSError, SQLAlchemyError.
    """
    folder = state_dir / FOLDER
    path = folder / now.astimezone(timezone.utc).date().isoformat()
    if path.exists():
        return None
    newest = sa.select(audit_events.c.id, audit_events.c.link).order_by(audit_events.c.id.desc())
    last = connection.execute(newest.limit(1)).first()
    if last is None:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    anchor = Anchor(last.id, last.link, now, str(path))
    return anchor if _write_new(path, anchor.line()) else None


def read_all(folders: Iterable[Path]) -> list[Anchor]:
    """Return the anchors of these folders, by number. Raises AnchorError, OSError."""
    files = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    anchors = [_read(path) for path in files if not path.name.startswith(".")]
    return sorted(anchors, key=lambda anchor: (anchor.number, anchor.file))


def _read(path: Path) -> Anchor:
    try:
        number, link, at = path.read_text(encoding="utf-8").split()
        anchor = Anchor(int(number), link, datetime.fromisoformat(at), str(path))
    except ValueError:
        raise AnchorError(f"{path} is not an anchor") from None
    return anchor


def _write_new(path: Path, line: str) -> bool:
    """Create the file in one step. False when another process has just created it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
        _sync(path.parent)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _sync(folder: Path) -> None:
    # A new file name survives a crash only after its folder is synced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@click.command()
def main() -> None:
    """Write today's anchor of the audit trail, if there is none, and print it."""
    settings = Settings.from_env()
    try:
        with connect(settings.database_url).connect().execution_options(**READING) as connection:
            anchor = write(settings.state_dir, connection, utc_now())
    except SQLAlchemyError as error:
        raise click.ClickException(f"the trail cannot be read: {type(error).__name__}") from None
    except OSError as error:
        raise click.ClickException(f"the anchor cannot be written: {error.strerror}") from None
    if anchor is None:
        click.echo("Today has its anchor already, or there is no event yet.")
    else:
        click.echo(f"{anchor.file}: {anchor.line()}", nl=False)
