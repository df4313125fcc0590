"""The classifier's scores are those that anyone can compute by hand from its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.risk.encoder.classifier import RememberedScores, RiskClassifier
from safeguarding.risk.encoder.vectors import Adapter, Encoded

Floats = npt.NDArray[np.float32]


def floats(*rows: object) -> Floats:
    return np.array(rows, np.float32)


MADE = Adapter(
    changes={},
    heads={
        # What alarms stands in the first place of these vectors, what does not in the second.
        "severity.weight": floats([1, 2, 3], [0, 0, 0]),
        "severity.bias": floats(0.5, 0.25, -1),
        "category.weight": floats([1, 0], [0, -1]),
        "category.bias": floats(0, 0.5),
        "subject.weight": floats([1, 0, 0], [0, 0, 1]),
        "subject.bias": floats(0, 0.7, 0),
        "sign.weight": floats([1, 60], [0, -60]),
        "sign.bias": floats(-1, 0),
        "chat.weight": floats([2, 5], [-2, -5]),
        "chat.bias": floats(0.25, -0.25),
    },
    scale=1.0,
    categories=("grooming", "missing"),
    subjects=("self", "friend", "unknown"),
    signs=("secrecy", "gifts"),
    intents=("greet",),
    base="published",
    version="0123456789ab",
)
MARK = [0.0, 1.0]
"""The vector of a mark at the beginning or the end: nothing in the first place."""


def encoded(text: str, *vectors: Sequence[float]) -> Encoded:
    """Return a text of as many words as there are vectors, between two marks."""
    spans, at = [], 0
    for word in text.split():
        spans.append((at, at + len(word)))
        at += len(word) + 1
    pieces = floats(MARK, *vectors, MARK)
    return Encoded(pieces, ((0, 0), *spans, (0, 0)))


def classifier(vectors: Encoded, made: Adapter = MADE) -> RiskClassifier:
    return RiskClassifier(
        made, lambda _text: vectors, lambda texts: floats(*[vectors.vector] * len(texts))
    )


def no_batch(_texts: Sequence[str]) -> Floats:
    raise AssertionError("one text is read, not a batch")


def of_one(*vector: float) -> Encoded:
    return Encoded(floats(vector), ((0, 1),))


FULL = Encoded(floats([2, 0], [6, 0]), ((0, 0), (0, 1)))
"""Its vector is (1, 0): the mean of its pieces at length 1."""
NOTHING = of_one(0, 0)
BETWEEN = of_one(3, 4)
"""Its vector is (0.6, 0.8)."""


def test_the_scores_are_as_computed_by_hand() -> None:
    assert classifier(NOTHING).read("x").steps == pytest.approx((0.5, 0.25, -1))
    assert classifier(FULL).read("x").steps == pytest.approx((1.5, 2.25, 2))
    assert classifier(BETWEEN).read("x").steps == pytest.approx((1.1, 1.45, 0.8))


def test_the_vector_is_scaled_before_the_heads() -> None:
    doubled = classifier(BETWEEN, replace(MADE, scale=2.0)).read("x").steps

    assert doubled == pytest.approx((1.7, 2.65, 2.6))


def test_categories_carry_their_names() -> None:
    found = classifier(BETWEEN).read("x").categories

    assert found == {"grooming": pytest.approx(0.6), "missing": pytest.approx(-0.3)}


@pytest.mark.parametrize(
    ("vectors", "subject"), [(FULL, "self"), (NOTHING, "friend"), (of_one(0, 1), "unknown")]
)
def test_the_likeliest_subject_is_named(vectors: Encoded, subject: str) -> None:
    assert classifier(vectors).read("x").subject == subject


def test_the_text_is_encoded_once_and_its_vectors_are_kept() -> None:
    asked: list[str] = []

    def encode(text: str) -> Encoded:
        asked.append(text)
        return FULL

    scores = RiskClassifier(MADE, encode, no_batch).read("he hurt me")

    assert asked == ["he hurt me"]
    assert scores.encoded is FULL


def test_the_severity_of_what_was_read_before_takes_no_second_pass() -> None:
    asked: list[str] = []

    def encode(text: str) -> Encoded:
        asked.append(text)
        return of_one(1.0, 0.0)

    made = RiskClassifier(MADE, encode, no_batch)
    whole = made.read("he hurts me").steps

    assert made.steps("he hurts me") == whole
    assert made.steps("something else") == whole
    assert asked == ["he hurts me", "something else"]


def test_the_version_is_that_of_the_weights() -> None:
    assert classifier(FULL).version == "0123456789ab"


def test_signs_are_probabilities() -> None:
    found = classifier(FULL).signs(["x"])[0]

    assert found == {"secrecy": pytest.approx(0.5), "gifts": pytest.approx(1.0)}


def test_a_sign_that_is_not_shown_has_a_probability_near_none() -> None:
    found = classifier(of_one(0, 1)).signs(["x"])[0]

    assert found["secrecy"] == pytest.approx(1 / (1 + np.exp(1)), rel=1e-6)
    assert found["gifts"] == pytest.approx(0.0, abs=1e-20)


def test_a_stretch_of_a_chat_has_scores_of_its_own() -> None:
    assert classifier(FULL).chat("them x me y") == pytest.approx((2.25, 4.75))
    assert classifier(BETWEEN).chat("them x me y") == pytest.approx((-0.15, -1.25))


def test_scores_are_plain_numbers() -> None:
    reading = classifier(BETWEEN)
    found = reading.read("x")

    numbers = [*found.steps, *found.categories.values(), *reading.chat("x")]
    assert {type(number) for number in [*numbers, *reading.signs(["x"])[0].values()]} == {float}


QUIET, GRAVE = [0.0, 1.0], [1.0, 0.0]


def words_of_the_phrase(text: str, *vectors: Sequence[float]) -> str:
    reading = classifier(encoded(text, *vectors))
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


TWO = Encoded(floats([0, 0], [1, 0], [0, 1], [0, 0]), ((0, 0), (0, 4), (5, 9), (0, 0)))
"""Two words of four letters; each has a place of its own in the vectors."""


def test_each_step_has_a_phrase_of_its_own() -> None:
    heads = {**MADE.heads, "severity.weight": floats([0, 1, 0], [0, 0, 1])}
    reading = classifier(TWO, replace(MADE, heads=heads))
    scores = reading.read("hurt soon")

    assert [reading.phrase(scores, step) for step in (1, 2)] == [(0, 4), (5, 9)]
    assert reading.phrase(scores) == reading.phrase(scores, 1)


def test_a_mark_is_never_part_of_the_phrase() -> None:
    """Here the mark at the end raises the score as much as the word before it."""
    pieces = floats([0, 1], [0, 1], [1, 0], [1, 0])
    reading = classifier(replace(TWO, pieces=pieces))

    assert reading.phrase(reading.read("well hurt")) == (5, 9)


def test_a_phrase_takes_no_second_pass_through_the_encoder() -> None:
    asked: list[str] = []

    def encode(text: str) -> Encoded:
        asked.append(text)
        return TWO

    reading = RiskClassifier(MADE, encode, no_batch)
    reading.phrase(reading.read("hurt soon"))

    assert asked == ["hurt soon"]


def test_a_text_without_words_has_no_phrase() -> None:
    reading = classifier(encoded(""))

    assert reading.phrase(reading.read("")) == (0, 0)


REMEMBERED = (1.0, -2.0, -3.0)


def test_finds_the_scores_of_a_text_that_was_read():
    remembered = RememberedScores()
    remembered.put("my uncle hurts me", REMEMBERED)

    assert remembered.get("my uncle hurts me") == REMEMBERED
    assert remembered.get("my uncle hurts") is None


def test_a_lone_surrogate_is_a_text_too():
    remembered = RememberedScores()
    remembered.put("a \ud800", REMEMBERED)

    assert remembered.get("a \ud800") == REMEMBERED


def test_no_text_is_kept_and_its_digest_belongs_to_this_process():
    first, second = RememberedScores(), RememberedScores()
    for each in (first, second):
        each.put("my uncle hurts me", REMEMBERED)

    assert not first._scores.keys() & second._scores.keys()
    assert all(isinstance(key, bytes) and len(key) == 16 for key in first._scores)


def test_the_least_recently_used_scores_make_room():
    remembered = RememberedScores(kept=2)
    for text in ("a", "b"):
        remembered.put(text, REMEMBERED)
    remembered.get("a")
    remembered.put("c", REMEMBERED)

    assert [remembered.get(text) is not None for text in "abc"] == [True, False, True]
