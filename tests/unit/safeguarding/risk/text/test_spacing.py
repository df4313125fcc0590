from __future__ import annotations

import pytest

from safeguarding.risk.text.spelling import Speller, spaced_runs, split_words


@pytest.fixture
def speller() -> Speller:
    return Speller({"kill": "kill", "myself": "myself", "want": "want", "die": "die"}, ["to"])


@pytest.mark.parametrize(
    "typed",
    ["k i l l  m y s e l f", "k.i.l.l m.y.s.e.l.f", "k-i-l-l-m-y-s-e-l-f", "k i l l m y s e l f"],
)
def test_puts_letters_together_again(speller: Speller, typed: str) -> None:
    words = [word for run in spaced_runs(typed, speller) for word, _, _ in run.words]

    assert words == ["kill", "myself"]


def test_knows_where_each_word_stood(speller: Speller) -> None:
    typed = "oh k i l l me"

    (run,) = spaced_runs(typed, speller)

    assert [typed[start:end] for _, start, end in run.words] == ["k i l l"]


@pytest.mark.parametrize("typed", ["a b c d e", "p s h e", "x y z", "u k", "1 2 3 4"])
def test_leaves_letters_that_spell_nothing(speller: Speller, typed: str) -> None:
    assert list(spaced_runs(typed, speller)) == []


def test_parts_words_run_together(speller: Speller) -> None:
    assert split_words("iwanttodie", speller) == ("i", "want", "to", "die")


def test_leaves_a_long_word_whole(speller: Speller) -> None:
    assert split_words("killjoyish", speller) is None
