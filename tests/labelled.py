"""Labelled messages and what an engine made of them, for tests of the evaluation."""

from __future__ import annotations

from lab.evaluation.assessing import Result, Scores
from lab.evaluation.messages import EvaluatedMessage
from safeguarding.corpus.reader import Example, Part
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def example(text: str, severity: Severity = NONE, part: Part = "test", **labels: object) -> Example:
    """An example with plain labels, but for those given."""
    plain: dict[str, object] = {
        "categories": ("grooming",) if severity else (),
        "near": (),
        "subject": "self",
        "voice": "young_person",
        "register": ("plain",),
        "kind": "" if severity else "school",
        "writer": "t01",
        "situation": "a test",
    }
    return Example(text=text, severity=severity, part=part, **{**plain, **labels})  # type: ignore[arg-type]


def result(
    severity: Severity, *categories: str, scores: Scores | None = None, milliseconds: float = 1.0
) -> Result:
    """What an engine made of a message."""
    return Result(severity, categories, scores, milliseconds)


def case(
    due: Severity,
    found: Severity,
    scores: Scores | None = None,
    named: tuple[str, ...] = ("grooming",),
    **labels: object,
) -> EvaluatedMessage:
    """A message that is due one severity and was found to be of another."""
    categories = named if found else ()
    text = str(labels.pop("text", f"due {due.label}, found {found.label}"))
    return EvaluatedMessage(example(text, due, **labels), result(found, *categories, scores=scores))  # type: ignore[arg-type]
