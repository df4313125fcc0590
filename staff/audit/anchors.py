"""Anchors: one file a day that holds the newest link, so that a rewritten trail shows.

Whoever owns the database can put another chain in the place of the true one, or cut its end off:
the chain that is left is whole. An anchor tells, for it says what the link of an event was on a
day. It is worth as much as the place where it lies is out of the reach of that person: copy the
files to another machine, or print them.
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
from staff.audit.tables import audit_events
from storage.engine import READING, connect

FOLDER = "anchors"
"""Below the state folder."""


class AnchorError(ValueError):
    """A file is not an anchor. Says which."""


@dataclass(frozen=True)
class Anchor:
    """What the trail ended with on a day."""

    number: int
    link: str
    at: datetime
    """When it was written."""
    file: str = ""
    """Where it was read from."""

    def line(self) -> str:
        """As it stands in its file: number, link, time."""
        return f"{self.number} {self.link} {self.at.astimezone(timezone.utc).isoformat()}\n"


def write(state_dir: Path, connection: Connection, now: datetime) -> Anchor | None:
    """Write today's anchor, by UTC; None when there is one already, or no event yet.

    Safe to call from several processes, as often as they like. Raises OSError, SQLAlchemyError.
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
    """The anchors of these folders by their number. Raises AnchorError, OSError."""
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
    """Write the file whole, or leave the one that another process has just written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
        _keep(path.parent)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _keep(folder: Path) -> None:
    """The name of a file is on the disk when its folder is."""
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
