"""The log on both databases: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from safeguarding.alerts.tables import alerts
from safeguarding.database.engine import MIGRATIONS, connect, migrate
from safeguarding.database.metadata import metadata
from safeguarding.database.pledges import pledges
from safeguarding.escalations.escalation import Outcome, Status, What
from safeguarding.escalations.learning import Verdict
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.reviewing import AlreadyReviewedError
from safeguarding.escalations.rotate import rotate
from safeguarding.escalations.rows import sealed_row
from safeguarding.escalations.spool import Spool
from safeguarding.escalations.tables import escalations
from safeguarding.escalations.vault import Vault, key_ring, new_key
from safeguarding.staff.approvals import approvals
from safeguarding.staff.sessions import StaffSessions
from safeguarding.staff.tables import staff
from safeguarding.taxonomy import Severity
from tests.records import (
    GIFTS,
    KEYS,
    PASSWORD,
    SECRECY,
    Clock,
    accounts_on,
    assessment,
    escalation,
    log_on,
)
from tests.records import vault as make_vault


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(engine: Engine, clock: Clock) -> EscalationLog:
    return log_on(engine, clock)


@pytest.fixture
def ann(engine: Engine) -> str:
    return accounts_on(engine).add("ann", PASSWORD, "Ann").id


class Writer:
    """Another process that writes to the log: tests/log_writer.py."""

    def __init__(self, url: str, keys: str = KEYS) -> None:
        command = [sys.executable, "-m", "tests.log_writer", url, keys]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdin
        assert self.process.stdout
        self.input: IO[str] = self.process.stdin
        self.output: IO[str] = self.process.stdout
        assert self.output.readline() == "ready\n"

    def tell(self, message_id: str, severity: str, source: str) -> None:
        self.input.write(f"{message_id} {severity} {source}\n")
        self.input.flush()

    def answer(self) -> str:
        return self.output.readline().strip()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.input.close()
        self.output.close()


@pytest.fixture
def writers(database_url: str) -> Iterator[tuple[Writer, Writer]]:
    pair = (Writer(database_url), Writer(database_url))
    yield pair
    for writer in pair:
        writer.stop()


def test_the_migrations_make_the_tables_of_the_code(engine: Engine) -> None:
    declared = {table.name for table in (escalations, alerts, staff, approvals, pledges)}
    assert declared < set(metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_from_two_processes_at_once_do_no_harm(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, empty_url) for _ in range(4)]:
            done.result()

    engine = connect(empty_url)
    assert log_on(engine).record(escalation()) is True
    engine.dispose()


def test_gives_back_what_it_was_given(log: EscalationLog) -> None:
    told = escalation(text="half an emoji \ud83d, a \x00, a ' and a %s", extra={"a": "b"})

    assert log.record(told) is True
    assert log.record(told) is False
    assert log.get("m1").escalation == told


def test_our_examples_come_back_each_with_its_signal(log: EscalationLog, engine: Engine) -> None:
    near = replace(GIFTS, source="classifier", kind="model", like=("SENTENCE OF OURS",))
    told = escalation(assessment=assessment(Severity.CONCERN, SECRECY, near))
    log.record(told)

    assert log.get("m1").escalation == told
    with engine.connect() as connection:
        assert "OURS" not in str(connection.execute(sa.select(escalations)).all())


def test_a_lesson_waits_until_it_was_learned(log: EscalationLog, ann: str) -> None:
    log.record(escalation(assessment=assessment(Severity.URGENT)))
    log.review("m1", by=ann, outcome=Outcome.FALSE_ALARM, note="A song.", missed=True)
    false_alarm, missed = log.lessons()
    log.learned(false_alarm, by=ann)

    assert log.lessons() == [missed]
    assert (false_alarm.verdict, missed.verdict) == (Verdict.FALSE_ALARM, Verdict.MISSED)
    assert log.get("m1").history[-1].what is What.LEARNED


def test_records_and_reviews_from_before_staff_could_teach_are_read(empty_url: str) -> None:
    engine = connect(empty_url)
    _migrate_to(engine, "0003")
    with engine.begin() as connection:
        for table, row in _before_staff_could_teach().items():
            connection.execute(sa.insert(sa.table(table, *map(sa.column, row))).values(**row))
    migrate(empty_url)

    recorded = log_on(engine).get("m1")
    engine.dispose()
    assert recorded.escalation == escalation()
    assert [review.missed for review in recorded.reviews] == [False]


def test_a_whole_life_reads_as_it_happened(log: EscalationLog, ann: str, clock: Clock) -> None:
    log.record(escalation(shown=()))
    steps: list[Callable[[], object]] = [
        lambda: log.record(escalation(assessment=assessment(Severity.URGENT, GIFTS))),
        lambda: log.viewed("m1", by=ann),
        lambda: log.review(
            "m1", by=ann, outcome=Outcome.ADVICE_GIVEN, note="Called.", severity=Severity.CONCERN
        ),
        lambda: log.reopen("m1", by=ann),
    ]
    for step in steps:
        clock.move(minutes=1)
        step()

    recorded = log.get("m1")
    assert [(event.who, event.what) for event in recorded.history] == [
        ("gateway", What.RECORDED),
        ("gateway", What.RAISED),
        (ann, What.VIEWED),
        (ann, What.OUTCOME_RECORDED),
        (ann, What.REOPENED),
    ]
    assert recorded.entry.status is Status.OPEN
    assert recorded.entry.severity is Severity.CONCERN
    assert recorded.entry.assessed_severity is Severity.URGENT
    assert log.open_queue() == [recorded.entry]


@pytest.mark.parametrize("statement", ["UPDATE history SET who = 'x'", "DELETE FROM history"])
def test_the_database_refuses_to_change_the_history(
    log: EscalationLog, engine: Engine, statement: str
) -> None:
    log.record(escalation())

    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert len(log.get("m1").history) == 1


def test_the_history_cannot_be_replaced_or_emptied_by_another_way(
    log: EscalationLog, engine: Engine
) -> None:
    log.record(escalation())
    other = {
        "sqlite": "INSERT OR REPLACE INTO history SELECT id, message_id, at, 'x', what, detail "
        "FROM history",
        "postgresql": "TRUNCATE history",
    }

    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(other[engine.dialect.name])


def test_two_processes_recording_one_message_leave_one_record_with_all_they_knew(
    log: EscalationLog, writers: tuple[Writer, Writer]
) -> None:
    one, two = writers
    for number in range(40):
        one.tell(f"m{number}", "concern", "source-one")
        two.tell(f"m{number}", "urgent", "source-two")
    answers = [(one.answer(), two.answer()) for _ in range(40)]

    for number, both in enumerate(answers):
        message_id = f"m{number}"
        assert sorted(both) == [f"{message_id} False", f"{message_id} True"]
        recorded = log.get(message_id)
        assert recorded.entry.severity is Severity.URGENT
        sources = {signal.source for signal in recorded.escalation.assessment.signals}
        assert sources == {"source-one", "source-two"}
        assert [event.what for event in recorded.history].count(What.RECORDED) == 1
    assert log.count(Status.OPEN) == 40


def test_two_processes_adding_to_one_record_do_not_undo_each_other(
    log: EscalationLog, writers: tuple[Writer, Writer]
) -> None:
    log.record(escalation())
    for number in range(40):
        for name, writer in zip(("one", "two"), writers, strict=True):
            writer.tell("m1", "concern", f"{name}-{number}")
    for _ in range(40):
        assert [writer.answer() for writer in writers] == ["m1 False"] * 2

    signals = log.get("m1").escalation.assessment.signals
    added = {f"{name}-{number}" for name in ("one", "two") for number in range(40)}
    assert {signal.source for signal in signals} >= added


def test_two_members_of_staff_at_once_leave_one_outcome(
    log: EscalationLog, engine: Engine, ann: str
) -> None:
    bob = accounts_on(engine).add("bob", PASSWORD).id

    def review(message_id: str, by: str) -> bool:
        try:
            log.review(message_id, by=by, outcome=Outcome.OTHER, note=by)
        except AlreadyReviewedError:
            return False
        return True

    for number in range(10):
        message_id = f"m{number}"
        log.record(escalation(message_id))
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(review, [message_id] * 2, [ann, bob])
        assert first != second
        assert len(log.get(message_id).reviews) == 1


def test_every_acknowledged_record_is_there_once_after_a_process_was_killed(
    log: EscalationLog, writers: tuple[Writer, Writer]
) -> None:
    one, two = writers
    for number in range(400):
        one.tell(f"one-{number}", "concern", "a")
    acknowledged = [one.answer() for _ in range(60)]
    one.process.kill()
    rest = one.output.read().splitlines()
    acknowledged += [line for line in rest if line.endswith((" True", " False"))]
    two.tell("two", "concern", "a")

    assert two.answer() == "two True"
    assert len(acknowledged) < 400
    ids = [entry.message_id for entry in log.open_queue()]
    assert len(ids) == len(set(ids))
    assert {line.split()[0] for line in acknowledged} <= set(ids)
    for message_id in ids:
        assert [event.what for event in log.get(message_id).history] == [What.RECORDED]


def test_a_read_only_database_fills_the_spool_and_a_writable_one_empties_it(
    database_url: str, engine: Engine, log: EscalationLog, tmp_path: Path
) -> None:
    log.record(escalation("before"))
    spool = Spool(tmp_path / "spool", make_vault())
    read_only = _read_only(database_url, engine)
    for number in range(3):
        told = escalation(f"m{number}")
        with pytest.raises(DBAPIError):
            log_on(read_only).record(told)
        spool.keep(told)
    # The assistant comes to know more about one of them, while the database is still away.
    worse = escalation("m1", assessment=assessment(Severity.IMMEDIATE))
    spool.keep(worse)
    read_only.dispose()
    _writable(engine)

    assert spool.drain(log) == 4
    assert spool.drain(log) == 0
    assert log.count(Status.OPEN) == 4
    assert log.get("m1").entry.severity is Severity.IMMEDIATE
    assert [event.what for event in log.get("m0").history] == [What.RECORDED]


def test_a_failed_record_leaves_nothing_half_done(database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE history RENAME TO history_away")
    with pytest.raises(DBAPIError):
        log_on(engine).record(escalation())
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE history_away RENAME TO history")

    assert log_on(engine).record(escalation()) is True


def test_a_database_that_is_away_is_an_operational_error_that_quotes_nobody() -> None:
    nowhere = URL.create("postgresql", "nobody", host="127.0.0.1", port=1, database="none")
    log = log_on(connect(nowhere.render_as_string()))

    with pytest.raises(OperationalError) as raised:
        log.record(escalation(text="my secret"))
    assert "my secret" not in str(raised.value)


def test_keys_rotate_while_records_are_written(
    log: EscalationLog, engine: Engine, database_url: str
) -> None:
    for number in range(30):
        log.record(escalation(f"m{number}"))
    keys = f"new:{new_key()},{KEYS}"
    ring = Vault(key_ring(keys))
    writer = Writer(database_url, keys)
    for number in range(30):
        writer.tell(f"m{number}", "urgent", "later")
    with ThreadPoolExecutor(1) as pool:
        rotating = pool.submit(rotate, engine, ring)
        answers = [writer.answer() for _ in range(30)]
        rotating.result()
    writer.stop()

    assert answers == [f"m{number} False" for number in range(30)]
    after = EscalationLog(engine, Vault(key_ring(keys.partition(",")[0])))
    for number in range(30):
        recorded = after.get(f"m{number}")
        assert recorded.escalation.text == escalation().text
        assert recorded.entry.severity is Severity.URGENT


def test_sessions_work_on_this_database(engine: Engine, ann: str, clock: Clock) -> None:
    sessions = StaffSessions(engine, clock)
    token = sessions.start(ann)
    clock.move(minutes=29)
    assert sessions.find(token) is not None
    clock.move(minutes=31)

    assert sessions.find(token) is None


def _migrate_to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _before_staff_could_teach() -> dict[str, dict[str, object]]:
    """A closed escalation as the third migration knew it: every column as the database keeps it."""
    row = sealed_row(escalation(), make_vault())
    del row["nearest"]
    at = "2026-11-25 12:00:00+00:00"
    for column in ("categories", "signals", "extra"):
        row[column] = json.dumps(row[column])
    note = make_vault().seal("x", table="reviews", row="r1", column="note")
    return {
        "escalations": row | {"raised_at": at, "status": "closed", "closed_at": at},
        "staff": {
            "id": "s1",
            "name": "ann",
            "shown_name": "Ann",
            "password_hash": "x",
            "created_at": at,
        },
        "reviews": {
            "id": "r1",
            "message_id": "m1",
            "at": at,
            "by": "s1",
            "outcome": "other",
            "note": note,
        },
    }


def _read_only(database_url: str, engine: Engine) -> Engine:
    address = make_url(database_url)
    if address.get_backend_name() == "sqlite":
        return connect(f"sqlite:///file:{address.database}?mode=ro&uri=true")
    with engine.begin() as connection:
        name = address.database
        connection.execute(
            sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        )
    return connect(database_url)


def _writable(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        name = engine.url.database
        with engine.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            connection.execute(
                sa.text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            )
