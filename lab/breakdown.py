"""One message stage by stage, over all processes, as `make bench` prints it."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.load import gateway_opener, load
from ops.stack import ASSISTANT, SERVICES, Stack

WARM_UP, MESSAGES = 40, 200
NEEDED = WARM_UP + MESSAGES
"""Texts, for each message to be another one."""
TOTAL = "the whole message"


@dataclass(frozen=True)
class Stage:
    """What one stage takes of a message, on average."""

    name: str
    runs: float
    """How often it runs for a message."""
    wall_ms: float
    cpu_ms: float
    """Of the process in which it runs."""


def broken_down(folder: Path, texts: Sequence[str], messages: int = MESSAGES) -> list[Stage]:
    """The stages of a message, by one client in conversations of the next `texts`."""
    stack = Stack(folder, {"LANTERN_MESSAGES_PER_MINUTE": "1000000"})
    processes = (stack.gateway, stack.actions, stack.rasa)
    for process in processes:
        python = ASSISTANT if process is stack.rasa else SERVICES
        process.watched_by([str(python / "python"), "-m", "lab.stages"], folder)
    stack.setup()
    try:
        stack.start(*processes)
        opener, endless = gateway_opener(stack.url("gateway")), itertools.cycle(texts)
        asyncio.run(load(opener, endless, 1, WARM_UP))
        for process in processes:
            process.send(signal.SIGUSR1)
        found = asyncio.run(load(opener, endless, 1, messages))
    finally:
        stack.stop()
    whole = Stage(TOTAL, 1.0, found.mean_ms, 0.0)
    return [whole, *_stages(folder, [each.name for each in processes], messages)]


def _stages(folder: Path, names: Sequence[str], messages: int) -> Iterator[Stage]:
    for name in names:
        taken = json.loads((folder / f"{name}.stages.json").read_text("utf-8"))
        for stage, (runs, wall, cpu) in sorted(taken.items(), key=lambda pair: pair[0].split(" ")):
            yield Stage(stage, runs / messages, wall / messages, cpu / messages)


def lines(stages: Sequence[Stage]) -> Iterator[str]:
    """The table for a terminal; what is part of a stage stands below it."""
    yield f"{'One message, one client':32} {'runs':>5} {'wall ms':>8} {'CPU ms':>7}"
    for each in stages:
        *whole, last = each.name.split(" / ")
        name = "  " * len(whole) + last
        cpu = f"{each.cpu_ms:7.2f}" if each.cpu_ms else " " * 7
        yield f"{name:32} {each.runs:5.1f} {each.wall_ms:8.2f} {cpu}"


def as_records(stages: Sequence[Stage]) -> list[Mapping[str, float | str]]:
    """The same for the file of results."""
    return [vars(each) for each in stages]
