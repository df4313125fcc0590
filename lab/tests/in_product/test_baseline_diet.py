from __future__ import annotations

import pytest

from lab.evaluation.baseline_diet import digest, sample, steps_of

PAIRS = [(f"sentence {at}", "none") for at in range(50)]


def test_the_sample_is_bounded_and_the_same_every_time() -> None:
    assert len(sample(PAIRS, 10)) == 10
    assert sample(PAIRS, 10) == sample(PAIRS[::-1], 10)


def test_few_sentences_are_all_taken_and_none_twice() -> None:
    assert sample([("a", "none"), ("b", "urgent"), ("a", "none")], 10) == [
        ("a", "none"), ("b", "urgent"),
    ]  # fmt: skip


def test_what_rasas_format_would_read_as_markup_is_taken_out() -> None:
    assert sample([("a [b](c)\nd", "none")]) == [("a  b (c) d", "none")]


def test_the_digest_changes_with_the_data_and_with_the_pipeline() -> None:
    names = {digest("x", PAIRS), digest("y", PAIRS), digest("x", PAIRS[1:]), digest("x", PAIRS)}

    assert len(names) == 3


@pytest.mark.parametrize(
    ("confidences", "steps"),
    [
        ({"none": 0.1, "concern": 0.2, "urgent": 0.3, "immediate": 0.4}, [0.9, 0.7, 0.4]),
        ({"none": 0.5, "urgent": 0.3}, [0.375, 0.375, 0.0]),
        ({}, [0.0, 0.0, 0.0]),
    ],
)
def test_confidences_become_probabilities_of_each_step(
    confidences: dict[str, float], steps: list[float]
) -> None:
    assert steps_of(confidences) == steps
