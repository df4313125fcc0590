"""Real programs under `lantern watch`: whatever stops reporting is killed, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from safeguarding.taxonomy import ROOT

PATIENCE_S = 40.0
REPORTS = """
import asyncio, os, signal, sys
from safeguarding.watchdog import report_from_loop

def spin():
    while True:
        pass

async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, sys.exit, 7)
    report_from_loop()
    print(os.getpid(), flush=True)
    if "spins" in sys.argv:
        loop.call_later(0.5, spin)
    await asyncio.sleep(1000)

asyncio.run(main())
"""
Watch = Callable[..., "Watched"]


class Watched:
    """`lantern watch` and the program under it."""

    def __init__(self, *command: str, start: float = 30) -> None:
        limits = ["--start", str(start), "--silent", "1.5"]
        self.watch = subprocess.Popen(
            [sys.executable, "-m", "lantern", "watch", *limits, "--", *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """Wait for a line of the program."""
        assert self.watch.stdout is not None
        return self.watch.stdout.readline()

    def ended(self) -> tuple[int, str]:
        """Wait for the end of both; return the status and what was said about it."""
        _, said = self.watch.communicate(timeout=PATIENCE_S)
        return self.watch.returncode, said


@pytest.fixture
def watch() -> Iterator[Watch]:
    started: list[Watched] = []

    def begin(*command: str, **limits: float) -> Watched:
        started.append(Watched(*command, **limits))
        return started[-1]

    yield begin
    for each in started:
        if each.watch.poll() is None:
            each.watch.terminate()
            each.watch.communicate(timeout=PATIENCE_S)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_program_that_is_frozen_is_killed(watch: Watch) -> None:
    watched = watch(sys.executable, "-c", REPORTS)
    pid = int(watched.line())
    os.kill(pid, signal.SIGSTOP)

    status, said = watched.ended()

    assert (status, "no report in time" in said) == (128 + signal.SIGKILL, True)
    assert not is_alive(pid)


def test_a_program_that_spins_is_killed(watch: Watch) -> None:
    watched = watch(sys.executable, "-c", REPORTS, "spins")
    pid = int(watched.line())

    status, said = watched.ended()

    assert (status, "no report in time" in said) == (128 + signal.SIGKILL, True)
    assert not is_alive(pid)


def test_a_program_that_never_is_ready_is_killed(watch: Watch) -> None:
    status, said = watch("sleep", "1000", start=1).ended()

    assert (status, "no report in time" in said) == (128 + signal.SIGKILL, True)


def test_a_program_that_reports_is_left_alone_and_may_end_in_its_own_way(watch: Watch) -> None:
    watched = watch(sys.executable, "-c", REPORTS)
    pid = int(watched.line())
    time.sleep(4)
    assert is_alive(pid)
    watched.watch.send_signal(signal.SIGTERM)

    assert watched.ended() == (7, "")


def test_a_program_that_is_told_to_stop_may_take_its_time(watch: Watch) -> None:
    slow = "trap 'sleep 4; exit 5' TERM; echo up; while :; do sleep 0.1; done"
    watched = watch("sh", "-c", slow)
    assert watched.line() == "up\n"
    watched.watch.send_signal(signal.SIGTERM)

    assert watched.ended() == (5, "")


def test_a_stop_that_comes_while_the_program_starts_is_passed_on(watch: Watch) -> None:
    stops_its_parent = "trap 'exit 5' TERM; kill -TERM $PPID; while :; do sleep 0.1; done"

    assert [watch("sh", "-c", stops_its_parent).ended() for _ in range(5)] == [(5, "")] * 5


def test_time_in_which_both_are_frozen_does_not_count(watch: Watch) -> None:
    watched = watch(sys.executable, "-c", REPORTS)
    pid = int(watched.line())
    os.kill(watched.watch.pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(4)
    os.kill(pid, signal.SIGCONT)
    os.kill(watched.watch.pid, signal.SIGCONT)
    time.sleep(2)

    assert is_alive(pid)


def test_the_status_of_a_program_is_passed_on(watch: Watch) -> None:
    assert watch("sh", "-c", "exit 3").ended() == (3, "")


def test_it_runs_in_the_image_of_rasa_too() -> None:
    python = ROOT / ".venv-assistant" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "lantern", "watch", "--", "sh", "-c", "echo $NOTIFY_SOCKET; exit 3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.endswith("/reports\n")) == (3, True)
