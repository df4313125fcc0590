"""The chronology has each text once and in order, however the messages were recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import ChronologyEntry, chronology
from staff.cases.cases import Cases
from staff.cases.merging import CaseMerge
from tests.records import NOON, EscalationLog, assessment, escalation

HELLO = (Turn("user", "hi"), Turn("assistant", "Hello."))
FIRST = escalation("m1", text="he hits me", turns_before=HELLO, shown=("Help.", "Childline."))
AFTER_FIRST = (*HELLO, Turn("user", "he hits me"), Turn("assistant", "Help.\nChildline."))
THANKS = escalation(
    "m2",
    text="ok",
    raised_at=NOON + timedelta(minutes=1),
    assessment=assessment(Severity.NONE),
    turns_before=AFTER_FIRST,
    shown=("We are here.",),
)
AGAIN = escalation(
    "m3",
    text="ok",
    raised_at=NOON + timedelta(minutes=2),
    assessment=assessment(Severity.URGENT),
    turns_before=(*AFTER_FIRST, Turn("user", "ok"), Turn("assistant", "We are here."))[-3:],
    shown=(),
)
IN_ORDER = ["hi", "Hello.", "he hits me", "Help.", "Childline.", "ok", "We are here.", "ok"]


def texts(cases: Cases, case_id: str = "c1") -> list[str]:
    return [said.text for said in chronology(cases.whole(case_id).messages)]


def test_each_message_with_what_was_shown_after_the_turns_before(
    log: EscalationLog, cases: Cases
) -> None:
    log.record(FIRST)

    assert chronology(cases.whole("c1").messages) == [
        ChronologyEntry("user", "hi"),
        ChronologyEntry("assistant", "Hello."),
        ChronologyEntry("user", "he hits me", NOON, "m1", Severity.CONCERN),
        ChronologyEntry("assistant", "Help.", message_id="m1", shown=True),
        ChronologyEntry("assistant", "Childline.", message_id="m1", shown=True),
    ]


def test_the_same_words_twice_stand_twice(log: EscalationLog, cases: Cases) -> None:
    for message in (FIRST, THANKS, AGAIN):
        log.record(message)

    assert texts(cases) == IN_ORDER


def test_no_turn_stands_twice_when_a_later_message_was_recorded_first(
    log: EscalationLog, cases: Cases
) -> None:
    for message in (AGAIN, FIRST, THANKS):
        log.record(message)

    assert texts(cases) == IN_ORDER


def test_a_message_that_was_sent_again_and_remembered_in_another_place_stands_once(
    log: EscalationLog, cases: Cases
) -> None:
    first, second, third = (
        escalation(f"m{number}", text=text, shown=(), raised_at=NOON + timedelta(seconds=number))
        for number, text in enumerate(("he hits me", "ok", "are you there"), 1)
    )
    swapped = (Turn("user", "ok"), Turn("user", "ok"), Turn("user", "he hits me"))
    log.record(replace(third, turns_before=swapped))
    log.record(replace(second, turns_before=()))
    log.record(replace(first, turns_before=()))

    # One "ok" is on record nowhere else: it stays.
    assert sorted(texts(cases)) == sorted(["he hits me", "ok", "ok", "are you there"])


def test_turns_that_are_on_record_nowhere_else_stand_before_their_message(
    log: EscalationLog, cases: Cases
) -> None:
    # As in old records: what came between two hand-offs is kept by the second alone.
    log.record(AGAIN)
    log.record(FIRST)

    assert texts(cases) == IN_ORDER


def test_a_merged_conversation_keeps_its_own_turns(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    log.record(FIRST)
    later = NOON + timedelta(hours=1)
    again = escalation("n1", conversation_id="c2", text="me again", raised_at=later, shown=())
    log.record(again)
    merging.merge("c2", "c1", by=ann)

    assert texts(cases) == [*IN_ORDER[:5], "hi", "Hello.", "me again"]
