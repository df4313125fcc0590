"""What a school's records are told of a real case: labels always, words only where allowed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from staff.audit import trail
from staff.cases.case import CaseEvent, Referral
from staff.cases.casework import Casework, ClosingDecision
from staff.loops import Beats
from staff.records import queue
from staff.records.event import NotTakenError, RecordEvent, record_of
from staff.records.outbox import figures, record_push
from staff.records.sender import LONGEST_REST_S, RecordSender
from staff.records.settings import RecordSettings
from staff.records.switch import OFF, ON, switch
from tests.records import NOON, WORDS, Clock, EscalationLog, escalation, vault
from tests.unit.staff.records.conftest import SETTINGS

Sending = Callable[..., RecordSender]


@pytest.fixture
def sending(engine: Engine, clock: Clock) -> Sending:
    """Make a sender that hands events to a function."""

    def make(
        adapter: Callable[[RecordEvent], None], settings: RecordSettings = SETTINGS
    ) -> RecordSender:
        ticks = lambda: clock().timestamp()  # noqa: E731 - short
        return RecordSender(engine, vault(), settings, adapter, Beats(), clock, ticks)

    return make


def work_off(sender: RecordSender) -> None:
    while sender.once():
        pass


@pytest.mark.usefixtures("on")
def test_a_real_case_has_the_shape_that_is_published(
    log: EscalationLog,
    casework: Casework,
    clock: Clock,
    ann: str,
    sending: Sending,
    schema: dict[str, Any],
) -> None:
    log.record(escalation())
    casework.viewed("c1", by=ann)
    casework.correct("c1", severity=None, categories=["bullying"], reason="It is.", by=ann)
    casework.refer("c1", Referral("police", "telephone", clock(), "", ""), by=ann)
    casework.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Seen."), by=ann)
    casework.reopen("c1", by=ann, reason="More.")
    taken: list[RecordEvent] = []
    work_off(sending(taken.append))

    shape = jsonschema_rs.validator_for(schema, validate_formats=True)
    for event in taken:
        shape.validate(record_of(event))
    assert [each.kind for each in taken] == [
        "opened",
        "acknowledged",
        "corrected",
        "referred",
        "closed",
        "reopened",
    ]


@pytest.mark.usefixtures("on")
def test_no_word_leaves_unless_it_may(
    engine: Engine, log: EscalationLog, sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    log.record(escalation())
    taken: list[RecordEvent] = []
    with caplog.at_level(logging.DEBUG):
        work_off(sending(taken.append))

    assert [each.words for each in taken] == [None]
    assert WORDS not in repr(record_of(taken[0]))
    with engine.connect() as connection:
        assert trail.of_kind(connection, CaseEvent.WORDS_SENT.value) == []


@pytest.mark.usefixtures("on")
def test_words_that_leave_are_on_the_trail_once_and_in_no_log(
    engine: Engine,
    log: EscalationLog,
    clock: Clock,
    sending: Sending,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    log.record(escalation())
    taken: list[RecordEvent] = []

    def takes_the_second(event: RecordEvent) -> None:
        taken.append(event)
        if len(taken) == 1:
            raise NotTakenError("HTTP 503")

    sender = sending(takes_the_second, replace(SETTINGS, words=True))
    work_off(sender)
    clock.move(minutes=1)
    work_off(sender)

    assert [each.words for each in taken] == [WORDS, WORDS]
    with engine.connect() as connection:
        [link] = trail.of_kind(connection, CaseEvent.WORDS_SENT.value)
    assert (link.event.case_id, link.event.message_id) == ("c1", "m1")
    assert link.event.detail == {"event": taken[0].id, "system": "open"}
    said = capsys.readouterr()
    assert "record.sent" in said.out + said.err + caplog.text
    assert WORDS not in said.out + said.err + caplog.text


@pytest.mark.usefixtures("on")
def test_a_system_that_is_away_is_left_alone_for_a_while(
    log: EscalationLog, clock: Clock, sending: Sending
) -> None:
    log.record(escalation())
    log.record(escalation("m2", conversation_id="c2"))
    tries: list[str] = []

    def away(event: RecordEvent) -> None:
        tries.append(event.case_id)
        raise NotTakenError("ConnectError")

    sender = sending(away)
    work_off(sender)
    work_off(sender)
    assert tries == ["c1"]
    clock.move(seconds=LONGEST_REST_S)
    sender.once()
    assert len(tries) == 2


@pytest.mark.usefixtures("on")
def test_an_event_is_given_up_after_many_tries(
    engine: Engine, log: EscalationLog, clock: Clock, sending: Sending
) -> None:
    log.record(escalation())

    def away(_event: RecordEvent) -> None:
        raise NotTakenError("ConnectError")

    sender = sending(away)
    for _ in range(queue.TRIES):
        sender.once()
        clock.move(minutes=10)

    with engine.connect() as connection:
        [dead] = queue.dead_letters(connection)
        assert (dead["attempts"], dead["error"]) == (queue.TRIES, "ConnectError")
        assert figures(connection).failed == 1


@pytest.mark.usefixtures("on")
def test_a_claim_of_a_killed_dispatcher_ends(
    engine: Engine, log: EscalationLog, clock: Clock
) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        assert len(queue.claim(connection, SETTINGS, "killed", clock(), 10)) == 1
    with engine.connect() as connection:
        assert not queue.is_due(connection, clock() + queue.LEASE - timedelta(seconds=1))
        assert queue.is_due(connection, clock() + queue.LEASE)


def test_the_push_follows_the_settings_and_the_trail_says_so(engine: Engine) -> None:
    with_words = replace(SETTINGS, words=True)
    with engine.begin() as connection:
        changes = [
            switch(connection, each, NOON) for each in (None, SETTINGS, SETTINGS, with_words, None)
        ]
        events = [each.event for each in trail.walk(connection)]
        left = connection.execute(sa.select(record_push)).all()

    assert changes == [False, True, False, True, True]
    assert [(each.what, each.detail.get("words")) for each in events] == [
        (ON, False),
        (ON, True),
        (OFF, None),
    ]
    assert left == []
