"""One function decides how grave a message is, and what its conversation has come to."""

from __future__ import annotations

import itertools

import pytest

from chat.gateway.handoff import decide
from safeguarding.escalation import NOT_ASSESSED
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from tests.unit.chat.gateway.conftest import assessed

NONE, CONCERN, URGENT, IMMEDIATE = Severity


@pytest.mark.parametrize(
    ("own", "shown", "known"), list(itertools.product(Severity, Severity, Severity))
)
def test_nothing_ever_lowers_what_is_known(own: Severity, shown: Severity, known: Severity) -> None:
    assessment = NO_RISK if own == NONE else assessed(own)
    for again in (False, True):
        decision = decide(assessment, shown=shown, known=known, again=again)
        assert decision.reached >= max(known, shown, own)
        assert decision.on_record.severity >= own
        assert decision.is_for_staff or max(own, known) < CONCERN


@pytest.mark.parametrize(
    ("shown", "known", "again"), list(itertools.product(Severity, Severity, [False, True]))
)
def test_what_is_not_assessed_is_handed_over_whatever_was_shown(
    shown: Severity, known: Severity, *, again: bool
) -> None:
    decision = decide(None, shown=shown, known=known, again=again)

    assert decision.is_for_staff
    assert decision.on_record.severity >= CONCERN
    assert decision.reached >= known


@pytest.mark.parametrize("known", [NONE, CONCERN, IMMEDIATE])
def test_what_is_not_assessed_says_nothing_of_its_conversation(known: Severity) -> None:
    for shown, again in ((NONE, False), (known, True)):
        decision = decide(None, shown=shown, known=known, again=again)

        assert (decision.on_record, decision.reached) == (NOT_ASSESSED, known)


def test_what_is_not_assessed_but_answered_with_help_is_as_grave_as_the_help() -> None:
    decision = decide(None, shown=URGENT, known=NONE, again=False)

    sources = [signal.source for signal in decision.on_record.signals]
    assert (decision.on_record.severity, decision.reached) == (URGENT, URGENT)
    assert sources == ["answered-with-help", "not-assessed"]


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
