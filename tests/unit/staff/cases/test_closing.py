"""A case is closed only when what it says was done is on record, and nothing is left to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.cases.case import CaseStatus, Referral
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.closing import REFERRAL_OF, UnfinishedCaseError
from staff.cases.merging import CaseMerge
from tests.records import NOON, EscalationLog, assessment, escalation

CALLED = Referral("police", "telephone", NOON, "CAD 12", "")
POLICE = ClosingDecision(Outcome.REFERRED_POLICE, "Called 101.")
OTHER = ClosingDecision(Outcome.OTHER, "x")


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    log.record(escalation())


def missing(casework: Casework, decision: ClosingDecision, by: str) -> tuple[str | None, int]:
    with pytest.raises(UnfinishedCaseError) as refused:
        casework.close("c1", decision, by=by)
    return refused.value.referral, refused.value.tasks


@pytest.mark.parametrize(("outcome", "receiver"), REFERRAL_OF.items())
def test_an_outcome_that_says_referred_needs_that_referral_on_record(
    casework: Casework, cases: Cases, ann: str, outcome: Outcome, receiver: str
) -> None:
    decision = ClosingDecision(outcome, "Referred.")
    assert missing(casework, decision, ann) == (receiver, 0)
    casework.refer("c1", replace(CALLED, to_whom="health"), by=ann)
    assert missing(casework, decision, ann) == (receiver, 0)
    not_made = Referral(receiver, "telephone", None, "", "No answer yet.")
    casework.refer("c1", not_made, by=ann)
    assert missing(casework, decision, ann) == (receiver, 0)
    assert cases.whole("c1").reviews == ()

    casework.refer("c1", replace(CALLED, to_whom=receiver), by=ann)

    assert casework.close("c1", decision, by=ann) is CaseStatus.CLOSED


def test_an_open_task_keeps_a_case_open(casework: Casework, cases: Cases, ann: str) -> None:
    casework.add_action("c1", "Ring the school.", None, by=ann)
    casework.add_action("c1", "Ring the mother.", None, by=ann)

    assert missing(casework, OTHER, ann) == (None, 2)
    assert missing(casework, POLICE, ann) == ("police", 2)
    for action in cases.whole("c1").actions:
        casework.finish_action("c1", action.id, by=ann)

    assert casework.close("c1", OTHER, by=ann) is CaseStatus.CLOSED


def test_tasks_and_referrals_of_a_merged_case_count(
    casework: Casework, merging: CaseMerge, log: EscalationLog, ann: str
) -> None:
    log.record(escalation("m2", conversation_id="c2"))
    casework.refer("c2", CALLED, by=ann)
    casework.add_action("c2", "Ring the school.", None, by=ann)
    merging.merge("c2", "c1", by=ann)

    assert missing(casework, POLICE, ann) == (None, 1)


def test_the_second_person_is_held_to_the_same(
    casework: Casework, cases: Cases, log: EscalationLog, ann: str, bob: str
) -> None:
    log.record(escalation("m2", conversation_id="c2", assessment=assessment(Severity.URGENT)))
    casework.close("c2", OTHER, by=ann)
    casework.add_action("c2", "Ring the school.", None, by=ann)

    with pytest.raises(UnfinishedCaseError):
        casework.answer_closing("c2", agree=True, by=bob)

    assert cases.find("c2").closing_by == ann
