"""The report as a file to be processed and as a page to be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from safeguarding.taxonomy import ROOT, Severity
from scripts.evaluation.plots import Series, recall_against_false_alarms, reliability

RESULTS = ROOT / "results"
TEMPLATE = "report.html.j2"
Report = Mapping[str, Any]
_PART_NAMES = {
    "test": "Test part",
    "development": "Development part (tuned on)",
    "training": "Training part (may have been learned from)",
}


def write(report: Report, folder: Path = RESULTS) -> tuple[Path, Path]:
    """Write evaluation.json and evaluation.html; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "evaluation.json", folder / "evaluation.html"
    data.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    page.write_text(as_page(report), "utf-8")
    return data, page


def as_page(report: Report) -> str:
    """The report as one HTML page that asks nobody for anything."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "share": share_text,
        "thousands": thousands,
        "words": lambda name: name.replace("_", " "),
        "part_name": _PART_NAMES.__getitem__,
    }
    page = environment.get_template(TEMPLATE)
    return page.render(
        report=report,
        severities=[severity.label for severity in Severity],
        plots=_plots(report["scores"]),
    )


def percent(value: float | None) -> str:
    """0.953 as "95.3 %"; small shares with one more digit, so that 2 in 1,000 shows."""
    if value is None:
        return "–"
    digits = 2 if 0 < value < _SMALL else 1
    return f"{value * 100:.{digits}f} %"


_SMALL = 0.01


def share_text(record: Mapping[str, Any]) -> str:
    """A share's record as "95.3 % (122/128; 90.1–97.9)"."""
    if not record["of"]:
        return "nothing to measure"
    low, high = record["low"] * 100, record["high"] * 100
    counts = f"{record['hits']:,}/{record['of']:,}"
    return f"{percent(record['share'])} ({counts}; {low:.1f}–{high:.1f})"


def thousands(value: float) -> str:
    """1234 as "1,234"."""
    return f"{value:,}"


def _plots(scores: Report | None) -> dict[str, Any]:
    if scores is None:
        return {}
    return {
        "reliability": {
            name: reliability(f"Calibration: {name}", found["bins"])
            for name, found in scores["calibration"].items()
        },
        "curves": {
            name: recall_against_false_alarms(
                f"Recall against false alarms: {name}", _series(found)
            )
            for name, found in scores["curves"].items()
        },
    }


def _series(systems: Iterable[Report]) -> list[Series]:
    found = []
    for colour, system in enumerate(systems, start=1):
        name = system["system"]
        if system["line"]:
            found.append(Series(name, system["line"], colour))
        found.append(Series(f"{name}, as it decides", [system["as set"]], colour, marked=True))
    return found
