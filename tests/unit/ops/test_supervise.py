"""The supervisor restarts processes that end, and leaves none behind when it stops."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from safeguarding.taxonomy import ROOT

PATIENCE_S = 30.0
PROCFILE = """\
steady: sh -c 'echo I am steady; sleep 1000 & wait'
stubborn: sh -c 'trap "" TERM; echo up; sleep 1000; sleep 1000'
failing: sh -c 'exit 3'
ready: echo all is up
"""


class Running:
    """A supervisor at work on a Procfile, and what it has printed so far."""

    def __init__(self, folder: Path) -> None:
        procfile, self._log = folder / "Procfile", folder / "log"
        procfile.write_text(PROCFILE, "utf-8")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "lantern",
                    "supervise",
                    "--once=ready",
                    "--grace=1",
                    f"--procfile={procfile}",
                ],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        return self._log.read_text("utf-8")

    def pids(self, name: str) -> list[int]:
        """Return the processes that were started under this name, in order."""
        return [
            int(pid) for pid in re.findall(rf" {name} +\| started, process (\d+)", self.printed())
        ]


def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    limit = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.05)


def is_alive(group: int) -> bool:
    """Whether a process of the group runs; one that only waits to be buried does not."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, its_group = entry.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                return True
    return False


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    until(lambda: "stubborn | up" in made.printed() and "| I am steady" in made.printed())
    yield made
    if made.process.poll() is None:
        made.process.send_signal(signal.SIGTERM)
        made.process.wait(PATIENCE_S)


def test_what_is_killed_is_started_again_and_its_children_go_with_it(running: Running) -> None:
    [first] = running.pids("steady")
    os.kill(first, signal.SIGKILL)

    until(lambda: len(running.pids("steady")) == 2)
    assert not is_alive(first)
    assert is_alive(running.pids("steady")[1])
    assert re.search(r"steady +\| ended with status -9: starting again in 1 s", running.printed())


def test_what_keeps_failing_is_tried_less_and_less_often(running: Running) -> None:
    until(lambda: "status 3: starting again in 4 s" in running.printed())

    pauses = re.findall(
        r"failing +\| ended with status 3: starting again in (\d+) s", running.printed()
    )
    assert pauses == ["1", "2", "4"]


def test_what_is_to_run_once_is_not_started_again(running: Running) -> None:
    until(lambda: len(running.pids("failing")) >= 2)

    assert len(running.pids("ready")) == 1
    assert re.search(r"ready +\| all is up", running.printed())
    assert re.search(r"ready +\| ended with status 0\n", running.printed())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_even_what_does_not_listen(
    running: Running, number: signal.Signals
) -> None:
    groups = running.pids("steady") + running.pids("stubborn")
    running.process.send_signal(number)

    assert running.process.wait(PATIENCE_S) == 0
    until(lambda: not any(is_alive(group) for group in groups), patience_s=5)
