"""The records agree after all that staff and clocks do to them, and each tampering is named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.escalation import CallbackLeft, CallbackWithdrawn
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.audit import reconcile
from staff.audit.commands import reconcile as command
from staff.audit.reconcile import (
    CAME_BACK,
    GONE,
    NO_EVENT,
    NOT_ALERTED,
    Reconciliation,
    one_moment,
)
from staff.audit.trail import audit_events
from staff.cases.case import reference_of
from staff.cases.tables import cases, escalations
from staff.retention.disposal import Disposals, Ground
from storage.handoffs import HandoffMailbox, handoffs
from storage.spool import Spool
from tests.commands import run
from tests.office import BULLYING, CLOCKS, Office
from tests.records import WORDS, Clock, WorkedMailbox, assessment, escalation, vault
from tests.unit.staff.audit.conftest import Intruder, cut_off, delete_case

CONCERN, URGENT, IMMEDIATE = Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE
SILENCE = timedelta(hours=1)


class Desk:
    """An office whose messages come through the hand-off mailbox, and a comparison of it all."""

    def __init__(self, engine: Engine, clock: Clock, state: Path) -> None:
        self.engine = engine
        self.clock = clock
        self.state = state
        self.office = Office(engine, clock)
        self.mailbox = WorkedMailbox(engine, clock)
        self.disposals = Disposals(engine, state, "operator", clock)
        self.counts: Counter[str] = Counter()

    def say(self, message_id: str, severity: Severity = CONCERN, case_id: str = "") -> str:
        """Hand a message over, of the conversation that its id begins with."""
        own = case_id or message_id.partition("-")[0]
        told = assessment(severity, replace(BULLYING, severity=severity)) if severity else NO_RISK
        self.clock.move(minutes=1)
        self.mailbox.append(
            escalation(message_id, conversation_id=own, assessment=told, raised_at=self.clock())
        )
        return own

    def erase(self, case_id: str) -> None:
        """Erase a case, whether it is open or not."""
        self.clock.move(hours=2)
        ground = Ground.TEST_RECORD
        self.disposals.erase(case_id, ground, silence=SILENCE, although_open=True)

    def found(self) -> list[tuple[str, str]]:
        """Compare everything; return each reference with what is wrong."""
        with one_moment(self.engine) as connection:
            comparison = Reconciliation(connection, self.state / "spool", self.clock())
            found = [(each.reference, each.wrong) for each in comparison]
        self.counts = comparison.counts
        return found


@pytest.fixture
def desk(engine: Engine, clock: Clock, tmp_path: Path) -> Desk:
    return Desk(engine, clock, tmp_path)


def usual_work(desk: Desk) -> None:
    """Do all that happens to cases: messages of every kind, staff who work, disposal, erasure."""
    for message_id, severity in (
        ("c1-1", CONCERN), ("c1-2", Severity.NONE), ("c1-3", IMMEDIATE), ("c1-4", URGENT),
        ("c2-1", URGENT), ("c2-2", CONCERN), ("c3-1", IMMEDIATE), ("c4-1", CONCERN),
        ("c5-1", CONCERN), ("c5-2", CONCERN), ("c5-3", URGENT), ("c6-1", URGENT),
    ):  # fmt: skip
        desk.say(message_id, severity)
    desk.office.talk("c5")
    merging, ann = desk.office.merging, desk.office.ann
    merging.merge("c2", "c1", by=ann)
    desk.say("c2-3", CONCERN)
    desk.say("c2-4", Severity.NONE)
    merging.merge("c4", "c3", by=ann)
    desk.say("c4-2", IMMEDIATE)
    merging.separate("c4", by=ann)
    split = merging.split("c5", ["c5-3"], by=ann)
    desk.say("c5-4", IMMEDIATE)
    again = escalation("c5-3", conversation_id="c5", assessment=assessment(IMMEDIATE))
    desk.mailbox.append(replace(again, raised_at=desk.clock()))
    desk.office.close(desk.say("c7-1"))
    desk.say("c7-2", URGENT)
    desk.mailbox.append(CallbackLeft("k1", "c1", desk.clock(), "Sam", "at the library"))
    desk.mailbox.append(CallbackWithdrawn("k2", "c1", desk.clock()))
    desk.erase("c6")
    desk.erase(split)
    desk.say("c6-2", IMMEDIATE)
    desk.office.close(desk.say("c8-1"))
    desk.clock.move(days=7 * 366)
    assert desk.disposals.dispose(CLOCKS) == 1


def test_all_that_is_usually_done_leaves_records_that_agree(desk: Desk) -> None:
    usual_work(desk)

    assert desk.found() == []
    assert desk.counts == {
        "cases on record": 7,
        "cases disposed of": 3,
        "cases that became immediate": 4,
        "messages on record": 17,
        "hand-offs that are done": 23,
        "letters of staff": 0,
        "live chats": 1,
        "words of staff in live chats": 1,
    }


def test_pages_of_any_size_find_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    usual_work(desk)
    desk.found()
    whole = desk.counts
    monkeypatch.setattr(reconcile, "_PAGE", 2)

    assert (desk.found(), desk.counts) == ([], whole)


def forget_message(connection: Connection) -> None:
    connection.execute(sa.delete(escalations).where(escalations.c.message_id == "c1-2"))


def move_message(connection: Connection) -> None:
    mine = escalations.c.message_id == "c1-2"
    connection.execute(sa.update(escalations).where(mine).values(case_id="c2"))


def rename_message(connection: Connection) -> None:
    mine = escalations.c.message_id == "c1-2"
    connection.execute(sa.update(escalations).where(mine).values(message_id="forged"))


def forget_alerts(connection: Connection) -> None:
    connection.execute(sa.delete(alerts).where(alerts.c.case_id == "c3"))


@pytest.mark.parametrize(
    ("tamper", "wrong"),
    [
        (lambda connection: delete_case(connection, "c1"), {("c1", GONE)}),
        (forget_message, {("c1", "messages: 2 by the trail, 1 on record")}),
        (
            move_message,
            {
                ("c1", "messages: 2 by the trail, 1 on record"),
                ("c2", "messages: 1 by the trail, 2 on record"),
            },
        ),
        (rename_message, {("c1", "messages on record without an event: 1")}),
        (forget_alerts, {("c3", NOT_ALERTED)}),
        (
            lambda connection: cut_off(connection, 3),
            {
                ("c3", NO_EVENT),
                ("c3", "messages on record without an event: 1"),
                ("c3", "hand-offs that are done, but whose message has no event: 1"),
            },
        ),
    ],
    ids=["a case is deleted", "a message is deleted", "moved", "replaced", "no alert", "cut off"],
)
def test_each_tampering_is_named(
    desk: Desk,
    intruder: Intruder,
    tamper: Callable[[Connection], None],
    wrong: set[tuple[str, str]],
) -> None:
    for message_id, severity in (
        ("c1-1", CONCERN), ("c1-2", CONCERN), ("c2-1", URGENT), ("c3-1", IMMEDIATE)
    ):  # fmt: skip
        desk.say(message_id, severity)
    assert desk.found() == []

    with intruder() as connection:
        tamper(connection)

    assert set(desk.found()) == {(reference_of(case_id), what) for case_id, what in wrong}


def test_a_case_that_was_opened_again_after_its_erasure_and_deleted_is_missed(
    desk: Desk, intruder: Intruder
) -> None:
    desk.say("c1-1")
    desk.erase("c1")
    desk.say("c1-2")
    assert desk.found() == []

    with intruder() as connection:
        delete_case(connection, "c1")

    assert desk.found() == [(reference_of("c1"), GONE)]


def test_a_case_that_comes_back_after_its_erasure_is_named(desk: Desk, intruder: Intruder) -> None:
    desk.say("c1-1")
    with desk.engine.connect() as connection:
        row = dict(connection.execute(sa.select(cases)).mappings().one())
    desk.erase("c1")
    assert desk.found() == []

    with intruder() as connection:
        connection.execute(sa.insert(cases).values(**row))

    assert desk.found() == [(reference_of("c1"), CAME_BACK)]


def test_a_case_that_was_split_off_and_deleted_is_missed(desk: Desk, intruder: Intruder) -> None:
    for message_id in ("c1-1", "c1-2", "c1-3"):
        desk.say(message_id)
    split = desk.office.merging.split("c1", ["c1-2", "c1-3"], by=desk.office.ann)
    assert desk.found() == []

    with intruder() as connection:
        delete_case(connection, split)

    assert desk.found() == [(reference_of(split), GONE)]


def test_a_done_hand_off_without_its_message_is_named(desk: Desk) -> None:
    HandoffMailbox(desk.engine, vault()).append(escalation("c1-1", raised_at=desk.clock()))
    done = sa.update(handoffs).values(sealed=None, done_at=desk.clock())
    with desk.engine.begin() as connection:
        connection.execute(done)

    number = "hand-offs that are done, but whose message has no event: 1"
    assert desk.found() == [(reference_of("c1"), number)]
    # One that waited for its assessment and showed no risk leaves no row.
    with desk.engine.begin() as connection:
        connection.execute(sa.update(handoffs).values(state="not_assessed"))
    assert desk.found() == [(reference_of("c1"), number)]


def test_a_hand_off_that_was_discarded_with_its_case_is_not_missed(desk: Desk) -> None:
    desk.say("c1-1")
    HandoffMailbox(desk.engine, vault()).append(
        escalation("c1-2", raised_at=desk.clock() - timedelta(minutes=1))
    )
    assert desk.found() == []
    desk.erase("c1")

    assert desk.found() == []
    assert desk.counts["hand-offs that are done"] == 2


def test_what_waits_too_long_is_named(desk: Desk) -> None:
    HandoffMailbox(desk.engine, vault()).append(escalation("c1-1", raised_at=desk.clock()))
    spool = Spool(desk.state / "spool", vault())
    spool.keep(escalation("m2"))
    [file] = spool.waiting()
    os.utime(file, (desk.clock().timestamp(),) * 2)
    assert desk.found() == []
    assert (desk.counts["hand-offs that wait"], desk.counts["files in the spool"]) == (1, 1)

    desk.clock.move(minutes=11)

    assert desk.found() == [
        (reference_of("c1"), "hand-offs that wait for more than 10 minutes: 1"),
        ("spool", "files that wait for more than 10 minutes: 1"),
    ]


def test_it_sees_one_moment_and_no_writer_waits_for_it(desk: Desk) -> None:
    desk.say("c1-1")
    with one_moment(desk.engine) as connection:
        comparison = Reconciliation(connection, desk.state / "spool", desk.clock())
        connection.execute(sa.select(audit_events.c.id).limit(1)).all()
        desk.say("c2-1", IMMEDIATE)
        desk.erase("c1")

        assert list(comparison) == []
        assert comparison.counts["cases on record"] == 1
    assert desk.found() == []
    assert desk.counts["cases disposed of"] == 1


def test_the_command_prints_references_and_no_words_and_fails(
    desk: Desk, intruder: Intruder, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(desk.state))
    desk.say("c1-1")
    assert run(command).exit_code == 0
    with intruder() as connection:
        delete_case(connection, "c1")

    done = run(command)

    assert done.exit_code == 1
    assert f"DISAGREES {reference_of('c1')}: {GONE}\n" in done.stdout
    assert "disagreements: 1\n" in done.stdout
    assert WORDS not in done.stdout
