"""The log records each message once and never lowers its severity."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.tables import escalations
from tests.records import (
    GIFTS,
    NOON,
    SECRECY,
    Clock,
    EscalationLog,
    assessment,
    escalation,
    message_of,
)

SEEN = ClosingDecision(Outcome.NO_ACTION_NEEDED, "Fine.", Severity.NONE)


def what_happened(cases: Cases) -> list[tuple[str, str]]:
    return [(link.event.who, link.event.what) for link in cases.whole("c1").history]


def test_a_recorded_message_reads_back_unchanged(log: EscalationLog, cases: Cases) -> None:
    message = escalation(text="half an emoji \ud83d and a \x00", extra={"fallback": "rasa-timeout"})

    assert log.record(message) is True
    assert message_of(cases, "m1") == message


def test_gives_back_our_examples_each_with_its_signal(log: EscalationLog, cases: Cases) -> None:
    near = replace(GIFTS, source="classifier", kind="model", like=("Ours.", "Ours too."))
    message = escalation(assessment=assessment(Severity.CONCERN, SECRECY, near))
    log.record(message)

    assert message_of(cases, "m1") == message


def test_reads_a_record_from_before_examples_were_kept(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(nearest=None))

    assert message_of(cases, "m1") == escalation()


def test_refuses_a_moment_without_a_time_zone(log: EscalationLog) -> None:
    with pytest.raises(ValueError, match="time zone"):
        log.record(escalation(raised_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_recording_twice_is_harmless(log: EscalationLog, cases: Cases) -> None:
    assert log.record(escalation()) is True
    assert log.record(escalation()) is False

    assert what_happened(cases) == [("gateway", CaseEvent.RECORDED)]
    assert cases.find("c1").handoffs == 1


def test_a_repeat_of_a_later_message_is_harmless_too(log: EscalationLog, cases: Cases) -> None:
    before = (Turn("user", "hi"), Turn("assistant", "Hello."))
    later = escalation("m2", raised_at=NOON + timedelta(minutes=1), turns_before=before)
    log.record(escalation())
    log.record(later)
    log.record(later)

    # Its turns are on record with the first message; they do not come back.
    assert message_of(cases, "m2").turns_before == ()
    assert [what for _, what in what_happened(cases)] == [CaseEvent.RECORDED, CaseEvent.JOINED]


def test_turns_are_kept_by_the_message_that_opened_the_case_alone(
    log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation())
    for minute in range(1, 4):
        log.record(escalation(f"n{minute}", raised_at=NOON + timedelta(minutes=minute)))

    counts = [len(message.turns_before) for message in cases.whole("c1").messages]
    assert counts == [2, 0, 0, 0]


def test_a_higher_severity_raises_it(log: EscalationLog, cases: Cases, clock: Clock) -> None:
    log.record(escalation())
    clock.move(seconds=5)
    log.record(escalation(assessment=assessment(Severity.URGENT, GIFTS), raised_by="assistant"))

    whole = cases.whole("c1")
    assert whole.case.severity is Severity.URGENT
    assert set(whole.messages[0].assessment.signals) == {SECRECY, GIFTS}
    raised = whole.history[-1].event
    assert (raised.what, raised.at) == (CaseEvent.RAISED, clock.at)
    assert raised.detail == {"severity": "urgent", "from": "concern"}


def test_a_lower_severity_lowers_nothing(log: EscalationLog, cases: Cases) -> None:
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))
    log.record(escalation(assessment=assessment(Severity.NONE)))

    assert cases.find("c1").severity is Severity.IMMEDIATE
    assert what_happened(cases) == [("gateway", CaseEvent.RECORDED)]


def test_what_was_shown_is_filled_in_later(log: EscalationLog, cases: Cases) -> None:
    log.record(escalation(shown=(), raised_by="assistant"))
    log.record(escalation(shown=("Help.",)))

    assert message_of(cases, "m1").shown == ("Help.",)
    assert what_happened(cases)[-1][1] == CaseEvent.ADDED_TO


def test_a_closed_one_opens_again_when_it_turns_out_worse(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(escalation())
    casework.close("c1", SEEN, by=ann)
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))

    case = cases.find("c1")
    assert (case.status, case.severity) == (CaseStatus.OPEN, Severity.IMMEDIATE)
    assert (case.staff_severity, case.closed_at) == (None, None)
    assert [what for _, what in what_happened(cases)[-2:]] == [CaseEvent.RAISED, CaseEvent.REOPENED]


def test_a_closed_one_stays_closed_when_nothing_is_worse(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(escalation(shown=()))
    casework.close("c1", SEEN, by=ann)
    log.record(escalation(shown=("Help.",)))

    case = cases.find("c1")
    assert (case.status, case.severity) == (CaseStatus.CLOSED, Severity.NONE)


def test_what_the_gateway_saw_replaces_what_was_noted_before(
    log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation(shown=("Half of it.",), raised_by="assistant"))
    log.record(escalation(shown=("Help first.", "Half of it.")))

    assert message_of(cases, "m1").shown == ("Help first.", "Half of it.")
    assert [what for _, what in what_happened(cases)] == [CaseEvent.RECORDED, CaseEvent.ADDED_TO]
