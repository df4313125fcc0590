"""The stages of one message over all processes, as `make bench` prints them."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.client import gateway_opener, load
from lab.bench.stages import SCREENING
from ops.stack import ASSISTANT, SERVICES, Stack

WARM_UP, MESSAGES = 40, 200
TEXTS_NEEDED = WARM_UP + MESSAGES
"""Number of texts with which no message is sent twice."""
TOTAL = "the whole message"


@dataclass(frozen=True)
class Stage:
    """Average cost of one stage for a message."""

    name: str
    runs: float
    """Average number of runs for a message."""
    wall_ms: float
    cpu_ms: float
    """Processor time of the process in which the stage runs."""


def measure_stages(folder: Path, texts: Sequence[str], messages: int = MESSAGES) -> list[Stage]:
    """Return the stages of a message, measured by one client that sends the next of `texts`."""
    stack = Stack(folder, {"LANTERN_MESSAGES_PER_MINUTE": "1000000"})
    processes = (stack.gateway, stack.actions, stack.rasa)
    for process in processes:
        python = ASSISTANT if process is stack.rasa else SERVICES
        process.watched_by([str(python / "python"), "-m", "lab.bench.stages"], folder)
    stack.setup()
    try:
        stack.start(*processes)
        opener, endless = gateway_opener(stack.url("gateway")), itertools.cycle(texts)
        asyncio.run(load(opener, endless, 1, WARM_UP))
        for process in processes:
            process.send(signal.SIGUSR1)
        figures = asyncio.run(load(opener, endless, 1, messages))
    finally:
        stack.stop()
    whole = Stage(TOTAL, 1.0, figures.mean_ms, 0.0)
    return [whole, *_stages(folder, [*(each.name for each in processes), SCREENING], messages)]


def _stages(folder: Path, names: Sequence[str], messages: int) -> Iterator[Stage]:
    for name in names:
        taken = json.loads((folder / f"{name}.stages.json").read_text("utf-8"))
        for stage, (runs, wall, cpu) in sorted(taken.items(), key=lambda pair: pair[0].split(" ")):
            yield Stage(stage, runs / messages, wall / messages, cpu / messages)


def lines(stages: Sequence[Stage]) -> Iterator[str]:
    """Return the table for a terminal; the parts of a stage stand below it."""
    yield f"{'One message, one client':32} {'runs':>5} {'wall ms':>8} {'CPU ms':>7}"
    for each in stages:
        *whole, last = each.name.split(" / ")
        name = "  " * len(whole) + last
        cpu = f"{each.cpu_ms:7.2f}" if each.cpu_ms else " " * 7
        yield f"{name:32} {each.runs:5.1f} {each.wall_ms:8.2f} {cpu}"
