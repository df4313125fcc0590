from __future__ import annotations

import unicodedata

import pytest

from scripts.evaluation.disguises import DISGUISES

TEXT = "He hits me, please help"
EXPECTED = {
    "zero-width": "He h_i_t_s me, p_l_e_a_s_e h_e_l_p".replace("_", "\u200b"),
    "leet": "He h1t5 me, pl3453 h3lp",
    "spaced letters": "He  h i t s  me,  p l e a s e  h e l p",
    "repeated letters": "He hitsss me, pleaseee helppp",
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_disguise_is_what_its_name_says(name: str) -> None:
    assert DISGUISES[name](TEXT) == EXPECTED[name]


def test_homoglyphs_look_the_same_and_are_other_letters() -> None:
    hidden = DISGUISES["homoglyph"](TEXT)

    assert len(hidden) == len(TEXT)
    changed = [(plain, odd) for plain, odd in zip(TEXT, hidden, strict=True) if plain != odd]
    assert len(changed) > 5
    assert all(unicodedata.name(odd).startswith("CYRILLIC") for _, odd in changed)
    assert all(plain.isupper() == odd.isupper() for plain, odd in changed)


@pytest.mark.parametrize("name", sorted(DISGUISES))
def test_a_disguise_is_the_same_every_time_and_hides_something(name: str) -> None:
    assert DISGUISES[name](TEXT) == DISGUISES[name](TEXT) != TEXT


@pytest.mark.parametrize("name", sorted(DISGUISES))
def test_nothing_is_made_of_nothing(name: str) -> None:
    assert DISGUISES[name]("") == ""


def test_there_are_five() -> None:
    assert len(DISGUISES) == 5
