"""How our words sound together: like a person, and not the same comfort everywhere."""

from __future__ import annotations

import pytest

from safeguarding.content.lint.language import STOCK, voice


def test_contractions_are_counted_for_each_full_form_that_could_be_one() -> None:
    found = voice({"a": "It's OK. You don’t have to. They can't. You do not have to. It is OK."})

    assert found.contracted == 3 / 2


@pytest.mark.parametrize(
    ("text", "contracted"),
    [
        ("It is not so.", 0.0),
        ("You cannot know. You can\u2019t know.", 1.0),
        ("You are. You're.", 1.0),
        ("We will. We'll.", 1.0),
        ("Cans and nots.", 0.0),
        ("I'm here.", 1.0),
    ],
)
def test_knows_full_forms_and_both_apostrophes(text: str, contracted: float) -> None:
    assert voice({"a": text}).contracted == contracted


def test_sentences_are_measured_over_all_texts_and_a_line_ends_one() -> None:
    found = voice({"a": "One two three. Four?\n- Five six seven eight nine", "b": "Ten!"})

    assert found.words == 2.8
    assert found.spread == 2.0


def test_sentences_that_are_all_alike_have_no_spread() -> None:
    assert voice({"a": "One two. One two. One two."}).spread == 0


def test_a_stock_phrase_counts_once_for_each_text_whatever_its_letters() -> None:
    texts = {"a": "You're not alone. YOU'RE NOT ALONE.", "b": "Hello.", "c": "x", "d": "y"}

    assert voice(texts).stock == {"you're not alone": 0.25}


@pytest.mark.parametrize("phrase", STOCK)
def test_every_stock_phrase_is_found(phrase: str) -> None:
    assert voice({"a": f"And {phrase}now."}).stock[phrase] == 1


def test_a_stock_phrase_is_found_with_either_apostrophe() -> None:
    assert "you're not alone" in voice({"a": "You’re not alone."}).stock


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        voice({})
