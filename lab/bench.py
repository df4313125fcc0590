"""`make bench`: Lantern beside a stock Rasa project, by 1, 4, 16 and 64 clients, and part by part.

All run on this machine in the same run, one after the other, under the same client. Figures of
one run on a shared machine differ by a third from the next: compare the ratios. Processor time a
message is the steadier figure. `lantern` is told the same five messages again and again, as the
stock project is; `lantern-fresh` is told another one each time, so that all of each is read anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import click
import httpx

from lab import breakdown, stock_project
from lab.breakdown import broken_down
from lab.load import (
    SHORT,
    WHOLE,
    Amount,
    Load,
    Open,
    channel_opener,
    gateway_opener,
    loads,
    rest_opener,
)
from ops.stack import Process, Stack
from safeguarding.corpus.reader import read_examples
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.engine import build_engine
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

RESULTS = ROOT / "results" / "bench.json"
STOCK = ROOT / "var" / "bench" / "stock"

MANY = 16
"""Clients at once for which throughput is compared."""
STOCK_TEXTS = ["hello", "i am feeling very sad", "yes", "are you a bot?", "goodbye"]
LANTERN_TEXTS = [
    "hi",
    "what is grooming",
    "are you a real person",
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "what happens if i tell someone",
]


@dataclass(frozen=True)
class SystemFigures:
    """One system."""

    name: str
    ready_s: float
    processes_mb: dict[str, int]
    """Memory by process, after the load."""
    cpu_ms: dict[str, float]
    """Processor time a message by process, in milliseconds."""
    loads: list[Load]

    @property
    def memory_mb(self) -> int:
        """All its processes together."""
        return sum(self.processes_mb.values())

    def by(self, clients: int) -> Load:
        """The round with so many clients at once."""
        return next(load for load in self.loads if load.clients == clients)

    def lines(self) -> list[str]:
        """The figures for a terminal."""
        memory = ", ".join(f"{name} {size}" for name, size in self.processes_mb.items())
        cpu = ", ".join(f"{name} {spent:.1f}" for name, spent in self.cpu_ms.items() if spent)
        return [
            f"{self.name}: ready in {self.ready_s} s, {self.memory_mb} MB ({memory})",
            f"  processor: {sum(self.cpu_ms.values()):.1f} ms a message ({cpu})",
            *(
                f"  {row.clients:2} clients: median {row.median_ms} ms, p95 {row.p95_ms} ms, "
                f"{row.per_second} messages/s"
                for row in self.loads
            ),
        ]


def lantern(
    folder: Path, amount: Amount, *, fresh: bool = False, more_rasas: int = 0
) -> SystemFigures:
    """Start all of Lantern and measure it through the gateway.

    `fresh`: each message is another one. `more_rasas`: Rasa servers beside the first.
    """
    stack = Stack(folder, {"LANTERN_MESSAGES_PER_MINUTE": "1000000"}, more_rasas=more_rasas)
    rasas = (stack.rasa, *stack.more_rasas)
    processes = (stack.gateway, stack.console, stack.actions, *rasas)
    stack.setup()
    opener = gateway_opener(stack.url("gateway"))
    texts = _different(amount.messages) if fresh else LANTERN_TEXTS
    name = "Lantern, each message another" if fresh else "Lantern"
    name += f", {len(rasas)} Rasa servers" if more_rasas else ""
    return _measured(name, stack, processes, opener, texts, amount)


def _different(count: int) -> list[str]:
    """So many messages of the development part, in an order that mixes its themes."""
    texts = list({each.text: None for each in read_examples() if each.part == "development"})
    Random(7).shuffle(texts)  # noqa: S311 - which messages are measured is no secret
    return texts[:count]


def stock(folder: Path, amount: Amount) -> SystemFigures:
    """Start the stock project and measure it."""
    folder.mkdir()
    process, address = stock_project.server(STOCK, folder / "stock.log")
    started = time.perf_counter()
    try:
        process.start()
        process.wait()
        # Rasa answers its health address before the model is loaded; a reply proves that it is.
        httpx.post(address, json={"sender": "first", "message": "hi"}, timeout=120)
        ready = time.perf_counter() - started
        measured, cpu_ms = _loaded([process], rest_opener(address), STOCK_TEXTS, amount)
        memory = {process.name: process.resident_bytes() // 2**20}
    finally:
        process.stop()
    return SystemFigures("stock Rasa", round(ready, 1), memory, cpu_ms, measured)


def rasa_alone(folder: Path, amount: Amount, *, handed_over: bool) -> SystemFigures:
    """Start Rasa and the action server, and measure them through the gateway's own channel.

    With `handed_over` each message comes with its assessment and sentence vectors, as from the
    gateway; without, Rasa makes both itself. The messages are the same in both cases, each another
    one, so that nothing is served from a memory of the last.
    """
    texts = _different(amount.messages)
    stack = Stack(folder)
    stack.setup()
    secret = (folder / "secrets" / "channel_secret").read_text("utf-8").strip()
    opener = channel_opener(stack.url("rasa"), secret, _assessed(texts) if handed_over else None)
    name = "Rasa, handed the assessment" if handed_over else "Rasa, assessing for itself"
    return _measured(name, stack, (stack.actions, stack.rasa), opener, texts, amount)


def _assessed(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each text's assessment and vectors, as the gateway sends them."""
    engine = build_engine(miss_cost=Settings.from_env().miss_cost)
    return {
        text: AssessedMessage(engine.assess(text), engine.vector(text)).as_record()
        for text in texts
    }


def _measured(
    name: str,
    stack: Stack,
    processes: Sequence[Process],
    opener: Open,
    texts: Sequence[str],
    amount: Amount,
) -> SystemFigures:
    started = time.perf_counter()
    try:
        stack.start(*processes)
        ready = time.perf_counter() - started
        measured, cpu_ms = _loaded(processes, opener, texts, amount)
        memory = {each.name: each.resident_bytes() // 2**20 for each in processes}
    finally:
        stack.stop()
    return SystemFigures(name, round(ready, 1), memory, cpu_ms, measured)


def _loaded(
    processes: Sequence[Process], opener: Open, texts: Sequence[str], amount: Amount
) -> tuple[list[Load], dict[str, float]]:
    """The rounds, and what they cost each process: milliseconds of processor time a message."""
    before = {each.name: each.cpu_ms() for each in processes}
    measured = loads(opener, texts, amount)
    spent = {each.name: (each.cpu_ms() - before[each.name]) / amount.messages for each in processes}
    return measured, {name: round(used, 2) for name, used in spent.items()}


def engine_alone() -> dict[str, Any]:
    """What one assessment costs, from a process of its own (lab/evaluation/assessing.py)."""
    command = [sys.executable, "-m", "lab.evaluation.assessing"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


SYSTEMS: dict[str, Callable[[Path, Amount], SystemFigures]] = {
    "stock": stock,
    "lantern": lantern,
    "lantern-fresh": partial(lantern, fresh=True),
    "lantern-2-rasas": partial(lantern, fresh=True, more_rasas=1),
    "rasa-assessing": partial(rasa_alone, handed_over=False),
    "rasa-handed": partial(rasa_alone, handed_over=True),
}
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
        stock_project.trained(STOCK)
    report: dict[str, Any] = {}
    measured: dict[str, SystemFigures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in SYSTEMS.items():
            if name in wanted:
                figures = measure(Path(folder) / name, SHORT if short else WHOLE)
                measured[name], report[name] = figures, asdict(figures)
                click.echo("\n".join(figures.lines()))
        if STAGES in wanted:
            stages = broken_down(Path(folder) / STAGES, _different(breakdown.NEEDED))
            report[STAGES] = breakdown.as_records(stages)
            click.echo("\n".join(breakdown.lines(stages)))
    click.echo("\n".join(comparisons(measured)))
    if ENGINE in wanted:
        engine = report[ENGINE] = engine_alone()
        click.echo(
            f"The risk engine alone, one core: median {engine['median_ms']} ms, "
            f"p95 {engine['p95_ms']} ms, {engine['messages']} messages in {engine['batch_s']} s, "
            f"loaded in {engine['load_s']} s, {engine['memory_mb']} MB"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2), "utf-8")


def comparisons(measured: Mapping[str, SystemFigures]) -> Iterator[str]:
    """A line for each pair of systems of which both were measured."""
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
