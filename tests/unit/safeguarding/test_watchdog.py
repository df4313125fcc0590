"""Reports arrive at a real socket, and stop when the event loop is stuck."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from safeguarding.watchdog import REPORT, ServiceManager, report_from_loop

WITHIN_S = 0.3
PATIENCE_S = 20.0


@pytest.fixture(params=["path", "abstract"])
def reports(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """Listen as a service manager, in the file system or in the abstract namespace."""
    path = tmp_path / "notify"
    abstract = f"lantern-test-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path) if request.param == "path" else f"\0{abstract}")
        listening.settimeout(PATIENCE_S)
        address = str(path) if request.param == "path" else f"@{abstract}"
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WITHIN_S * 1e6)))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield listening


def waiting(reports: socket.socket) -> list[bytes]:
    """Take what has arrived already."""
    reports.setblocking(False)
    taken = []
    try:
        while True:
            taken.append(reports.recv(100))
    except BlockingIOError:
        reports.settimeout(PATIENCE_S)
        return taken


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop on a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(PATIENCE_S)
    made.close()


def test_reports_arrive_and_stop_while_the_loop_is_stuck(
    reports: socket.socket, loop: asyncio.AbstractEventLoop
) -> None:
    loop.call_soon_threadsafe(report_from_loop)
    assert [reports.recv(100) for _ in range(5)] == [REPORT] * 5

    freed, is_stuck = threading.Event(), threading.Event()

    def hang() -> None:
        is_stuck.set()
        freed.wait(PATIENCE_S)

    loop.call_soon_threadsafe(hang)
    assert is_stuck.wait(PATIENCE_S)
    waiting(reports)
    time.sleep(4 * WITHIN_S)
    assert waiting(reports) == []

    freed.set()
    assert reports.recv(100) == REPORT


def test_a_manager_that_wants_no_reports_is_told_of_the_start_alone(
    reports: socket.socket, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")
    loop.call_soon_threadsafe(report_from_loop)

    assert reports.recv(100) == REPORT
    time.sleep(4 * WITHIN_S)
    assert waiting(reports) == []


@pytest.mark.parametrize(
    ("more", "within_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_it_reports_as_often_as_this_process_is_asked(
    more: dict[str, str], within_s: float | None
) -> None:
    found = ServiceManager.of_this_process({"NOTIFY_SOCKET": "/run/notify", **more})

    assert found == ServiceManager("/run/notify", within_s)


def test_without_a_manager_nothing_is_sent(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for env in ({}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "30000000"}):
        assert ServiceManager.of_this_process(env) is None
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    loop.call_soon_threadsafe(report_from_loop)
    done = threading.Event()
    loop.call_soon_threadsafe(done.set)

    assert done.wait(PATIENCE_S)


def test_a_manager_that_is_gone_or_does_not_read_stops_no_one(tmp_path: Path) -> None:
    gone = ServiceManager(str(tmp_path / "gone"), 1.0)
    gone.report(first=True)
    gone.report()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        manager = ServiceManager(str(tmp_path / "deaf"), 1.0)
        for _ in range(2_000):  # more than the kernel holds for it
            manager.report()
        assert 0 < len(waiting(deaf)) < 2_000


def test_the_first_report_waits_for_a_manager_that_is_busy(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as busy:
        busy.bind(str(tmp_path / "busy"))
        manager = ServiceManager(str(tmp_path / "busy"), None)
        for _ in range(2_000):
            manager.report()
        held = len(waiting(busy))
        for _ in range(2_000):
            manager.report()
        freed = threading.Timer(0.2, busy.recv, [100])
        freed.start()
        manager.report(first=True)
        freed.join()

        assert len(waiting(busy)) == held
