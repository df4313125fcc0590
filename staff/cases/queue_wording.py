"""The two lines of a row of the queue: what tells the case apart, and what it is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from staff.cases.case import Case
from staff.cases.wording import MOST_CATEGORIES, about, about_whom, need
from staff.console import wording

_UNDER_12 = "is_child_under_12"
_SAYS_MORE = {"told_adult_no_help": "told_adult"}
"""Facts that say another one too."""
_MOST_FACTS, _FEW = 5, 3
"""Facts in the first line; and so few parts of it do not tell two cases apart."""


def first_line(
    case: Case, ages: Sequence[int], facts: Collection[str], words: Mapping[str, str]
) -> str:
    """Return what tells a case apart: "13, someone met online, pictures, no adult knows".

    `ages` and `facts` are what the person said in passing, `words` what a row says of each fact.
    Where that is little, it ends with what the case is about.
    """
    implied = {less for more, less in _SAYS_MORE.items() if more in facts} | (
        {_UNDER_12} if ages else set()
    )
    heard = [said for fact, said in words.items() if fact in facts and fact not in implied]
    parts = [*map(str, ages), *heard[:_MOST_FACTS]]
    if len(parts) < _FEW:
        harm = wording.label(case.categories[0]).lower() if case.categories else ""
        parts += [harm] if parts and harm else [": ".join(filter(None, (need(case.need), harm)))]
    line = ", ".join(parts)
    return line[:1].upper() + line[1:]


def second_line(case: Case) -> str:
    """Return the need, the first categories and who writes about whom."""
    named = [wording.label(name).lower() for name in case.categories[:MOST_CATEGORIES]]
    more = len(case.categories) - len(named)
    harms = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    # Nothing is said of a writer who has said nothing.
    whom = about(case) if case.audience else about_whom(case)
    return ". ".join(filter(None, (need(case.need), harms.capitalize(), whom)))


def deadline(at: datetime, now: datetime) -> str:
    """Return a deadline, without the day where it is today."""
    return wording.deadline(at, now).removesuffix(" today")
