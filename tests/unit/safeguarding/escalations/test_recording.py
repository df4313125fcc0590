"""A message is recorded once; what is learnt later is added, and the history says so."""

from __future__ import annotations

from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.recorded import Outcome, Status, What
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, SECRECY, Clock, assessment, escalation


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
