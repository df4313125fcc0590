"""PostgreSQL is frozen (SIGSTOP of all its processes) while messages are assessed.

The server is one of this test alone. A real dispatcher with a real screening process works on it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from ops.stack import POSTGRESQL, own_cluster
from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import NOT_ASSESSED
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.cases.tables import cases, escalations
from storage.engine import connect, migrate
from storage.handoffs import HandoffMailbox, figures
from tests.fakes.plain_engine import DISCLOSES
from tests.integration.test_dispatcher import Dispatcher, wait_until
from tests.peers import MailServer
from tests.records import escalation, vault

TOLD, CALM = 12, 3_000
"""So many that the dispatcher is in the middle of them when the server is frozen."""
PATIENCE_S = 300.0
FROZEN_S = 25.0
"""Longer than a statement may take, and longer than a lane of the screening process may."""


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    """Run a server that may be frozen: no other test uses it."""
    programs = sorted(POSTGRESQL.glob("*/bin/initdb"))
    if not programs:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must test on PostgreSQL")
        pytest.skip("PostgreSQL's programs are not here")
    with own_cluster(programs[-1].parent) as url:
        migrate(address_of(url))
        yield url


@pytest.fixture
def engine(server: URL) -> Iterator[Engine]:
    """Open connections to the server, whose tables are empty."""
    engine = connect(address_of(server))
    with engine.begin() as connection:
        tables = "handoffs, cases, escalations, alerts, deliveries"
        connection.exec_driver_sql(f"TRUNCATE {tables} CASCADE")
    yield engine
    engine.dispose()


def address_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def processes_of(engine: Engine) -> list[int]:
    """Return the process ids of the server and of all that it has started."""
    with engine.connect() as connection:
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    first = int(Path(folder, "postmaster.pid").read_text().split()[0])
    children = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if parent_of(stat) == first
    ]
    return [first, *children]


def parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def append(engine: Engine) -> None:
    """Append disclosures and small talk that no one has assessed."""
    texts = [*(f"my uncle keeps {DISCLOSES} {n}" for n in range(TOLD)), *map(str, range(CALM))]
    HandoffMailbox(engine, vault()).append_all(
        [
            escalation(
                f"m{number}",
                conversation_id=f"c{number}",
                text=text,
                assessment=NOT_ASSESSED,
                extra={"screening": "late"},
                state=ConversationState().as_record(),
            )
            for number, text in enumerate(texts)
        ]
    )


def is_ready(dispatcher: Dispatcher) -> bool:
    try:
        return dispatcher.ready().status_code == 200
    except httpx.HTTPError:
        return False


def on_record(engine: Engine) -> list[tuple[str, int]]:
    with engine.connect() as connection:
        query = sa.select(escalations.c.message_id, cases.c.severity)
        joined = query.join(cases, cases.c.id == escalations.c.conversation_id)
        return sorted((row[0], row[1]) for row in connection.execute(joined))


def unassessed(engine: Engine) -> int:
    with engine.connect() as connection:
        return figures(connection).unassessed


EXPECTED = sorted((f"m{number}", int(Severity.URGENT)) for number in range(TOLD))


def test_nothing_hangs_and_nothing_is_lost_or_doubled(
    engine: Engine, server: URL, tmp_path: Path
) -> None:
    with MailServer() as mail:
        dispatcher = Dispatcher(
            address_of(server), tmp_path, mail.port, module="tests.fakes.plain_dispatcher"
        )
        try:
            wait_until(lambda: is_ready(dispatcher), PATIENCE_S)
            append(engine)
            wait_until(lambda: unassessed(engine) < TOLD + CALM, PATIENCE_S)
            assert unassessed(engine) > 0
            with frozen(*processes_of(engine)):
                began = time.monotonic()
                wait_until(lambda: dispatcher.ready().json()["database"] == "down")
                while time.monotonic() - began < FROZEN_S:
                    state = dispatcher.ready()
                    time.sleep(1)
            beats = state.json()["threads"]
            assert max(beats["assessing"], beats["cases"]) < FROZEN_S
            wait_until(lambda: unassessed(engine) == 0, PATIENCE_S)
            wait_until(lambda: is_ready(dispatcher), PATIENCE_S)
        finally:
            dispatcher.kill()

    assert on_record(engine) == EXPECTED
    with engine.connect() as connection:
        alerted = connection.execute(sa.select(alerts.c.case_id)).scalars().all()
    assert sorted(alerted) == sorted(f"c{number}" for number in range(TOLD))
    logged = dispatcher.log.read_text()
    assert "dispatcher.hangs" not in logged
    assert "screening.hangs" not in logged
    assert "assessing.gave_up" not in logged
    assert DISCLOSES not in logged
