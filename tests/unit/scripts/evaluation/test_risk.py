from __future__ import annotations

import pytest

from scripts.evaluation.risk import DIMENSIONS, by, categories, confusion, length_band, risk_report
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, case

CASES = [
    case(IMMEDIATE, URGENT),
    case(URGENT, CONCERN),
    case(CONCERN, NONE, voice="parent"),
    case(CONCERN, IMMEDIATE, voice="parent"),
    case(NONE, NONE, kind="food"),
    case(NONE, CONCERN, kind="near_miss", near=("bullying",)),
    case(NONE, URGENT, kind="near_miss", near=("suicide", "bullying")),
]


def hits(record: dict[str, int]) -> tuple[int, int]:
    return record["hits"], record["of"]


def test_each_figure_counts_its_own_messages() -> None:
    report = risk_report(CASES)

    assert hits(report["urgent heard"]) == (1, 2)
    assert hits(report["immediate heard"]) == (1, 1)
    assert hits(report["any risk heard"]) == (3, 4)
    assert hits(report["harmless urgent"]) == (1, 3)
    assert hits(report["harmless concern"]) == (2, 3)


def test_confusion_has_what_was_due_in_rows() -> None:
    assert confusion(CASES) == [[1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_a_group_counts_only_its_own_messages() -> None:
    found = by(CASES, DIMENSIONS["voice"])

    assert list(found) == ["parent", "young_person"]
    assert found["parent"]["messages"] == 2
    assert hits(found["parent"]["any risk heard"]) == (1, 2)


def test_a_harmless_message_counts_under_the_category_it_first_seems_to_be_of() -> None:
    found = by(CASES, DIMENSIONS["category"])

    assert hits(found["suicide"]["harmless urgent"]) == (1, 1)
    assert hits(found["bullying"]["harmless urgent"]) == (0, 1)
    assert hits(found["grooming"]["any risk heard"]) == (3, 4)


def test_a_message_of_two_registers_counts_in_both() -> None:
    found = by([case(URGENT, URGENT, register=("slang", "short"))], DIMENSIONS["register"])

    assert list(found) == ["short", "slang"]


def test_one_right_category_is_enough_and_the_first_is_told_apart() -> None:
    cases = [
        case(URGENT, URGENT, named=("bullying", "grooming")),
        case(URGENT, URGENT, named=("bullying",)),
        case(URGENT, NONE),
    ]

    found = categories(cases)

    assert hits(found["one right, of those heard"]) == (1, 2)
    assert hits(found["one right, of all"]) == (1, 3)
    assert hits(found["first right, of those heard"]) == (0, 2)
    assert found["named on average"] == 1.5


def test_a_set_in_which_nothing_is_heard_still_has_a_report() -> None:
    assert categories([case(URGENT, NONE)])["named on average"] is None


@pytest.mark.parametrize(
    ("words", "band"),
    [
        (5, "up to 5 words"),
        (6, "6 to 10 words"),
        (20, "11 to 20 words"),
        (21, "over 20 words"),
    ],
)
def test_the_band_is_that_of_the_number_of_words(words: int, band: str) -> None:
    assert length_band("word " * words) == band
