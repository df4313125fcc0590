"""Open cases that are like another are found from the record, and it is said how."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases import likeness
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.likeness import Likeness, LikenessSearch
from staff.cases.tables import data_keys
from tests.records import GIFTS, SECRECY, EscalationLog, assessment, escalation, vault

MODEL = replace(SECRECY, source="classifier", kind="model", start=0, end=0)
ONE = assessment(Severity.CONCERN, replace(MODEL, like=("our own sentence", "another")))
TWO = assessment(Severity.CONCERN, replace(MODEL, like=("a different sentence",)))


@pytest.fixture
def search(engine: Engine) -> LikenessSearch:
    return LikenessSearch(engine, vault())


def come(log: EscalationLog, case_id: str, text: str, **changes: Any) -> None:
    facts = {"conversation_id": case_id, "text": text, "turns_before": (), "assessment": TWO}
    log.record(escalation(f"message-{case_id}", **(facts | changes)))


def ways(search: LikenessSearch, case_id: str = "a") -> dict[str, tuple[Likeness, ...]]:
    return {each.case.id: each.ways for each in search.like(case_id, None).found}


def test_the_same_words_are_found_whatever_their_capitals_and_dots(
    log: EscalationLog, search: LikenessSearch
) -> None:
    come(log, "a", "i am so dead lol")
    come(log, "b", "I am so DEAD, lol!!")
    come(log, "c", "my uncle comes into my room", assessment=ONE)

    assert list(ways(search)) == ["b"]
    assert Likeness.SAME_WORDS in ways(search)["b"]


def test_words_said_before_the_hand_off_count_too(
    log: EscalationLog, search: LikenessSearch
) -> None:
    come(log, "a", "i am so dead lol")
    come(log, "b", "i am so dead lol", turns_before=(Turn("user", "he found me"),))

    assert Likeness.SAME_WORDS not in ways(search)["b"]
    assert Likeness.NEAR_WORDS in ways(search)["b"]
    assert Likeness.SAME_WORDS in ways(search, "b")["a"]


def test_nearly_the_same_words_the_same_example_and_the_same_phrases_are_told_apart(
    log: EscalationLog, search: LikenessSearch
) -> None:
    come(log, "a", "this maths test is killing me", assessment=ONE)
    come(log, "near", "this maths test is killing me omg")
    come(log, "example", "a quite unlike thing", assessment=ONE)
    come(log, "nothing", "somebody follows us home")

    assert ways(search) == {"near": (Likeness.NEAR_WORDS,), "example": (Likeness.SAME_EXAMPLE,)}


def test_the_same_phrases_have_to_be_all_of_them(
    log: EscalationLog, search: LikenessSearch
) -> None:
    come(log, "a", "one text", assessment=assessment(Severity.CONCERN, SECRECY))
    come(log, "b", "quite another", assessment=assessment(Severity.CONCERN, SECRECY))
    come(log, "c", "and a third", assessment=assessment(Severity.CONCERN, SECRECY, GIFTS))

    assert ways(search) == {"b": (Likeness.SAME_PHRASES,)}


def test_immediate_closed_and_hidden_cases_are_not_offered(
    log: EscalationLog, search: LikenessSearch, casework: Casework, ann: str
) -> None:
    for each in ("a", "closed", "elsewhere", "immediate"):
        severity = Severity.IMMEDIATE if each == "immediate" else Severity.CONCERN
        area = "kent" if each == "elsewhere" else "wiltshire"
        come(log, each, "the same words", assessment=assessment(severity), area=area)
    casework.close("closed", ClosingDecision(Outcome.OTHER, "x"), by=ann)

    assert search.like("a", frozenset({"wiltshire"})).found == ()
    assert [each.case.id for each in search.like("a", None).found] == ["elsewhere"]


def test_a_case_that_cannot_be_opened_is_left_out(
    engine: Engine, log: EscalationLog, search: LikenessSearch
) -> None:
    for each in ("a", "b", "c"):
        come(log, each, "the same words")
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "b"))

    assert list(ways(search)) == ["c"]
    assert search.like("b", None).found == ()


def test_it_ends_after_a_time_and_says_so(
    engine: Engine, log: EscalationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "_BATCH", 2)
    for number in range(7):
        come(log, f"c{number}", "the same words")
    seconds = iter([0.0, 1.0, 2.0, 3.0])
    search = LikenessSearch(engine, vault(), lambda: next(seconds))

    found = search.like("c0", None)

    assert (found.looked_at, found.complete, len(found.found)) == (4, False, 4)
