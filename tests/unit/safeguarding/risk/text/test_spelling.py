from __future__ import annotations

import pytest

from safeguarding.risk.text.spelling import Speller

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
def test_mends_slips(speller: Speller, typed: str, meant: str) -> None:
    assert speller.mend(typed) == meant


@pytest.mark.parametrize("typed", ["dive", "bill", "torch", "street", "feel", "kiln", "committee"])
def test_leaves_words_that_are_words(speller: Speller, typed: str) -> None:
    assert speller.mend(typed) == typed


def test_leaves_a_slip_that_could_be_two_words() -> None:
    speller = Speller({"hitting": "hit", "sitting": "sit"})

    assert speller.mend("xitting") == "xitting"
