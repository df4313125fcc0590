from __future__ import annotations

import numpy as np
import pytest

from lab.evaluation.measures import (
    Point,
    Scored,
    Share,
    calibration,
    curve,
    drawn,
    interval,
    percent,
    recall_at,
    share,
    share_text,
    threshold_at,
    urgent_recall,
)
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT

SCORED = [Scored(0.9, True), Scored(0.8, False), Scored(0.6, True), Scored(0.1, False)]


def test_every_threshold_gives_its_point() -> None:
    assert curve(SCORED) == [
        Point(0.9, 0.0, 0.5), Point(0.8, 0.5, 0.5), Point(0.6, 0.5, 1.0), Point(0.1, 1.0, 1.0),
    ]  # fmt: skip


def test_equal_probabilities_are_one_point_since_no_threshold_tells_them_apart() -> None:
    assert curve([Scored(0.5, True), Scored(0.5, False)]) == [Point(0.5, 1.0, 1.0)]


def test_there_is_no_curve_without_both_kinds() -> None:
    assert curve([Scored(0.5, True)]) == []


@pytest.mark.parametrize(("allowed", "recall"), [(0.0, 0.5), (0.49, 0.5), (0.5, 1.0)])
def test_the_best_recall_within_the_false_alarms_allowed(allowed: float, recall: float) -> None:
    assert recall_at(curve(SCORED), allowed) == recall


def test_the_threshold_is_the_lowest_that_keeps_the_false_alarms() -> None:
    assert threshold_at(curve(SCORED), 0.5) == 0.6


def test_no_message_reaches_the_threshold_when_every_one_has_too_many_false_alarms() -> None:
    worst = curve([Scored(0.9, False), Scored(0.1, True)])

    assert threshold_at(worst, 0.5) > 1
    assert recall_at(worst, 0.5) == 0.0


def test_only_the_corners_are_drawn() -> None:
    flat = [Point(0.9, 0.1, 0.1), Point(0.8, 0.1, 0.2), Point(0.7, 0.1, 0.3), Point(0.6, 0.2, 0.3)]

    assert drawn(flat) == [[0.1, 0.1], [0.1, 0.3], [0.2, 0.3]]


def test_calibrated_probabilities_have_no_error() -> None:
    scored = [Scored(0.25, at == 0) for at in range(4)]

    found = calibration(scored)

    assert found["bins"] == [{"probability": 0.25, "hits": 1, "of": 4}]
    assert found["expected error"] == 0.0
    assert found["brier"] == 0.1875


def test_false_certainty_is_the_greatest_error() -> None:
    found = calibration([Scored(1.0, False), Scored(0.0, True)])

    assert found["expected error"] == 1.0
    assert found["brier"] == 1.0
    assert [each["of"] for each in found["bins"]] == [1, 1]


def test_a_share_counts_what_is_true() -> None:
    assert share(number > 1 for number in (1, 2, 3)) == Share(2, 3)


def test_a_share_comes_with_wilsons_interval() -> None:
    # 8 of 10, worked by hand from Wilson's formula with z = 1.959964.
    assert Share(8, 10).record() == {
        "hits": 8, "of": 10, "share": 0.8, "low": 0.4902, "high": 0.9433,
    }  # fmt: skip


def test_nothing_to_count_is_no_share_at_all() -> None:
    record = Share(0, 0).record()

    assert record["share"] is None
    assert (record["low"], record["high"]) == (0.0, 1.0)


def test_the_interval_of_none_and_of_all_stays_within_bounds() -> None:
    low, high = interval(0, 100)
    assert low == 0.0
    assert 0.03 < high < 0.04

    low, high = interval(100, 100)
    assert 0.96 < low < 0.97
    assert high == 1.0


@pytest.mark.parametrize(
    ("value", "text"), [(0.953, "95.3 %"), (0.002, "0.20 %"), (0.0, "0.0 %"), (None, "–")]
)
def test_small_shares_show_another_digit(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_a_share_in_words_has_its_counts_and_interval() -> None:
    assert share_text(Share(8, 10).record()) == "80.0 % (8/10; 49.0–94.3)"
    assert share_text(Share(0, 0).record()) == "nothing to measure"


def test_urgent_recall_is_that_at_the_given_share_of_false_alarms() -> None:
    scores = np.array([*range(100), 97.5, 200.0, 300.0, 0.0])
    due = np.array([NONE] * 100 + [URGENT, IMMEDIATE, CONCERN, URGENT])

    assert urgent_recall(scores, due, 0.01) == Share(1, 3)
    assert urgent_recall(scores, due, 0.03) == Share(2, 3)
