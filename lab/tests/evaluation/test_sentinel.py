from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np
import pytest

from lab.evaluation.sentinel import ExampleIndex, Vectors, build_index, index_examples
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, example


def at(*cosines: float) -> Vectors:
    """Return unit vectors with these cosines to the first axis."""
    return np.array([[c, np.sqrt(1 - c * c)] for c in cosines], np.float32)


MESSAGE = at(1.0)


def test_the_score_compares_the_harmful_and_harmless_ones_of_the_five_nearest() -> None:
    index = ExampleIndex(at(0.9, 0.8, 0.1), at(0.7, 0.6, 0.5, 0.4))

    # Worked by hand: 0.1 and 0.4 are not among the five.
    harmful = (exp(0.9) + exp(0.8)) / 2
    harmless = (exp(0.7) + exp(0.6) + exp(0.5)) / 3
    assert index.scores(MESSAGE) == pytest.approx([log(harmful / harmless)], abs=1e-6)


def test_the_nearest_of_the_other_kind_stands_for_it_where_none_is_among_them() -> None:
    index = ExampleIndex(at(0.3, 0.2), at(0.9, 0.9, 0.9, 0.9, 0.9, 0.1))

    assert index.scores(MESSAGE) == pytest.approx([0.3 - 0.9], abs=1e-6)


def test_fewer_examples_than_neighbours_are_enough() -> None:
    assert ExampleIndex(at(0.9), at(0.5)).scores(MESSAGE) == pytest.approx([0.4], abs=1e-6)


def test_many_messages_get_the_scores_of_each_alone() -> None:
    chance = np.random.default_rng(1)
    vectors = at(*chance.uniform(-1, 1, 1100))
    index = ExampleIndex(at(0.9, 0.1, -0.5), at(0.8, 0.0, -0.9))

    found = index.scores(vectors)

    assert found.shape == (1100,)
    assert found[[3, 1090]] == pytest.approx(
        [float(index.scores(vectors[[number]])[0]) for number in (3, 1090)], abs=1e-6
    )
    assert index.scores(vectors[:0]).shape == (0,)


TRAINING = [
    *(example(f"harm {number}", URGENT, part="training") for number in range(4)),
    example("now", IMMEDIATE, part="training"),
    example("worry", CONCERN, part="training"),
    *(example(f"calm {number}", part="training") for number in range(5)),
    example("elsewhere", URGENT, part="development"),
]


def test_the_index_holds_what_is_urgent_and_what_is_harmless_of_the_training_part() -> None:
    harmful, harmless = index_examples(TRAINING)

    assert harmful == ["harm 0", "harm 1", "harm 2", "harm 3", "now"]
    assert harmless == [f"calm {number}" for number in range(5)]


def test_a_smaller_index_keeps_the_shares() -> None:
    harmful, harmless = index_examples(TRAINING, most=4)

    assert (len(harmful), len(harmless)) == (2, 2)


def test_an_index_is_built_of_encoded_examples() -> None:
    def encode(texts: Sequence[str]) -> Vectors:
        return at(*(1.0 if "calm" in text else -1.0 for text in texts))

    index = build_index(TRAINING, encode)

    assert index.harmful.shape == index.harmless.shape == (5, 2)
    assert index.scores(at(-1.0, 1.0)) == pytest.approx([2.0, -2.0])


@pytest.mark.parametrize("severity", [NONE, URGENT])
def test_an_index_of_one_kind_is_refused(severity: object) -> None:
    with pytest.raises(ValueError, match="harmful and harmless"):
        build_index([each for each in TRAINING if each.severity == severity], lambda _: MESSAGE)
