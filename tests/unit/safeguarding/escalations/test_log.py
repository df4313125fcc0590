"""The log lists, finds and shows what was recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.recorded import Outcome, Status
from safeguarding.escalations.reviewing import UnknownEscalationError
from safeguarding.escalations.tables import escalations
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, NOON, SECRECY, assessment, escalation


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
