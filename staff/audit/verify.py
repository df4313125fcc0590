"""Proves that the audit trail was not changed, by its chain and by anchors of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from staff.audit.anchors import Anchor
from staff.audit.trail import FIRST_LINK, Link, link_of, walk

CHANGED = "changed: it, or its link, is not what was appended"
MISSING = "missing"
OUT_OF_ORDER = "out of order: numbers begin with 1"
REWRITTEN = "rewritten: its link is not the one that was anchored"
CUT_OFF = "cut off: it was anchored, and the trail ends before it"
CHECKED = "records checked"
"""The event on the trail that `verify-audit --record` leaves, with what it found."""


def findings_of(checked: Link) -> int:
    """Return how much was wrong by such an event: one for a broken trail, and disagreements."""
    detail = checked.event.detail
    return (detail["broken_at"] is not None) + int(detail["disagreements"])


@dataclass(frozen=True)
class BrokenLink:
    """The first place where the trail differs from what was appended."""

    number: int
    at: datetime | None
    """Time of the event as stored; None when the event is missing."""
    wrong: str
    anchor: Anchor | None = None
    """The anchor that disagrees, where an anchor tells."""


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
    anchored: dict[int, list[Anchor]] = defaultdict(list)
    for anchor in anchors:
        anchored[anchor.number].append(anchor)
    last: Link | None = None
    count, before = 0, FIRST_LINK
    for link in walk(connection, after=None):
        wrong = _wrong(link, count + 1, before, anchored.get(link.id, ()))
        if wrong:
            return Verification(count, last, wrong)
        count, before, last = link.id, link.link, link
    beyond = min((number for number in anchored if number > count), default=None)
    broken = None if beyond is None else BrokenLink(beyond, None, CUT_OFF, anchored[beyond][0])
    return Verification(count, last, broken)


def _wrong(link: Link, number: int, before: str, anchors: Iterable[Anchor]) -> BrokenLink | None:
    if link.id < number:
        return BrokenLink(link.id, link.event.at, OUT_OF_ORDER)
    if link.id > number:
        return BrokenLink(number, None, MISSING)
    if link.link != link_of(before, number, link.event):
        return BrokenLink(number, link.event.at, CHANGED)
    for anchor in anchors:
        if not anchor.agrees(link.link):
            return BrokenLink(number, link.event.at, REWRITTEN, anchor)
    return None
