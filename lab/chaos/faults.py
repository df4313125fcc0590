"""The faults of `make chaos`, each a real one, and the disk and the Redis that they break."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from lab.chaos.live_record import Trouble
from ops.stack import NotReadyError, Process, free_port
from storage.engine import connect
from tests.fakes.freezing_proxy import FreezingProxy

DISK_BYTES = 256 * 1024 * 1024


Fault: TypeAlias = Callable[[random.Random], None]


def kill(processes: Sequence[Process]) -> Fault:
    """Return a fault that kills any of the processes (SIGKILL) and starts it again."""

    def one(chance: random.Random) -> None:
        process = chance.choice(processes)
        process.stop(signal.SIGKILL)
        time.sleep(chance.uniform(0, 1))
        while True:
            process.start()
            try:
                process.wait()
            except NotReadyError:
                # It was frozen, or found no disk, as it started: a supervisor would try again.
                process.stop(signal.SIGKILL)
            else:
                return

    return one


def freeze(processes: Sequence[Process]) -> Fault:
    """Return a fault that stops any of the processes (SIGSTOP) for a few seconds."""

    def one(chance: random.Random) -> None:
        process = chance.choice(processes)
        process.send(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4))
        process.send(signal.SIGCONT)

    return one


def freeze_proxy(proxy: FreezingProxy) -> Fault:
    """Return a fault in which the server behind the proxy hangs for some seconds."""

    def freeze(chance: random.Random) -> None:
        proxy.freeze()
        time.sleep(chance.uniform(1, 8))
        proxy.thaw()

    return freeze


def lock_sqlite(url: str) -> Fault:
    """Return a fault that holds the write lock of the SQLite database for some seconds."""

    def lock(chance: random.Random) -> None:
        engine = connect(url)
        with suppress(sa.exc.OperationalError), engine.begin():
            time.sleep(chance.uniform(1, 8))
        engine.dispose()

    return lock


def fill_disk(disk: Path) -> Fault:
    """Return a fault that fills the disk to the last byte for some seconds."""

    def fill(chance: random.Random) -> None:
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(65536)):
                pass
        time.sleep(chance.uniform(1, 5))
        ballast.unlink(missing_ok=True)

    return fill


def freeze_redis(redis: subprocess.Popen[bytes]) -> Fault:
    """Return a fault that stops Redis (SIGSTOP) for a few seconds."""

    def one(chance: random.Random) -> None:
        redis.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4))
        redis.send_signal(signal.SIGCONT)

    return one


@dataclass(frozen=True)
class Pace:
    """How often faults come."""

    threads: int = 2
    rest_s: tuple[float, float] = (0.2, 2)
    """The shortest and the longest rest of a thread after a fault."""
    rounds: int | None = None
    """How often each fault is made; None: as often as there is time for."""


class Chaos:
    """Causes faults from several threads: faults overlap only if they are of different kinds.

    Each kind comes once before any comes again, in an order of chance.
    """

    def __init__(
        self,
        faults: dict[str, Fault],
        seed: int,
        goes_on: Callable[[], bool],
        pace: Pace = Pace(),
    ) -> None:
        """Prepare the threads, which work until `goes_on` returns False or all rounds are over."""
        self._faults = {name: (fault, threading.Lock()) for name, fault in faults.items()}
        self._goes_on, self._pace = goes_on, pace
        self._left: list[str] = []
        self._rounds = 0
        self._choosing = threading.Lock()
        self._chance = random.Random(seed)  # noqa: S311 - chaos, not secrets
        self.made: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        """When each fault was active."""
        names = range(pace.threads)
        self._threads = [threading.Thread(target=self._work, args=(f"{seed} {n}",)) for n in names]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def is_busy(self) -> bool:
        """Return whether any thread still makes faults."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self) -> None:
        """Wait until the last fault has ended."""
        for thread in self._threads:
            thread.join()

    def _work(self, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311 - chaos, not secrets
        while self._goes_on():
            name = self._next()
            if name is None:
                return
            fault, alone = self._faults[name]
            with alone:
                begun = time.time()
                fault(chance)
                self.troubles.append(Trouble(begun, time.time(), name))
            self.made[name] += 1
            time.sleep(chance.uniform(*self._pace.rest_s))

    def _next(self) -> str | None:
        with self._choosing:
            if not self._left and self._rounds != self._pace.rounds:
                self._rounds += 1
                self._left = sorted(self._faults)
                self._chance.shuffle(self._left)
            return self._left.pop() if self._left else None


@contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """Mount a small file system at the folder, if that is allowed. Yields whether it is mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    root = os.geteuid() == 0
    mounted = root and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str] | None]:
    """Start a Redis. Yields the process and its address, or None where Redis is not installed."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)]
    try:
        redis = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        yield None
        return
    try:
        yield redis, f"redis://127.0.0.1:{port}/0"
    finally:
        redis.send_signal(signal.SIGCONT)
        redis.kill()
        redis.wait()
