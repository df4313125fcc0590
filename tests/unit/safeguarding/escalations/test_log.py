"""The log lists, finds and shows what was recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalations.escalation import Outcome, Status, What
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.reviewing import UnknownEscalationError
from safeguarding.escalations.tables import escalations
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, NOON, SECRECY, Clock, assessment, escalation


def record(log: EscalationLog, message_id: str, severity: Severity, minutes_ago: int) -> None:
    raised_at = NOON - timedelta(minutes=minutes_ago)
    log.record(escalation(message_id, assessment=assessment(severity), raised_at=raised_at))


def test_gives_back_what_it_was_given(log: EscalationLog) -> None:
    told = escalation(text="half an emoji \ud83d and a \x00", extra={"fallback": "rasa-timeout"})

    assert log.record(told) is True
    assert log.get("m1").escalation == told


def test_gives_back_our_examples_each_with_its_signal(log: EscalationLog) -> None:
    near = replace(GIFTS, source="classifier", kind="model", like=("Ours.", "Ours too."))
    told = escalation(assessment=assessment(Severity.CONCERN, SECRECY, near))
    log.record(told)

    assert log.get("m1").escalation == told


def test_reads_a_record_from_before_examples_were_kept(log: EscalationLog, engine: Engine) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(nearest=None))

    assert log.get("m1").escalation == escalation()


def test_the_most_severe_comes_first_then_the_longest_waiting(log: EscalationLog) -> None:
    record(log, "new-concern", Severity.CONCERN, 1)
    record(log, "old-concern", Severity.CONCERN, 99)
    record(log, "urgent", Severity.URGENT, 5)
    record(log, "immediate", Severity.IMMEDIATE, 1)

    ids = [entry.message_id for entry in log.open_queue()]

    assert ids == ["immediate", "urgent", "old-concern", "new-concern"]


def test_staff_judgement_decides_the_place_in_the_queue(log: EscalationLog, ann: str) -> None:
    record(log, "judged", Severity.IMMEDIATE, 1)
    record(log, "urgent", Severity.URGENT, 1)
    log.review("judged", by=ann, outcome=Outcome.OTHER, note="x", severity=Severity.CONCERN)
    log.reopen("judged", by=ann)

    assert [entry.message_id for entry in log.open_queue()] == ["urgent", "judged"]


def test_a_long_list_comes_in_parts(log: EscalationLog) -> None:
    for number in range(5):
        record(log, f"m{number}", Severity.CONCERN, 10 - number)

    part = log.queue(Status.OPEN, offset=2, limit=2)

    assert [entry.message_id for entry in part] == ["m2", "m3"]
    assert log.count(Status.OPEN) == 5


def test_a_closed_escalation_leaves_the_open_list(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.FALSE_ALARM, note="A song text.")

    assert log.open_queue() == []
    assert [entry.message_id for entry in log.queue(Status.CLOSED)] == ["m1"]


def test_finds_the_other_escalations_of_a_conversation(log: EscalationLog) -> None:
    log.record(escalation("second", raised_at=NOON))
    log.record(escalation("first", raised_at=NOON - timedelta(hours=1)))
    log.record(escalation("elsewhere", conversation_id="c2"))

    assert [entry.message_id for entry in log.in_conversation("c1")] == ["first", "second"]


def test_an_unknown_message_is_an_error(log: EscalationLog) -> None:
    with pytest.raises(UnknownEscalationError):
        log.get("nobody")


def test_refuses_a_moment_without_a_time_zone(log: EscalationLog) -> None:
    with pytest.raises(ValueError, match="time zone"):
        log.record(escalation(raised_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def what_happened(log: EscalationLog) -> list[tuple[str, What]]:
    return [(event.who, event.what) for event in log.get("m1").history]


def test_recording_twice_is_harmless(log: EscalationLog) -> None:
    assert log.record(escalation()) is True
    assert log.record(escalation()) is False

    assert what_happened(log) == [("gateway", What.RECORDED)]


def test_a_higher_severity_raises_it(log: EscalationLog, clock: Clock) -> None:
    log.record(escalation())
    clock.move(seconds=5)
    log.record(escalation(assessment=assessment(Severity.URGENT, GIFTS), raised_by="assistant"))

    recorded = log.get("m1")
    assert recorded.entry.severity is Severity.URGENT
    assert set(recorded.escalation.assessment.signals) == {SECRECY, GIFTS}
    raised = recorded.history[-1]
    assert (raised.who, raised.what, raised.at) == ("assistant", What.RAISED, clock.at)
    assert raised.detail == {"from": "concern", "to": "urgent"}


def test_a_lower_severity_lowers_nothing(log: EscalationLog) -> None:
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))
    log.record(escalation(assessment=assessment(Severity.NONE)))

    assert log.get("m1").entry.severity is Severity.IMMEDIATE
    assert what_happened(log) == [("gateway", What.RECORDED)]


def test_what_was_shown_is_filled_in_later(log: EscalationLog) -> None:
    log.record(escalation(shown=(), raised_by="assistant"))
    log.record(escalation(shown=("Help.",)))

    assert log.get("m1").escalation.shown == ("Help.",)
    assert what_happened(log)[-1] == ("gateway", What.ADDED_TO)


def test_a_closed_one_opens_again_when_it_turns_out_worse(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.NO_ACTION_NEEDED, note="Fine.", severity=Severity.NONE)
    log.record(escalation(assessment=assessment(Severity.IMMEDIATE)))

    entry = log.get("m1").entry
    assert (entry.status, entry.severity) == (Status.OPEN, Severity.IMMEDIATE)
    assert [what for _, what in what_happened(log)[-2:]] == [What.RAISED, What.REOPENED]


def test_a_closed_one_stays_closed_when_nothing_is_worse(log: EscalationLog, ann: str) -> None:
    log.record(escalation(shown=()))
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="Seen.", severity=Severity.NONE)
    log.record(escalation(shown=("Help.",)))

    entry = log.get("m1").entry
    assert (entry.status, entry.severity) == (Status.CLOSED, Severity.NONE)


def test_what_the_gateway_saw_replaces_what_was_noted_before(log: EscalationLog) -> None:
    log.record(escalation(shown=("Half of it.",), raised_by="assistant"))
    log.record(escalation(shown=("Help first.", "Half of it.")))

    assert log.get("m1").escalation.shown == ("Help first.", "Half of it.")
    assert what_happened(log) == [("assistant", What.RECORDED), ("gateway", What.ADDED_TO)]
