"""Builds labelled sentences for tests."""

from __future__ import annotations

from safeguarding.corpus import Example, Part
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def example(text: str, severity: Severity = NONE, part: Part = "test", **labels: object) -> Example:
    """Return an example; `labels` replace its plain default labels."""
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
