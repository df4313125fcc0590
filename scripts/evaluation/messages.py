"""The sets of single messages that are measured: our own by part, and the older independent one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safeguarding.risk.examples import Example
from safeguarding.taxonomy import ROOT, Severity
from scripts.evaluation.assessing import Heard, Hearing, Said

HELD_OUT = ROOT / "tests" / "held_out"
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A labelled message and what was heard in it."""

    example: Example
    heard: Heard

    @property
    def due(self) -> Severity:
        """The label."""
        return self.example.severity

    @property
    def found(self) -> Severity:
        """The engine's verdict."""
        return self.heard.severity


def read_lines(path: Path) -> list[Row]:
    """The rows of a JSON Lines file; none when it is not there."""
    if not path.is_file():
        return []
    # Not splitlines: hostile strings hold line separators of their own.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def independent_examples(path: Path = HELD_OUT / "risk.jsonl") -> list[Example]:
    """The older set, written by others before the project had data of its own."""
    return [_independent(row) for row in read_lines(path)]


def _independent(row: Row) -> Example:
    return Example(
        text=row["text"],
        severity=Severity.named(row["severity"]),
        categories=(row["category"],) if row["category"] else (),
        near=(),
        subject=row["subject"],
        voice=row["voice"],
        register=(row["register"],),
        kind="",
        writer="independent",
        situation="",
        part="test",
    )


def seems_risky(example: Example) -> bool:
    """Whether it is a hard near miss: harmless, with the look of a category; not a question."""
    return example.severity == Severity.NONE and bool(example.near) and not is_question(example)


def is_question(example: Example) -> bool:
    """Whether it asks about the subject in general."""
    return example.kind == "question"


def is_ordinary(example: Example) -> bool:
    """Whether it is everyday talk, without the look of anything else."""
    harmless = example.severity == Severity.NONE and not example.near
    return harmless and example.kind not in {"question", "near_miss", "idiom"}


def said(examples: Iterable[Example]) -> Iterator[Said]:
    """What has to be assessed for `examples`."""
    return (Said(example.text) for example in examples)


def cases(examples: Sequence[Example], hearing: Hearing) -> list[Case]:
    """Each example with what was heard."""
    return [Case(example, hearing[Said(example.text)]) for example in examples]
