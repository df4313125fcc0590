"""Writes the evaluation report as JSON and as an HTML page with plots.

Plots are inline SVG that take their colours from the page's style.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from math import sqrt
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lab.evaluation.measures import interval, percent, share_text
from safeguarding.taxonomy import ROOT, Severity

RESULTS = ROOT / "results"
TEMPLATE = "report.html.j2"
Report = Mapping[str, Any]
_PART_NAMES = {
    "test": "Test part",
    "development": "Development part (tuned on)",
    "training": "Training part (may have been learned from)",
}
_SIZE = (3.6, 3.0)
"""Inches: as wide as a phone, so that text in a plot is as large as around it."""
_LEAST_SHOWN = 0.001
"""Start of the axis of false alarms, one in a thousand. A share of 0 is drawn there too."""
_SMALLEST, _LARGEST = 4.0, 12.0
"""Width of a dot in points; its area is proportional to the number of messages."""
_SOFT, _GRID, _CARD, _INK = "#010101", "#020202", "#030303", "#040404"
_SERIES = ("#050505", "#060606", "#070707", "#080808")
_DASHES = ("-", (0, (1, 2)), (0, (5, 2)), (0, (6, 2, 1.5, 2)))
_STYLE = {_SOFT: "soft", _GRID: "grid", _CARD: "card", _INK: "ink"} | {
    colour: f"s{number}" for number, colour in enumerate(_SERIES, start=1)
}
"""Colours that matplotlib writes, and the CSS variables that replace them."""
_PERCENTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SMALL_PERCENTS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_ONE_IN_A_HUNDRED = 0.01


def write(report: Report, folder: Path = RESULTS) -> tuple[Path, Path]:
    """Write evaluation.json and evaluation.html, and return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "evaluation.json", folder / "evaluation.html"
    data.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    page.write_text(as_page(report), "utf-8")
    return data, page


def as_page(report: Report) -> str:
    """Render the report as one HTML page without external resources."""
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


def thousands(value: float) -> str:
    """Format 1234 as "1,234"."""
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


@dataclass(frozen=True)
class Series:
    """A line, or single points, with a name for the legend."""

    name: str
    points: Sequence[Sequence[float]]
    """[false alarms, recall], 0 to 1."""
    colour: int
    """Number of a colour of the page's style, from 1."""
    marked: bool = False
    """Whether its points are marked rather than joined."""


def reliability(title: str, bins: Sequence[Mapping[str, Any]]) -> str:
    """Draw observed shares against given probabilities; larger dots stand for more messages.

    The strokes are Wilson's 95 % intervals; on the diagonal both agree.
    """
    figure, axes = _empty("probability given", "share that was so")
    axes.set_xlim(0, 1)
    _ticks(axes, _PERCENTS)
    axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle=(0, (4, 4)))
    if bins:
        given = [each["probability"] for each in bins]
        was = [each["hits"] / each["of"] for each in bins]
        bounds = [interval(each["hits"], each["of"]) for each in bins]
        most = max(each["of"] for each in bins)
        low, high = zip(*bounds, strict=True)
        axes.vlines(given, low, high, color=_SOFT, linewidth=1.5)
        axes.plot(given, was, color=_SERIES[0], linewidth=2)
        for x, y, each in zip(given, was, bins, strict=True):
            wide = _SMALLEST + (_LARGEST - _SMALLEST) * sqrt(each["of"] / most)
            axes.plot(x, y, "o", markersize=wide, color=_SERIES[0], markeredgecolor=_CARD)
    return _svg(title, figure)


def recall_against_false_alarms(title: str, series: Sequence[Series]) -> str:
    """Draw recall against false alarms, on a logarithmic axis from one in a thousand."""
    figure, axes = _empty("false alarms (logarithmic)", "recall")
    axes.set_xscale("log")
    axes.set_xlim(_LEAST_SHOWN, 1)
    _ticks(axes, _SMALL_PERCENTS)
    for each in series:
        across = [max(x, _LEAST_SHOWN) for x, _ in each.points]
        up = [y for _, y in each.points]
        colour, dashes = _SERIES[each.colour - 1], _DASHES[each.colour - 1]
        if each.marked:
            axes.scatter(
                across, up, s=36, color=colour, edgecolors=_INK, label=each.name, clip_on=False,
                zorder=3,
            )  # fmt: skip
        else:
            axes.plot(across, up, color=colour, linestyle=dashes, linewidth=2, label=each.name)
    if series:
        figure.legend(loc="outside lower center", fontsize=7, labelcolor=_SOFT, frameon=False)
    return _svg(title, figure)


def _empty(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across, color=_SOFT, fontsize=8)
    axes.set_ylabel(up, color=_SOFT, fontsize=8)
    axes.set_ylim(0, 1)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=7, labelcolor=_SOFT)
    axes.spines[:].set_color(_GRID)
    return figure, axes


def _ticks(axes: Axes, across: Sequence[float]) -> None:
    for axis, places in ((axes.xaxis, across), (axes.yaxis, _PERCENTS)):
        axis.set_major_locator(FixedLocator(list(places)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(_percent))


def _percent(value: float, _place: int | None) -> str:
    return f"{value:.1%}" if 0 < value < _ONE_IN_A_HUNDRED else f"{value:.0%}"


def _svg(title: str, figure: Figure) -> str:
    """Return the figure as SVG without prologue, ids and fixed colours."""
    whole = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Text stays text, in the page's letters; the salt keeps ids apart from those of other plots.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(whole, format="svg", transparent=True, metadata=nothing)
    drawing = whole.getvalue()
    drawing = re.sub(r"<!--.*?-->\s*", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    drawing = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", drawing)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)
    drawing = re.sub(r'^<svg( width="[^"]*"| height="[^"]*")*', "<svg", drawing)
    for colour, name in _STYLE.items():
        drawing = drawing.replace(colour, f"var(--{name})")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1).strip()
