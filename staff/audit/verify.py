"""`make verify-audit`: proves that nothing on the audit trail was changed, and names what was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import click
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.settings import Settings
from staff.audit.anchors import FOLDER, Anchor, AnchorError, read_all
from staff.audit.trail import FIRST_LINK, Link, link_of, walk
from storage.engine import READING, connect

CHANGED = "changed: it, or its link, is not what was appended"
MISSING = "missing"
OUT_OF_ORDER = "out of order: numbers begin with 1"
REWRITTEN = "rewritten: its link is not the one that was anchored"
CUT_OFF = "cut off: it was anchored, and the trail ends before it"


@dataclass(frozen=True)
class Broken:
    """The first place where the trail is not what was appended."""

    number: int
    at: datetime | None
    """The time that this event claims; None when there is no event."""
    wrong: str


@dataclass(frozen=True)
class Verified:
    """How far the trail is what was appended."""

    count: int
    """Events up to the first broken one: all of them when none is."""
    last: Link | None
    broken: Broken | None = None


def verify(connection: Connection, anchors: Iterable[Anchor] = ()) -> Verified:
    """Walk the chain from its beginning and compare it with the anchors; a thousand rows in memory.

    Stops at the first broken link: behind it, nothing can be told. Raises SQLAlchemyError.
    """
    held = {
        number: {anchor.link for anchor in same}
        for number, same in groupby(sorted(anchors, key=_number), key=_number)
    }
    last: Link | None = None
    count, before = 0, FIRST_LINK
    for link in walk(connection, after=None):
        wrong = _wrong(link, count + 1, before, held.get(link.id))
        if wrong:
            return Verified(count, last, wrong)
        count, before, last = link.id, link.link, link
    beyond = [number for number in held if number > count]
    broken = Broken(min(beyond), None, CUT_OFF) if beyond else None
    return Verified(count, last, broken)


def _wrong(link: Link, number: int, before: str, anchored: set[str] | None) -> Broken | None:
    if link.id < number:
        return Broken(link.id, link.event.at, OUT_OF_ORDER)
    if link.id > number:
        return Broken(number, None, MISSING)
    if link.link != link_of(before, number, link.event):
        return Broken(number, link.event.at, CHANGED)
    if anchored is not None and anchored != {link.link}:
        return Broken(number, link.event.at, REWRITTEN)
    return None


def _number(anchor: Anchor) -> int:
    return anchor.number


@click.command()
@click.option(
    "--anchors",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of anchors that were kept elsewhere; those of the state folder count too.",
)
def main(folders: tuple[Path, ...]) -> None:
    """Walk the audit trail and compare it with the anchors; 1 when it is not whole."""
    settings = Settings.from_env()
    try:
        anchors = read_all([settings.state_dir / FOLDER, *folders])
        with connect(settings.database_url).connect().execution_options(**READING) as connection:
            found = verify(connection, anchors)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the trail cannot be read: {type(error).__name__}") from None
    except (AnchorError, OSError) as error:
        raise click.ClickException(f"an anchor cannot be read: {error}") from None
    _report(found, anchors)


def _report(found: Verified, anchors: Sequence[Anchor]) -> None:
    click.echo(f"events in order: {found.count}")
    if found.last is not None:
        at = found.last.event.at.isoformat(timespec="seconds")
        click.echo(f"last link: {found.last.id} {found.last.link} {at}")
    if found.broken is not None:
        at = "" if found.broken.at is None else f" ({found.broken.at.isoformat()})"
        click.echo(f"BROKEN at event {found.broken.number}{at}: {found.broken.wrong}")
        raise SystemExit(1)
    newest = f", the newest of {anchors[-1].at.date().isoformat()}" if anchors else ""
    click.echo(f"anchors that agree: {len(anchors)}{newest}")
