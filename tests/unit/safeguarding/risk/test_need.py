"""What help an assessment asks for, and which articles it names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.risk.assessment import (
    NO_RISK,
    Assessment,
    Signal,
    categories_of,
    need_of,
    subjects_of,
    upgraded,
)
from safeguarding.taxonomy import Severity, taxonomy
from tests.content import real_content

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def assessed(severity: Severity, *categories: str, subject: str = "self") -> Assessment:
    return Assessment(severity, categories, subject, ())


@pytest.mark.parametrize(
    ("assessment", "need"),
    [
        (NO_RISK, None),
        (assessed(IMMEDIATE, "suicide"), "danger_now"),
        (assessed(IMMEDIATE, "grooming", subject="friend"), "danger_now"),
        (assessed(URGENT, "suicide", "bullying"), "suicide"),
        (assessed(URGENT, "bullying", "suicide"), "hurt_by_someone"),
        (assessed(URGENT, "suicide", subject="own_child"), "adult_for_child"),
        (assessed(URGENT, "grooming", subject="friend"), "friend"),
        (assessed(CONCERN, "neglect", subject="own_child"), "adult_for_child"),
        (assessed(CONCERN, "self_harm", subject="other_child"), "adult_for_child"),
        (assessed(URGENT, "self_harm", "bullying"), "self_harm"),
        (assessed(CONCERN, "eating_disorder"), "self_harm"),
        (assessed(CONCERN, "bullying", "self_harm"), "hurt_by_someone"),
        (assessed(URGENT, "sexual_abuse", subject="unknown"), "hurt_by_someone"),
        (assessed(URGENT, "harmful_sexual_behaviour"), "own_behaviour"),
        (assessed(URGENT, "harmful_sexual_behaviour", subject="unknown"), "unclear"),
        (assessed(CONCERN, "distress"), "unclear"),
        (assessed(CONCERN), "unclear"),
        (assessed(CONCERN, "a_category_that_is_gone"), "unclear"),
    ],
)
def test_the_message_alone_says_what_is_needed(assessment: Assessment, need: str | None) -> None:
    assert assessment.need == need


def test_a_reviewed_phrase_about_dying_counts_whatever_else_is_told() -> None:
    phrase = Signal("want-to-die", "lexicon", "v1", "suicide", URGENT, 0, 4)
    guessed = replace(phrase, kind="model")

    found = assessed(URGENT, "bullying", "suicide")

    assert replace(found, signals=(phrase,)).need == "suicide"
    assert replace(found, signals=(guessed,)).need == "hurt_by_someone"


@pytest.mark.parametrize("audience", ["parent", "professional"])
def test_an_adult_writes_about_themselves_or_about_a_child(audience: str) -> None:
    assert need_of(assessed(URGENT, "suicide"), audience) == "adult_in_crisis"
    assert need_of(assessed(URGENT, "suicide", subject="own_child"), audience) == "adult_for_child"
    assert need_of(assessed(CONCERN, "grooming", subject="unknown"), audience) == "adult_for_child"
    assert need_of(assessed(IMMEDIATE, "grooming"), audience) == "danger_now"
    assert need_of(NO_RISK, audience) is None


def test_an_audience_that_is_a_young_person_changes_nothing() -> None:
    assert need_of(assessed(URGENT, "suicide"), "young_person") == "suicide"


def test_every_category_has_a_need_of_the_taxonomy_and_its_articles() -> None:
    known = taxonomy()

    assert set(known.category_help) == set(known.risk_categories)
    for name, given in known.category_help.items():
        assert given.keys() == {"need", "young_person", "adult"}, name
        assert given["need"] in known.needs, name
        assert {given["young_person"], given["adult"]} <= set(real_content().articles.all()), name


def test_the_articles_follow_the_categories_each_once() -> None:
    found = assessed(URGENT, "sexual_abuse", "physical_abuse", "suicide", "gone")

    assert found.topics == ("what_happens_if_i_tell", "hurt_at_home", "suicide_help")
    assert NO_RISK.topics == ()


def test_a_record_says_need_and_topics_and_an_older_one_is_read_too() -> None:
    found = assessed(URGENT, "grooming", subject="friend")
    record = found.as_record()

    assert list(record) == ["severity", "categories", "need", "subject", "topics", "signals"]
    assert (record["need"], record["topics"]) == ("friend", ["am_i_being_groomed"])
    older = {name: record[name] for name in ("severity", "categories", "subject", "signals")}
    assert Assessment.from_record(record) == Assessment.from_record(older) == found


def test_what_two_assessments_come_to_has_the_need_of_the_graver() -> None:
    both = upgraded(assessed(CONCERN, "bullying"), assessed(URGENT, "suicide"))

    assert both.need == "suicide"


@pytest.mark.parametrize(
    ("need", "audience"),
    [
        ("suicide", "young_person"),
        ("self_harm", "young_person"),
        ("hurt_by_someone", "young_person"),
        ("own_behaviour", "young_person"),
        ("unclear", "young_person"),
        ("friend", "young_person"),
        ("adult_for_child", "parent"),
        ("adult_for_child", None),
        ("adult_in_crisis", "parent"),
    ],
)
def test_a_category_and_a_subject_of_a_need_call_for_it(need: str, audience: str | None) -> None:
    for category in categories_of(need) or taxonomy().risk_categories:
        for subject in subjects_of(need):
            assert need_of(assessed(URGENT, category, subject=subject), audience) == need
