"""The first line of a row tells cases apart."""

from __future__ import annotations

import pytest

from staff.cases.queue_wording import first_line, second_line
from tests.unit.staff.console.test_case_wording import case

ROW = {"under_12": "under 12", "online": "someone met online", "adult": "an adult", "pics": "pics",
       "money": "money", "home": "at home", "secret": "no adult knows"}  # fmt: skip


@pytest.mark.parametrize(
    ("ages", "facts", "line"),
    [
        ((13,), {"online", "secret"}, "13, someone met online, no adult knows"),
        ((), {"adult", "pics", "secret"}, "An adult, pics, no adult knows"),
        ((), {*ROW} - {"under_12"}, "Someone met online, an adult, pics, money, at home"),
        ((12, 14), {"money"}, "12, 14, money"),
        ((13,), {"online"}, "13, someone met online, image abuse"),
        ((9,), set(), "9, image abuse"),
        ((), set(), "Hurt by someone: image abuse"),
        ((), {"no_longer_a_fact"}, "Hurt by someone: image abuse"),
    ],
)
def test_the_first_line_of_a_row_tells_cases_apart(
    ages: tuple[int, ...], facts: set[str], line: str
) -> None:
    about = case(need="hurt_by_someone", assessed_categories=("image_abuse", "grooming"))

    assert first_line(about, ages, facts, ROW) == line


def test_an_age_says_more_than_under_12() -> None:
    words = {"is_child_under_12": "under 12", "online": "someone met online", "pics": "pics"}
    facts = {"is_child_under_12", "online", "pics"}

    assert first_line(case(), (9,), facts, words) == "9, someone met online, pics"
    assert first_line(case(), (), facts, words) == "Under 12, someone met online, pics"


def test_a_case_without_a_category_has_a_first_line() -> None:
    assert first_line(case(), (), set(), {}) == "Not clear what help is needed"


def test_a_row_names_three_categories_and_how_many_more_there_are() -> None:
    named = ("grooming", "image_abuse", "missing", "neglect", "distress")
    about = case(need="hurt_by_someone", assessed_categories=named)

    assert second_line(about) == (
        "Hurt by someone. Grooming, image abuse, missing and 2 more. "
        "A young person, about themselves"
    )
    unsaid = case(said_audience=None, assessed_subject="friend", need="friend")
    assert second_line(unsaid) == "A friend in trouble. About a friend"
    assert second_line(case()) == (
        "Not clear what help is needed. A young person, about themselves"
    )
