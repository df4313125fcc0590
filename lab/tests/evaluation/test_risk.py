from __future__ import annotations

import pytest

from lab.evaluation.risk import (
    DIMENSIONS,
    KeptBackError,
    against_harmless,
    by,
    categories,
    confusion,
    errors,
    length_band,
    risk_report,
    scores_report,
)
from lab.tests.labelled import case
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT

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

    assert hits(report["urgent recognised"]) == (1, 2)
    assert hits(report["immediate recognised"]) == (1, 1)
    assert hits(report["any risk recognised"]) == (3, 4)
    assert hits(report["harmless urgent"]) == (1, 3)
    assert hits(report["harmless concern"]) == (2, 3)


def test_confusion_has_labels_in_rows() -> None:
    assert confusion(CASES) == [[1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_a_group_counts_only_its_own_messages() -> None:
    found = by(CASES, DIMENSIONS["voice"])

    assert list(found) == ["parent", "young_person"]
    assert found["parent"]["messages"] == 2
    assert hits(found["parent"]["any risk recognised"]) == (1, 2)


def test_a_harmless_message_counts_under_the_first_category_that_it_looks_like() -> None:
    found = by(CASES, DIMENSIONS["category"])

    assert hits(found["suicide"]["harmless urgent"]) == (1, 1)
    assert hits(found["bullying"]["harmless urgent"]) == (0, 1)
    assert hits(found["grooming"]["any risk recognised"]) == (3, 4)


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

    assert hits(found["one right, of those recognised"]) == (1, 2)
    assert hits(found["one right, of all"]) == (1, 3)
    assert hits(found["first right, of those recognised"]) == (0, 2)
    assert found["named on average"] == 1.5


def test_a_set_in_which_nothing_is_recognised_still_has_a_report() -> None:
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


def test_misses_and_false_alarms_by_category_the_gravest_first() -> None:
    cases = [
        case(URGENT, CONCERN, part="development", text="b", categories=("bullying",)),
        case(IMMEDIATE, NONE, part="development", text="a", categories=("bullying",)),
        case(CONCERN, NONE, part="development", text="c"),
        case(IMMEDIATE, URGENT, part="development", text="grave enough"),
        case(CONCERN, URGENT, part="development", text="more than grave enough"),
        case(NONE, URGENT, part="development", text="d", named=("suicide",)),
        case(NONE, NONE, part="development", text="quiet"),
    ]

    found = errors(cases)

    texts = {
        kind: {name: [row["text"] for row in rows] for name, rows in groups.items()}
        for kind, groups in found.items()
    }
    assert texts == {
        "misses": {"bullying": ["a", "b"], "grooming": ["c"]},
        "false alarms": {"suicide": ["d"]},
    }


@pytest.mark.parametrize("part", ["test", "training"])
def test_no_other_part_may_be_read(part: str) -> None:
    with pytest.raises(KeptBackError):
        errors([case(URGENT, NONE, part=part)])


SCORED_CASES = [
    case(URGENT, URGENT, (0.9, 0.8, 0.1)),
    case(IMMEDIATE, IMMEDIATE, (0.9, 0.9, 0.9)),
    case(CONCERN, CONCERN, (0.7, 0.5, 0.1)),
    case(NONE, CONCERN, (0.3, 0.2, 0.0)),
    case(NONE, NONE, None),
]


def test_a_severity_between_is_neither_hit_nor_false_alarm() -> None:
    scored = against_harmless(SCORED_CASES, URGENT)

    assert [(each.probability, each.positive) for each in scored] == [
        (0.8, True), (0.9, True), (0.2, False), (0.0, False),
    ]  # fmt: skip


def test_calibration_counts_every_message_at_every_step() -> None:
    report = scores_report(SCORED_CASES, SCORED_CASES, {"Lantern": SCORED_CASES})

    assert report is not None
    bins = report["calibration"]["immediate"]["bins"]
    assert sum(each["of"] for each in bins) == len(SCORED_CASES)
    assert sum(each["hits"] for each in bins) == 1


def test_each_system_has_the_point_at_which_it_decides() -> None:
    mute = [case(URGENT, NONE), case(NONE, URGENT)]

    report = scores_report(SCORED_CASES, SCORED_CASES, {"Lantern": SCORED_CASES, "words": mute})

    assert report is not None
    lantern, words = report["curves"]["urgent or immediate"]
    assert lantern["as set"] == [0.0, 1.0]
    assert lantern["line"][-1] == [1.0, 1.0]
    assert words == {"system": "words", "line": [], "as set": [1.0, 0.0]}
    assert report["curves"]["any risk"][0]["as set"] == [0.5, 1.0]


def test_an_engine_without_probabilities_has_no_scores() -> None:
    assert scores_report([case(URGENT, URGENT)], [], {}) is None
