"""The log on both databases: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
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

from ops.rotate_keys import rotate
from safeguarding.escalation import Escalation, Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.sessions import StaffSessions
from staff.accounts.tables import staff
from staff.alerts.outbox import alerts
from staff.approvals.tables import signing_tasks
from staff.cases.case import CaseEvent, CaseStatus, reference_of
from staff.cases.cases import CaseFilter, Cases
from staff.cases.casework import (
    AlreadyClosedError,
    Casework,
    ClosingDecision,
    StaleCaseError,
)
from staff.cases.tables import cases as cases_table
from staff.cases.tables import escalations, sealed_row
from staff.rota.rota import rota_shifts
from storage.approval_records import approvals
from storage.engine import MIGRATIONS, connect, metadata, migrate
from storage.handoffs import HandoffMailbox
from storage.pledges import pledges
from storage.spool import Spool
from storage.vault import Vault, key_ring, new_key
from tests.records import (
    GIFTS,
    KEYS,
    NOON,
    SECRECY,
    Clock,
    EscalationLog,
    WorkedMailbox,
    assessment,
    escalation,
    log_on,
    message_of,
    sealed_as_v1,
)
from tests.records import vault as make_vault


def ids(cases: Cases) -> list[str]:
    """Every message on record."""
    every = cases.queue(CaseFilter(status=None), limit=None)
    return [message.message_id for case in every for message in cases.whole(case.id).messages]


def events_of(cases: Cases, message_id: str) -> list[str]:
    history = cases.whole(cases.of_message(message_id)).history
    return [link.event.what for link in history if link.event.message_id == message_id]


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

    def tell(self, message_id: str, severity: str, source: str, case_id: str = "c1") -> None:
        self.input.write(f"{message_id} {severity} {source} {case_id}\n")
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
    tables = (escalations, alerts, staff, approvals, pledges, rota_shifts, signing_tasks)
    declared = {table.name for table in tables}
    assert declared < set(metadata.tables)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": _can_be_compared(engine)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def _can_be_compared(engine: Engine) -> Callable[..., bool]:
    """SQLite says nothing of the direction of a column in an index: the next test looks at it."""
    left_out = "ix_cases_queue" if engine.dialect.name == "sqlite" else None
    return lambda _object, name, *_rest: name != left_out


def test_the_queue_is_read_in_the_order_of_its_index(log: EscalationLog, engine: Engine) -> None:
    log.record(escalation())
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[engine.dialect.name]
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
        plan = connection.exec_driver_sql(
            f"{explain} SELECT * FROM cases WHERE status = 'open' "  # noqa: S608 - our own
            "ORDER BY severity DESC, due_at, id LIMIT 25"
        ).all()

    assert "ix_cases_queue" in str(plan)
    assert "Sort" not in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_migrations_from_two_processes_at_once_do_no_harm(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, empty_url) for _ in range(4)]:
            done.result()

    engine = connect(empty_url)
    assert log_on(engine).record(escalation()) is True
    engine.dispose()


def test_gives_back_what_it_was_given(log: EscalationLog, cases: Cases) -> None:
    told = escalation(text="half an emoji \ud83d, a \x00, a ' and a %s", extra={"a": "b"})

    assert log.record(told) is True
    assert log.record(told) is False
    assert message_of(cases, "m1") == told


def test_our_examples_come_back_each_with_its_signal(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    near = replace(GIFTS, source="classifier", kind="model", like=("SENTENCE OF OURS",))
    told = escalation(assessment=assessment(Severity.CONCERN, SECRECY, near))
    log.record(told)

    assert message_of(cases, "m1") == told
    with engine.connect() as connection:
        assert "OURS" not in str(connection.execute(sa.select(escalations)).all())


def test_records_and_reviews_from_before_staff_could_teach_are_read(empty_url: str) -> None:
    engine = connect(empty_url)
    _migrate_to(engine, "0003")
    with engine.begin() as connection:
        for table, row in _before_staff_could_teach().items():
            connection.execute(sa.insert(sa.table(table, *map(sa.column, row))).values(**row))
    migrate(empty_url)

    whole = Cases(engine, make_vault()).whole("c1")
    engine.dispose()
    assert whole.messages == (escalation(),)
    assert [(review.note, review.missed) for review in whole.reviews] == [("x", False)]


def test_what_was_escalated_before_there_were_cases_becomes_cases(empty_url: str) -> None:
    engine = connect(empty_url)
    _migrate_to(engine, "0004")
    _fill_as_before_cases(engine)
    migrate(empty_url)

    cases = Cases(engine, make_vault())
    assert {case.id for case in cases.queue(CaseFilter())} == {"c1"}
    assert {case.id for case in cases.queue(CaseFilter(status=CaseStatus.CLOSED))} == {"c2", "c3"}
    # Two were closed and one waits: all of the conversation waits, at its gravest.
    first = cases.whole("c1")
    assert [message.message_id for message in first.messages] == ["m1", "m2", "m3"]
    assert (first.case.severity, first.case.handoffs) == (Severity.IMMEDIATE, 3)
    assert (first.case.staff_severity, first.case.closed_at) == (None, None)
    assert (first.case.opened_at, first.case.raised_at) == (NOON, _minute(1))
    assert (first.case.newest_at, first.case.need) == (_minute(2), "danger_now")
    assert (first.case.reference, first.case.audience) == (reference_of("c1"), "young_person")
    assert set(first.case.categories) == {"grooming"}
    assert [review.note for review in first.reviews] == ["on m1", "on m2"]
    assert [(link.event.message_id, link.event.what) for link in first.history] == [
        ("m1", "recorded"),
        ("m2", "recorded"),
        ("m1", "outcome recorded"),
        ("m3", "recorded"),
        ("m2", "outcome recorded"),
    ]
    assert [link.id for link in first.history] == [1, 2, 4, 5, 6]
    # One that staff found less serious stays so; it was closed when it was closed.
    second = cases.whole("c2").case
    assert (second.severity, second.assessed_severity) == (Severity.NONE, Severity.URGENT)
    assert second.closed_at == _minute(30)
    # What goes on joins what there is, and opens it again.
    log = log_on(engine)
    assert log.record(_old_message("m1", "c1", Severity.CONCERN, 0)) is False
    assert log.record(_old_message("n3", "c3", Severity.CONCERN, 60)) is True
    assert cases.find("c3").status is CaseStatus.OPEN
    assert rotate(engine, make_vault()) > 0
    assert cases.whole("c1").messages == first.messages
    engine.dispose()


def test_open_alerts_of_before_learn_the_area_of_their_case(empty_url: str) -> None:
    engine = connect(empty_url)
    _migrate_to(engine, "0008")
    case = {
        "id": "c1", "reference": "LN-1", "conversation_id": "c1", "status": "open", "severity": 2,
        "assessed_severity": 2, "subject": "self", "categories": [], "area": "swindon",
        "opened_at": NOON, "raised_at": NOON, "newest_at": NOON, "due_at": NOON, "handoffs": 1,
        "legal_hold": False, "version": 1,
    }  # fmt: skip
    alert = {
        "case_id": "c1", "reference": "LN-1", "severity": 2, "need": "", "category": "",
        "raised_at": NOON, "reason": "new", "step": 1, "next_at": NOON,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(cases_table).values(**case))
        connection.execute(sa.insert(alerts).values(**alert, occasion="m1"))
        connection.execute(sa.insert(alerts).values(**alert, occasion="m2", ended_at=NOON))
    migrate(empty_url)

    with engine.connect() as connection:
        found = connection.execute(sa.select(alerts.c.area).order_by(alerts.c.id)).scalars().all()
    engine.dispose()
    assert found == ["swindon", None]


def test_a_database_without_a_row_becomes_one_of_cases(empty_url: str) -> None:
    engine = connect(empty_url)
    _migrate_to(engine, "0004")
    migrate(empty_url)

    assert log_on(engine).record(escalation()) is True
    engine.dispose()


def test_a_whole_life_reads_as_it_happened(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str, bob: str, clock: Clock
) -> None:
    log.record(escalation(shown=()))
    called = ClosingDecision(Outcome.ADVICE_GIVEN, "Called.", Severity.CONCERN)
    steps: list[Callable[[], object]] = [
        lambda: log.record(escalation(assessment=assessment(Severity.URGENT, GIFTS))),
        lambda: casework.viewed("c1", by=ann),
        lambda: casework.assign("c1", ann, by=ann),
        lambda: casework.close("c1", called, by=ann),
        lambda: casework.answer_closing("c1", agree=True, by=bob),
        lambda: casework.reopen("c1", by=ann, reason="She wrote again."),
    ]
    for step in steps:
        clock.move(minutes=1)
        step()

    whole = cases.whole("c1")
    assert [(link.event.who, link.event.what) for link in whole.history] == [
        ("gateway", CaseEvent.RECORDED),
        ("gateway", CaseEvent.RAISED),
        (ann, CaseEvent.VIEWED),
        (ann, CaseEvent.ASSIGNED),
        (ann, CaseEvent.CLOSING_PROPOSED),
        (bob, CaseEvent.OUTCOME_RECORDED),
        (ann, CaseEvent.REOPENED),
    ]
    assert whole.case.status is CaseStatus.OPEN
    assert whole.case.severity is Severity.CONCERN
    assert whole.case.assessed_severity is Severity.URGENT
    assert cases.queue(CaseFilter(assigned_to=ann)) == [whole.case]


def test_two_processes_recording_one_message_leave_one_record_with_all_they_knew(
    cases: Cases, writers: tuple[Writer, Writer]
) -> None:
    one, two = writers
    for number in range(40):
        one.tell(f"m{number}", "concern", "source-one", f"c{number}")
        two.tell(f"m{number}", "urgent", "source-two", f"c{number}")
    answers = [(one.answer(), two.answer()) for _ in range(40)]

    for number, both in enumerate(answers):
        message_id = f"m{number}"
        assert sorted(both) == [f"{message_id} False", f"{message_id} True"]
        whole = cases.whole(f"c{number}")
        assert (whole.case.severity, whole.case.handoffs) == (Severity.URGENT, 1)
        (message,) = whole.messages
        sources = {signal.source for signal in message.assessment.signals}
        assert sources == {"source-one", "source-two"}
        assert events_of(cases, message_id).count(CaseEvent.RECORDED) == 1
    assert cases.count(CaseFilter()) == 40


def test_two_processes_writing_to_one_conversation_leave_one_case_with_all(
    cases: Cases, writers: tuple[Writer, Writer], engine: Engine
) -> None:
    for number in range(40):
        for name, writer in zip(("one", "two"), writers, strict=True):
            level = "urgent" if number == 20 else "concern"
            writer.tell(f"{name}-{number}", level, "a", "c1")
    for number in range(40):
        told = [f"one-{number} True", f"two-{number} True"]
        assert [writer.answer() for writer in writers] == told

    whole = cases.whole("c1")
    assert (whole.case.handoffs, whole.case.severity) == (80, Severity.URGENT)
    assert len({message.message_id for message in whole.messages}) == 80
    assert [link.event.what for link in whole.history].count(CaseEvent.RECORDED) == 1
    with engine.connect() as connection:
        reasons = connection.execute(sa.select(alerts.c.reason).order_by(alerts.c.id)).scalars()
        assert list(reasons) == ["new", "raised"]


def test_two_processes_adding_to_one_record_do_not_undo_each_other(
    log: EscalationLog, cases: Cases, writers: tuple[Writer, Writer]
) -> None:
    log.record(escalation())
    for number in range(40):
        for name, writer in zip(("one", "two"), writers, strict=True):
            writer.tell("m1", "concern", f"{name}-{number}")
    for _ in range(40):
        assert [writer.answer() for writer in writers] == ["m1 False"] * 2

    signals = message_of(cases, "m1").assessment.signals
    added = {f"{name}-{number}" for name in ("one", "two") for number in range(40)}
    assert {signal.source for signal in signals} >= added


@pytest.mark.parametrize("with_version", [True, False])
def test_two_members_of_staff_at_once_leave_one_outcome(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str, bob: str, with_version: bool
) -> None:
    def close(case_id: str, by: str, version: int | None) -> bool:
        try:
            casework.close(case_id, ClosingDecision(Outcome.OTHER, by), by=by, version=version)
        except (AlreadyClosedError, StaleCaseError):
            return False
        return True

    for number in range(10):
        case_id = f"c{number}"
        log.record(escalation(f"m{number}", conversation_id=case_id))
        seen = cases.find(case_id).version if with_version else None
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(close, [case_id] * 2, [ann, bob], [seen] * 2)
        assert first != second
        assert len(cases.whole(case_id).reviews) == 1


def test_every_acknowledged_record_is_there_once_after_a_process_was_killed(
    cases: Cases, writers: tuple[Writer, Writer]
) -> None:
    one, two = writers
    for number in range(400):
        one.tell(f"one-{number}", "concern", "a", f"c{number % 7}")
    acknowledged = [one.answer() for _ in range(60)]
    one.process.kill()
    rest = one.output.read().splitlines()
    acknowledged += [line for line in rest if line.endswith((" True", " False"))]
    two.tell("two", "concern", "a")

    assert two.answer() == "two True"
    assert len(acknowledged) < 400
    found = ids(cases)
    assert len(found) == len(set(found))
    assert {line.split()[0] for line in acknowledged} <= set(found)
    assert sum(case.handoffs for case in cases.queue(CaseFilter(), limit=None)) == len(found)
    for message_id in found:
        assert events_of(cases, message_id) in ([CaseEvent.RECORDED], [CaseEvent.JOINED])


def test_a_read_only_database_fills_the_spool_and_a_writable_one_empties_it(
    database_url: str, engine: Engine, clock: Clock, cases: Cases, tmp_path: Path
) -> None:
    mailbox = WorkedMailbox(engine, clock)
    mailbox.append(escalation("before"))
    spool = Spool(tmp_path / "spool", make_vault())
    read_only = _read_only(database_url, engine)
    for number in range(3):
        told = escalation(f"m{number}")
        with pytest.raises(DBAPIError):
            HandoffMailbox(read_only, make_vault()).append(told)
        spool.keep(told)
    # The assistant comes to know more about one of them, while the database is still away.
    worse = escalation("m1", assessment=assessment(Severity.IMMEDIATE))
    spool.keep(worse)
    read_only.dispose()
    _writable(engine)

    assert spool.drain(mailbox) == 4
    assert spool.drain(mailbox) == 0
    assert sorted(ids(cases)) == ["before", "m0", "m1", "m2"]
    assert cases.find("c1").severity is Severity.IMMEDIATE
    assert events_of(cases, "m0") == [CaseEvent.JOINED]


@pytest.mark.parametrize("away", ["audit_events", "alerts", "data_keys"])
def test_a_failed_record_leaves_nothing_half_done(
    engine: Engine, log: EscalationLog, cases: Cases, away: str
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {away} RENAME TO away")
    with pytest.raises(DBAPIError):
        log.record(escalation())
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE away RENAME TO {away}")

    assert cases.count(CaseFilter(status=None)) == cases.latest_change() == 0
    assert log.record(escalation()) is True


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
        log.record(escalation(f"m{number}", conversation_id=f"c{number}"))
    keys = f"new:{new_key()},{KEYS}"
    ring = Vault(key_ring(keys))
    writer = Writer(database_url, keys)
    for number in range(30):
        writer.tell(f"m{number}", "urgent", "later", f"c{number}")
    with ThreadPoolExecutor(1) as pool:
        rotating = pool.submit(rotate, engine, ring)
        answers = [writer.answer() for _ in range(30)]
        rotating.result()
    writer.stop()

    assert answers == [f"m{number} False" for number in range(30)]
    after = Cases(engine, Vault(key_ring(keys.partition(",")[0])))
    for number in range(30):
        whole = after.whole(f"c{number}")
        assert whole.messages[0].text == escalation().text
        assert whole.case.severity is Severity.URGENT


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
    """Return a closed escalation as the third migration knew it, in the columns of its time."""
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


def _minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def _old_message(name: str, conversation: str, severity: Severity, minute: int) -> Escalation:
    return escalation(
        name,
        conversation_id=conversation,
        assessment=assessment(severity),
        raised_at=_minute(minute),
    )


def _fill_as_before_cases(engine: Engine) -> None:
    """Three conversations as the fourth migration knew them: escalations, reviews, history."""
    staff_row = _before_staff_could_teach()["staff"]
    told = [
        (_old_message("m1", "c1", Severity.CONCERN, 0), "closed", None),
        (_old_message("m2", "c1", Severity.IMMEDIATE, 1), "closed", Severity.CONCERN),
        (_old_message("n2", "c2", Severity.URGENT, 1), "closed", Severity.NONE),
        (_old_message("m3", "c1", Severity.URGENT, 2), "open", None),
        (_old_message("n3-1", "c3", Severity.CONCERN, 3), "closed", None),
    ]
    events = ["m1", "m2", "n2", "m1 closed", "m3", "m2 closed", "n2 closed", "n3-1", "n3-1 closed"]
    rows: list[tuple[str, dict[str, object]]] = [("staff", staff_row)]
    for message, status, found in told:
        rows.append(("escalations", _old_row(message, status, found)))
    for number, event in enumerate(events):
        message_id, _, closed = event.partition(" ")
        what, who = ("outcome recorded", "s1") if closed else ("recorded", "gateway")
        at = str(_minute(number))
        detail = json.dumps({"outcome": "other"} if closed else {"severity": "concern"})
        event_row = {"message_id": message_id, "at": at, "who": who, "what": what}
        rows.append(("history", event_row | {"detail": detail}))
        if closed:
            place = {"table": "reviews", "row": f"r{number}", "column": "note"}
            note = sealed_as_v1(f"on {message_id}", KEYS, **place)
            review = {"id": f"r{number}", "message_id": message_id, "at": at, "by": "s1"}
            rows.append(("reviews", review | {"outcome": "other", "note": note}))
    with engine.begin() as connection:
        for table, row in rows:
            connection.execute(sa.insert(sa.table(table, *map(sa.column, row))).values(**row))


def _old_row(message: Escalation, status: str, found: Severity | None) -> dict[str, object]:
    row = sealed_row(message, make_vault())
    turns = [[turn.by, turn.text] for turn in message.turns_before]
    words = {
        "text": message.text,
        "turns": json.dumps(turns),
        "shown": json.dumps(list(message.shown)),
        "nearest": json.dumps([[] for _ in message.assessment.signals]),
    }
    for column, text in words.items():
        place = {"table": "escalations", "row": message.message_id, "column": column}
        row[column] = sealed_as_v1(text, KEYS, **place)
    for column in ("categories", "signals", "extra"):
        row[column] = json.dumps(row[column])
    return row | {
        "raised_at": str(message.raised_at),
        "status": status,
        "closed_at": str(_minute(30)) if status == "closed" else None,
        "staff_severity": None if found is None else int(found),
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
