"""The faults of `make chaos`, each made for real, and what must be our own to be broken."""

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
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from lab.freezing_proxy import FreezingProxy
from ops.stack import NotReadyError, Process, free_port
from storage.engine import connect

DISK_BYTES = 256 * 1024 * 1024


Fault: TypeAlias = Callable[[random.Random], None]


def kill(processes: Sequence[Process]) -> Fault:
    """kill -9 of any of them, and a start a little later."""

    def one(chance: random.Random) -> None:
        process = chance.choice(processes)
        process.stop(signal.SIGKILL)
        time.sleep(chance.uniform(0, 1))
        while True:
            process.start()
            try:
                process.wait()
            except NotReadyError:
                # It was frozen, or found no disk, as it started: whoever supervises tries again.
                process.stop(signal.SIGKILL)
            else:
                return

    return one


def freeze(processes: Sequence[Process]) -> Fault:
    """Any of them stands still for a while, as a whole."""

    def one(chance: random.Random) -> None:
        process = chance.choice(processes)
        process.send(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4))
        process.send(signal.SIGCONT)

    return one


def freeze_proxy(proxy: FreezingProxy) -> Fault:
    """The server below the proxy hangs for a while."""

    def freeze(chance: random.Random) -> None:
        proxy.freeze()
        time.sleep(chance.uniform(1, 8))
        proxy.thaw()

    return freeze


def lock_sqlite(url: str) -> Fault:
    """Another process writes without end: nobody else can for a while."""

    def lock(chance: random.Random) -> None:
        engine = connect(url)
        with suppress(sa.exc.OperationalError), engine.begin():
            time.sleep(chance.uniform(1, 8))
        engine.dispose()

    return lock


def fill_disk(disk: Path) -> Fault:
    """Not a byte is free for a while."""

    def fill(chance: random.Random) -> None:
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(65536)):
                pass
        time.sleep(chance.uniform(1, 5))
        ballast.unlink(missing_ok=True)

    return fill


def freeze_redis(redis: subprocess.Popen[bytes]) -> Fault:
    """Redis stands still for a while."""

    def one(chance: random.Random) -> None:
        redis.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4))
        redis.send_signal(signal.SIGCONT)

    return one


class Chaos:
    """Faults in two threads: two of different kinds may overlap, each kind comes one at a time."""

    def __init__(self, faults: dict[str, Fault], seed: int, goes_on: Callable[[], bool]) -> None:
        self._faults = {name: (fault, threading.Lock()) for name, fault in faults.items()}
        self._goes_on = goes_on
        self.made: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._work, args=(f"{seed} {n}",)) for n in "ab"]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait until all is as it was."""
        for thread in self._threads:
            thread.join()

    def _work(self, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311 - chaos, not secrets
        while self._goes_on():
            name = chance.choice(sorted(self._faults))
            fault, alone = self._faults[name]
            if alone.acquire(blocking=False):
                try:
                    fault(chance)
                finally:
                    alone.release()
                self.made[name] += 1
            time.sleep(chance.uniform(0.2, 2))


@contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """A small file system at the folder; an ordinary one, and False, where none may be mounted."""
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
    """A Redis, and its address; None where there is none to start."""
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
