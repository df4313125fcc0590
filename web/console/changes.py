"""What changed between two wordings, line beside line, so that nobody needs colour to see it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from safeguarding.content.items import Item
from web.console.content_wording import readers

AROUND = 1
"""Unchanged lines shown before and after a change."""
ALIKE = 0.4
"""Below this likeness two lines are two lines, not one that was changed."""
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Run:
    """Words in a row that are all marked, or all not."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Row:
    """A line of the approved words beside the line of today. One of them may be missing."""

    what: str
    """ "Same", "Changed", "Added", "Removed", or how many lines are left out."""
    before: tuple[Run, ...] = ()
    now: tuple[Run, ...] = ()


def changes(before: Item, now: Item) -> list[Row]:
    """The changed lines with a little around them; empty when both say the same."""
    old, new = _lines(before), _lines(now)
    rows: list[Row] = []
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if tag == "equal":
            first, last = number == 0, number == len(blocks) - 1
            rows += _same(old[old_from:old_to], first=first, last=last)
        else:
            rows += _changed(old[old_from:old_to], new[new_from:new_to])
    return rows if any(tag != "equal" for tag, *_ in blocks) else []


def _lines(item: Item) -> list[str]:
    lines = [item.title]
    for part in item.parts:
        lines += [f"{readers(part)}: {part.heading}", *part.lines]
    return lines


def _same(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[Row]:
    """The lines next to a change; in place of the others, how many they are."""
    head = 0 if first else AROUND
    tail = 0 if last else AROUND
    hidden = len(lines) - head - tail
    for place, line in enumerate(lines):
        if hidden <= 1 or place < head or place >= len(lines) - tail:
            yield Row("Same", (Run(line, marked=False),), (Run(line, marked=False),))
        elif place == head:
            yield Row(f"{hidden} lines the same")


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    for before, now in zip_longest(old, new):
        if before is None:
            yield Row("Added", (), (Run(now, marked=True),))
        elif now is None:
            yield Row("Removed", (Run(before, marked=True),), ())
        else:
            yield _pair(before, now)


def _pair(before: str, now: str) -> Row:
    old, new = _WORD.findall(before), _WORD.findall(now)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        return Row("Changed", (Run(before, marked=True),), (Run(now, marked=True),))
    left: list[Run] = []
    right: list[Run] = []
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        marked = tag != "equal"
        left += [Run("".join(old[old_from:old_to]), marked)] if old_to > old_from else []
        right += [Run("".join(new[new_from:new_to]), marked)] if new_to > new_from else []
    return Row("Changed", tuple(left), tuple(right))
