"""The classifier's scores are those that anyone can compute by hand from its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.encoders.adapter import Adapter
from safeguarding.encoders.minilm import Encoded
from safeguarding.encoders.sentences import Vectors
from safeguarding.risk.classifier import RiskClassifier

GELU = {0: 0.0, 1: 0.841192, 2: 1.954598}
"""The tanh form, as published; the exact form is 0.841345 and 1.954500."""
Floats = npt.NDArray[np.float32]


def floats(*rows: object) -> Floats:
    return np.array(rows, np.float32)


MADE = Adapter(
    changes={},
    heads={
        # Two hidden numbers: what MiniLM says in its first place, and what USE says.
        "hidden.weight": floats([1, 0], [0, 0], [0, 1]),
        "hidden.bias": floats(0, 0),
        "severity.weight": floats([1, 2, 3], [10, 20, 30]),
        "severity.bias": floats(0.5, 0.25, -1),
        "category.weight": floats([1, 0], [0, -1]),
        "category.bias": floats(0, 0.5),
        "subject.weight": floats([1, 0, 0], [0, 0, 1]),
        "subject.bias": floats(0, 0.5, 0),
        "sign.weight": floats([1, 100], [0, -100]),
        "sign.bias": floats(-1, 0),
    },
    scale=1.0,
    categories=("grooming", "missing"),
    subjects=("self", "friend", "unknown"),
    signs=("secrecy", "gifts"),
    base="published",
    version="0123456789ab",
)
MARK = [0.0, 1.0]
"""The vector of a mark at the beginning or the end: nothing in the first place."""


def encoded(text: str, use: float, *vectors: Sequence[float]) -> Vectors:
    """A text of as many words as there are vectors, between two marks."""
    spans, at = [], 0
    for word in text.split():
        spans.append((at, at + len(word)))
        at += len(word) + 1
    pieces = floats(MARK, *vectors, MARK)
    return Vectors(Encoded(pieces, ((0, 0), *spans, (0, 0))), floats(use))


def classifier(vectors: Vectors, made: Adapter = MADE) -> RiskClassifier:
    return RiskClassifier(made, lambda _text: vectors)


FULL = Vectors(Encoded(floats([2, 0], [6, 0]), ((0, 0), (0, 1))), floats(0))
"""MiniLM's vector is (1, 0): the mean of its pieces at length 1. USE says nothing."""
BOTH = replace(FULL, use=floats(1))
NEITHER = Vectors(Encoded(floats([0, 3]), ((0, 1),)), floats(0))


def test_the_scores_are_as_computed_by_hand() -> None:
    one = GELU[1]

    assert classifier(NEITHER).read("x").steps == pytest.approx((0.5, 0.25, -1))
    assert classifier(FULL).read("x").steps == pytest.approx(
        (one + 0.5, 2 * one + 0.25, 3 * one - 1), rel=1e-6
    )
    assert classifier(BOTH).read("x").steps == pytest.approx(
        (11 * one + 0.5, 22 * one + 0.25, 33 * one - 1), rel=1e-6
    )


def test_both_vectors_are_scaled_before_the_hidden_layer() -> None:
    doubled = classifier(BOTH, replace(MADE, scale=2.0)).read("x").steps

    assert doubled == pytest.approx((11 * GELU[2] + 0.5, 22 * GELU[2] + 0.25, 33 * GELU[2] - 1))


def test_the_hidden_layer_has_a_bias() -> None:
    shifted = replace(MADE, heads={**MADE.heads, "hidden.bias": floats(2, 0)})

    assert classifier(NEITHER, shifted).read("x").steps[0] == pytest.approx(GELU[2] + 0.5)


def test_categories_carry_their_names() -> None:
    found = classifier(BOTH).read("x").categories

    assert found == {
        "grooming": pytest.approx(GELU[1]),
        "missing": pytest.approx(0.5 - GELU[1]),
    }


@pytest.mark.parametrize(
    ("vectors", "subject"),
    [(FULL, "self"), (NEITHER, "friend"), (replace(NEITHER, use=floats(2)), "unknown")],
)
def test_the_likeliest_subject_is_named(vectors: Vectors, subject: str) -> None:
    assert classifier(vectors).read("x").subject == subject


def test_the_text_is_encoded_once_and_its_vectors_are_kept() -> None:
    asked: list[str] = []

    def encode(text: str) -> Vectors:
        asked.append(text)
        return BOTH

    opinion = RiskClassifier(MADE, encode).read("he hurt me")

    assert asked == ["he hurt me"]
    assert opinion.vectors is BOTH


def test_the_version_is_that_of_the_weights() -> None:
    assert classifier(BOTH).version == "0123456789ab"


def test_signs_are_probabilities() -> None:
    found = classifier(FULL).signs("x")

    assert found == {
        "secrecy": pytest.approx(1 / (1 + np.exp(1 - GELU[1])), rel=1e-6),
        "gifts": pytest.approx(1.0),
    }


def test_a_sign_that_is_not_shown_has_a_probability_near_none() -> None:
    found = classifier(replace(NEITHER, use=floats(1))).signs("x")

    assert found["secrecy"] == pytest.approx(1 / (1 + np.exp(1)), rel=1e-6)
    assert found["gifts"] == pytest.approx(0.0, abs=1e-30)


QUIET, GRAVE = [0.0, 1.0], [1.0, 0.0]


def words_of_the_phrase(text: str, *vectors: Sequence[float]) -> str:
    reading = classifier(encoded(text, 0, *vectors))
    start, end = reading.phrase(reading.read(text))
    return text[start:end]


@pytest.mark.parametrize("at", range(5))
def test_the_phrase_is_the_word_that_raised_the_score(at: int) -> None:
    text = "one two three four five"
    vectors = [QUIET] * 5
    vectors[at] = GRAVE

    assert words_of_the_phrase(text, *vectors) == text.split()[at]


def test_neighbouring_words_that_raise_the_score_together_are_one_phrase() -> None:
    text = "well he hurt me then and there"

    found = words_of_the_phrase(text, QUIET, GRAVE, GRAVE, GRAVE, QUIET, QUIET, QUIET)

    assert found == "he hurt me"


def test_a_phrase_is_not_longer_than_six_pieces() -> None:
    text = "a b c d e f g h i"

    assert len(words_of_the_phrase(text, *[GRAVE] * 9).split()) == 6


def test_the_stronger_of_two_places_is_the_phrase() -> None:
    text = "bit quiet lot quiet"
    weak, strong = [0.3, 0.0], [3.0, 0.0]

    assert words_of_the_phrase(text, weak, QUIET, strong, QUIET) == "lot"


def test_a_word_that_lowers_the_score_is_not_the_phrase() -> None:
    text = "grave denied"

    assert words_of_the_phrase(text, [2.0, 0.0], [-1.0, 0.0]) == "grave"


TWO = Vectors(
    Encoded(floats([0, 0], [1, 0], [0, 1], [0, 0]), ((0, 0), (0, 4), (5, 9), (0, 0))), floats(0)
)
"""Two words of four letters; each has a place of its own in MiniLM's vectors."""


def test_each_step_has_a_phrase_of_its_own() -> None:
    heads = {
        **MADE.heads,
        "hidden.weight": floats([1, 0], [0, 1], [0, 0]),
        "severity.weight": floats([0, 1, 0], [0, 0, 1]),
    }
    reading = classifier(TWO, replace(MADE, heads=heads))
    opinion = reading.read("hurt soon")

    assert [reading.phrase(opinion, step) for step in (1, 2)] == [(0, 4), (5, 9)]
    assert reading.phrase(opinion) == reading.phrase(opinion, 1)


@pytest.mark.parametrize(("use", "phrase"), [(1, (0, 4)), (0, (5, 9))])
def test_the_other_encoder_has_a_say_in_what_the_phrase_is(
    use: float, phrase: tuple[int, int]
) -> None:
    """With these weights USE decides which of the two words is listened to."""
    heads = {
        **MADE.heads,
        "hidden.weight": floats([1, 0], [0, 1], [10, -10]),
        "hidden.bias": floats(-10, 0),
        "severity.weight": floats([1, 1, 1], [1, 1, 1]),
    }
    reading = classifier(replace(TWO, use=floats(use)), replace(MADE, heads=heads))

    assert reading.phrase(reading.read("hurt soon")) == phrase


def test_a_mark_is_never_part_of_the_phrase() -> None:
    """Here the mark at the end raises the score as much as the word before it."""
    pieces = floats([0, 1], [0, 1], [1, 0], [1, 0])
    reading = classifier(replace(TWO, minilm=Encoded(pieces, TWO.minilm.spans)))

    assert reading.phrase(reading.read("well hurt")) == (5, 9)


def test_a_text_without_words_has_no_phrase() -> None:
    reading = classifier(encoded("", 0))

    assert reading.phrase(reading.read("")) == (0, 0)
