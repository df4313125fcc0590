"""`make verify-audit`: checks that the audit trail was not changed, and names what was."""

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
    anchored = {
        number: {anchor.link for anchor in same}
        for number, same in groupby(sorted(anchors, key=_number), key=_number)
    }
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


def _number(anchor: Anchor) -> int:
    return anchor.number


@click.command()
@click.option(
    "--anchors",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of anchors that were kept elsewhere, beside those of the state folder.",
)
def main(folders: tuple[Path, ...]) -> None:
    """Check the audit trail and compare it with the anchors; exit with 1 when it is broken."""
    settings = Settings.from_env()
    try:
        anchors = read_all([settings.state_dir / FOLDER, *folders])
        with connect(settings.database_url).connect().execution_options(**READING) as connection:
            result = verify(connection, anchors)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the trail cannot be read: {type(error).__name__}") from None
    except (AnchorError, OSError) as error:
        raise click.ClickException(f"an anchor cannot be read: {error}") from None
    _report(result, anchors)


def _report(result: Verification, anchors: Sequence[Anchor]) -> None:
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
