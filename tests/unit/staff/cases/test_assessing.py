"""What the gateway had no time for is assessed: the most alarming first, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DataError, OperationalError

from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import NOT_ASSESSED, Escalation
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Turn
from safeguarding.screening.lanes import SHORT
from safeguarding.screening.process import (
    ScreeningAwayError,
    ScreeningFailedError,
    ScreeningProcess,
)
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.cases import assessing as module
from staff.cases import recording, unassessed
from staff.cases.assessing import (
    AT_ONCE,
    IDLE_S,
    MOST_TRIES,
    ROUND_S,
    AssessmentLoop,
    AssessmentWorker,
)
from staff.cases.case import CaseEvent
from staff.cases.cases import CaseFilter, Cases
from staff.cases.found_messages import GRAVE_TOGETHER
from staff.cases.unassessed import GRACE, UnassessedRows
from staff.cases.worker import UNASSESSED_S, CaseWorker
from staff.loops import Beats
from storage import handoffs
from storage.handoffs import HandoffMailbox
from storage.vault import Vault, key_ring, new_key
from tests.fakes.plain_engine import DISCLOSES, PlainEngine, plain_alarm
from tests.records import NOON, Clock, assessment, escalation, vault

PLAIN = (sys.executable, "-m", "tests.fakes.plain_screening")
LATE = {"screening": "late"}
TOLD = f"my uncle keeps {DISCLOSES}"
HANDED_OVER = ConversationState(severity=Severity.URGENT, need="unclear", replies=3)
Logged = Callable[[], list[str]]


class Ticks:
    """A clock that counts seconds, moved by the test."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class ObedientScreener:
    """Does the work of the screening process, and what a test tells it beside.

    `can_start` is whether it comes up. Whatever `meanwhile` is, is called with each text. A text
    of `fails` cannot be assessed, and one of `kills` ends it with all that is with it.
    """

    def __init__(self) -> None:
        self.is_up = False
        self.can_start = True
        self.starts = 0
        self.is_closed = False
        self.tasks: list[ScreeningTask] = []
        self.lanes: set[str] = set()
        self.looked_at: list[str] = []
        self.asked: list[str] = []
        self.fails: set[str] = set()
        self.kills: set[str] = set()
        self.meanwhile: Callable[[str], None] = lambda _text: None
        self._with_it: list[str] = []
        self._engine = PlainEngine()

    @property
    def texts(self) -> list[str]:
        """The texts that were assessed, or would have been, in order."""
        return [task.text for task in self.tasks]

    async def start(self, within_s: float) -> bool:
        assert within_s > 0
        self.starts += 1
        self.is_up = self.can_start
        return self.is_up

    async def screen(self, task: ScreeningTask, lane: str) -> tuple[AssessedMessage, float]:
        self.tasks.append(task)
        self.lanes.add(lane)
        self._with_it.append(task.text)
        self.meanwhile(task.text)
        try:
            # All that are sent at once are with it before it answers any.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if self.kills & set(self._with_it):
                self.is_up = False
            if not self.is_up:
                raise ScreeningAwayError
            await asyncio.sleep(0)
        finally:
            self._with_it.remove(task.text)
        if task.text in self.fails:
            raise ScreeningFailedError("RuntimeError")
        found = self._engine.analyse(task.text)
        return AssessedMessage(found.assessment, None), 0.02

    async def alarms(self, glimpses: Sequence[Glimpse]) -> Sequence[float]:
        if not self.is_up:
            raise ScreeningAwayError
        self.looked_at += [glimpse.text for glimpse in glimpses]
        self.asked += [glimpse.asked for glimpse in glimpses if glimpse.asked]
        return [plain_alarm(glimpse.text) for glimpse in glimpses]

    async def close(self) -> None:
        self.is_up, self.is_closed = False, True


@pytest.fixture
def clock() -> Clock:
    """Return a clock by which all that a test appends has waited long enough."""
    return Clock(NOON + timedelta(minutes=1))


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def screener() -> ObedientScreener:
    return ObedientScreener()


@pytest.fixture
def chat(engine: Engine) -> HandoffMailbox:
    """Return the mailbox of a gateway."""
    return HandoffMailbox(engine, vault())


@pytest.fixture
def worker(
    engine: Engine, screener: ObedientScreener, clock: Clock, ticks: Ticks
) -> Iterator[AssessmentWorker]:
    worker = AssessmentWorker(
        UnassessedRows(engine, vault(), clock, ticks), lambda: screener, ticks
    )
    yield worker
    worker.close()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """Collect the events of the worker's log, however other tests have configured logging."""
    monkeypatch.setattr(module, "log", structlog.get_logger("cases.assessing"))
    with structlog.testing.capture_logs() as events:
        yield lambda: [event["event"] for event in events]
    assert DISCLOSES not in str(events)


def late(message_id: str = "m1", text: str = TOLD, **changes: Any) -> Escalation:
    """Return a message that waits for its assessment, in a conversation of its own."""
    usual: dict[str, Any] = {
        "text": text,
        "conversation_id": f"of-{message_id}",
        "assessment": NOT_ASSESSED,
        "extra": LATE,
        "state": ConversationState().as_record(),
    }
    return escalation(message_id, **(usual | changes))


def rows(engine: Engine) -> Sequence[sa.Row[Any]]:
    with engine.connect() as connection:
        query = sa.select(handoffs.handoffs).order_by(handoffs.handoffs.c.number)
        return connection.execute(query).all()


def left(engine: Engine) -> int:
    """Return how many rows wait for their assessment."""
    with engine.connect() as connection:
        return handoffs.figures(connection).unassessed


def found(cases: Cases) -> dict[str, Severity]:
    """Return the severity of each message on record."""
    queue = cases.queue(CaseFilter(status=None), limit=None)
    messages = [message for case in queue for message in cases.whole(case.id).messages]
    assert len({message.message_id for message in messages}) == len(messages)
    return {message.message_id: message.assessment.severity for message in messages}


def alerted(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.execute(sa.select(alerts.c.case_id)).scalars())


def test_a_disclosure_becomes_a_case_of_its_true_severity_with_alert_and_event(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(late(extra=LATE | {"fallback": "assessment-late"}))

    assert worker.work() == 1

    case, (message,) = cases.find("of-m1"), cases.whole("of-m1").messages
    assert case.severity == message.assessment.severity == Severity.URGENT
    assert message.assessment.categories == ("sexual_abuse",)
    assert message.extra == LATE | {"fallback": "assessment-late", "assessed_later": "urgent"}
    assert message.is_assessed
    assert (message.raised_at, message.shown) == (NOON, late().shown)
    assert [link.event.what for link in cases.whole("of-m1").history] == [CaseEvent.RECORDED]
    assert alerted(engine) == ["of-m1"]
    assert [(row.sealed, row.done_at) for row in rows(engine)] == [(None, clock.at)]
    assert worker.work() == 0


def test_what_shows_no_risk_is_deleted_and_opens_no_case(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine
) -> None:
    chat.append_all([late(f"m{number}", "what is grooming") for number in range(7)])

    assert worker.work() == 7

    assert rows(engine) == []
    assert cases.count(CaseFilter(status=None)) == 0
    assert cases.latest_change() == 0
    assert alerted(engine) == []


def test_the_most_alarming_are_assessed_first_however_late_they_came(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener
) -> None:
    talk = [late(f"t{number}", f"hello {number}") for number in range(30)]
    told = [late(f"d{number}", f"{TOLD} {number}") for number in range(6)]
    chat.append_all([*talk, *told])

    assert worker.work() == 36

    assert set(screener.texts[:6]) == {message.text for message in told}
    assert sorted(screener.looked_at) == sorted(message.text for message in (*talk, *told))
    assert screener.lanes == {SHORT}


def test_what_comes_while_others_wait_is_looked_at_before_they_are_assessed(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, ticks: Ticks,
    engine: Engine,
) -> None:  # fmt: skip
    def takes_long(_text: str) -> None:
        ticks.at += ROUND_S / AT_ONCE

    screener.meanwhile = takes_long
    chat.append_all([late(f"t{number}", f"hello {number}") for number in range(20)])
    done = worker.work()
    assert 0 < done < 20

    chat.append(late("d1"))
    before = len(screener.tasks)
    while left(engine):
        worker.work()

    assert screener.texts[before] == TOLD


def test_messages_are_assessed_with_what_came_before_them(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener
) -> None:
    before = (Turn("user", "hi"), Turn("assistant", "Are you safe?"))
    state = ConversationState(asked="safe_now", replies=1)
    chat.append(late(text="no", turns_before=before, state=state.as_record()))

    worker.work()

    assert screener.tasks == [ScreeningTask("no", before, state, is_answered=False)]
    assert screener.asked == ["safe_now"]


def test_a_message_without_a_state_is_assessed_at_the_beginning(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases
) -> None:
    chat.append(late(state=None))

    assert worker.work() == 1
    assert found(cases) == {"m1": Severity.URGENT}


@pytest.mark.parametrize(
    "state", [{"severity": "none", "replies": 1, "a_field_of_a_later_version": 1}, {"severity": 7}]
)
def test_a_state_that_cannot_be_read_costs_neither_the_message_nor_the_others(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine,
    state: dict[str, Any],
) -> None:  # fmt: skip
    chat.append_all([late("m1", state=state), late("m2"), late("m3", "hello")])

    for _ in range(3):
        with suppress(Exception):  # as the loop of the dispatcher goes on
            worker.work()

    assert found(cases)["m2"] == Severity.URGENT
    assert found(cases).get("m1", Severity.NONE) >= Severity.CONCERN
    assert left(engine) == 0


def test_small_talk_is_attached_to_the_case_of_its_conversation(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    chat.append(escalation("told", conversation_id="c1"))
    CaseWorker(engine, vault(), clock).work()
    state = HANDED_OVER.as_record()
    later = {"raised_at": NOON + timedelta(seconds=9)}
    chat.append(late("m1", "ok", conversation_id="c1", state=state, **later))
    # Its case was opened by a message that came after it: it belongs there all the same.
    chat.append(late("m2", "hi", conversation_id="c1", **later))

    assert worker.work() == 2

    assert found(cases) == {"told": Severity.CONCERN, "m1": Severity.NONE, "m2": Severity.NONE}
    whats = [link.event.what for link in cases.whole("c1").history]
    assert whats == [CaseEvent.RECORDED, CaseEvent.ATTACHED, CaseEvent.ATTACHED]
    assert alerted(engine) == ["c1"]
    assert [row.sealed for row in rows(engine)] == [None] * 3


def test_small_talk_of_a_conversation_that_was_handed_over_waits_for_its_case(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    state = HANDED_OVER.as_record()
    chat.append(late("m1", "ok", conversation_id="c1", state=state))

    assert worker.work() == 1
    assert [(row.state, row.sealed is None) for row in rows(engine)] == [
        ("not_assessed", True),
        ("assessed", False),
    ]
    assert cases.count(CaseFilter(status=None)) == 0

    chat.append(escalation("told", conversation_id="c1"))
    assert CaseWorker(engine, vault(), clock).work_off() == 0
    assert found(cases) == {"told": Severity.CONCERN, "m1": Severity.NONE}


def test_a_repeat_does_no_harm(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine
) -> None:
    again = [late("m1"), late("m2", "hello")]
    chat.append_all(again)
    worker.work()

    # The gateway's spool may hold them still, and a browser may send them again.
    chat.append_all(again)
    sent_again = NOON + timedelta(seconds=20)
    chat.append(late("m1", raised_at=sent_again))
    while left(engine):
        worker.work()

    assert found(cases) == {"m1": Severity.URGENT}
    assert alerted(engine) == ["of-m1"]
    assert CaseEvent.RAISED not in [link.event.what for link in cases.whole("of-m1").history]


def test_the_gateways_own_late_assessment_and_the_workers_make_one_record(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, clock: Clock
) -> None:
    own = LATE | {"assessed_later": "urgent"}
    for number in range(2):
        message = late(f"m{number}")
        chat.append(message)
        chat.append(message.assessed(assessment(Severity.URGENT)))
    assert late("m0").assessed(assessment(Severity.URGENT)).extra == own

    CaseWorker(engine, vault(), clock).work(at_most=1)
    worker.work()
    CaseWorker(engine, vault(), clock).work_off()

    assert found(cases) == {"m0": Severity.URGENT, "m1": Severity.URGENT}
    assert alerted(engine) == ["of-m0", "of-m1"]
    assert left(engine) == 0


def test_two_workers_settle_each_row_once(
    chat: HandoffMailbox, cases: Cases, engine: Engine, clock: Clock
) -> None:
    told = [late(f"d{number}", f"{TOLD} {number}") for number in range(15)]
    chat.append_all([*told, *(late(f"t{number}", "hello") for number in range(15))])
    begin = threading.Barrier(2)

    def work() -> None:
        worker = AssessmentWorker(UnassessedRows(engine, vault(), clock), ObedientScreener)
        begin.wait()
        while left(engine):
            worker.work()
        worker.close()

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work), pool.submit(work)]:
            each.result()

    assert found(cases) == {message.message_id: Severity.URGENT for message in told}
    assert len(alerted(engine)) == 15
    for message in told:
        history = cases.whole(message.conversation_id).history
        assert [link.event.what for link in history] == [CaseEvent.RECORDED]
    assert len(rows(engine)) == 15


def test_a_row_that_another_held_and_did_not_settle_is_settled(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine
) -> None:
    chat.append(late())
    if engine.dialect.name == "sqlite":
        pytest.skip("on SQLite nobody can hold a row: writers wait for each other")
    with engine.connect() as other, other.begin() as transaction:
        assert handoffs.claim(other, rows(engine)[0].number) is not None
        worker.work()
        transaction.rollback()

    worker.work()

    assert found(cases) == {"m1": Severity.URGENT}


def test_while_the_process_does_not_come_up_everything_waits(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    engine: Engine, ticks: Ticks,
) -> None:  # fmt: skip
    screener.can_start = False
    chat.append_all([late("m1"), late("m2", "hello")])
    for _ in range(5):
        assert worker.work() == 0
        ticks.at += 100
    assert (left(engine), screener.tasks) == (2, [])
    assert worker.idle_s == 500

    screener.can_start = True
    assert worker.work() == 2

    assert (found(cases), worker.idle_s) == ({"m1": Severity.URGENT}, 0)


def test_after_long_without_a_process_staff_read_the_messages_as_concerns(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    engine: Engine, ticks: Ticks, clock: Clock,
) -> None:  # fmt: skip
    taker = CaseWorker(engine, vault(), clock, assessing_idle_s=lambda: worker.idle_s)
    screener.can_start = False
    chat.append(late("m1"))
    worker.work()
    ticks.at += UNASSESSED_S - 1
    clock.move(seconds=UNASSESSED_S + 1)
    assert taker.work() == 0

    worker.work()
    ticks.at += 2
    assert taker.work() == 1

    assert found(cases) == {"m1": Severity.CONCERN}
    screener.can_start = True
    worker.work()
    assert found(cases) == {"m1": Severity.CONCERN}


def test_a_process_that_goes_away_is_started_again_and_the_message_tried_again(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases
) -> None:
    screener.kills = {TOLD}
    chat.append_all([late("m1"), late("m2", "hello")])
    assert worker.work() == 0
    screener.kills = set()

    assert worker.work() == 2

    assert (screener.starts, screener.texts.count(TOLD)) == (2, 2)
    assert found(cases) == {"m1": Severity.URGENT}


def test_a_message_with_which_the_process_ends_each_time_is_for_staff_in_the_end(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    engine: Engine,
) -> None:  # fmt: skip
    screener.kills = {"the end"}
    chat.append(late("m1", "the end"))
    chat.append_all([late(f"d{number}", f"{TOLD} {number}") for number in range(AT_ONCE)])
    for _ in range(MOST_TRIES + 1):
        worker.work()

    assert screener.texts.count("the end") == MOST_TRIES
    assert found(cases) == {"m1": Severity.CONCERN} | {
        f"d{number}": Severity.URGENT for number in range(AT_ONCE)
    }
    (message,) = cases.whole("of-m1").messages
    assert message.extra == LATE | {"assessed_later": "failed"}
    assert (message.is_assessed, message.assessment) == (False, NOT_ASSESSED)
    assert "of-m1" in alerted(engine)
    assert left(engine) == 0


def test_what_is_with_the_process_when_another_message_ends_it_is_assessed_truly(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases
) -> None:
    kills = f"{TOLD} and that ends it"
    screener.kills = {kills}
    chat.append(late("m0", kills))
    chat.append_all([late(f"d{number}", f"{TOLD} {number}") for number in range(AT_ONCE - 1)])
    for _ in range(3 * MOST_TRIES):
        worker.work()

    assert found(cases) == {"m0": Severity.CONCERN} | {
        f"d{number}": Severity.URGENT for number in range(AT_ONCE - 1)
    }


def test_a_message_that_cannot_be_assessed_is_for_staff_at_once(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    engine: Engine, logged: Logged,
) -> None:  # fmt: skip
    screener.fails = {"hello"}
    chat.append_all([late("m1", "hello"), late("m2")])

    assert worker.work() == 2

    assert found(cases) == {"m1": Severity.CONCERN, "m2": Severity.URGENT}
    assert cases.whole("of-m1").messages[0].extra["assessed_later"] == "failed"
    assert alerted(engine) == ["of-m1", "of-m2"]
    assert logged() == ["assessing.failed"]


def test_without_a_first_sight_everything_is_assessed_all_the_same(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    monkeypatch: pytest.MonkeyPatch, logged: Logged,
) -> None:  # fmt: skip
    async def fail(_glimpses: Sequence[Glimpse]) -> Sequence[float]:
        raise ScreeningFailedError("MemoryError")

    monkeypatch.setattr(screener, "alarms", fail)
    chat.append_all([late("m1"), late("m2", "hello")])

    assert worker.work() == 2
    assert found(cases) == {"m1": Severity.URGENT}
    assert logged() == ["assessing.unranked"]


def failing(error: Exception, *of: str) -> Callable[..., bool]:
    """Return a `record_message` that fails for these messages, or for all."""
    real = recording.record_message

    def record(connection: sa.Connection, ring: Vault, told: Escalation, at: Any) -> bool:
        if not of or told.message_id in of:
            raise error
        return real(connection, ring, told, at)

    return record


AWAY = OperationalError("SELECT", {}, Exception())


def test_a_database_that_goes_away_is_said_and_costs_nothing(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, cases: Cases,
    engine: Engine, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told = [late(f"d{number}", f"{TOLD} {number}") for number in range(9)]
    chat.append_all([*told, late("t1", "hello")])
    with monkeypatch.context() as broken:
        broken.setattr(unassessed, "record_message", failing(AWAY))
        for _ in range(3):
            with pytest.raises(OperationalError):
                worker.work()
    assert left(engine) == 10
    assert cases.count(CaseFilter(status=None)) == 0

    while left(engine):
        worker.work()

    assert found(cases) == {message.message_id: Severity.URGENT for message in told}
    assert screener.starts == 1


@pytest.mark.parametrize("step", ["unassessed", "read", "claim"])
def test_a_database_that_is_away_when_it_looks_costs_nothing(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def away(*_: object) -> None:
        raise AWAY

    chat.append(late())
    with monkeypatch.context() as broken:
        broken.setattr(handoffs, step, away)
        with pytest.raises(OperationalError):
            worker.work()

    assert worker.work() == 1
    assert found(cases) == {"m1": Severity.URGENT}


def test_a_database_that_is_locked_for_a_while_costs_nothing(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the database")
    chat.append(late())
    with engine.begin(), pytest.raises(OperationalError):
        worker.work()

    assert worker.work() == 1
    assert found(cases) == {"m1": Severity.URGENT}


def test_what_the_database_refuses_stops_nothing_else(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    refused = [f"m{number}" for number in range(AT_ONCE)]
    chat.append_all([late(each) for each in refused])
    chat.append(late("calm", "hello"))
    chat.append(escalation("told", conversation_id="of-calm"))
    CaseWorker(engine, vault(), Clock()).work()
    error = DataError("INSERT", {}, Exception())
    monkeypatch.setattr(unassessed, "record_message", failing(error, *refused))
    for _ in range(5):
        worker.work()

    assert "calm" in found(cases)


def test_one_that_the_database_refuses_does_not_hold_up_those_that_are_settled_with_it(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told = [late(f"d{number}", f"{TOLD} {number}") for number in range(GRAVE_TOGETHER)]
    chat.append_all(told)
    error = DataError("INSERT", {}, Exception())
    monkeypatch.setattr(unassessed, "record_message", failing(error, "d3"))
    worker.work()

    rest = {message.message_id: Severity.URGENT for message in told[:3] + told[4:]}
    assert (found(cases), left(engine)) == (rest, 1)


def test_several_disclosures_are_recorded_in_one_transaction_where_there_is_one_write_lock(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine
) -> None:
    told = [late(f"d{number}", f"{TOLD} {number}") for number in range(2 * GRAVE_TOGETHER)]
    chat.append_all(told)
    commits: list[object] = []

    def committed(connection: sa.Connection) -> None:
        if "lantern_reading" not in connection.get_execution_options():
            commits.append(connection)

    sa.event.listen(engine, "commit", committed)
    assert worker.work() == 2 * GRAVE_TOGETHER
    sa.event.remove(engine, "commit", committed)

    assert len(found(cases)) == len(alerted(engine)) == 2 * GRAVE_TOGETHER
    alone = engine.dialect.name == "postgresql"
    assert len(commits) == 2 * GRAVE_TOGETHER if alone else len(commits) <= 2


def test_a_row_that_nobody_can_open_is_reported_once_and_stops_nothing(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, ticks: Ticks,
    logged: Logged,
) -> None:  # fmt: skip
    HandoffMailbox(engine, Vault(key_ring(f"other:{new_key()}"))).append(late("lost"))
    chat.append_all([late("m1"), late("m2", "hello")])

    for _ in range(4):
        worker.work()
        ticks.at += 100

    assert found(cases) == {"m1": Severity.URGENT}
    assert left(engine) == 1
    assert logged().count("handoff.unreadable") == 1


def test_a_row_whose_state_was_changed_is_not_believed(
    chat: HandoffMailbox, worker: AssessmentWorker, cases: Cases, engine: Engine, logged: Logged
) -> None:
    chat.append(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(handoffs.handoffs).values(state="not_assessed"))

    assert worker.work() == 0

    # No worker may delete what was handed over as a concern.
    assert left(engine) == 1
    assert logged() == ["handoff.unreadable"]


def test_a_row_waits_a_moment_for_the_assessment_that_the_gateway_began(
    chat: HandoffMailbox, worker: AssessmentWorker, screener: ObedientScreener, clock: Clock
) -> None:
    chat.append(late())
    clock.at = NOON + GRACE
    assert (worker.work(), screener.starts) == (0, 0)

    clock.move(seconds=0.1)
    assert worker.work() == 1


def test_the_process_is_started_when_there_is_work_and_given_back_when_there_is_none_for_long(
    chat: HandoffMailbox, engine: Engine, clock: Clock, ticks: Ticks, cases: Cases
) -> None:
    made: list[ObedientScreener] = []

    def make() -> ObedientScreener:
        made.append(ObedientScreener())
        return made[-1]

    worker = AssessmentWorker(UnassessedRows(engine, vault(), clock, ticks), make, ticks)
    ticks.at += 10 * IDLE_S
    worker.work()
    assert made == []

    chat.append(late("m1"))
    worker.work()
    ticks.at += IDLE_S
    worker.work()
    assert not made[0].is_closed

    ticks.at += 1
    worker.work()
    assert made[0].is_closed

    chat.append(late("m2"))
    assert worker.work() == 1
    worker.close()
    assert [each.is_closed for each in made] == [True, True]
    assert len(found(cases)) == 2


def test_the_loop_of_the_dispatcher_tells_how_many_were_settled(
    chat: HandoffMailbox, worker: AssessmentWorker
) -> None:
    loop = AssessmentLoop(worker, Beats())
    chat.append_all([late("m1"), late("m2", "hello")])

    assert (loop.name, loop.once(), loop.once()) == ("assessing", 2, 0)


def test_with_a_real_process_that_is_killed_meanwhile(
    chat: HandoffMailbox, cases: Cases, engine: Engine, clock: Clock
) -> None:
    made: list[ScreeningProcess] = []

    def make() -> ScreeningProcess:
        made.append(ScreeningProcess(PLAIN, niceness=1))
        return made[-1]

    worker = AssessmentWorker(UnassessedRows(engine, vault(), clock), make)
    asked = ConversationState(asked="safe_now", replies=1).as_record()
    talk = [late(f"t{number}", f"hello {number}") for number in range(5)]
    try:
        chat.append_all([late("m1"), late("m2", "no", state=asked), late("m3", "no"), *talk])
        while left(engine):
            worker.work()
        pid = made[0].pid
        assert pid is not None
        first = found(cases)

        os.kill(pid, signal.SIGKILL)
        chat.append_all([late("m4"), late("m5", "hello")])
        while left(engine):
            worker.work()
    finally:
        worker.close()

    assert first == {"m1": Severity.URGENT, "m2": Severity.IMMEDIATE}
    assert found(cases) == first | {"m4": Severity.URGENT}
    assert len(made) == 1
    assert made[0].pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert NO_RISK not in [each.assessment for each in cases.whole("of-m2").messages]
