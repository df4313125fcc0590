"""`make evaluate`: what Lantern hears and what it wrongly hears, on sentences it never learned.

Prints a report and writes results/evaluation.json. Held-out sentences: tests/held_out/. Sets of
other people's sentences, kept beside the checkout and never in it, are measured where
LANTERN_EVAL_DIR (default: ../shared/eval) holds them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from safeguarding.risk.engine import risk_engine
from safeguarding.taxonomy import ROOT, Severity
from scripts.keyword_baseline import keyword_severity
from scripts.stack import ASSISTANT
from scripts.wilson import interval

HELD_OUT = ROOT / "tests" / "held_out"
RESULTS = ROOT / "results" / "evaluation.json"
Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """The rows of a JSON Lines file; none when it is not there."""
    if not path.is_file():
        return []
    # Not splitlines: hostile strings hold line separators of their own.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def assessed(rows: Iterable[Row]) -> tuple[list[Row], list[float]]:
    """Each row with `found` (Lantern) and `keywords` (baseline) severities; milliseconds each."""
    engine, done, times = risk_engine(), [], []
    for row in rows:
        started = time.perf_counter()
        assessment = engine.assess(row["text"])
        times.append((time.perf_counter() - started) * 1000)
        done.append(
            {
                **row,
                "found": assessment.severity,
                "categories": assessment.categories,
                "keywords": keyword_severity(row["text"]),
            }
        )
    return done, times


def share(rows: list[Row], least: Severity, key: str = "found") -> dict[str, Any]:
    """How many rows reach `least`, with a 95 % Wilson interval."""
    hits = sum(row[key] >= least for row in rows)
    low, high = interval(hits, len(rows))
    return {"hits": hits, "of": len(rows), "low": round(low, 4), "high": round(high, 4)}


def risk_report(rows: list[Row]) -> dict[str, Any]:
    """Recall and false alarms on labelled rows: {"text", "severity", "category", "voice"}."""
    labelled = [{**row, "due": Severity.named(row["severity"])} for row in rows]
    due_urgent = [row for row in labelled if row["due"] >= Severity.URGENT]
    immediate = [row for row in labelled if row["due"] == Severity.IMMEDIATE]
    risky = [row for row in labelled if row["due"] >= Severity.CONCERN]
    harmless = [row for row in labelled if row["due"] == Severity.NONE]
    by_category: dict[str, list[Row]] = defaultdict(list)
    for row in risky:
        by_category[row["category"]].append(row)
    named = [row for row in risky if row["found"] > Severity.NONE]
    right = sum(row["category"] in row["categories"] for row in named)
    return {
        "urgent or immediate, heard as at least urgent": share(due_urgent, Severity.URGENT),
        "immediate, heard as at least urgent": share(immediate, Severity.URGENT),
        "any risk, heard as at least concern": share(risky, Severity.CONCERN),
        "harmless, wrongly at least urgent": share(harmless, Severity.URGENT),
        "harmless, wrongly at least concern": share(harmless, Severity.CONCERN),
        "category right, of those heard": {"hits": right, "of": len(named)},
        "keyword list: urgent heard": share(due_urgent, Severity.URGENT, "keywords"),
        "keyword list: harmless alarmed": share(harmless, Severity.URGENT, "keywords"),
        "by category, at least concern": {
            name: share(found, Severity.CONCERN) for name, found in sorted(by_category.items())
        },
    }


def topic_report(rows: list[Row]) -> dict[str, Any]:
    """Topics right first and within three, by the trained model in its own environment."""
    lines = "".join(json.dumps({"id": row["id"], "text": row["text"]}) + "\n" for row in rows)
    command = [str(ASSISTANT / "python"), "-m", "bot.classify"]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=True, cwd=ROOT
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    pairs = list(zip(rows, found, strict=True))
    first = sum(row["intent"] == verdict["intent"] for row, verdict in pairs)
    three = sum(
        row["intent"].removeprefix("ask_") in [near["topic"] for near in verdict["topics"]]
        for row, verdict in pairs
    )
    wrong = [
        {"text": row["text"], "due": row["intent"], "found": verdict["intent"]}
        for row, verdict in pairs
        if row["intent"] != verdict["intent"]
    ]
    return {"right": first, "within three": three, "of": len(rows), "wrong": wrong}


def outside_report(folder: Path) -> dict[str, Any]:
    """False alarms and recall on other people's sets, where they are present."""
    report = {}
    for path in sorted(folder.glob("*.jsonl")):
        rows, _ = assessed(read(path))
        for expect in sorted({row["expect"] for row in rows}):
            part = [row for row in rows if row["expect"] == expect]
            report[f"{path.stem} ({expect})"] = {
                "at least urgent": share(part, Severity.URGENT),
                "at least concern": share(part, Severity.CONCERN),
            }
    return report


def main() -> int:
    """Measure, print, and write the JSON."""
    rows, times = assessed(read(HELD_OUT / "risk.jsonl"))
    topics = [row for path in sorted(HELD_OUT.glob("topics_*.jsonl")) for row in read(path)]
    folder = Path(os.environ.get("LANTERN_EVAL_DIR", ROOT.parent / "shared" / "eval"))
    report = {
        "risk": risk_report(rows),
        "topics": topic_report(topics),
        "milliseconds per assessment": {
            "median": round(median(times), 2),
            "p95": round(quantiles(times, n=20)[-1], 2),
        },
        "other people's sets": outside_report(folder),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2, ensure_ascii=False), "utf-8")
    _print(report)
    print(f"\nWhole report: {RESULTS.relative_to(ROOT)}")
    return 0


def _print(report: dict[str, Any], indent: int = 0) -> None:
    for name, value in report.items():
        if name == "wrong":
            continue
        if isinstance(value, dict) and "hits" in value:
            print(f"{'  ' * indent}{name}: {_percent(value)}")
        elif isinstance(value, dict):
            print(f"{'  ' * indent}{name}")
            _print(value, indent + 1)
        else:
            print(f"{'  ' * indent}{name}: {value}")


def _percent(value: dict[str, Any]) -> str:
    if not value["of"]:
        return "no rows"
    text = f"{value['hits'] / value['of']:.1%} ({value['hits']}/{value['of']})"
    if "low" in value:
        text += f", 95 % interval {value['low']:.1%} to {value['high']:.1%}"
    return text


if __name__ == "__main__":
    sys.exit(main())
