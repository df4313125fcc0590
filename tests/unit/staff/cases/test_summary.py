"""The row of a case follows from its messages, in whatever order they are recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from staff.cases.cases import Cases
from staff.cases.casework import Casework, CorrectedPeople
from staff.cases.merging import CaseMerge
from staff.cases.tables import cases as cases_table
from tests.records import NOON, EscalationLog, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity
HITS = Signal("hits", "lexicon", "1", "physical_abuse", URGENT, 0, 4)
TOGETHER = Signal("together", "conversation", "1", "grooming", URGENT, 0, 0)


def said(minute: int, text: str, *signals: Signal, subject: str = "self") -> Escalation:
    severity = max((each.severity for each in signals), default=NONE)
    named = tuple(dict.fromkeys(each.category for each in signals))
    found = Assessment(severity, named, subject, signals) if signals else NO_RISK
    at = NOON + timedelta(minutes=minute)
    return escalation(f"m{minute}", text=text, assessment=found, raised_at=at, audience=None)


TOLD = said(0, "my dad hits me", HITS)
ASKS = said(1, "what will they ask", TOGETHER, subject="own_child")
HARMLESS = said(2, "she says shes fine leave it", TOGETHER, subject="friend")


def test_a_later_harmless_message_changes_neither_what_was_told_nor_whom_it_is_about(
    log: EscalationLog, cases: Cases
) -> None:
    for each in (TOLD, ASKS, HARMLESS):
        log.record(each)

    case = cases.find("c1")
    assert (case.opening, case.categories, case.subject) == ("m0", ("physical_abuse",), "self")
    assert case.possible_categories == ()
    assert case.need == "hurt_by_someone"
    assert cases.whole("c1").opening.message_id == "m0"


def test_the_summary_does_not_depend_on_the_order_of_arrival(engine: Engine) -> None:
    from tests.records import log_on  # noqa: PLC0415

    log = log_on(engine)
    names = ("opening", "categories", "possible_categories", "subject", "need")
    found = []
    for number, order in enumerate(permutations((TOLD, ASKS, HARMLESS))):
        for each in order:
            own = f"c{number}"
            log.record(replace(each, conversation_id=own, message_id=f"{own}-{each.message_id}"))
        columns = (cases_table.c[name] for name in names)
        query = sa.select(*columns).where(cases_table.c.id == own)
        with engine.connect() as connection:
            opening, *rest = connection.execute(query).one()
        found.append((opening.removeprefix(f"{own}-"), *rest))

    assert found == [("m0", ["physical_abuse"], [], "self", "hurt_by_someone")] * 6


def test_an_immediate_conversation_is_in_danger_whatever_is_read_first(
    log: EscalationLog, cases: Cases
) -> None:
    log.record(TOLD)
    log.record(said(1, "hes here", replace(TOGETHER, severity=IMMEDIATE)))

    case = cases.find("c1")
    assert (case.opening, case.severity, case.need) == ("m0", IMMEDIATE, "danger_now")


def test_the_person_corrects_whom_they_mean(log: EscalationLog, cases: Cases) -> None:
    log.record(TOLD)
    log.record(said(1, "not me, my mate"))

    assert (cases.find("c1").subject, cases.find("c1").need) == ("friend", "friend")


def test_staff_correct_whom_it_is_about_and_who_writes_and_both_stay_visible(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(said(0, "she gets hit at home", HITS, subject="own_child"))
    assert cases.find("c1").need == "adult_for_child"
    people = CorrectedPeople("friend", "young_person")

    casework.correct("c1", severity=None, categories=None, people=people, reason="x", by=ann)

    case = cases.find("c1")
    assert (case.subject, case.assessed_subject) == ("friend", "own_child")
    assert (case.audience, case.said_audience) == ("young_person", None)
    assert case.need == "friend"
    detail = cases.whole("c1").history[-1].event.detail
    assert (detail["subject_from"], detail["subject_to"]) == ("own_child", "friend")
    assert (detail["audience_from"], detail["audience_to"]) == (None, "young_person")


def test_a_correction_outlasts_later_messages_and_is_taken_back_by_agreeing(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(said(0, "she gets hit at home", HITS, subject="own_child"))
    people = CorrectedPeople("friend", "young_person")
    casework.correct("c1", severity=None, categories=None, people=people, reason="x", by=ann)
    log.record(said(1, "again last night", HITS, subject="own_child"))
    assert (cases.find("c1").subject, cases.find("c1").need) == ("friend", "friend")

    casework.correct("c1", severity=None, categories=None, reason="No.", by=ann)

    case = cases.find("c1")
    assert (case.subject, case.audience, case.need) == ("own_child", None, "adult_for_child")


@pytest.mark.parametrize("people", [CorrectedPeople("nobody"), CorrectedPeople(None, "x")])
def test_a_correction_to_an_unknown_name_is_refused(
    log: EscalationLog, casework: Casework, ann: str, people: CorrectedPeople
) -> None:
    log.record(TOLD)

    with pytest.raises(ValueError, match="unknown"):
        casework.correct("c1", severity=None, categories=None, people=people, reason="x", by=ann)


def test_a_merged_case_is_summed_up_with_the_messages_of_both(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    log.record(HARMLESS)
    log.record(replace(TOLD, conversation_id="c2"))
    assert cases.find("c1").categories == ("grooming",)

    merging.merge("c2", "c1", by=ann)
    merged = cases.find("c1")
    log.record(replace(ASKS, conversation_id="c2"))

    assert (merged.opening, merged.categories) == ("m0", ("physical_abuse",))
    assert (cases.find("c1").opening, cases.find("c1").categories) == ("m0", ("physical_abuse",))
    merging.separate("c2", by=ann)
    assert (cases.find("c1").opening, cases.find("c1").categories) == ("m2", ("grooming",))


def test_messages_that_are_split_off_take_their_summary_with_them(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    log.record(TOLD)
    log.record(said(1, "my mate is cutting", replace(HITS, category="self_harm"), subject="friend"))

    new = merging.split("c1", ["m1"], by=ann)

    assert (cases.find(new).categories, cases.find(new).subject) == (("self_harm",), "friend")
    assert (cases.find("c1").categories, cases.find("c1").opening) == (("physical_abuse",), "m0")
