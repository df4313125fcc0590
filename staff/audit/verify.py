"""Proves that the audit trail was not changed, by its chain and by anchors.

An anchor is a file a day that holds the newest link of the trail. A person who owns the database
can replace the whole chain or cut off its end, and the chain that remains is still consistent. An
anchor shows it, because it records the link that an event had on that day. It is only worth
something where that person cannot change it: copy the files to another machine, or print them.
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
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
from staff.audit.trail import FIRST_LINK, Link, audit_events, link_of, walk
from storage.engine import READING, connect

ANCHORS = "anchors"
"""The folder of the anchors, in the state folder."""
CHANGED = "changed: it, or its link, is not what was appended"
MISSING = "missing"
OUT_OF_ORDER = "out of order: numbers begin with 1"
REWRITTEN = "rewritten: its link is not the one that was anchored"
CUT_OFF = "cut off: it was anchored, and the trail ends before it"


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


def write_anchor(state_dir: Path, connection: Connection, now: datetime) -> Anchor | None:
    """Write today's anchor (UTC); return None when there is one already, or no event yet.

    Safe to call repeatedly and from several processes. Raises OSError, SQLAlchemyError.
    """
    folder = state_dir / ANCHORS
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


def read_anchors(folders: Iterable[Path]) -> list[Anchor]:
    """Return the anchors of these folders, by number. Raises AnchorError, OSError."""
    files = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    anchors = [_read(path) for path in files if not path.name.startswith(".")]
    return sorted(anchors, key=lambda anchor: (anchor.number, anchor.file))


def _read(path: Path) -> Anchor:
    try:
        number, link, at = path.read_text(encoding="utf-8").split()
        return Anchor(int(number), link, datetime.fromisoformat(at), str(path))
    except ValueError:
        raise AnchorError(f"{path} is not an anchor") from None


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
        # A new file name survives a crash only after its folder is synced.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


@dataclass(frozen=True)
class BrokenLink:
    """The first place where the trail differs from what was appended."""

    number: int
    at: datetime | None
    """Time of the event as stored; None when the event is missing."""
    wrong: str


@dataclass(frozen=True)
class Verification:
    """Result of a check: how far the trail is intact."""

    count: int
    """Number of intact events before the first broken one."""
    last: Link | None
    broken: BrokenLink | None = None


def verify(connection: Connection, anchors: Iterable[Anchor] = ()) -> Verification:
    """Check the chain from its beginning, and against the anchors, a thousand rows at a time.

    Stops at the first broken link, because later links prove nothing. Raises SQLAlchemyError.
    """
    anchored: dict[int, set[str]] = defaultdict(set)
    for anchor in anchors:
        anchored[anchor.number].add(anchor.link)
    last: Link | None = None
    count, before = 0, FIRST_LINK
    for link in walk(connection, after=None):
        wrong = _wrong(link, count + 1, before, anchored.get(link.id))
        if wrong:
            return Verification(count, last, wrong)
        count, before, last = link.id, link.link, link
    beyond = [number for number in anchored if number > count]
    broken = BrokenLink(min(beyond), None, CUT_OFF) if beyond else None
    return Verification(count, last, broken)


def _wrong(link: Link, number: int, before: str, anchored: set[str] | None) -> BrokenLink | None:
    if link.id < number:
        return BrokenLink(link.id, link.event.at, OUT_OF_ORDER)
    if link.id > number:
        return BrokenLink(number, None, MISSING)
    if link.link != link_of(before, number, link.event):
        return BrokenLink(number, link.event.at, CHANGED)
    if anchored is not None and anchored != {link.link}:
        return BrokenLink(number, link.event.at, REWRITTEN)
    return None


@click.command()
def anchor_audit() -> None:
    """Write today's anchor of the audit trail, if there is none, and print it."""
    settings = Settings.from_env()
    try:
        with connect(settings.database_url).connect().execution_options(**READING) as connection:
            anchor = write_anchor(settings.state_dir, connection, utc_now())
    except SQLAlchemyError as error:
        raise click.ClickException(f"the trail cannot be read: {type(error).__name__}") from None
    except OSError as error:
        raise click.ClickException(f"the anchor cannot be written: {error.strerror}") from None
    if anchor is None:
        click.echo("Today has its anchor already, or there is no event yet.")
    else:
        click.echo(f"{anchor.file}: {anchor.line()}", nl=False)


@click.command()
@click.option(
    "--anchors",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of anchors that were kept elsewhere, beside those of the state folder.",
)
def verify_audit(folders: tuple[Path, ...]) -> None:
    """Check the audit trail and compare it with the anchors; exit with 1 when it is broken."""
    settings = Settings.from_env()
    try:
        anchors = read_anchors([settings.state_dir / ANCHORS, *folders])
        with connect(settings.database_url).connect().execution_options(**READING) as connection:
            result = verify(connection, anchors)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the trail cannot be read: {type(error).__name__}") from None
    except (AnchorError, OSError) as error:
        raise click.ClickException(f"an anchor cannot be read: {error}") from None
    click.echo(f"events in order: {result.count}")
    if result.last is not None:
        at = result.last.event.at.isoformat(timespec="seconds")
        click.echo(f"last link: {result.last.id} {result.last.link} {at}")
    if result.broken is not None:
        at = "" if result.broken.at is None else f" ({result.broken.at.isoformat()})"
        click.echo(f"BROKEN at event {result.broken.number}{at}: {result.broken.wrong}")
        raise SystemExit(1)
    newest = f", the newest of {anchors[-1].at.date().isoformat()}" if anchors else ""
    click.echo(f"anchors that agree: {len(anchors)}{newest}")
