"""The supervisor restarts processes that end or hang, and leaves none behind when it stops."""

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

import httpx
import pytest

from ops.stack import free_port
from ops.supervise import MISSED, health_addresses
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

PATIENCE_S = 30.0
PROCFILE = """\
steady: sh -c 'echo I am steady; sleep 1000 & wait'
stubborn: sh -c 'trap "" TERM; echo up; sleep 1000; sleep 1000'
failing: sh -c 'exit 3'
ready: echo all is up
"""
SERVER = """\
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        while self.path == "/spin":
            pass
        self.send_response(503 if self.path == "/healthz" and "loading" in sys.argv else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

time.sleep(float(sys.argv[2]))
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Running:
    """A supervisor at work on a Procfile, and what it has printed so far."""

    def __init__(
        self, folder: Path, text: str = PROCFILE, grace_s: float = 1, **settings: str
    ) -> None:
        procfile, self._log = folder / "Procfile", folder / "log"
        procfile.write_text(text, "utf-8")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "lantern",
                    "supervise",
                    "--once=ready",
                    f"--grace={grace_s}",
                    "--probe=0.4",
                    f"--procfile={procfile}",
                ],
                cwd=ROOT,
                env={**os.environ, **settings},
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
    stop(made)


def stop(running: Running) -> None:
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(PATIENCE_S)


class Served:
    """Servers under a supervisor that probes them: one that freezes, one that spins, others."""

    def __init__(self, folder: Path, *, late_s: float = 0, grace_s: float = 1) -> None:
        program = folder / "server.py"
        program.write_text(SERVER, "utf-8")
        self.ports = {name: free_port() for name in ("gateway", "console", "dispatcher")}
        run = f"{sys.executable} {program}"
        text = (
            f"gateway: {run} {self.ports['gateway']} {late_s}\n"
            f"console: {run} {self.ports['console']} 0\n"
            f"dispatcher: {run} {self.ports['dispatcher']} 0 loading\n"
        )
        settings = {f"LANTERN_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        self.running = Running(folder, text, grace_s, **settings)
        until(lambda: self.answers("console") and self.answers("dispatcher"))

    def answers(self, name: str, path: str = "/") -> bool:
        with suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self.ports[name]}{path}"
            return httpx.get(url, timeout=0.5).is_success
        return False


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[Served] = []

    def begin(**options: float) -> Served:
        started.append(Served(tmp_path, **options))
        return started[-1]

    yield begin
    for each in started:
        stop(each.running)


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


def test_what_freezes_or_spins_is_killed_and_started_again(serve: Serve) -> None:
    served = serve()
    running = served.running
    until(lambda: served.answers("gateway"))
    time.sleep(1.5)  # long enough for a probe that sees both up
    [frozen], [spinning] = running.pids("gateway"), running.pids("console")

    os.kill(frozen, signal.SIGSTOP)
    served.answers("console", "/spin")

    for name, pid in (("gateway", frozen), ("console", spinning)):
        until(lambda name=name: len(running.pids(name)) == 2 and served.answers(name))  # type: ignore[misc]
        assert not is_alive(pid)
        line = rf"{name} +\| no answer from http://127.0.0.1:\d+/healthz, {MISSED} times in a row"
        assert re.search(line, running.printed())
    # An answer that something is missing is an answer.
    assert len(running.pids("dispatcher")) == 1


def test_what_is_still_starting_is_left_alone(serve: Serve) -> None:
    served = serve(late_s=6)
    until(lambda: served.answers("gateway"))

    assert len(served.running.pids("gateway")) == 1
    assert "no answer" not in served.running.printed()


def test_what_is_told_to_stop_may_take_its_time(serve: Serve) -> None:
    served = serve(grace_s=6)
    until(lambda: served.answers("gateway"))
    time.sleep(1.5)
    [pid] = served.running.pids("gateway")
    os.kill(pid, signal.SIGSTOP)
    served.running.process.send_signal(signal.SIGTERM)

    time.sleep(4)
    assert is_alive(pid)
    assert served.running.process.wait(PATIENCE_S) == 0
    assert "no answer" not in served.running.printed()


def test_without_rasa_neither_rasa_nor_its_action_server_is_expected() -> None:
    usual, without = (
        health_addresses(Settings.from_env({"LANTERN_WITHOUT_RASA": flag}))
        for flag in ("false", "true")
    )

    assert usual.keys() - without.keys() == {"actions", "rasa"}
    assert without.keys() == {"gateway", "console", "dispatcher"}


def test_without_rasa_its_processes_do_not_run(tmp_path: Path) -> None:
    text = "steady: sleep 1000\nrasa: echo rasa is up\nactions: echo actions are up\n"
    running = Running(tmp_path, text, LANTERN_WITHOUT_RASA="true")
    try:
        until(lambda: "steady" in running.printed())
    finally:
        running.process.terminate()
        running.process.wait(PATIENCE_S)

    assert "up" not in running.printed()
