"""Recall, false alarms and confusion on labelled messages: whole, and by what they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from safeguarding.risk.examples import Example
from safeguarding.taxonomy import Severity
from scripts.evaluation.messages import Case
from scripts.evaluation.shares import Share, share

YOUNG = "young_person"
_BANDS = ((5, "up to 5 words"), (10, "6 to 10 words"), (20, "11 to 20 words"))
_LONGEST = "over 20 words"


def length_band(text: str) -> str:
    """The name of the band that the number of words falls in."""
    words = len(text.split())
    return next((name for most, name in _BANDS if words <= most), _LONGEST)


Grouping = Callable[[Example], Iterable[str]]
DIMENSIONS: Mapping[str, Grouping] = {
    "category": lambda example: (example.categories or example.near)[:1],
    "subject": lambda example: (example.subject,),
    "voice": lambda example: (example.voice,),
    "register": lambda example: example.register,
    "length": lambda example: (length_band(example.text),),
    "kind of harmless": lambda example: (example.kind,) if example.kind else (),
}
"""What messages are broken down by. A harmless one counts under the category it seems to be of."""


def reached(cases: Iterable[Case], due: Severity, found: Severity) -> Share:
    """Of those labelled `due` or higher, how many were heard as `found` or higher."""
    return share(case.found >= found for case in cases if case.due >= due)


def alarmed(cases: Iterable[Case], found: Severity) -> Share:
    """Of the harmless, how many were wrongly heard as `found` or higher."""
    return share(case.found >= found for case in cases if case.due == Severity.NONE)


def counts(cases: Sequence[Case]) -> dict[str, Any]:
    """The five figures of a group of messages."""
    return {
        "urgent heard": reached(cases, Severity.URGENT, Severity.URGENT).record(),
        "immediate heard": reached(cases, Severity.IMMEDIATE, Severity.URGENT).record(),
        "any risk heard": reached(cases, Severity.CONCERN, Severity.CONCERN).record(),
        "harmless urgent": alarmed(cases, Severity.URGENT).record(),
        "harmless concern": alarmed(cases, Severity.CONCERN).record(),
    }


def risk_report(cases: Sequence[Case]) -> dict[str, Any]:
    """Everything about one set of labelled messages."""
    return {
        "messages": len(cases),
        **counts(cases),
        "categories": categories(cases),
        "confusion": confusion(cases),
        "by": {name: by(cases, grouping) for name, grouping in DIMENSIONS.items()},
    }


def by(cases: Iterable[Case], grouping: Grouping) -> dict[str, Any]:
    """`counts` of each group, in alphabetical order; groups may overlap."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in grouping(case.example):
            groups[name].append(case)
    return {
        name: {"messages": len(group), **counts(group)} for name, group in sorted(groups.items())
    }


def category_named(case: Case) -> bool:
    """Whether one of the right categories was named."""
    return not set(case.example.categories).isdisjoint(case.heard.categories)


def categories(cases: Iterable[Case]) -> dict[str, Any]:
    """How often a right category is named, and how many are named for it."""
    risky = [case for case in cases if case.due > Severity.NONE]
    heard = [case for case in risky if case.found > Severity.NONE]
    return {
        "one right, of those heard": share(map(category_named, heard)).record(),
        "one right, of all": share(map(category_named, risky)).record(),
        "first right, of those heard": share(
            case.heard.categories[:1] == case.example.categories[:1] for case in heard
        ).record(),
        "named on average": round(mean(len(case.heard.categories) for case in heard), 2)
        if heard
        else None,
    }


def confusion(cases: Iterable[Case]) -> list[list[int]]:
    """How many of each severity due (rows) were found as each (columns), none first."""
    table = [[0] * len(Severity) for _ in Severity]
    for case in cases:
        table[case.due][case.found] += 1
    return table
