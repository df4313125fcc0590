"""All five processes as they run: what hangs stops reporting, and no request makes one hang."""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from ops.stack import Process, Stack
from safeguarding.watchdog import REPORT
from tests.malformed import MALFORMED, POST

WITHIN_S = 3.0
PATIENCE_S = 60.0
NAMES = ("gateway", "console", "dispatcher", "actions", "rasa")
HEALTH = {"actions": "/health", "rasa": "/webhooks/gateway/"}
UNFINISHED = POST + b"Content-Length: 9000\r\n\r\n{"


class Reports:
    """The service manager's end of the socket: what each process has reported, by its id."""

    def __init__(self, listening: socket.socket) -> None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listening.setblocking(False)
        self._listening = listening
        self._of: dict[int, list[bytes]] = defaultdict(list)

    def of(self, process: Process) -> list[bytes]:
        """Return what this process has reported so far."""
        with suppress(BlockingIOError):
            while True:
                said, ancillary, *_ = self._listening.recvmsg(100, socket.CMSG_SPACE(12))
                [(_level, _kind, credentials)] = ancillary
                self._of[struct.unpack("iii", credentials)[0]].append(said)
        assert process.pid is not None
        return self._of[process.pid]

    def await_more(self, process: Process, number: int) -> None:
        """Wait until it has reported so many times more."""
        wanted, limit = len(self.of(process)) + number, time.monotonic() + PATIENCE_S
        while len(self.of(process)) < wanted:
            assert time.monotonic() < limit, process.name
            time.sleep(0.05)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Reports]]:
    """Start all five under a service manager that wants a report every three seconds."""
    folder = tmp_path_factory.mktemp("hangs")
    address = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        told = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(int(WITHIN_S * 1e6))}
        stack = Stack(folder / "state", told, gateway="tests.fakes.plain_gateway")
        reports = Reports(listening)
        stack.setup()
        try:
            stack.start(*(getattr(stack, name) for name in NAMES))
            yield stack, reports
        finally:
            stack.stop()


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_is_frozen_stops_reporting_alone(
    watched: tuple[Stack, Reports], name: str
) -> None:
    stack, reports = watched
    frozen: Process = getattr(stack, name)
    others = [getattr(stack, other) for other in NAMES if other != name]
    reports.await_more(frozen, 2)
    assert set(reports.of(frozen)) == {REPORT}

    frozen.send(signal.SIGSTOP)
    try:
        reported = len(reports.of(frozen))
        time.sleep(WITHIN_S)
        assert len(reports.of(frozen)) <= reported + 1  # one may have been on its way
        for other in others:
            reports.await_more(other, 1)
    finally:
        frozen.send(signal.SIGCONT)
    reports.await_more(frozen, 2)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "dispatcher"])
def test_no_request_of_a_stranger_holds_a_process_up(
    watched: tuple[Stack, Reports], name: str
) -> None:
    stack, reports = watched
    place = ("127.0.0.1", stack.ports[name])
    with socket.create_connection(place) as unfinished:
        unfinished.sendall(UNFINISHED)
        for what, sent in MALFORMED.items():
            with socket.create_connection(place, PATIENCE_S) as stranger:
                stranger.sendall(sent)
                status = stranger.recv(12)[9:]
            # Rasa refuses all of it; others may first see a wrong method, or no secret.
            assert status == b"400" or (status[:1] == b"4" and name != "rasa"), what
            answer = httpx.get(stack.url(name) + HEALTH.get(name, "/healthz"), timeout=10)
            assert answer.status_code == 200, what
    reports.await_more(getattr(stack, name), 1)


def test_readiness_tells_of_a_frozen_action_server_and_of_its_return(
    watched: tuple[Stack, Reports],
) -> None:
    stack, _ = watched
    assert until_ready(stack, actions="up")["database_pages"] == "sound"

    stack.actions.send(signal.SIGSTOP)
    try:
        frozen = until_ready(stack, actions="down")
        assert (frozen["status"], frozen["rasa"]) == ("degraded", "up")
    finally:
        stack.actions.send(signal.SIGCONT)

    until_ready(stack, actions="up")


def until_ready(stack: Stack, **wanted: str) -> dict[str, Any]:
    limit = time.monotonic() + PATIENCE_S
    while True:
        state: dict[str, Any] = httpx.get(f"{stack.url('gateway')}/readyz", timeout=15).json()
        if wanted.items() <= state.items():
            return state
        assert time.monotonic() < limit, state
        time.sleep(0.1)
