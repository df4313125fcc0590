"""Cases leave for a school's records under faults: none is lost, doubled or out of order.

The usual run sends 500 cases; `LANTERN_RECORD_CASES=10000` sends as many.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.audit.trail import Event, append_all
from staff.cases.case import CaseEvent, CaseStatus, reference_of
from staff.cases.tables import cases
from staff.loops import Beats
from staff.records import queue
from staff.records.adapters.open.adapter import OpenDoor
from staff.records.event import RecordEvent
from staff.records.outbox import SENT, record_events
from staff.records.sender import RecordSender
from staff.records.settings import RecordSettings
from staff.records.switch import switch
from tests.fakes.record_system import RecordSystem, now_and_then, record_system
from tests.integration.test_dispatcher import PATIENCE_S, Dispatcher
from tests.peers import MailServer
from tests.records import NOON, Clock, vault

CASES = int(os.environ.get("LANTERN_RECORD_CASES", "500"))
OLD, NEW = b"o" * 32, b"n" * 32
EVENTS = (CaseEvent.RECORDED, CaseEvent.VIEWED, CaseEvent.RAISED)
_CHUNK = 250


class KilledError(BaseException):
    """The process ended between the receiver and the database."""


def settings_for(system: RecordSystem) -> RecordSettings:
    return RecordSettings(
        "open", system.url, (NEW, OLD), words=False, console_url="https://c.example"
    )


def open_cases(engine: Engine, number: int) -> None:
    """Open cases, acknowledge and raise them: one event of each kind and case on the trail."""
    ids = [f"case-{each}" for each in range(number)]
    for start in range(0, number, _CHUNK):
        chunk = ids[start : start + _CHUNK]
        with engine.begin() as connection:
            connection.execute(sa.insert(cases), [_row(each) for each in chunk])
            for what in EVENTS:
                append_all(connection, [Event(NOON, "test", what.value, each) for each in chunk])


def _row(case_id: str) -> dict[str, Any]:
    moments = dict.fromkeys(("opened_at", "raised_at", "newest_at", "due_at"), NOON)
    return moments | {
        "id": case_id,
        "reference": reference_of(case_id),
        "conversation_id": case_id,
        "status": CaseStatus.OPEN.value,
        "severity": int(Severity.CONCERN),
        "assessed_severity": int(Severity.CONCERN),
        "subject": "self",
        "categories": ["grooming"],
        "handoffs": 1,
        "version": 0,
    }


def unsent(engine: Engine) -> int:
    query = sa.select(sa.func.count()).where(record_events.c.status != SENT)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


def test_none_is_lost_doubled_or_out_of_order(engine: Engine, clock: Clock) -> None:
    with record_system(OLD, now_and_then(seed=7)) as system:
        settings = settings_for(system)
        with engine.begin() as connection:
            switch(connection, settings, NOON)
        open_cases(engine, CASES)

        def sender() -> RecordSender:
            door, sent = OpenDoor(system.url, settings.secrets, within_s=0.3), 0

            def dies_at_times(event: RecordEvent) -> None:
                nonlocal sent
                door.take(event)
                sent += 1
                if sent == CASES // 2:
                    raise KilledError

            return RecordSender(
                engine,
                vault(),
                settings,
                dies_at_times,
                Beats(),
                clock,
                lambda: clock().timestamp(),
            )

        working, kills = sender(), 0
        while unsent(engine):
            try:
                idle = not working.once()
            except KilledError:
                working, kills, idle = sender(), kills + 1, True
                # The receiver has changed its key; the sender still signs with both.
                system.key = NEW
            if idle:
                clock.move(seconds=30)

        order = defaultdict(list)
        for event in system.taken.values():
            order[event["case"]["reference"]].append((event["number"], event["event"]))

    assert kills > 1
    assert set(system.seen) == {
        *("hangs", "answers twice", "drops before", "drops after"),
        *("503", "429", "500", "401"),
    }
    assert system.copies > 0
    assert system.differing == []
    assert len(system.taken) == CASES * len(EVENTS)
    assert len(order) == CASES
    for told in order.values():
        assert told == sorted(told)
        assert [kind for _, kind in told] == ["opened", "acknowledged", "raised"]


def test_what_is_refused_waits_with_its_case_until_it_is_tried_again(
    engine: Engine, clock: Clock
) -> None:
    with record_system(NEW) as system:
        settings = settings_for(system)
        with engine.begin() as connection:
            switch(connection, settings, NOON)
        open_cases(engine, 3)
        system.refuses = {"acknowledged"}
        door = OpenDoor(system.url, settings.secrets)
        working = RecordSender(engine, vault(), settings, door.take, Beats(), clock)
        while working.once():
            pass

        assert [each["event"] for each in system.taken.values()] == ["opened"] * 3
        with engine.begin() as connection:
            dead = queue.dead_letters(connection)
            assert [(each["kind"], each["error"]) for each in dead] == [
                ("acknowledged", "HTTP 422")
            ] * 3
            assert queue.skip(connection, dead[0]["number"]) == 1
            assert queue.retry(connection, clock()) == 2
        system.refuses = set()
        while working.once():
            pass

    kinds = [each["event"] for each in system.taken.values()]
    assert kinds.count("acknowledged") == 2
    assert kinds.count("raised") == 3
    assert unsent(engine) == 1


@pytest.mark.parametrize("key", [NEW, OLD])
def test_both_keys_are_right_while_the_key_changes(
    engine: Engine, clock: Clock, key: bytes
) -> None:
    with record_system(key) as system:
        settings = settings_for(system)
        with engine.begin() as connection:
            switch(connection, settings, NOON)
        open_cases(engine, 1)
        door = OpenDoor(system.url, settings.secrets)
        working = RecordSender(engine, vault(), settings, door.take, Beats(), clock)
        while working.once():
            pass

    assert len(system.taken) == len(EVENTS)
    assert unsent(engine) == 0


def test_two_dispatchers_send_each_event_once(engine: Engine) -> None:
    with record_system(NEW) as system:
        settings = settings_for(system)
        with engine.begin() as connection:
            switch(connection, settings, NOON)
        open_cases(engine, 40)

        def work_off(_number: int) -> None:
            door = OpenDoor(system.url, settings.secrets)
            working = RecordSender(engine, vault(), settings, door.take, Beats())
            while unsent(engine):
                working.once()

        with ThreadPoolExecutor(2) as dispatchers:
            list(dispatchers.map(work_off, range(2)))

    assert len(system.taken) == 40 * len(EVENTS)
    assert system.copies == 0
    order = defaultdict(list)
    for event in system.taken.values():
        order[event["case"]["reference"]].append(event["event"])
    assert set(map(tuple, order.values())) == {("opened", "acknowledged", "raised")}


def test_a_dispatcher_that_is_killed_loses_and_doubles_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "record-secrets").write_bytes(NEW)
    with record_system(NEW) as system, MailServer() as mail:
        with engine.begin() as connection:
            switch(connection, settings_for(system), NOON)
        open_cases(engine, 60)
        env = {
            "LANTERN_RECORDS_URL": system.url,
            "LANTERN_RECORDS_SECRET_FILE": str(tmp_path / "record-secrets"),
        }
        url = engine.url.render_as_string(hide_password=False)
        for taken in (30, 90):
            dispatcher = Dispatcher(url, tmp_path, mail.port, **env)
            try:
                until(partial(has_taken, system, taken))
            finally:
                dispatcher.kill()
            held = record_events.c.claimed_until.is_not(None)
            with engine.begin() as connection:
                # As if the time of the claim had passed.
                connection.execute(sa.update(record_events).where(held).values(claimed_until=NOON))
        last = Dispatcher(url, tmp_path, mail.port, **env)
        try:
            until(lambda: unsent(engine) == 0)
        finally:
            last.kill()

    assert len(system.taken) == 60 * len(EVENTS)
    assert system.differing == []
    order = defaultdict(list)
    for event in system.taken.values():
        order[event["case"]["reference"]].append(event["event"])
    assert set(map(tuple, order.values())) == {("opened", "acknowledged", "raised")}


def has_taken(system: RecordSystem, events: int) -> bool:
    return len(system.taken) >= events


def until(reached: Callable[[], bool]) -> None:
    """Wait for what another process does; fail when it does not come."""
    ends = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.01)
