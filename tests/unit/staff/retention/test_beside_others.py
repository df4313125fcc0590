"""Disposal and backup while others write: real locks, both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from staff.audit import trail
from staff.cases.tables import cases, escalations
from staff.retention.clocks import locked
from staff.retention.disposal import Disposals, remove
from staff.retention.ledger import DISPOSED
from storage.engine import connect
from tests.drill import Drill
from tests.office import CLOCKS, Office
from tests.records import NOON, Clock, escalation, log_on


def test_two_runs_at_once_dispose_of_each_case_once(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    for number in range(12):
        office.closed(f"c{number}")
    start = threading.Barrier(2)

    def dispose(_: int) -> int:
        disposals = Disposals(connect(database_url), tmp_path, "operator", Clock())
        start.wait()
        return disposals.dispose(CLOCKS)

    with ThreadPoolExecutor(2) as pool:
        gone = list(pool.map(dispose, range(2)))
    with office.engine.connect() as connection:
        told = [str(link.event.case_id) for link in trail.of_kind(connection, DISPOSED)]

    assert sum(gone) == 12
    assert sorted(told) == sorted(f"c{number}" for number in range(12))
    assert office.known() == set()


def test_a_message_that_comes_while_its_case_is_disposed_of_opens_another(
    office: Office, database_url: str
) -> None:
    """Whoever writes again is heard, also in that moment."""
    office.closed("c1")
    again = escalation("m2", conversation_id="c1", raised_at=NOON)
    other = connect(database_url)
    with ThreadPoolExecutor(1) as pool:
        with office.engine.begin() as connection:
            assert locked(connection, "c1") is not None
            remove(connection, ["c1"])
            recording = pool.submit(log_on(other).record, again)
            with pytest.raises(TimeoutError):  # it waits for the lock
                recording.result(timeout=0.5)
        assert recording.result(timeout=10) is True
    other.dispose()

    with office.engine.connect() as connection:
        row = connection.execute(sa.select(cases)).mappings().one()
    assert (row["status"], row["handoffs"]) == ("open", 1)


def test_a_backup_taken_while_others_write_is_of_one_moment(
    drill: Drill, database_url: str
) -> None:
    acknowledged: list[str] = []
    enough, stop = threading.Event(), threading.Event()

    def write() -> None:
        engine = connect(database_url)
        log = log_on(engine)
        while not stop.is_set():
            name = f"w{len(acknowledged)}"
            log.record(escalation(name, conversation_id=name))
            acknowledged.append(name)
            if len(acknowledged) == 10:
                enough.set()
            stop.wait(0.005)
        engine.dispose()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            assert enough.wait(30)
            before = set(acknowledged)
            manifest = drill.back_up()
        finally:
            stop.set()
        writing.result()
    engine = drill.restore()  # which compares counts and newest link, and walks the trail

    with engine.connect() as connection:
        known = set(connection.execute(sa.select(cases.c.id)).scalars())
        messages = set(connection.execute(sa.select(escalations.c.message_id)).scalars())
    assert before <= known <= set(acknowledged)
    assert messages == known
    assert manifest.contents.cases == len(known)
