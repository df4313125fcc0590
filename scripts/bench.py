"""`make bench`: Lantern, through the gateway with everything on, beside a stock Rasa project.

Both run on this machine in the same run, one after the other, under the same client. Figures of
one run on a shared machine differ by a third from the next: compare the ratios.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from safeguarding.taxonomy import ROOT
from scripts import stock_project
from scripts.stack import Stack

RESULTS = ROOT / "results" / "bench.json"
STOCK = ROOT / "var" / "bench" / "stock"
TURNS = 5
"""Messages in one conversation, before the client starts another."""
ALONE, MANY = 1, 16
MESSAGES = {ALONE: 150, MANY: 480}

STOCK_TEXTS = ["hello", "i am feeling very sad", "yes", "are you a bot?", "goodbye"]
LANTERN_TEXTS = [
    "hi",
    "what is grooming",
    "are you a real person",
    "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell",
    "what happens if i tell someone",
]

Say = Callable[[str], Awaitable[None]]
Open = Callable[[httpx.AsyncClient], Awaitable[Say]]


@dataclass(frozen=True)
class Load:
    """What one round at one number of clients gave."""

    clients: int
    median_ms: float
    p95_ms: float
    per_second: float


@dataclass(frozen=True)
class Figures:
    """One system."""

    name: str
    ready_s: float
    memory_mb: int
    loads: list[Load]
    processes_mb: dict[str, int]
    """Memory by process, of a system that has several."""


def lantern_opener(base: str) -> Open:
    """Conversations with the gateway. Any status but 200 ends the bench."""

    async def open_(http: httpx.AsyncClient) -> Say:
        opened = (await http.post(f"{base}/v1/conversations", json={})).raise_for_status()
        headers = {"Authorization": f"Bearer {opened.json()['token']}"}

        async def say(text: str) -> None:
            body = {"id": str(uuid.uuid4()), "text": text}
            reply = await http.post(f"{base}/v1/messages", json=body, headers=headers)
            if not reply.raise_for_status().json()["messages"]:
                raise RuntimeError("an empty reply")

        return say

    return open_


def stock_opener(address: str) -> Open:
    """Conversations with Rasa's own REST channel."""

    async def open_(http: httpx.AsyncClient) -> Say:
        sender = uuid.uuid4().hex

        async def say(text: str) -> None:
            body = {"sender": sender, "message": text}
            (await http.post(address, json=body)).raise_for_status()

        return say

    return open_


async def load(open_: Open, texts: list[str], clients: int, messages: int) -> Load:
    """Send `messages` by `clients` at once, in conversations of TURNS turns."""
    times: list[float] = []
    left = itertools.count()

    async def client(http: httpx.AsyncClient) -> None:
        while next(left) * TURNS < messages:
            say = await open_(http)
            for text in texts[:TURNS]:
                started = time.perf_counter()
                await say(text)
                times.append((time.perf_counter() - started) * 1000)

    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        started = time.perf_counter()
        await asyncio.gather(*(client(http) for _ in range(clients)))
        seconds = time.perf_counter() - started
    return Load(
        clients,
        round(median(times), 1),
        round(quantiles(times, n=20)[-1], 1),
        round(len(times) / seconds, 1),
    )


def loads(open_: Open, texts: list[str]) -> list[Load]:
    """A warm-up, then one client alone, then many."""
    asyncio.run(load(open_, texts, MANY, 80))
    return [asyncio.run(load(open_, texts, n, MESSAGES[n])) for n in (ALONE, MANY)]


def lantern(folder: Path) -> Figures:
    """Start all of Lantern and measure it."""
    stack = Stack(folder, env={"LANTERN_MESSAGES_PER_MINUTE": "1000000"})
    stack.setup()
    started = time.perf_counter()
    try:
        stack.start()
        ready = time.perf_counter() - started
        measured = loads(lantern_opener(stack.url("gateway")), LANTERN_TEXTS)
        processes = (stack.rasa, stack.actions, stack.gateway, stack.console)
        memory = {each.name: each.resident_bytes() // 2**20 for each in processes}
    finally:
        stack.stop()
    return Figures("Lantern", round(ready, 1), sum(memory.values()), measured, memory)


def stock(folder: Path) -> Figures:
    """Start the stock project and measure it."""
    process, address = stock_project.server(STOCK, folder / "stock.log")
    started = time.perf_counter()
    try:
        process.start()
        process.wait()
        # Rasa answers its health address before the model is loaded; a reply proves that it is.
        httpx.post(address, json={"sender": "first", "message": "hi"}, timeout=120)
        ready = time.perf_counter() - started
        measured = loads(stock_opener(address), STOCK_TEXTS)
        memory = process.resident_bytes()
    finally:
        process.stop()
    return Figures("stock Rasa", round(ready, 1), memory // 2**20, measured, {})


def assessing() -> dict[str, Any]:
    """What one assessment costs, from a process of its own (scripts/bench_risk.py)."""
    command = [sys.executable, "-m", "scripts.bench_risk"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def main() -> int:
    """Measure both, print, and write results/bench.json."""
    print("Training the stock project first, if it is not there yet (minutes).", flush=True)
    stock_project.trained(STOCK)
    with tempfile.TemporaryDirectory() as folder:
        peer, ours = stock(Path(folder)), lantern(Path(folder) / "lantern")
    engine = assessing()
    for figures in (peer, ours):
        print(f"{figures.name}: ready in {figures.ready_s} s, {figures.memory_mb} MB")
        for process, megabytes in figures.processes_mb.items():
            print(f"     {process}: {megabytes} MB")
        for row in figures.loads:
            print(
                f"  {row.clients:2} clients: median {row.median_ms} ms, p95 {row.p95_ms} ms, "
                f"{row.per_second} messages/s"
            )
    print(_ratios(peer, ours))
    print(
        f"The risk engine alone, one core: median {engine['median_ms']} ms, "
        f"p95 {engine['p95_ms']} ms, {engine['messages']} messages in {engine['batch_s']} s, "
        f"loaded in {engine['load_s']} s, {engine['memory_mb']} MB"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    report: dict[str, Any] = {
        "stock": asdict(peer),
        "lantern": asdict(ours),
        "risk engine": engine,
    }
    RESULTS.write_text(json.dumps(report, indent=2), "utf-8")
    return 0


def _ratios(peer: Figures, ours: Figures) -> str:
    alone = peer.loads[0].median_ms / ours.loads[0].median_ms
    many = ours.loads[1].per_second / peer.loads[1].per_second
    return f"Lantern / stock: {alone:.2f} times as quick alone, {many:.2f} times the throughput"


if __name__ == "__main__":
    sys.exit(main())
