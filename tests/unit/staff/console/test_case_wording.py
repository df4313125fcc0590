"""There are words for every need and every event of a case."""

from __future__ import annotations

from typing import Any

import pytest

from safeguarding.taxonomy import Severity, taxonomy
from staff.alerts.outcomes import IN_DIGEST
from staff.alerts.plan import ALERTED
from staff.audit.trail import Event
from staff.cases import wording as case_wording
from staff.cases.case import Case, CaseEvent, CaseStatus, reference_of
from staff.cases.casework import REFERRED_BY, REFERRED_TO
from staff.cases.work_page import WORKS
from tests.records import NOON, escalation

NAMES = {"a": "Ann", "b": "Bob"}
FOUND = {
    CaseEvent.RAISED: {"from": "concern", "to": "urgent"},
    CaseEvent.OUTCOME_RECORDED: {"outcome": "false_alarm", "severity": "none"},
    CaseEvent.CLOSING_PROPOSED: {"outcome": "other", "missed": "yes"},
    CaseEvent.CORRECTED: {"from": "urgent", "to": "concern", "categories": ["grooming"]},
}


def case(**changes: Any) -> Case:
    usual: dict[str, Any] = {
        "id": "c1", "reference": reference_of("c1"), "conversation_id": "c1",
        "status": CaseStatus.OPEN, "severity": Severity.CONCERN,
        "assessed_severity": Severity.CONCERN, "staff_severity": None, "need": "unclear",
        "assessed_subject": "self", "staff_subject": None, "assessed_categories": (),
        "possible_categories": (), "staff_categories": None, "said_audience": "young_person",
        "staff_audience": None, "opening": None, "area": None, "opened_at": NOON, "raised_at": NOON,
        "newest_at": NOON, "due_at": NOON, "handoffs": 1, "assigned_to": None,
        "offered_to": None, "closing_by": None, "closed_at": None, "legal_hold": False,
        "merged_into": None, "version": 1,
    }  # fmt: skip
    return Case(**usual | changes)


def line(what: CaseEvent, who: str = "a", **detail: Any) -> str:
    return case_wording.history_line(Event(NOON, who, what.value, detail=detail), NAMES)


def test_every_need_receiver_and_way_has_words() -> None:
    assert set(case_wording.NEEDS) == set(taxonomy().needs)
    assert set(case_wording.WRITERS) == set(taxonomy().audiences)
    assert set(case_wording.REFERRED_TO) == set(REFERRED_TO)
    assert set(case_wording.REFERRED_BY) == set(REFERRED_BY)
    elsewhere = {"hold", "release", "take", "letter", "letter-settled", "letterbox-close"}
    elsewhere |= {"live-unblock", "wrap-up", "attach", "file-removed"}
    assert set(case_wording.DONE) == set(WORKS) | elsewhere


@pytest.mark.parametrize("what", CaseEvent)
def test_every_line_of_the_history_has_words_of_its_own(what: CaseEvent) -> None:
    words = line(what, **FOUND.get(what, {}))

    assert words
    assert what.value not in {words, words.lower()}


def test_an_event_of_a_kind_that_is_not_known_yet_has_a_name() -> None:
    assert (
        case_wording.history_line(Event(NOON, "a", "case pack exported"), NAMES)
        == "Case pack exported"
    )


def test_the_history_says_when_an_alert_went_beyond_the_area() -> None:
    within = Event(NOON, "dispatcher", ALERTED, detail={"area": "swindon", "beyond_area": False})
    beyond = Event(NOON, "dispatcher", ALERTED, detail={"area": "swindon", "beyond_area": True})

    assert case_wording.history_line(within, NAMES) == "Alerted"
    assert case_wording.history_line(Event(NOON, "dispatcher", ALERTED), NAMES) == "Alerted"
    assert case_wording.history_line(beyond, NAMES) == (
        "Alerted staff of other areas too: nobody who may see Swindon could be reached"
    )


def test_the_history_says_that_an_alert_went_with_others() -> None:
    words = case_wording.history_line(
        Event(NOON, "dispatcher", IN_DIGEST, detail={"together": 12}), NAMES
    )

    assert words == "Alerted in one message with 11 other hand-offs"


def test_the_history_says_what_changed() -> None:
    assert line(CaseEvent.RAISED, **FOUND[CaseEvent.RAISED]) == "Raised it from concern to urgent"
    assert (
        line(CaseEvent.OUTCOME_RECORDED, **FOUND[CaseEvent.OUTCOME_RECORDED])
        == "Recorded the outcome: False alarm; found it no risk"
    )
    assert line(CaseEvent.ASSIGNED, to="a") == "Took it"
    assert line(CaseEvent.ASSIGNED, to="b") == "Gave it to Bob"
    assert line(CaseEvent.ASSIGNED, to=None).startswith("Put it back")
    assert (
        line(CaseEvent.OUTCOME_RECORDED, outcome="other", proposed_by="b")
        == "Agreed with Bob to close it: Something else"
    )
    assert (
        line(CaseEvent.ACTION_ADDED, due_on="2026-12-01")
        == "Added something to do by 1 December 2026"
    )
    assert line(CaseEvent.REFERRED, to="police", made=True) == "Recorded a referral: the police"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "A young person, about themselves"),
        ({"assessed_subject": "other_child", "need": "friend"}, "A young person, about a friend"),
        ({"assessed_subject": "own_child", "need": "danger_now"}, "A young person, about a friend"),
        (
            {"said_audience": "parent", "assessed_subject": "own_child", "need": "adult_for_child"},
            "A parent or carer, about their own child",
        ),
        (
            {
                "said_audience": "professional",
                "assessed_subject": "own_child",
                "need": "adult_for_child",
            },
            "A professional, about a child",
        ),
        (
            {
                "said_audience": "professional",
                "assessed_subject": "self",
                "need": "adult_for_child",
            },
            "A professional, about a child",
        ),
        (
            {"said_audience": "parent", "assessed_subject": "unknown", "need": "adult_in_crisis"},
            "An adult, about themselves",
        ),
        (
            {"said_audience": None, "assessed_subject": "friend", "need": "danger_now"},
            "Somebody who has not said who they are, about a friend",
        ),
    ],
)
def test_who_writes_about_whom_is_stated_rightly(facts: dict[str, Any], words: str) -> None:
    assert case_wording.about(case(**facts)) == words


def test_what_staff_corrected_counts_in_who_writes_about_whom() -> None:
    corrected = case(
        assessed_subject="own_child", staff_subject="friend", need="friend",
        said_audience="parent", staff_audience="young_person",
    )  # fmt: skip

    assert case_wording.about(corrected) == "A young person, about a friend"


def test_the_history_says_what_was_corrected_and_what_stood_before() -> None:
    words = line(
        CaseEvent.CORRECTED,
        **{"from": "urgent", "to": "urgent", "subject_from": "own_child", "subject_to": "friend"},
        audience_from=None,
        audience_to="young_person",
    )

    assert words == (
        "Corrected it: kept it urgent; about a friend, not their own child; "
        "written by: young person, before: not said"
    )


def test_many_are_not_counted_to_the_last() -> None:
    assert case_wording.counted(999, 1000) == "999"
    assert case_wording.counted(1000, 1000) == "1,000 or more"


MEANS = {"online": "Someone met online", "pictures": "Pictures or videos", "weapon": "A weapon"}


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([], ""),
        ([{}], ""),
        ([{"age": 13}], "Age 13"),
        ([{"facts": ("pictures",)}], "Pictures or videos"),
        (
            [{"facts": ("weapon",)}, {}, {"age": 13, "facts": ("weapon", "online")}],
            "Age 13 · Someone met online · A weapon",
        ),
        ([{"facts": ("renamed_since", "weapon")}], "A weapon"),
        ([{"facts": ("renamed_since",)}], ""),
        ([{"age": 12}, {"age": 13}, {}], "Age 13"),
        (
            [{"age": 13}, {"age": 15, "conversation_id": "c2"}, {"age": 14}],
            "Age 14 · Age 15",
        ),
        ([{"age": 13}, {"age": 13, "conversation_id": "c2"}], "Age 13"),
    ],
)
def test_what_was_said_is_one_line_in_the_order_of_the_file(
    messages: list[dict[str, Any]], line: str
) -> None:
    told = [escalation(f"m{number}", **each) for number, each in enumerate(messages)]

    assert case_wording.said(told, MEANS) == line
