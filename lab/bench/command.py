"""`make bench`: Lantern beside a stock Rasa project, by 1, 4, 16 and 64 clients, and by stages.

All systems run on this machine in the same run, one after the other, under the same client. On a
shared machine the figures of two runs differ by a third: compare the ratios. Processor time for a
message is the steadier figure. `lantern` gets the same five messages again and again, as the stock
project does; `lantern-fresh` gets a new one each time, so that nothing comes from a cache.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from lab.bench import breakdown
from lab.bench.client import SHORT, WHOLE
from lab.bench.systems import SYSTEMS, SystemFigures, distinct_texts, train_stock_project
from safeguarding.taxonomy import ROOT

RESULTS = ROOT / "results" / "bench.json"
MANY = 16
"""Number of clients for which throughput is compared."""
ENGINE, STAGES = "engine", "stages"


@click.command()
@click.option("--short", is_flag=True, help="Few messages: enough to see that all works.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*SYSTEMS, STAGES, ENGINE]),
    help="What to measure, where not everything.",
)
def main(*, short: bool, only: tuple[str, ...]) -> None:
    """Measure each system, print, and write results/bench.json."""
    wanted = only or (*SYSTEMS, STAGES, ENGINE)
    if "stock" in wanted:
        click.echo("Training the stock project first, if it is not there yet (minutes).")
        train_stock_project()
    report: dict[str, Any] = {}
    measured: dict[str, SystemFigures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in SYSTEMS.items():
            if name in wanted:
                figures = measure(Path(folder) / name, SHORT if short else WHOLE)
                measured[name], report[name] = figures, asdict(figures)
                click.echo("\n".join(figures.lines()))
        if STAGES in wanted:
            texts = distinct_texts(breakdown.TEXTS_NEEDED)
            stages = breakdown.measure_stages(Path(folder) / STAGES, texts)
            report[STAGES] = [vars(each) for each in stages]
            click.echo("\n".join(breakdown.lines(stages)))
    click.echo("\n".join(comparisons(measured)))
    if ENGINE in wanted:
        engine = report[ENGINE] = measure_engine()
        click.echo(
            f"The risk engine alone, one core: median {engine['median_ms']} ms, "
            f"p95 {engine['p95_ms']} ms, {engine['messages']} messages in {engine['batch_s']} s, "
            f"loaded in {engine['load_s']} s, {engine['memory_mb']} MB"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2), "utf-8")


def measure_engine() -> dict[str, Any]:
    """Return what one assessment costs, measured in a process of its own."""
    command = [sys.executable, "-m", "lab.evaluation.assessing"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def comparisons(measured: Mapping[str, SystemFigures]) -> Iterator[str]:
    """Return a line for each pair of systems of which both were measured."""
    if "stock" in measured and "lantern" in measured:
        peer, ours = measured["stock"], measured["lantern"]
        alone = peer.by(1).median_ms / ours.by(1).median_ms
        many = ours.by(MANY).per_second / peer.by(MANY).per_second
        yield f"Lantern / stock: {alone:.2f} times as quick alone, {many:.2f} times the throughput"
    if "lantern-fresh" in measured and "lantern-2-rasas" in measured:
        one, two = measured["lantern-fresh"], measured["lantern-2-rasas"]
        yield (
            f"Two Rasa servers / one: {two.by(MANY).per_second / one.by(MANY).per_second:.2f} "
            f"times the throughput by {MANY} clients"
        )
    if "rasa-assessing" in measured and "rasa-handed" in measured:
        twice, once = measured["rasa-assessing"], measured["rasa-handed"]
        yield (
            f"Assessing once saves Rasa {twice.by(1).median_ms - once.by(1).median_ms:.1f} "
            f"of {twice.by(1).median_ms} ms alone, "
            f"{twice.processes_mb['rasa'] - once.processes_mb['rasa']} "
            f"of {twice.processes_mb['rasa']} MB, and it answers "
            f"{once.by(MANY).per_second / twice.by(MANY).per_second:.2f} "
            "times as many messages a second"
        )
