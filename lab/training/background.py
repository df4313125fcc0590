"""Real everyday text that lies beside the project: what is harmless and unlike our own sentences.

Its licences forbid a copy in the repository, so the folder is named by LANTERN_BACKGROUND. It holds
train.jsonl.gz, to learn from, and dev.jsonl.gz, to calibrate and to measure on. A row has an "id",
a "text", a "source" and a "licence"; nearly every row is harmless (docs/data-card.md).
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Literal

from safeguarding.corpus import Example, Part
from safeguarding.taxonomy import Severity

_FILES: dict[Literal["training", "development"], str] = {
    "training": "train.jsonl.gz",
    "development": "dev.jsonl.gz",
}
WRITER = "background"
VARIABLE = "LANTERN_BACKGROUND"


def read_background(folder: Path | None, part: Literal["training", "development"]) -> list[Example]:
    """Return the rows of a part as harmless examples; none without a folder.

    Raises FileNotFoundError when the folder lacks the file, ValueError when a row is not JSON.
    """
    if folder is None:
        return []
    with gzip.open(folder / _FILES[part], "rt", encoding="utf-8", newline="\n") as lines:
        return [_example(json.loads(line), part) for line in lines]


def background_folder() -> Path | None:
    """Return the folder that LANTERN_BACKGROUND names, or None."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def _example(row: dict[str, str], part: Part) -> Example:
    return Example(
        text=row["text"],
        severity=Severity.NONE,
        categories=(),
        near=(),
        subject="unknown",
        voice="young_person",
        register=("plain",),
        kind="",
        writer=WRITER,
        situation=row["source"],
        part=part,
    )
