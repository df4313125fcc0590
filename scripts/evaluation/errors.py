"""Messages that were misheard, to be read by people. Only ever of the development part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from safeguarding.taxonomy import Severity
from scripts.evaluation.messages import Case

_NO_CATEGORY = "none in particular"


class KeptBackError(Exception):
    """Somebody wants to read sentences on which nothing may be decided."""


def errors(cases: Iterable[Case]) -> dict[str, Any]:
    """Misses and false alarms by category, the gravest first.

    A miss was heard as less than urgent when it was, or not at all when it was a concern. Raises
    KeptBackError for a message of any other part than development.
    """
    listed = list(cases)
    if any(case.example.part != "development" for case in listed):
        raise KeptBackError("only the development part may be read")
    return {"misses": _grouped(listed, _missed), "false alarms": _grouped(listed, _false_alarm)}


def _missed(case: Case) -> bool:
    return case.found < min(case.due, Severity.URGENT)


def _false_alarm(case: Case) -> bool:
    return case.due == Severity.NONE < case.found


def _grouped(cases: Iterable[Case], wrong: Callable[[Case], bool]) -> dict[str, Any]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in filter(wrong, cases):
        # What a false alarm was taken for says more than what it only seems to be about.
        named = case.example.categories or case.heard.categories
        groups[named[0] if named else _NO_CATEGORY].append(case)
    return {
        name: [_record(case) for case in sorted(group, key=_gravest_first)]
        for name, group in sorted(groups.items())
    }


def _gravest_first(case: Case) -> tuple[int, int]:
    return -max(case.due, case.found), -case.due


def _record(case: Case) -> dict[str, Any]:
    return {
        "text": case.example.text,
        "due": case.due.label,
        "found": case.found.label,
        "kind": case.example.kind,
        "urgent": None if case.heard.scores is None else round(case.heard.scores[1], 4),
    }
