"""A reader of the mailbox is woken at once, and goes on listening when its connection was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from storage.handoffs import LISTEN_S, POLL_S, HandoffListener, HandoffMailbox
from tests.records import escalation, vault


@pytest.fixture
def listener(engine: Engine) -> Iterator[HandoffListener]:
    made = HandoffListener(engine)
    yield made
    made.close()


def waited(listener: HandoffListener) -> float:
    started = time.monotonic()
    listener.wait(threading.Event())
    return time.monotonic() - started


def append_soon(engine: Engine) -> threading.Timer:
    mailbox = HandoffMailbox(engine, vault())
    timer = threading.Timer(0.05, lambda: mailbox.append(escalation()))
    timer.start()
    return timer


def test_an_appended_row_wakes_at_once(listener: HandoffListener, engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        assert waited(listener) < 2 * POLL_S + 0.5
        return
    waited(listener)  # it begins to listen
    timer = append_soon(engine)

    assert waited(listener) < LISTEN_S * 0.9
    timer.join()


def test_what_is_appended_while_a_reader_works_wakes_it_too(
    listener: HandoffListener, engine: Engine
) -> None:
    waited(listener)
    HandoffMailbox(engine, vault()).append(escalation())

    assert waited(listener) < LISTEN_S * 0.9


def test_it_listens_again_when_the_server_closed_its_connection(
    listener: HandoffListener, engine: Engine
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no connections to lose")
    waited(listener)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    waited(listener)  # it finds out
    waited(listener)  # it begins to listen again
    timer = append_soon(engine)

    assert waited(listener) < LISTEN_S * 0.9
    timer.join()


def test_a_closed_listener_gives_its_connection_back_to_nobody(
    listener: HandoffListener, engine: Engine
) -> None:
    waited(listener)
    listener.close()

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        if engine.dialect.name == "postgresql":
            listening = connection.exec_driver_sql("SELECT pg_listening_channels()")
            assert listening.all() == []
