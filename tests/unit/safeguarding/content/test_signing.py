"""What decisions amount to, on any day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from safeguarding.content.items import Item
from safeguarding.content.signing import (
    HALF_A_YEAR,
    ApprovalDecision,
    ApprovalStatus,
    approved_digests,
    standing_of,
)
from tests.content import TODAY, decided, item, undated

RISK = "risk:grooming"
BACK = ApprovalDecision.SENT_BACK


def test_words_that_nobody_signed_were_never_approved() -> None:
    standing = standing_of(item(), [], TODAY)

    assert standing.status is ApprovalStatus.NEVER
    assert not standing.signed
    assert standing.may_approve("ann")


def test_one_signature_approves_an_answer() -> None:
    standing = standing_of(item(), [decided(item())], TODAY)

    assert standing.status is ApprovalStatus.APPROVED
    assert standing.signed
    assert not standing.may_approve("bob")


@pytest.mark.parametrize(
    ("day", "status"),
    [
        (date(2027, 2, 23), ApprovalStatus.APPROVED),
        (date(2027, 2, 24), ApprovalStatus.REVIEW_DUE),
        (date(2027, 5, 25), ApprovalStatus.REVIEW_DUE),
        (date(2027, 5, 26), ApprovalStatus.PAST_REVIEW),
    ],
)
def test_time_alone_makes_a_review_due_and_then_past(day: date, status: ApprovalStatus) -> None:
    standing = standing_of(item(), [decided(item())], day)

    assert standing.status is status
    assert not standing.may_approve("ann"), "new dates in the file are new words"


def test_words_without_dates_of_their_own_are_due_half_a_year_after_the_second_signature() -> None:
    card = undated()
    given = [decided(card, "ann", days_ago=10), decided(card, "bob", days_ago=2)]

    standing = standing_of(card, given, TODAY)

    assert standing.review_due == TODAY - timedelta(days=10) + HALF_A_YEAR
    assert standing.status is ApprovalStatus.APPROVED
    later = standing_of(card, given, TODAY + HALF_A_YEAR)
    assert later.status is ApprovalStatus.PAST_REVIEW
    assert later.may_approve("ann")


@pytest.mark.parametrize("content_id", [RISK, "help_card", "responses"])
def test_content_about_risk_waits_for_a_second_person(content_id: str) -> None:
    about = item(content_id)

    once = standing_of(about, [decided(about, "ann")], TODAY)
    assert once.status is ApprovalStatus.WAITING
    assert not once.may_approve("ann")
    assert once.may_approve("bob")

    twice_the_same = standing_of(about, [decided(about, "ann"), decided(about, "ann")], TODAY)
    assert twice_the_same.status is ApprovalStatus.WAITING

    both = standing_of(about, [decided(about, "ann"), decided(about, "bob")], TODAY)
    assert both.status is ApprovalStatus.APPROVED


def test_changed_words_ask_again_and_know_what_was_signed() -> None:
    before, now = item(text="Before."), item(text="Now.")

    standing = standing_of(now, [decided(before)], TODAY)

    assert standing.status is ApprovalStatus.CHANGED
    assert standing.signed_before("cat") == decided(before)


def test_words_that_are_put_back_are_signed_still() -> None:
    before, now = item(text="Before."), item(text="Now.")

    assert standing_of(before, [decided(before), decided(now)], TODAY).signed


def test_a_name_in_the_file_alone_counts_as_changed() -> None:
    on_paper = Item(item().id, "t", item().blocks, signed_on_paper="A. Person")

    assert standing_of(on_paper, [], TODAY).status is ApprovalStatus.CHANGED
    assert not standing_of(on_paper, [], TODAY).signed


def test_sending_back_takes_every_signature_away() -> None:
    about = item(RISK)
    given = [decided(about, "ann"), decided(about, "bob"), decided(about, "cat", BACK)]

    standing = standing_of(about, given, TODAY)
    assert standing.status is ApprovalStatus.SENT_BACK
    assert standing.may_approve("ann")

    again = standing_of(about, [*given, decided(about, "ann")], TODAY)
    assert again.status is ApprovalStatus.WAITING


def test_other_words_after_sending_back_begin_anew() -> None:
    given = [decided(item(text="Before."), decision=BACK)]

    assert standing_of(item(text="Now."), given, TODAY).status is ApprovalStatus.NEVER


def test_the_signed_words_are_those_with_enough_people() -> None:
    answer, risk, half = item(), item(RISK), item("risk:bullying")
    back = item("answer:pledge")
    given = [
        decided(answer),
        decided(risk, "ann"),
        decided(risk, "bob"),
        decided(half, "ann"),
        decided(back),
        decided(back, "bob", BACK),
    ]

    assert approved_digests(given) == {(answer.id, answer.digest), (risk.id, risk.digest)}
