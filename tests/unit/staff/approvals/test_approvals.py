"""Approvals: only leads decide, risk content needs two, and decisions keep the words."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from safeguarding.content.signing import ApprovalDecision, ApprovalStatus
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.approvals.approvals import (
    AlreadySignedError,
    Approvals,
    NotALeadError,
    NoteNeededError,
)
from storage.approval_records import read_approved_digests
from tests.content import item
from tests.records import PASSWORD, Clock
from tests.signing import approve

APPROVE, BACK = ApprovalDecision.APPROVED, ApprovalDecision.SENT_BACK


@pytest.fixture
def ann(accounts: StaffAccounts) -> str:
    return accounts.add("ann", PASSWORD, "Ann Smith", Role.LEAD).id


@pytest.fixture
def bob(accounts: StaffAccounts) -> str:
    return accounts.add("bob", PASSWORD, "Bob Jones", Role.LEAD).id


@pytest.fixture
def approvals(engine: Engine, clock: Clock) -> Approvals:
    return Approvals(engine, clock)


def test_an_approval_names_the_person_the_role_the_day_and_the_words(
    engine: Engine, approvals: Approvals, ann: str, clock: Clock
) -> None:
    approve(engine, item(), ann, clock, note=" Checked. ")

    (given,) = approvals.standing(item()).decisions
    assert (given.name, given.role, given.at, given.note) == (
        "Ann Smith",
        "lead",
        clock.at,
        "Checked.",
    )
    assert given.digest == item().digest
    kept = approvals.words(item().id, given.digest)
    assert kept is not None
    assert kept.blocks == item().blocks


def test_a_later_name_does_not_change_who_signed(
    engine: Engine, approvals: Approvals, accounts: StaffAccounts, ann: str, clock: Clock
) -> None:
    approve(engine, item(), ann, clock)
    accounts.set_role("ann", Role.REVIEWER)
    accounts.disable("ann")

    standing = approvals.standing(item())
    assert standing.signed
    assert standing.signatures[0].role == "lead"


@pytest.mark.parametrize("decision", [APPROVE, BACK])
@pytest.mark.parametrize("who", ["reviewer", "disabled", "nobody"])
def test_only_a_lead_in_use_decides(
    approvals: Approvals, accounts: StaffAccounts, ann: str, decision: ApprovalDecision, who: str
) -> None:
    reviewer = accounts.add("rob", PASSWORD, role=Role.REVIEWER).id
    gone = accounts.add("gone", PASSWORD, role=Role.LEAD).id
    accounts.disable("gone")
    by = {"reviewer": reviewer, "disabled": gone, "nobody": "no-such-id"}[who]

    with pytest.raises(NotALeadError):
        approvals.decide(item(), decision, by=by, note="x")

    assert approvals.standing(item()).decisions == ()


def test_sending_back_needs_a_note(approvals: Approvals, ann: str) -> None:
    with pytest.raises(NoteNeededError):
        approvals.decide(item(), BACK, by=ann, note="  ")


def test_risk_is_approved_by_two_different_people(
    approvals: Approvals, engine: Engine, ann: str, bob: str, clock: Clock
) -> None:
    risk = item("risk:grooming")
    approve(engine, risk, ann, clock)
    with pytest.raises(AlreadySignedError):
        approvals.decide(risk, APPROVE, by=ann)
    assert approvals.standing(risk).status is ApprovalStatus.WAITING
    assert read_approved_digests(engine) == frozenset()

    approve(engine, risk, bob, clock)

    assert approvals.standing(risk).status is ApprovalStatus.APPROVED
    assert read_approved_digests(engine) == {(risk.id, risk.digest)}


def test_an_approval_can_be_taken_back_and_given_again(
    approvals: Approvals, engine: Engine, ann: str, clock: Clock
) -> None:
    approve(engine, item(), ann, clock)
    approvals.decide(item(), BACK, by=ann, note="The source has moved.")
    assert read_approved_digests(engine) == frozenset()

    clock.move(hours=2)
    approve(engine, item(), ann, clock)

    assert read_approved_digests(engine) == {(item().id, item().digest)}


def test_all_standings_at_once_say_the_same_as_each_alone(
    engine: Engine, approvals: Approvals, ann: str, clock: Clock
) -> None:
    items = [item(), item("answer:pledge"), item("risk:grooming")]
    approve(engine, items[0], ann, clock)
    approve(engine, items[2], ann, clock)

    assert approvals.standings(items) == [approvals.standing(each) for each in items]


def test_the_clock_makes_a_review_due(
    engine: Engine, approvals: Approvals, ann: str, clock: Clock
) -> None:
    approve(engine, item(), ann, clock)
    found = [approvals.standing(item()).status]
    for days in (91, 91):
        clock.move(days=days)
        found.append(approvals.standing(item()).status)

    assert found == [ApprovalStatus.APPROVED, ApprovalStatus.REVIEW_DUE, ApprovalStatus.PAST_REVIEW]


def test_words_without_a_decision_are_not_stored(approvals: Approvals) -> None:
    assert approvals.words("answer:consent", "0" * 64) is None
