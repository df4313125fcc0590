"""What a system of records is told is written with the change of the case, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.cases.case import CaseEvent, Referral
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.records.outbox import KINDS, figures, forget, record_events
from tests.records import NOON, WORDS, Clock, EscalationLog, assessment, escalation


def events(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        query = sa.select(record_events).order_by(record_events.c.number)
        return [dict(row) for row in connection.execute(query).mappings()]


def kinds(engine: Engine) -> list[str]:
    return [each["kind"] for each in events(engine)]


def test_nothing_is_written_while_the_push_is_off(engine: Engine, log: EscalationLog) -> None:
    log.record(escalation())

    assert events(engine) == []


def test_every_event_that_leaves_is_one_of_a_case() -> None:
    assert set(KINDS) <= {each.value for each in CaseEvent}


@pytest.mark.usefixtures("on")
def test_a_case_goes_from_opened_to_closed(
    engine: Engine, log: EscalationLog, casework: Casework, clock: Clock, ann: str
) -> None:
    log.record(escalation())
    casework.viewed("c1", by=ann)
    casework.viewed("c1", by=ann)
    casework.correct("c1", severity=None, categories=["bullying"], reason="It is.", by=ann)
    casework.refer("c1", Referral("social_care", "telephone", clock(), "", ""), by=ann)
    clock.move(minutes=1)
    casework.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Seen."), by=ann)

    found = events(engine)
    assert [each["kind"] for each in found] == [
        "opened",
        "acknowledged",
        "corrected",
        "referred",
        "closed",
    ]
    assert [each["categories"] for each in found][1:3] == [["grooming"], ["bullying"]]
    assert found[3]["facts"] == {"referral": {"to": "social_care", "made": True}}
    assert found[4]["facts"] == {"outcome": Outcome.ADVICE_GIVEN.value}
    assert (found[4]["state"], found[4]["closed_at"]) == ("closed", NOON + timedelta(minutes=1))
    assert len({each["id"] for each in found}) == len(found)


@pytest.mark.usefixtures("on")
def test_no_column_holds_what_a_person_wrote(engine: Engine, log: EscalationLog) -> None:
    log.record(escalation())

    assert WORDS not in repr(events(engine))
    assert events(engine)[0]["message_id"] == "m1"


@pytest.mark.usefixtures("on")
def test_a_case_that_is_raised_is_acknowledged_anew(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    log.record(escalation())
    casework.viewed("c1", by=ann)
    log.record(escalation("m2", assessment=assessment(Severity.IMMEDIATE)))
    casework.viewed("c1", by=ann)

    assert kinds(engine) == ["opened", "acknowledged", "raised", "acknowledged"]
    assert events(engine)[2]["severity"] == Severity.IMMEDIATE


@pytest.mark.usefixtures("on")
def test_what_happens_to_a_merged_case_is_told_of_the_one_that_staff_see(
    engine: Engine, log: EscalationLog, merging: CaseMerge, ann: str
) -> None:
    log.record(escalation())
    log.record(escalation("m2", conversation_id="c2"))
    merging.merge("c1", "c2", by=ann)
    urgent = assessment(Severity.URGENT)
    log.record(escalation("m3", assessment=urgent))

    found = events(engine)
    told = [(each["kind"], each["case_id"], each["merged_into"]) for each in found]
    into = found[1]["reference"]
    assert told[2:] == [("merged", "c1", into), ("merged", "c2", None), ("raised", "c2", None)]


@pytest.mark.usefixtures("on")
def test_a_change_that_is_rolled_back_leaves_no_event(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    log.record(escalation())

    def fails_after_it() -> None:
        with casework._change("c1", ann) as change:
            change.record(CaseEvent.REOPENED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_after_it()

    assert kinds(engine) == ["opened"]


@pytest.mark.usefixtures("on")
def test_the_events_of_a_case_go_with_it(engine: Engine, log: EscalationLog) -> None:
    log.record(escalation())
    log.record(escalation("m2", conversation_id="c2"))

    with engine.begin() as connection:
        assert forget(connection, "c1") == 1
        assert figures(connection).queued == 1
