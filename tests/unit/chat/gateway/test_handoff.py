"""One function decides how grave a message is, and what its conversation has come to."""

from __future__ import annotations

import itertools

import pytest

from chat.gateway.handoff import NOT_ASSESSED, decide
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from tests.unit.chat.gateway.conftest import assessed

NONE, CONCERN, URGENT, IMMEDIATE = Severity


@pytest.mark.parametrize(
    ("own", "shown", "known"), list(itertools.product(Severity, Severity, Severity))
)
def test_nothing_ever_lowers_what_is_known(own: Severity, shown: Severity, known: Severity) -> None:
    assessment = NO_RISK if own == NONE else assessed(own)
    for again, waits, later in itertools.product([False, True], repeat=3):
        decision = decide(
            assessment, shown=shown, known=known, again=again, waits=waits, later=later
        )
        assert decision.reached >= max(known, shown)
        assert decision.on_record.severity >= own
        assert decision.is_for_staff or max(own, known) < CONCERN


def test_what_could_not_be_assessed_is_a_concern() -> None:
    decision = decide(None, shown=NONE, known=NONE, again=False)

    assert (decision.on_record, decision.reached) == (NOT_ASSESSED, CONCERN)
    assert decision.is_for_staff


def test_what_is_still_being_assessed_is_handed_over_and_says_nothing_of_the_conversation() -> None:
    decision = decide(None, shown=NONE, known=NONE, again=False, waits=True)

    assert (decision.on_record, decision.reached) == (NOT_ASSESSED, NONE)
    assert decision.is_for_staff


@pytest.mark.parametrize(("found", "on_record"), [(NONE, CONCERN), (URGENT, URGENT)])
def test_what_was_assessed_later_stays_with_staff(found: Severity, on_record: Severity) -> None:
    assessment = NO_RISK if found == NONE else assessed(found)
    decision = decide(assessment, shown=NONE, known=NONE, again=False, later=True)

    assert (decision.on_record.severity, decision.reached) == (on_record, found)
    assert decision.is_for_staff


@pytest.mark.parametrize(
    ("again", "known", "on_record"), [(False, NONE, URGENT), (True, URGENT, NONE)]
)
def test_a_help_card_raises_the_record_unless_it_repeats_what_is_known(
    *, again: bool, known: Severity, on_record: Severity
) -> None:
    decision = decide(NO_RISK, shown=URGENT, known=known, again=again)

    assert (decision.on_record.severity, decision.reached) == (on_record, URGENT)
    assert decision.is_for_staff


def test_harmless_talk_goes_to_staff_only_after_a_hand_off() -> None:
    assert not decide(NO_RISK, shown=NONE, known=NONE, again=False).is_for_staff
    assert decide(NO_RISK, shown=NONE, known=CONCERN, again=False).is_for_staff
