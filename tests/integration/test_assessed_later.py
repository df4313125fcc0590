"""What the gateway could not assess is assessed by the dispatcher, though the gateway was killed.

A real gateway and a real dispatcher, each with a screening process; only the engine is a stand-in.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ops.stack import SERVICES, Stack
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.cases.cases import CaseFilter, Cases
from storage import handoffs
from storage.vault import Vault
from tests.fakes.plain_engine import DISCLOSES
from tests.integration.client import Person, help_card

PATIENCE_S = 240.0
"""The longest wait, on a machine that does much else."""
UNLIMITED = {"LANTERN_MESSAGES_PER_MINUTE": "100000"}


def children_of(pid: int | None) -> list[int]:
    """Return the processes that this one has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


@contextmanager
def killed_again_and_again(pid: int | None) -> Iterator[None]:
    """Kill whatever this process starts, as soon as it is there."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):
            for child in children_of(pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.1)


def readiness(stack: Stack, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{stack.url(name)}/readyz", timeout=15).json()
    return answer


def say(stack: Stack, texts: list[str]) -> None:
    """Say all at once, each in a conversation of its own; everybody is shown help alone."""
    people = [Person(stack.url("gateway")) for _ in texts]
    with ThreadPoolExecutor(len(texts)) as threads:
        for shown in threads.map(Person.say, people, texts):
            assert help_card(shown)["severity"] == "none"


def waiting(engine: Engine) -> tuple[int, int]:
    """Return how many rows wait for a case, and how many for their assessment."""
    with engine.connect() as connection:
        found = handoffs.figures(connection)
    return found.waiting, found.unassessed


def test_what_was_not_assessed_becomes_cases_of_their_true_severity_or_nothing_at_all(
    engine: Engine, tmp_path: Path
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    stack = Stack(
        tmp_path / "state", UNLIMITED | {"LANTERN_DATABASE_URL": url}, "tests.fakes.plain_gateway"
    )
    stack.dispatcher = stack._process(
        "dispatcher", [str(SERVICES / "python"), "-m", "tests.fakes.plain_dispatcher"]
    )
    stack.setup()
    told = [f"my uncle keeps {DISCLOSES}, he {what} {n}" for what in "ab" for n in range(6)]
    calm = [f"what is a trusted adult, {what} {n}" for what in "ab" for n in range(6)]
    try:
        stack.start(stack.gateway)
        until(lambda: readiness(stack, "gateway")["screening"] == "up")
        (screening,) = children_of(stack.gateway.pid)

        os.kill(screening, signal.SIGSTOP)
        say(stack, told[:6] + calm[:6])
        with killed_again_and_again(stack.gateway.pid):
            until(lambda: readiness(stack, "gateway")["screening"] == "down")
            say(stack, told[6:] + calm[6:])
            # On a machine that does much else, some go by way of the spool.
            until(lambda: waiting(engine) == (0, len(told + calm)))
            stack.gateway.stop(signal.SIGKILL)

        stack.start(stack.dispatcher)
        until(lambda: waiting(engine) == (0, 0))
        state = readiness(stack, "dispatcher")
        stack.dispatcher.stop()
    finally:
        stack.stop()

    cases = Cases(engine, Vault.of(Settings.from_env(stack.env)))
    wholes = [cases.whole(each.id) for each in cases.queue(CaseFilter(status=None), limit=None)]
    messages = [message for whole in wholes for message in whole.messages]
    assert sorted(message.text for message in messages) == sorted(told)
    assert {message.assessment.severity for message in messages} == {Severity.URGENT}
    assert {message.extra["assessed_later"] for message in messages} == {"urgent"}
    assert {whole.case.severity for whole in wholes} == {Severity.URGENT}
    with engine.connect() as connection:
        alerted = connection.execute(sa.select(alerts.c.case_id)).scalars().all()
        rows = connection.execute(sa.select(handoffs.handoffs.c.sealed)).scalars().all()
    assert sorted(alerted) == sorted(whole.case.id for whole in wholes)
    # Of what showed no risk nothing is left; of the rest, no words.
    assert rows == [None] * len(told)
    assert (state["unassessed"], state["handoffs"]) == (0, 0)
    assert DISCLOSES not in stack.logs()
    assert "trusted adult" not in stack.logs()
