"""Other people's sets, kept beside the checkout and never in it, where they are present."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safeguarding.taxonomy import ROOT, Severity
from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.messages import Row, read_lines
from scripts.evaluation.shares import share

CHATTER = "oos_or_chitchat"
Sets = Mapping[str, list[Row]]


def outside_sets() -> Sets:
    """Their rows {"text", "expect", …} by name; empty where LANTERN_EVAL_DIR holds none."""
    folder = Path(os.environ.get("LANTERN_EVAL_DIR", ROOT.parent / "shared" / "eval"))
    return {path.stem: read_lines(path) for path in sorted(folder.glob("*.jsonl"))}


def said(sets: Sets) -> Iterator[Said]:
    """What has to be assessed for `sets`."""
    return (Said(row["text"]) for rows in sets.values() for row in rows)


def chatter(sets: Sets) -> list[str]:
    """The texts that are small talk or out of scope."""
    return [row["text"] for rows in sets.values() for row in rows if row["expect"] == CHATTER]


def outside_report(sets: Sets, hearing: Hearing) -> dict[str, Any]:
    """How many of each set and expectation are at least urgent, and at least concern."""
    report = {}
    for name, rows in sets.items():
        for expect in sorted({row["expect"] for row in rows}):
            found = [hearing[Said(row["text"])].severity for row in rows if row["expect"] == expect]
            report[f"{name} ({expect})"] = {
                "at least urgent": share(each >= Severity.URGENT for each in found).record(),
                "at least concern": share(each >= Severity.CONCERN for each in found).record(),
            }
    return report
