"""`make bench`: Lantern beside a stock Rasa project, and Rasa with and without an assessment.

All run on this machine in the same run, one after the other, under the same client. Figures of
one run on a shared machine differ by a third from the next: compare the ratios.
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
from typing import Any

import click
import httpx

from ml.corpus import read_examples
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.engine import build_engine
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from scripts import stock_project
from scripts.load import (
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
from scripts.stack import Process, Stack

RESULTS = ROOT / "results" / "bench.json"
STOCK = ROOT / "var" / "bench" / "stock"

STOCK_TEXTS = ["hello", "i am feeling very sad", "yes", "are you a bot?", "goodbye"]
LANTERN_TEXTS = [
    "hi",
    "what is grooming",
    "are you a real person",
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "what happens if i tell someone",
]


@dataclass(frozen=True)
class Figures:
    """One system."""

    name: str
    ready_s: float
    processes_mb: dict[str, int]
    """Memory by process, after the load."""
    loads: list[Load]

    @property
    def memory_mb(self) -> int:
        """All its processes together."""
        return sum(self.processes_mb.values())

    def lines(self) -> list[str]:
        """The figures for a terminal."""
        memory = ", ".join(f"{name} {size}" for name, size in self.processes_mb.items())
        return [
            f"{self.name}: ready in {self.ready_s} s, {self.memory_mb} MB ({memory})",
            *(
                f"  {row.clients:2} clients: median {row.median_ms} ms, p95 {row.p95_ms} ms, "
                f"{row.per_second} messages/s"
                for row in self.loads
            ),
        ]


def lantern(folder: Path, amount: Amount) -> Figures:
    """Start all of Lantern and measure it through the gateway."""
    stack = Stack(folder, env={"LANTERN_MESSAGES_PER_MINUTE": "1000000"})
    processes = (stack.gateway, stack.console, stack.actions, stack.rasa)
    stack.setup()
    opener = gateway_opener(stack.url("gateway"))
    return _measured("Lantern", stack, processes, opener, LANTERN_TEXTS, amount)


def stock(folder: Path, amount: Amount) -> Figures:
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
        measured = loads(rest_opener(address), STOCK_TEXTS, amount)
        memory = {process.name: process.resident_bytes() // 2**20}
    finally:
        process.stop()
    return Figures("stock Rasa", round(ready, 1), memory, measured)


def rasa_alone(folder: Path, amount: Amount, *, handed_over: bool) -> Figures:
    """Start Rasa and the action server, and measure them through the gateway's own channel.

    With `handed_over` each message comes with its assessment and sentence vectors, as from the
    gateway; without, Rasa makes both itself. The messages are the same in both cases, each another
    one, so that nothing is served from a memory of the last.
    """
    texts = [each.text for each in read_examples() if each.part == "development"]
    texts = list(dict.fromkeys(texts))[: amount.messages]
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
) -> Figures:
    started = time.perf_counter()
    try:
        stack.start(*processes)
        ready = time.perf_counter() - started
        measured = loads(opener, texts, amount)
        memory = {each.name: each.resident_bytes() // 2**20 for each in processes}
    finally:
        stack.stop()
    return Figures(name, round(ready, 1), memory, measured)


def engine_alone() -> dict[str, Any]:
    """What one assessment costs, from a process of its own (ml/evaluation/assessing.py)."""
    command = [sys.executable, "-m", "ml.evaluation.assessing"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


SYSTEMS: dict[str, Callable[[Path, Amount], Figures]] = {
    "stock": stock,
    "lantern": lantern,
    "rasa-assessing": partial(rasa_alone, handed_over=False),
    "rasa-handed": partial(rasa_alone, handed_over=True),
}
ENGINE = "engine"


@click.command()
@click.option("--short", is_flag=True, help="Few messages: enough to see that all works.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*SYSTEMS, ENGINE]),
    help="What to measure, where not everything.",
)
def main(*, short: bool, only: tuple[str, ...]) -> None:
    """Measure each system, print, and write results/bench.json."""
    wanted = only or (*SYSTEMS, ENGINE)
    if "stock" in wanted:
        click.echo("Training the stock project first, if it is not there yet (minutes).")
        stock_project.trained(STOCK)
    report: dict[str, Any] = {}
    measured: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in SYSTEMS.items():
            if name in wanted:
                figures = measure(Path(folder) / name, SHORT if short else WHOLE)
                measured[name], report[name] = figures, asdict(figures)
                click.echo("\n".join(figures.lines()))
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


def comparisons(measured: Mapping[str, Figures]) -> Iterator[str]:
    """A line for each pair of systems of which both were measured."""
    if "stock" in measured and "lantern" in measured:
        peer, ours = measured["stock"].loads, measured["lantern"].loads
        alone = peer[0].median_ms / ours[0].median_ms
        many = ours[-1].per_second / peer[-1].per_second
        yield f"Lantern / stock: {alone:.2f} times as quick alone, {many:.2f} times the throughput"
    if "rasa-assessing" in measured and "rasa-handed" in measured:
        twice, once = measured["rasa-assessing"], measured["rasa-handed"]
        yield (
            f"Assessing once saves Rasa {twice.loads[0].median_ms - once.loads[0].median_ms:.1f} "
            f"of {twice.loads[0].median_ms} ms alone, "
            f"{twice.processes_mb['rasa'] - once.processes_mb['rasa']} "
            f"of {twice.processes_mb['rasa']} MB, and it answers "
            f"{once.loads[-1].per_second / twice.loads[-1].per_second:.2f} "
            "times as many messages a second"
        )
