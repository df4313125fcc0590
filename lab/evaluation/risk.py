"""Evaluation of labelled messages: recall, false alarms, confusion, probabilities, errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from lab.evaluation.assessing import STEPS
from lab.evaluation.measures import Scored, Share, calibration, curve, drawn, share
from lab.evaluation.messages import EvaluatedMessage
from safeguarding.corpus import Example
from safeguarding.taxonomy import Severity

YOUNG = "young_person"
_BANDS = ((5, "up to 5 words"), (10, "6 to 10 words"), (20, "11 to 20 words"))
_LONGEST = "over 20 words"


def length_band(text: str) -> str:
    """Return the name of the band into which the number of words falls."""
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
"""Groupings of messages. A harmless one counts under the category that it looks like."""


def reached(cases: Iterable[EvaluatedMessage], due: Severity, found: Severity) -> Share:
    """Count, of the messages labelled `due` or higher, those recognised as `found` or higher."""
    return share(case.found >= found for case in cases if case.due >= due)


def alarmed(cases: Iterable[EvaluatedMessage], found: Severity) -> Share:
    """Count, of the harmless messages, those wrongly assessed as `found` or higher."""
    return share(case.found >= found for case in cases if case.due == Severity.NONE)


def counts(cases: Sequence[EvaluatedMessage]) -> dict[str, Any]:
    """Compute the five figures of a group of messages."""
    return {
        "urgent recognised": reached(cases, Severity.URGENT, Severity.URGENT).record(),
        "immediate recognised": reached(cases, Severity.IMMEDIATE, Severity.URGENT).record(),
        "any risk recognised": reached(cases, Severity.CONCERN, Severity.CONCERN).record(),
        "harmless urgent": alarmed(cases, Severity.URGENT).record(),
        "harmless concern": alarmed(cases, Severity.CONCERN).record(),
    }


def risk_report(cases: Sequence[EvaluatedMessage]) -> dict[str, Any]:
    """Compute all figures of one set of labelled messages."""
    return {
        "messages": len(cases),
        **counts(cases),
        "categories": categories(cases),
        "confusion": confusion(cases),
        "by": {name: by(cases, grouping) for name, grouping in DIMENSIONS.items()},
    }


def by(cases: Iterable[EvaluatedMessage], grouping: Grouping) -> dict[str, Any]:
    """Compute `counts` of each group, in alphabetical order; groups may overlap."""
    groups: dict[str, list[EvaluatedMessage]] = defaultdict(list)
    for case in cases:
        for name in grouping(case.example):
            groups[name].append(case)
    return {
        name: {"messages": len(group), **counts(group)} for name, group in sorted(groups.items())
    }


def category_named(case: EvaluatedMessage) -> bool:
    """Return whether one of the right categories was named."""
    return not set(case.example.categories).isdisjoint(case.result.categories)


def categories(cases: Iterable[EvaluatedMessage]) -> dict[str, Any]:
    """Count how often a right category is named, and how many are named on average."""
    risky = [case for case in cases if case.due > Severity.NONE]
    recognised = [case for case in risky if case.found > Severity.NONE]
    return {
        "one right, of those recognised": share(map(category_named, recognised)).record(),
        "one right, of all": share(map(category_named, risky)).record(),
        "first right, of those recognised": share(
            case.result.categories[:1] == case.example.categories[:1] for case in recognised
        ).record(),
        "named on average": round(mean(len(case.result.categories) for case in recognised), 2)
        if recognised
        else None,
    }


def confusion(cases: Iterable[EvaluatedMessage]) -> list[list[int]]:
    """Count messages by labelled severity (rows) and found severity (columns), none first."""
    table = [[0] * len(Severity) for _ in Severity]
    for case in cases:
        table[case.due][case.found] += 1
    return table


_NO_CATEGORY = "none in particular"


class KeptBackError(Exception):
    """Raised when single errors are asked for on a part that must not be read."""


def errors(cases: Iterable[EvaluatedMessage]) -> dict[str, Any]:
    """List misses and false alarms by category, the gravest first.

    A miss is labelled at least urgent and was found less, or labelled concern and found none.
    Raises KeptBackError for a message of any part but development.
    """
    listed = list(cases)
    if any(case.example.part != "development" for case in listed):
        raise KeptBackError("only the development part may be read")
    return {"misses": _grouped(listed, _missed), "false alarms": _grouped(listed, _false_alarm)}


def _missed(case: EvaluatedMessage) -> bool:
    return case.found < min(case.due, Severity.URGENT)


def _false_alarm(case: EvaluatedMessage) -> bool:
    return case.due == Severity.NONE < case.found


def _grouped(
    cases: Iterable[EvaluatedMessage], wrong: Callable[[EvaluatedMessage], bool]
) -> dict[str, Any]:
    groups: dict[str, list[EvaluatedMessage]] = defaultdict(list)
    for case in filter(wrong, cases):
        # For a false alarm, the category that was found says more than the one it looks like.
        named = case.example.categories or case.result.categories
        groups[named[0] if named else _NO_CATEGORY].append(case)
    return {
        name: [_record(case) for case in sorted(group, key=_gravest_first)]
        for name, group in sorted(groups.items())
    }


def _gravest_first(case: EvaluatedMessage) -> tuple[int, int]:
    return -max(case.due, case.found), -case.due


def _record(case: EvaluatedMessage) -> dict[str, Any]:
    return {
        "text": case.example.text,
        "due": case.due.label,
        "found": case.found.label,
        "kind": case.example.kind,
        "urgent": None if case.result.scores is None else round(case.result.scores[1], 4),
    }


_SEVERITIES = (Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE)
_DRAWN = {"urgent or immediate": Severity.URGENT, "any risk": Severity.CONCERN}

Systems = Mapping[str, Sequence[EvaluatedMessage]]


def scores_report(
    test: Sequence[EvaluatedMessage], development: Sequence[EvaluatedMessage], systems: Systems
) -> dict[str, Any] | None:
    """Compute calibration on both parts, and curves of all systems on the test part.

    Returns None for an engine without probabilities.
    """
    if not _gives_scores(test):
        return None
    return {
        "calibration": _calibration(test),
        "development": _calibration(development),
        "curves": {name: _curves(systems, severity) for name, severity in _DRAWN.items()},
    }


def against_harmless(cases: Sequence[EvaluatedMessage], severity: Severity) -> list[Scored]:
    """Return the scores of messages of at least `severity` and of harmless ones.

    Those between are left out. Empty for a system without scores.
    """
    if not _gives_scores(cases):
        return []
    return [
        Scored(_probability(case, severity), case.due >= severity)
        for case in cases
        if case.due >= severity or case.due == Severity.NONE
    ]


def _gives_scores(cases: Iterable[EvaluatedMessage]) -> bool:
    return any(case.result.scores for case in cases)


def _probability(case: EvaluatedMessage, severity: Severity) -> float:
    """Return the probability; 0 for a message without words, which has none."""
    return case.result.scores[_SEVERITIES.index(severity)] if case.result.scores else 0.0


def _calibration(cases: Sequence[EvaluatedMessage]) -> dict[str, Any]:
    return {
        name: calibration(
            [Scored(_probability(case, severity), case.due >= severity) for case in cases]
        )
        for name, severity in zip(STEPS, _SEVERITIES, strict=True)
    }


def _curves(systems: Systems, severity: Severity) -> list[dict[str, Any]]:
    return [
        {
            "system": name,
            "line": drawn(curve(against_harmless(cases, severity))),
            "as set": [
                alarmed(cases, severity).value or 0.0,
                reached(cases, severity, severity).value or 0.0,
            ],
        }
        for name, cases in systems.items()
    ]
