"""The systems that `make bench` measures: Lantern, Rasa alone, and the project of `rasa init`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx

from lab.bench.client import (
    Amount,
    LoadFigures,
    OpenConversation,
    channel_opener,
    gateway_opener,
    loads,
    rest_opener,
)
from lab.bench.usage import processor_ms, resident_bytes
from ops.stack import ASSISTANT, Process, Stack, free_port
from safeguarding.corpus import read_examples
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.risk.assessment import AssessedMessage
from safeguarding.risk.encoder.in_place import loaded_encoder
from safeguarding.risk.engine import build_engine
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

STOCK_PROJECT = ROOT / "var" / "bench" / "stock"
STOCK_TEXTS = ["hello", "i am feeling very sad", "yes", "are you a bot?", "goodbye"]
LANTERN_TEXTS = [
    "hi",
    "what is grooming",
    "are you a real person",
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "what happens if i tell someone",
]
QUIET_RASA = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class SystemFigures:
    """Start-up time, memory, processor time and load figures of one system."""

    name: str
    ready_s: float
    processes_mb: dict[str, int]
    """Memory by process after the load."""
    cpu_ms: dict[str, float]
    """Processor time for a message by process, in milliseconds."""
    loads: list[LoadFigures]

    @property
    def memory_mb(self) -> int:
        """The memory of all processes together."""
        return sum(self.processes_mb.values())

    def by(self, clients: int) -> LoadFigures:
        """Return the round with this number of clients."""
        return next(load for load in self.loads if load.clients == clients)

    def lines(self) -> list[str]:
        """Return the figures as lines for a terminal."""
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


def distinct_texts(count: int) -> list[str]:
    """Return this many messages of the development part, in an order that mixes its themes."""
    texts = list({each.text: None for each in read_examples() if each.part == "development"})
    Random(7).shuffle(texts)  # noqa: S311 - which messages are measured is no secret
    return texts[:count]


def lantern(
    folder: Path, amount: Amount, *, fresh: bool = False, more_rasas: int = 0
) -> SystemFigures:
    """Start all of Lantern and measure it through the gateway.

    `fresh`: no message is sent twice. `more_rasas`: number of Rasa servers beside the first.
    """
    stack = Stack(folder, {"LANTERN_MESSAGES_PER_MINUTE": "1000000"}, more_rasas=more_rasas)
    rasas = (stack.rasa, *stack.more_rasas)
    processes = (stack.gateway, stack.console, stack.actions, *rasas)
    stack.setup()
    opener = gateway_opener(stack.url("gateway"))
    texts = distinct_texts(amount.messages) if fresh else LANTERN_TEXTS
    name = "Lantern, each message another" if fresh else "Lantern"
    name += f", {len(rasas)} Rasa servers" if more_rasas else ""
    return _measure_stack(name, stack, processes, opener, texts, amount)


def rasa_alone(folder: Path, amount: Amount, *, handed_over: bool) -> SystemFigures:
    """Start Rasa and the action server, and measure them through the gateway's own channel.

    With `handed_over` each message carries its assessment and sentence vectors, as from the
    gateway; without it, Rasa computes both itself. The messages are the same in both cases, and
    none is sent twice, so that nothing is answered from a cache.
    """
    texts = distinct_texts(amount.messages)
    stack = Stack(folder)
    stack.setup()
    secret = (folder / "secrets" / "channel_secret").read_text("utf-8").strip()
    assessed = _assess(texts) if handed_over else None
    opener = channel_opener(stack.url("rasa"), secret, assessed)
    name = "Rasa, handed the assessment" if handed_over else "Rasa, assessing for itself"
    return _measure_stack(name, stack, (stack.actions, stack.rasa), opener, texts, amount)


def _assess(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return each text's assessment and vectors, as the gateway sends them."""
    encode = loaded_encoder()
    engine = build_engine(miss_cost=Settings.from_env().miss_cost, encode_in_place=encode)
    encoder = DialogueEncoder(encode, {})

    def assessed(text: str) -> AssessedMessage:
        words, vector = engine.canonical(text), engine.vector(text)
        joined = encoder.vector(words, vector)
        return AssessedMessage(engine.assess(text), vector, canonical=words, dialogue=joined)

    return {text: assessed(text).as_record() for text in texts}


def stock(folder: Path, amount: Amount) -> SystemFigures:
    """Start the project that `rasa init` writes and measure it through its REST channel."""
    folder.mkdir()
    process, address = _stock_server(folder / "stock.log")
    started = time.perf_counter()
    try:
        process.start()
        process.wait()
        # Rasa answers its health address before the model is loaded; a reply proves that it is.
        httpx.post(address, json={"sender": "first", "message": "hi"}, timeout=120)
        ready = time.perf_counter() - started
        measured, cpu_ms = _measure_loads([process], rest_opener(address), STOCK_TEXTS, amount)
        memory = {process.name: resident_bytes(process) // 2**20}
    finally:
        process.stop()
    return SystemFigures("stock Rasa", round(ready, 1), memory, cpu_ms, measured)


def train_stock_project(folder: Path = STOCK_PROJECT) -> Path:
    """Make the stock project and train it by its default pipeline, unless both are done.

    Returns the model. Training takes two to four minutes on two cores.
    """
    model = folder / "models" / "stock.tar.gz"
    if model.is_file():
        return model
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rasa = str(ASSISTANT / "rasa")
    env = {**os.environ, **QUIET_RASA}
    with folder.with_suffix(".log").open("wb") as out:
        for command in (
            [rasa, "init", "--no-prompt", "--init-dir", str(folder)],
            [rasa, "train", "--fixed-model-name", "stock"],
        ):
            subprocess.run(command, check=True, cwd=folder, env=env, stdout=out, stderr=out)
    return model


def _stock_server(log: Path) -> tuple[Process, str]:
    """Return the stock server, not yet started, and the address that takes its messages."""
    port = free_port()
    model = train_stock_project()
    credentials = STOCK_PROJECT / "credentials-bench.yml"
    credentials.write_text("rest:\n", "utf-8")
    command = [
        str(ASSISTANT / "rasa"),
        "run",
        *("--model", str(model), "--credentials", str(credentials)),
        *("--interface", "127.0.0.1", "--port", str(port)),
    ]
    channel = f"http://127.0.0.1:{port}/webhooks/rest"
    return Process("stock", command, QUIET_RASA, f"{channel}/", log), f"{channel}/webhook"


def _measure_stack(
    name: str,
    stack: Stack,
    processes: Sequence[Process],
    opener: OpenConversation,
    texts: Sequence[str],
    amount: Amount,
) -> SystemFigures:
    started = time.perf_counter()
    try:
        stack.start(*processes)
        ready = time.perf_counter() - started
        measured, cpu_ms = _measure_loads(processes, opener, texts, amount)
        memory = {each.name: resident_bytes(each) // 2**20 for each in processes}
    finally:
        stack.stop()
    return SystemFigures(name, round(ready, 1), memory, cpu_ms, measured)


def _measure_loads(
    processes: Sequence[Process], opener: OpenConversation, texts: Sequence[str], amount: Amount
) -> tuple[list[LoadFigures], dict[str, float]]:
    """Return the figures of all rounds, and each process's processor time for a message in ms."""
    before = {each.name: processor_ms(each) for each in processes}
    measured = loads(opener, texts, amount)
    spent = {
        each.name: (processor_ms(each) - before[each.name]) / amount.messages for each in processes
    }
    return measured, {name: round(used, 2) for name, used in spent.items()}


SYSTEMS: dict[str, Callable[[Path, Amount], SystemFigures]] = {
    "stock": stock,
    "lantern": lantern,
    "lantern-fresh": partial(lantern, fresh=True),
    "lantern-2-rasas": partial(lantern, fresh=True, more_rasas=1),
    "rasa-assessing": partial(rasa_alone, handed_over=False),
    "rasa-handed": partial(rasa_alone, handed_over=True),
}
