"""Builds evaluated messages: labelled sentences with what an engine found in them."""

from __future__ import annotations

from lab.evaluation.assessing import Result, Scores
from lab.evaluation.messages import EvaluatedMessage
from safeguarding.taxonomy import Severity
from tests.labelled import example


def result(
    severity: Severity, *categories: str, scores: Scores | None = None, milliseconds: float = 1.0
) -> Result:
    """Return what an engine found in a message."""
    return Result(severity, categories, scores, milliseconds)


def case(
    due: Severity,
    found: Severity,
    scores: Scores | None = None,
    named: tuple[str, ...] = ("grooming",),
    **labels: object,
) -> EvaluatedMessage:
    """Return a message labelled `due` that the engine found to be `found`."""
    categories = named if found else ()
    text = str(labels.pop("text", f"due {due.label}, found {found.label}"))
    return EvaluatedMessage(example(text, due, **labels), result(found, *categories, scores=scores))  # type: ignore[arg-type]
