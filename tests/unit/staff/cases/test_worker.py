"""Each row of the hand-off mailbox becomes part of a case: in order, once, whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import inf
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DataError, OperationalError

from safeguarding.escalation import (
    NOT_ASSESSED,
    CallbackLeft,
    CallbackWithdrawn,
    Escalation,
    Handoff,
)
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.cases import recording
from staff.cases import worker as module
from staff.cases.case import CaseEvent
from staff.cases.cases import CaseFilter, Cases
from staff.cases.worker import UNASSESSED_S, CaseWorker
from storage import handoffs
from storage.handoffs import HandoffMailbox
from storage.vault import Vault, key_ring, new_key
from tests.records import NOON, WORDS, Clock, assessment, escalation, log_on, vault

Logged = Callable[[], list[str]]
LATE = {"screening": "late"}
TALK = {"assessment": NO_RISK, "raised_at": NOON + timedelta(minutes=1)}


class Ticks:
    """A clock that counts seconds, moved by the test."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chat(engine: Engine) -> HandoffMailbox:
    """Return the mailbox of a gateway: no worker takes what it appends."""
    return HandoffMailbox(engine, vault())


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """Collect the events of the worker's log, however other tests have configured logging."""
    monkeypatch.setattr(module, "log", structlog.get_logger("cases.worker"))
    with structlog.testing.capture_logs() as events:
        yield lambda: [event["event"] for event in events]


@pytest.fixture
def worker(engine: Engine, clock: Clock, ticks: Ticks) -> CaseWorker:
    return CaseWorker(engine, vault(), clock, ticks, lambda: inf)


def rows(engine: Engine) -> Sequence[sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return connection.execute(
            sa.select(handoffs.handoffs).order_by(handoffs.handoffs.c.number)
        ).all()


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return handoffs.figures(connection).waiting


def left_unassessed(engine: Engine) -> int:
    with engine.connect() as connection:
        return handoffs.figures(connection).unassessed


def unassessed(message_id: str = "m1", **changes: Any) -> Escalation:
    """Return a message that waits for its assessment."""
    return escalation(message_id, assessment=NOT_ASSESSED, extra=LATE, **changes)


def left(number: int, minutes: int, name: str = "Sam", conversation: str = "c1") -> CallbackLeft:
    at = NOON + timedelta(minutes=minutes)
    return CallbackLeft(f"w{number}", conversation, at, name, "text after 4")


def withdrawn(number: int, minutes: int, conversation: str = "c1") -> CallbackWithdrawn:
    return CallbackWithdrawn(f"w{number}", conversation, NOON + timedelta(minutes=minutes))


def test_a_row_becomes_case_alert_and_event_and_loses_its_words(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(escalation())
    (row,) = rows(engine)
    assert (row.done_at, row.severity, row.state) == (None, int(Severity.CONCERN), "assessed")
    assert WORDS not in str(row)

    assert worker.work() == 1

    whole = cases.whole("c1")
    assert whole.messages == (escalation(),)
    assert [link.event.what for link in whole.history] == [CaseEvent.RECORDED]
    with engine.connect() as connection:
        assert connection.execute(sa.select(alerts.c.case_id)).scalars().all() == ["c1"]
    (row,) = rows(engine)
    assert (row.sealed, row.done_at) == (None, clock.at)
    assert worker.work() == 0


def test_what_is_written_twice_is_one_row_also_when_it_is_done(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine
) -> None:
    assert chat.append(escalation()) is True
    assert chat.append(escalation()) is False
    worker.work()

    assert chat.append(escalation()) is False
    assert worker.work() == 0
    assert len(cases.whole("c1").history) == 1
    assert len(rows(engine)) == 1


def test_what_waits_for_its_assessment_is_left_alone(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(unassessed("m1"))
    chat.append(escalation("m2", conversation_id="c2"))
    clock.move(seconds=UNASSESSED_S)

    assert worker.work() == 1

    assert [case.id for case in cases.queue(CaseFilter(status=None), limit=None)] == ["c2"]
    assert (waiting(engine), left_unassessed(engine)) == (0, 1)
    assert worker.work_off() == 1


def test_the_assessment_that_comes_makes_one_record_and_supersedes_what_waits_for_it(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(unassessed())
    found = assessment(Severity.IMMEDIATE)
    chat.append(escalation(assessment=found, extra=LATE | {"assessed_later": "immediate"}))

    assert worker.work() == 1

    (message,) = cases.whole("c1").messages
    assert message.assessment == found
    assert [(row.state, row.sealed, row.done_at) for row in rows(engine)] == [
        ("not_assessed", None, clock.at),
        ("assessed", None, clock.at),
    ]
    assert [link.event.what for link in cases.whole("c1").history] == [CaseEvent.RECORDED]
    assert chat.append(unassessed()) is False


def test_what_waits_is_not_superseded_by_an_assessment_that_could_not_be_recorded(
    chat: HandoffMailbox, worker: CaseWorker, engine: Engine
) -> None:
    chat.append(unassessed())
    chat.append(escalation(assessment=NO_RISK, extra=LATE | {"assessed_later": "none"}))

    assert worker.work() == 0

    assert (waiting(engine), left_unassessed(engine)) == (1, 1)


def test_what_nothing_assesses_is_a_concern_in_the_end(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(unassessed("m1"))
    chat.append(unassessed("m2", raised_at=NOON + timedelta(seconds=60)))
    clock.move(seconds=UNASSESSED_S + 1)

    assert worker.work() == 1
    (message,) = cases.whole("c1").messages
    assert (message.message_id, message.is_assessed) == ("m1", False)
    assert message.assessment.severity is Severity.CONCERN
    with engine.connect() as connection:
        assert connection.execute(sa.select(alerts.c.case_id)).scalars().all() == ["c1"]

    clock.move(seconds=60)
    assert worker.work() == 1
    assert left_unassessed(engine) == 0


def test_what_was_taken_for_a_concern_is_raised_by_an_assessment_that_comes_after_all(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, clock: Clock
) -> None:
    chat.append(unassessed())
    clock.move(seconds=UNASSESSED_S + 1)
    worker.work()
    found = assessment(Severity.IMMEDIATE)
    chat.append(escalation(assessment=found, extra=LATE | {"assessed_later": "immediate"}))

    assert worker.work() == 1

    (message,) = cases.whole("c1").messages
    assert message.assessment.severity is Severity.IMMEDIATE
    assert [link.event.what for link in cases.whole("c1").history] == [
        CaseEvent.RECORDED,
        CaseEvent.RAISED,
    ]


@pytest.mark.parametrize(("idle_s", "taken"), [(0, 0), (UNASSESSED_S - 1, 0), (UNASSESSED_S, 1)])
def test_while_messages_are_assessed_none_is_taken_for_a_concern_however_long_it_waits(
    chat: HandoffMailbox, engine: Engine, clock: Clock, idle_s: float, taken: int
) -> None:
    worker = CaseWorker(engine, vault(), clock, assessing_idle_s=lambda: idle_s)
    chat.append(unassessed())
    clock.move(hours=5)

    assert worker.work() == taken


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"assessment": NOT_ASSESSED, "extra": {"screening": "failed"}}, "not_assessed"),
        ({"assessment": NOT_ASSESSED, "extra": {"screening": "late"}}, "not_assessed"),
        # It was answered with help, so that somebody has to read it whatever is found.
        ({"extra": {"screening": "late"}}, "assessed"),
        ({"extra": {"screening": "late", "assessed_later": "concern"}}, "assessed"),
    ],
)
def test_a_row_says_when_nothing_is_known_of_it_yet(
    chat: HandoffMailbox, engine: Engine, changes: dict[str, Any], state: str
) -> None:
    chat.append(escalation(**changes))

    assert [row.state for row in rows(engine)] == [state]


def test_what_another_key_sealed_stays_is_reported_once_and_stops_nothing(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, ticks: Ticks,
    logged: Logged,
) -> None:  # fmt: skip
    HandoffMailbox(engine, Vault(key_ring(f"other:{new_key()}"))).append(escalation("lost"))
    chat.append(escalation("m2"))
    chat.append(escalation("m3", conversation_id="c3"))

    for _ in range(5):
        worker.work()
        ticks.at += 120

    assert waiting(engine) == 1
    assert [message.message_id for message in cases.whole("c1").messages] == ["m2"]
    assert cases.find("c3").handoffs == 1
    assert logged().count("handoff.unreadable") == 1


def test_it_is_taken_when_its_key_is_back(
    worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    ring = f"other:{new_key()}"
    HandoffMailbox(engine, Vault(key_ring(ring))).append(escalation())
    assert worker.work_off() == 1

    assert CaseWorker(engine, Vault(key_ring(ring)), clock).work_off() == 0
    assert cases.find("c1").handoffs == 1


@pytest.mark.parametrize("changed", [{"severity": 0}, {"conversation_id": "c9"}])
def test_a_row_whose_plain_columns_were_changed_is_not_believed(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine,
    changed: dict[str, object],
) -> None:  # fmt: skip
    chat.append(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(handoffs.handoffs).values(**changed))

    assert worker.work() == 0
    assert (waiting(engine), cases.count(CaseFilter(status=None))) == (1, 0)


@pytest.mark.parametrize("was_assessed", [True, False])
def test_a_row_whose_state_was_changed_is_not_believed(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, clock: Clock,
    logged: Logged, *, was_assessed: bool,
) -> None:  # fmt: skip
    chat.append(escalation() if was_assessed else unassessed())
    changed = "not_assessed" if was_assessed else "assessed"
    with engine.begin() as connection:
        connection.execute(sa.update(handoffs.handoffs).values(state=changed))
    clock.move(seconds=UNASSESSED_S + 1)

    assert worker.work() == 0
    assert cases.count(CaseFilter(status=None)) == 0
    assert waiting(engine) + left_unassessed(engine) == 1
    assert logged() == ["handoff.unreadable"]


def test_small_talk_waits_for_its_case_and_is_then_taken(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, logged: Logged
) -> None:
    chat.append(escalation("talk", **TALK))
    chat.append(escalation("other", conversation_id="c2"))
    assert worker.work() == 1
    chat.append(escalation("opens it"))

    assert (worker.work(), worker.work()) == (1, 1)
    assert [each.message_id for each in cases.whole("c1").messages] == ["opens it", "talk"]
    assert logged() == []


def test_a_case_that_does_not_come_is_reported_once(
    chat: HandoffMailbox, worker: CaseWorker, engine: Engine, ticks: Ticks,
    logged: Logged,
) -> None:  # fmt: skip
    chat.append(escalation("talk", **TALK))
    for _ in range(20):
        worker.work()
        ticks.at += 10

    assert waiting(engine) == 1
    assert logged().count("handoff.without_case") == 1


def test_what_fails_half_way_leaves_nothing_and_is_done_in_the_next_round(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, ticks: Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def crash(*_: object) -> None:
        raise RuntimeError

    chat.append(escalation())
    with monkeypatch.context() as broken:
        broken.setattr(handoffs, "mark_done", crash)
        assert worker.work() == 0
    assert (cases.count(CaseFilter(status=None)), waiting(engine)) == (0, 1)
    assert cases.latest_change() == 0
    ticks.at += 2

    assert worker.work() == 1
    assert cases.find("c1").handoffs == 1


def failing(engine: Engine, error: Exception, conversation: str) -> Callable[..., bool]:
    """Return a `record_message` that fails for one conversation."""
    real = recording.record_message

    def record(connection: sa.Connection, ring: Vault, told: Escalation, at: object) -> bool:
        if told.conversation_id == conversation:
            raise error
        return real(connection, ring, told, at)  # type: ignore[arg-type]

    return record


class _LockedError(Exception):
    sqlstate = "55P03"


def test_a_lock_on_one_case_holds_up_its_conversation_in_order_and_no_other(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, ticks: Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    chat.append(escalation("m1"))
    chat.append(escalation("m2", conversation_id="c2"))
    chat.append(left(1, 5))
    locked = OperationalError("SELECT", {}, _LockedError())
    with monkeypatch.context() as broken:
        broken.setattr(module, "record_message", failing(engine, locked, "c1"))
        assert worker.work() == 1
        assert worker.work() == 0
    assert cases.find("c2").handoffs == 1
    ticks.at += 5

    assert worker.work() == 2
    assert cases.whole("c1").wish is not None


def test_a_database_that_is_away_is_said_and_costs_nothing(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine, ticks: Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    chat.append(escalation())
    away = OperationalError("SELECT", {}, Exception())
    with monkeypatch.context() as broken:
        broken.setattr(module, "record_message", failing(engine, away, "c1"))
        with pytest.raises(OperationalError):
            worker.work()
    ticks.at += 5

    assert worker.work() == 1
    assert cases.find("c1").handoffs == 1


def test_what_the_database_refuses_stays_and_stops_nothing(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine,
    monkeypatch: pytest.MonkeyPatch, logged: Logged,
) -> None:  # fmt: skip
    chat.append(escalation("m1"))
    chat.append(escalation("m2", conversation_id="c2"))
    refused = DataError("INSERT", {}, Exception())
    monkeypatch.setattr(module, "record_message", failing(engine, refused, "c1"))

    assert worker.work() == 1
    assert waiting(engine) == 1
    assert cases.find("c2").handoffs == 1
    assert logged().count("handoff.not_recorded") == 1


def test_two_workers_do_each_row_once_and_every_conversation_in_order(
    chat: HandoffMailbox, cases: Cases, engine: Engine, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    order: list[tuple[str, str]] = []
    real = recording.record_message

    def noting(connection: sa.Connection, ring: Vault, told: Escalation, at: object) -> bool:
        new = real(connection, ring, told, at)  # type: ignore[arg-type]
        order.append((told.conversation_id, told.message_id))
        return new

    monkeypatch.setattr(module, "record_message", noting)
    for number in range(60):
        conversation = f"c{number % 6}"
        chat.append(escalation(f"m{number:02}", conversation_id=conversation))
    begin = threading.Barrier(2)

    def work() -> int:
        worker, done = CaseWorker(engine, vault(), clock), 0
        begin.wait()
        while waiting(engine):
            done += worker.work(at_most=3)
        return done

    with ThreadPoolExecutor(2) as pool:
        counts = [each.result() for each in (pool.submit(work), pool.submit(work))]

    assert sum(counts) == len(order) == 60
    assert sum(case.handoffs for case in cases.queue(CaseFilter(), limit=None)) == 60
    for conversation in {each for each, _ in order}:
        own = [message_id for each, message_id in order if each == conversation]
        assert own == sorted(own)


def test_a_call_back_is_left_with_its_case_and_withdrawn(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases
) -> None:
    chat.append(escalation())
    chat.append(left(1, 5))
    worker.work()
    wish = cases.whole("c1").wish
    assert wish is not None
    assert (wish.name, wish.reach, wish.at) == ("Sam", "text after 4", NOON + timedelta(minutes=5))

    chat.append(withdrawn(2, 6))
    worker.work()
    assert cases.whole("c1").wish is None
    what = [link.event.what for link in cases.whole("c1").history[1:]]
    assert what == [CaseEvent.WISH_LEFT, CaseEvent.WISH_WITHDRAWN]


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        # A slow database wrote the first after what was withdrawn: it is not kept.
        ([withdrawn(2, 6), left(1, 5)], None),
        # It was left again afterwards.
        ([left(1, 5), withdrawn(2, 6), left(3, 7, "Kit")], "Kit"),
        # Of two that were left, the later counts, whichever was written first.
        ([left(2, 6, "Kit"), left(1, 5)], "Kit"),
        # Two gateways whose clocks differ: what is withdrawn is not kept.
        ([left(1, 6), withdrawn(2, 5)], None),
    ],
)
@pytest.mark.parametrize("case_first", [True, False])
def test_what_was_withdrawn_is_never_kept(
    chat: HandoffMailbox, worker: CaseWorker, cases: Cases, engine: Engine,
    changes: list[Handoff], kept: str | None, *, case_first: bool,
) -> None:  # fmt: skip
    if case_first:
        chat.append(escalation())
    for change in changes:
        chat.append(change)
        worker.work()
    if not case_first:
        chat.append(escalation())

    assert worker.work_off() == 0
    wish = cases.whole("c1").wish
    assert (wish and wish.name) == kept


def test_a_withdrawal_without_a_case_waits_for_nothing(
    chat: HandoffMailbox, worker: CaseWorker, engine: Engine
) -> None:
    chat.append(withdrawn(1, 5))

    assert worker.work() == 1
    assert waiting(engine) == 0


def test_a_call_back_lies_nowhere_in_the_open(
    chat: HandoffMailbox, worker: CaseWorker, engine: Engine
) -> None:
    chat.append(escalation())
    chat.append(left(1, 5, "SECRET"))
    assert "SECRET" not in str(rows(engine))
    worker.work()

    assert "SECRET" not in str(rows(engine))


def test_what_staff_recorded_already_is_not_doubled(
    chat: HandoffMailbox, worker: CaseWorker, engine: Engine, cases: Cases
) -> None:
    log_on(engine).record(escalation())
    chat.append(escalation())

    assert worker.work() == 1
    assert len(cases.whole("c1").history) == 1
