"""The differences between two versions of an item, line beside line and marked by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from safeguarding.content.items import Item
from staff.console.wording import lines_the_same, readers

AROUND = 1
"""Number of unchanged lines shown before and after a change."""
ALIKE = 0.4
"""Similarity, from 0 to 1, from which two lines count as one that was changed."""
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class ChangedSpan:
    """A stretch of a line, marked where it changed."""

    text: str
    marked: bool


@dataclass(frozen=True)
class ChangedLine:
    """A line of the approved version beside that of today. Either may be missing."""

    what: str
    """ "Same", "Changed", "Added", "Removed", or the number of lines left out."""
    before: tuple[ChangedSpan, ...] = ()
    now: tuple[ChangedSpan, ...] = ()


def marks(before: Item, now: Item) -> dict[int, list[ChangedLine]]:
    """Return what changed at each place among the lines of `now`, as `parts.py` counts them.

    A line that was removed stands at the place of the line that follows it.
    """
    old, new = _lines(before), _lines(now)
    found: dict[int, list[ChangedLine]] = {}
    for tag, old_from, old_to, new_from, new_to in _blocks(old, new):
        if tag != "equal":
            for number, row in enumerate(_changed(old[old_from:old_to], new[new_from:new_to])):
                place = min(new_from + number, new_to - 1) if row.now else new_to
                found.setdefault(place, []).append(row)
    return found


def changes(before: Item, now: Item) -> list[ChangedLine]:
    """Return the changed lines with a little around them; an empty list where none changed."""
    old, new = _lines(before), _lines(now)
    rows: list[ChangedLine] = []
    blocks = _blocks(old, new)
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if tag == "equal":
            first, last = number == 0, number == len(blocks) - 1
            rows += _same(old[old_from:old_to], first=first, last=last)
        else:
            rows += _changed(old[old_from:old_to], new[new_from:new_to])
    return rows if any(tag != "equal" for tag, *_ in blocks) else []


def _blocks(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _lines(item: Item) -> list[str]:
    lines = [item.title]
    for block in item.blocks:
        lines += [f"{readers(block)}: {block.heading}", *block.lines]
    return lines


def _same(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[ChangedLine]:
    """Yield the lines next to a change, and one that says how many others there are."""
    above = 0 if first else AROUND
    below = 0 if last else AROUND
    hidden = len(lines) - above - below
    for place, line in enumerate(lines):
        if hidden <= 1 or place < above or place >= len(lines) - below:
            whole = _whole(line, marked=False)
            yield ChangedLine("Same", whole, whole)
        elif place == above:
            yield ChangedLine(lines_the_same(hidden))


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[ChangedLine]:
    for before, now in zip_longest(old, new):
        if before is None:
            yield ChangedLine("Added", (), _whole(now, marked=True))
        elif now is None:
            yield ChangedLine("Removed", _whole(before, marked=True), ())
        else:
            yield _pair(before, now)


def _pair(before: str, now: str) -> ChangedLine:
    old, new = _WORD.findall(before), _WORD.findall(now)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        return ChangedLine("Changed", _whole(before, marked=True), _whole(now, marked=True))
    left: list[ChangedSpan] = []
    right: list[ChangedSpan] = []
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        marked = tag != "equal"
        left += [ChangedSpan("".join(old[old_from:old_to]), marked)] if old_to > old_from else []
        right += [ChangedSpan("".join(new[new_from:new_to]), marked)] if new_to > new_from else []
    return ChangedLine("Changed", tuple(left), tuple(right))


def _whole(line: str, *, marked: bool) -> tuple[ChangedSpan, ...]:
    return (ChangedSpan(line, marked),)
