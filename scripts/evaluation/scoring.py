"""How far the probabilities can be believed, and what other thresholds would give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from safeguarding.taxonomy import Severity
from scripts.evaluation.curves import Scored, calibration, curve, drawn
from scripts.evaluation.messages import Case
from scripts.evaluation.risk import alarmed, reached
from scripts.evaluation.scores import STEPS

_SEVERITIES = (Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE)
_DRAWN = {"urgent or immediate": Severity.URGENT, "any risk": Severity.CONCERN}

Systems = Mapping[str, Sequence[Case]]


def scores_report(
    test: Sequence[Case], development: Sequence[Case], systems: Systems
) -> dict[str, Any] | None:
    """Calibration of the engine on both parts, and curves of all systems on the test part.

    None from an engine that gives no probabilities.
    """
    if not _gives_scores(test):
        return None
    return {
        "calibration": _calibration(test),
        "development": _calibration(development),
        "curves": {name: _curves(systems, severity) for name, severity in _DRAWN.items()},
    }


def against_harmless(cases: Sequence[Case], severity: Severity) -> list[Scored]:
    """The scores of what is at least `severity`, and of what is harmless; not of what lies between.

    Empty when the system gives none.
    """
    if not _gives_scores(cases):
        return []
    return [
        Scored(_probability(case, severity), case.due >= severity)
        for case in cases
        if case.due >= severity or case.due == Severity.NONE
    ]


def _gives_scores(cases: Iterable[Case]) -> bool:
    return any(case.heard.scores for case in cases)


def _probability(case: Case, severity: Severity) -> float:
    """Nothing is said of a message without a word: there it is 0."""
    return case.heard.scores[_SEVERITIES.index(severity)] if case.heard.scores else 0.0


def _calibration(cases: Sequence[Case]) -> dict[str, Any]:
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
