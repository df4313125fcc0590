"""Slips, digits for letters, and letters pulled apart or run together are corrected."""

from __future__ import annotations

import pytest

from safeguarding.risk.text.words import Speller, spaced_runs, split_words

WORDS = {"hits": "hit", "hit": "hit", "kill": "kill", "die": "die", "sex": "sex", "rape": "rape"}
WORDS |= {"touched": "touch", "touch": "touch", "threaten": "threaten", "hurt": "hurt"}


@pytest.fixture
def speller() -> Speller:
    return Speller(WORDS, common=["just", "want", "with", "this"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("h1ts", "hits"), ("k!ll", "kill"), ("d13", "die"), ("$ex", "sex"), ("r*pe", "rape")],
)
def test_unmasks_digits_and_signs(speller: Speller, typed: str, meant: str) -> None:
    assert speller.unmask(typed) == meant


@pytest.mark.parametrize("typed", ["24", "12yo", "mp3", "i5", "£20", "2nd", "y9", "ps5"])
def test_leaves_numbers_and_names_of_things(speller: Speller, typed: str) -> None:
    assert speller.unmask(typed) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("diiiie", "die"),
        ("killll", "kill"),
        ("jsut", "just"),
        ("wnat", "want"),
        ("hrut", "hurt"),
        ("touhced", "touched"),
        ("thretaen", "threaten"),
        ("threatem", "threaten"),
        ("tuched", "touched"),
    ],
)
def test_corrects_slips(speller: Speller, typed: str, meant: str) -> None:
    assert speller.correct(typed) == meant


@pytest.mark.parametrize("typed", ["dive", "bill", "torch", "street", "feel", "kiln", "committee"])
def test_leaves_words_that_are_words(speller: Speller, typed: str) -> None:
    assert speller.correct(typed) == typed


def test_leaves_a_slip_that_could_be_two_words() -> None:
    speller = Speller({"hitting": "hit", "sitting": "sit"})

    assert speller.correct("xitting") == "xitting"


@pytest.fixture
def spacing_speller() -> Speller:
    return Speller({"kill": "kill", "myself": "myself", "want": "want", "die": "die"}, ["to"])


@pytest.mark.parametrize(
    "typed",
    ["k i l l  m y s e l f", "k.i.l.l m.y.s.e.l.f", "k-i-l-l-m-y-s-e-l-f", "k i l l m y s e l f"],
)
def test_puts_letters_together_again(spacing_speller: Speller, typed: str) -> None:
    words = [word for run in spaced_runs(typed, spacing_speller) for word, _, _ in run.words]

    assert words == ["kill", "myself"]


def test_knows_where_each_word_stood(spacing_speller: Speller) -> None:
    typed = "oh k i l l me"

    (run,) = spaced_runs(typed, spacing_speller)

    assert [typed[start:end] for _, start, end in run.words] == ["k i l l"]


@pytest.mark.parametrize("typed", ["a b c d e", "p s h e", "x y z", "u k", "1 2 3 4"])
def test_leaves_letters_that_spell_nothing(spacing_speller: Speller, typed: str) -> None:
    assert list(spaced_runs(typed, spacing_speller)) == []


def test_splits_words_run_together(spacing_speller: Speller) -> None:
    assert split_words("iwanttodie", spacing_speller) == ("i", "want", "to", "die")


def test_leaves_a_long_word_whole(spacing_speller: Speller) -> None:
    assert split_words("killjoyish", spacing_speller) is None


@pytest.mark.parametrize("word", ["hurt", "i", "a", "13", "2026", "me"])
def test_understands_words_and_numbers(speller: Speller, word: str) -> None:
    assert speller.understands(word)


@pytest.mark.parametrize("word", ["b", "u", "é", "xqzt", "aglvbmc", "叔叔"])
def test_understands_no_letters_and_no_nonsense(speller: Speller, word: str) -> None:
    assert not speller.understands(word)
