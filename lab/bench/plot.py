"""Plots the results of `make bench`: waiting time and throughput by number of clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl
from matplotlib.figure import Figure

from safeguarding.taxonomy import ROOT

RESULTS, PLOT = ROOT / "results" / "bench.json", ROOT / "results" / "bench.svg"
SYSTEMS = {
    "stock": ("stock Rasa", "#8c510a", "s"),
    "lantern": ("Lantern", "#01665e", "o"),
    "lantern-fresh": ("Lantern, each message another", "#5ab4ac", "^"),
}
"""Systems in the plot by their name in the results: label, colour, marker."""


def plot(report: dict[str, Any]) -> Figure:
    """Return the plot of a results file, with the systems that were measured."""
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    waits, answers = figure.subplots(1, 2)
    for name, (label, colour, mark) in SYSTEMS.items():
        rounds = report.get(name, {}).get("loads", [])
        clients = [each["clients"] for each in rounds]
        style = {"color": colour, "marker": mark, "label": label}
        waits.plot(clients, [each["median_ms"] for each in rounds], **style)
        waits.plot(
            clients, [each["p95_ms"] for each in rounds], color=colour, linestyle=":", marker="."
        )
        answers.plot(clients, [each["per_second"] for each in rounds], **style)
    waits.set(yscale="log", ylabel="ms to an answer (dotted: 95 of 100)")
    answers.set(ylabel="messages answered a second", ylim=(0, None))
    for axes in (waits, answers):
        axes.set_xscale("log", base=2)
        axes.set_xticks([1, 4, 16, 64], ["1", "4", "16", "64"])
        axes.set_xlabel("clients at once")
        axes.grid(visible=True, alpha=0.3)
    answers.legend(frameon=False)
    return figure


@click.command()
@click.option("--results", type=click.Path(path_type=Path, exists=True), default=RESULTS)
@click.option("--out", type=click.Path(path_type=Path), default=PLOT)
def main(results: Path, out: Path) -> None:
    """Draw results/bench.svg from results/bench.json."""
    plot(json.loads(results.read_text("utf-8"))).savefig(out)
    click.echo(f"Plotted: {out}")
