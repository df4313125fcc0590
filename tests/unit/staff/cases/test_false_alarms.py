"""False alarms are closed together, never a disclosure among them, and opened again for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import UnknownStaffError
from staff.alerts.outbox import alerts
from staff.cases.alarm_candidates import Barrier, CaseReader
from staff.cases.case import CaseEvent, CaseStatus, Referral
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision, WordsMissingError
from staff.cases.false_alarms import (
    UNDO_FOR,
    AlarmDecision,
    AlarmReason,
    BarredError,
    FalseAlarms,
)
from staff.cases.merging import CaseMerge
from staff.cases.tables import SEALED, reviews
from tests.records import NOON, Callbacks, Clock, EscalationLog, assessment, escalation, vault

NONE, CONCERN, URGENT, IMMEDIATE = Severity
JOKE = AlarmDecision(AlarmReason.FIGURE_OF_SPEECH, " Homework. ")
SESSION = "s1"
WORDS = "this homework will be the death of me"


@pytest.fixture
def false_alarms(engine: Engine, clock: Clock) -> FalseAlarms:
    return FalseAlarms(engine, vault(), clock)


def come(log: EscalationLog, case_id: str, text: str = WORDS, **changes: Any) -> None:
    """Record a case of one message, with no turn before it."""
    facts = {"conversation_id": case_id, "text": text, "turns_before": ()}
    log.record(escalation(f"message-{case_id}", **(facts | changes)))


def read(casework: Casework, *case_ids: str, by: str) -> None:
    for each in case_ids:
        casework.revealed(each, by=by, session=SESSION)


def reader(staff_id: str, areas: Iterable[str] | None = None) -> CaseReader:
    return CaseReader(staff_id, SESSION, None if areas is None else frozenset(areas))


def versions(cases: Cases, *case_ids: str) -> dict[str, int]:
    return {each: cases.find(each).version for each in case_ids}


def barriers(false_alarms: FalseAlarms, by: str, *case_ids: str) -> dict[str, Barrier | None]:
    found = false_alarms.candidates(case_ids, reader(by), chosen=True)
    return {each.case.id: each.barrier for each in found}


def test_cases_that_were_read_are_closed_together_each_with_a_review_of_its_own(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "a")
    come(log, "b", "i could murder a burger")
    read(casework, "a", "b", by=ann)

    false_alarms.close("batch", versions(cases, "a", "b"), JOKE, reader(ann))

    for each in ("a", "b"):
        whole = cases.whole(each)
        assert whole.case.status is CaseStatus.CLOSED
        (review,) = whole.reviews
        assert (review.outcome, review.note, review.by) == (Outcome.FALSE_ALARM, "Homework.", ann)
        assert review.reason == "figure_of_speech"
        assert whole.history[-1].event.what == CaseEvent.OUTCOME_RECORDED.value
        assert whole.history[-1].event.detail == {
            "outcome": "false_alarm",
            "reason": "figure_of_speech",
            "batch": "batch",
        }


def test_an_urgent_one_waits_for_a_second_person(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    ann: str,
    bob: str,
) -> None:
    come(log, "a", assessment=assessment(URGENT))
    read(casework, "a", by=ann)

    false_alarms.close("batch", versions(cases, "a"), JOKE, reader(ann))
    assert (cases.find("a").status, cases.find("a").closing_by) == (CaseStatus.OPEN, ann)
    casework.answer_closing("a", agree=True, by=bob)

    assert cases.find("a").status is CaseStatus.CLOSED
    batch = false_alarms.batch("batch", by=ann)
    assert batch is not None
    assert [each.can_undo for each in batch.closed] == [False]


# Unread


def test_an_unread_case_is_closed_only_with_a_read_one_that_holds_all_its_words(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "read")
    come(log, "same", "This homework will be the DEATH of me!!")
    come(log, "more", WORDS + " and he hits me")
    come(log, "other", "he hits me")
    read(casework, "read", by=ann)
    ids = ("read", "same", "more", "other")

    assert barriers(false_alarms, ann, *ids) == {
        "read": None,
        "same": None,
        "more": Barrier.UNREAD,
        "other": Barrier.UNREAD,
    }
    (same,) = (
        each
        for each in false_alarms.candidates(ids, reader(ann), chosen=True)
        if each.case.id == "same"
    )
    assert same.same_as == cases.find("read").reference
    with pytest.raises(BarredError) as refused:
        false_alarms.close("batch", versions(cases, *ids), JOKE, reader(ann))
    assert {each.case.id for each in refused.value.candidates if each.barrier} == {"more", "other"}
    assert cases.find("read").status is CaseStatus.OPEN
    false_alarms.close("batch", versions(cases, "read", "same"), JOKE, reader(ann))
    assert cases.find("same").status is CaseStatus.CLOSED


def test_one_word_more_anywhere_in_the_conversation_has_to_be_read(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str
) -> None:
    come(log, "read")
    come(log, "same")
    log.record(
        escalation(
            "later", conversation_id="same", text="no really", turns_before=(),
            assessment=replace(assessment(NONE), signals=()), raised_at=NOON + timedelta(minutes=1),
        )
    )  # fmt: skip
    read(casework, "read", by=ann)

    assert barriers(false_alarms, ann, "read", "same")["same"] is Barrier.UNREAD


def test_nothing_is_closed_unread_when_nothing_was_read(
    false_alarms: FalseAlarms, log: EscalationLog, ann: str
) -> None:
    come(log, "a")
    come(log, "b")

    assert barriers(false_alarms, ann, "a", "b") == {"a": Barrier.UNREAD, "b": Barrier.UNREAD}


def test_an_unread_case_that_is_graver_than_the_read_one_has_to_be_read(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str
) -> None:
    come(log, "read")
    come(log, "graver", assessment=assessment(URGENT))
    read(casework, "read", by=ann)

    assert barriers(false_alarms, ann, "read", "graver")["graver"] is Barrier.UNREAD


def test_what_a_colleague_has_read_is_not_read_by_me(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str, bob: str
) -> None:
    come(log, "a")
    read(casework, "a", by=bob)

    assert barriers(false_alarms, ann, "a") == {"a": Barrier.UNREAD}


def test_a_message_that_came_since_makes_a_case_unread_until_its_page_is_opened_again(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    come(log, "a", "and then he hit me", raised_at=NOON + timedelta(minutes=1))
    log.record(escalation("m9", conversation_id="a", raised_at=NOON + timedelta(minutes=2)))

    assert barriers(false_alarms, ann, "a") == {"a": Barrier.UNREAD}
    casework.viewed("a", by=ann)
    assert barriers(false_alarms, ann, "a") == {"a": None}


def test_opening_a_page_with_covered_words_reads_nothing(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str
) -> None:
    come(log, "a")
    casework.viewed("a", by=ann)

    assert barriers(false_alarms, ann, "a") == {"a": Barrier.UNREAD}


def test_others_follow_a_false_alarm_that_was_read_and_closed_before(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "first")
    come(log, "second")
    read(casework, "first", by=ann)
    casework.close("first", ClosingDecision(Outcome.FALSE_ALARM, "A joke."), by=ann)

    assert barriers(false_alarms, ann, "second") == {"second": Barrier.UNREAD}
    false_alarms.close("batch", versions(cases, "second"), JOKE, reader(ann), like="first")

    assert cases.find("second").status is CaseStatus.CLOSED


def test_a_case_that_was_closed_for_another_reason_lets_no_other_be_closed_unread(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "first")
    come(log, "second")
    read(casework, "first", by=ann)
    casework.close("first", ClosingDecision(Outcome.ADVICE_GIVEN, "Talked."), by=ann)

    with pytest.raises(BarredError):
        false_alarms.close("batch", versions(cases, "second"), JOKE, reader(ann), like="first")


# What stands in the way


def test_immediate_cases_are_never_closed_together(
    false_alarms: FalseAlarms, log: EscalationLog, casework: Casework, ann: str, bob: str
) -> None:
    come(log, "a", assessment=assessment(IMMEDIATE))
    come(log, "b", assessment=assessment(IMMEDIATE))
    read(casework, "a", by=ann)
    casework.correct("b", severity=CONCERN, categories=None, reason="A game.", by=bob)

    assert barriers(false_alarms, ann, "a", "b") == {
        "a": Barrier.IMMEDIATE,
        "b": Barrier.IMMEDIATE_UNREAD,
    }
    read(casework, "b", by=ann)
    assert barriers(false_alarms, ann, "b") == {"b": None}


def test_what_is_unfinished_is_closed_on_its_own_page(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    casework: Casework,
    merging: CaseMerge,
    wishes: Callbacks,
    ann: str,
    bob: str,
) -> None:
    kinds = ("task", "referred", "colleague", "merged", "part", "closed", "proposed", "offered")
    for each in kinds:
        come(log, each, assessment=assessment(URGENT if each == "proposed" else CONCERN))
        read(casework, each, by=ann)
    casework.add_action("task", "Ring.", None, by=ann)
    casework.refer("referred", Referral("police", "telephone", NOON, "", ""), by=ann)
    casework.assign("colleague", bob, by=bob)
    casework.hand_over("offered", bob, "Please.", by=ann)
    merging.merge("part", "merged", by=ann)
    casework.close("closed", ClosingDecision(Outcome.OTHER, "x"), by=ann)
    casework.close("proposed", ClosingDecision(Outcome.OTHER, "x"), by=ann)

    assert barriers(false_alarms, ann, *kinds) == {
        "task": Barrier.TASKS,
        "referred": Barrier.REFERRED,
        "colleague": Barrier.COLLEAGUE,
        "offered": Barrier.COLLEAGUE,
        "merged": Barrier.MERGED,
        "part": Barrier.GONE,
        "closed": Barrier.CLOSED,
        "proposed": Barrier.PROPOSED,
    }


def test_a_case_of_another_area_is_not_there(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "a", area="kent")
    read(casework, "a", by=ann)
    elsewhere = reader(ann, ["wiltshire"])

    assert false_alarms.candidates(["a"], elsewhere) == []
    with pytest.raises(BarredError):
        false_alarms.close("batch", versions(cases, "a"), JOKE, elsewhere)
    assert cases.find("a").status is CaseStatus.OPEN


# All or none


def test_a_colleague_who_was_first_leaves_all_of_them_open(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    ann: str,
) -> None:
    come(log, "a")
    come(log, "b")
    read(casework, "a", "b", by=ann)
    seen = versions(cases, "a", "b")
    casework.assign("b", ann, by=ann)

    with pytest.raises(BarredError) as refused:
        false_alarms.close("batch", seen, JOKE, reader(ann))

    assert [each.barrier for each in refused.value.candidates] == [None, Barrier.CHANGED]
    assert cases.find("a").status is CaseStatus.OPEN
    assert cases.whole("a").reviews == ()


def test_a_batch_that_is_sent_twice_is_closed_once(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    seen = versions(cases, "a")

    false_alarms.close("batch", seen, JOKE, reader(ann))
    false_alarms.close("batch", seen, JOKE, reader(ann))

    assert len(cases.whole("a").reviews) == 1


def test_of_two_batches_at_once_one_closes_and_the_other_is_refused(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    ids = [f"c{number}" for number in range(6)]
    for each in ids:
        come(log, each)
    read(casework, *ids, by=ann)
    seen, outcomes = versions(cases, *ids), list[str]()

    def close(batch: str, order: list[str]) -> None:
        try:
            chosen = {each: seen[each] for each in order}
            false_alarms.close(batch, chosen, JOKE, reader(ann))
        except BarredError:
            outcomes.append("refused")
        else:
            outcomes.append("closed")

    threads = [
        threading.Thread(target=close, args=("one", ids)),
        threading.Thread(target=close, args=("two", ids[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["closed", "refused"]
    assert all(len(cases.whole(each).reviews) == 1 for each in ids)


def test_only_staff_close_and_something_else_needs_words(
    false_alarms: FalseAlarms, log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    seen = versions(cases, "a")

    with pytest.raises(UnknownStaffError):
        false_alarms.close("batch", seen, JOKE, reader("nobody"))
    with pytest.raises(WordsMissingError):
        false_alarms.close("batch", seen, AlarmDecision(AlarmReason.OTHER, " "), reader(ann))
    false_alarms.close("batch", seen, AlarmDecision(AlarmReason.NONSENSE, ""), reader(ann))
    assert cases.whole("a").reviews[0].note == ""


def test_closing_ends_the_alerts_and_the_note_is_sealed(
    engine: Engine,
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    ann: str,
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    come(log, "b")

    false_alarms.close("batch", versions(cases, "a", "b"), JOKE, reader(ann))

    with engine.connect() as connection:
        still_open = sa.select(alerts.c.case_id).where(alerts.c.ended_at.is_(None))
        assert connection.execute(still_open).all() == []
        notes = connection.execute(sa.select(reviews.c.note)).scalars().all()
    assert "note" in SEALED[reviews]
    assert all("Homework" not in note for note in notes)


# Undone


def test_it_is_undone_for_a_while_and_the_cases_are_as_they_were(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    clock: Clock,
    ann: str,
) -> None:
    come(log, "a")
    come(log, "b", assessment=assessment(URGENT))
    read(casework, "a", "b", by=ann)
    before = [cases.find(each) for each in ("a", "b")]
    false_alarms.close("batch", versions(cases, "a", "b"), JOKE, reader(ann))
    clock.move(minutes=29)

    assert false_alarms.undo("batch", by=ann) == 2

    after = [cases.find(each) for each in ("a", "b")]
    assert [replace(each, version=0) for each in after] == [
        replace(each, version=0) for each in before
    ]
    assert cases.whole("a").history[-1].event.what == CaseEvent.ALARM_UNDONE.value
    assert false_alarms.undo("batch", by=ann) == 0


def test_after_the_while_or_by_somebody_else_nothing_is_undone(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    clock: Clock,
    ann: str,
    bob: str,
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    false_alarms.close("batch", versions(cases, "a"), JOKE, reader(ann))

    assert false_alarms.undo("batch", by=bob) == 0
    assert false_alarms.batch("batch", by=bob) is None
    clock.at += UNDO_FOR + timedelta(seconds=1)
    assert false_alarms.undo("batch", by=ann) == 0
    assert cases.find("a").status is CaseStatus.CLOSED


def test_what_a_colleague_did_since_is_not_undone(
    false_alarms: FalseAlarms,
    log: EscalationLog,
    cases: Cases,
    casework: Casework,
    clock: Clock,
    ann: str,
    bob: str,
) -> None:
    come(log, "a")
    read(casework, "a", by=ann)
    false_alarms.close("batch", versions(cases, "a"), JOKE, reader(ann))
    clock.move(minutes=1)
    casework.reopen("a", by=bob, reason="Look again.")
    casework.close("a", ClosingDecision(Outcome.ADVICE_GIVEN, "Talked."), by=bob)

    assert false_alarms.undo("batch", by=ann) == 0
    assert cases.find("a").status is CaseStatus.CLOSED
