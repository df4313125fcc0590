from __future__ import annotations

import pytest

from scripts.evaluation.curves import (
    Point,
    Scored,
    calibration,
    curve,
    drawn,
    recall_at,
    threshold_at,
)

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


def test_probabilities_that_mean_what_they_say_have_no_error() -> None:
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
