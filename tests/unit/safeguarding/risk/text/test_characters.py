from __future__ import annotations

import pytest

from safeguarding.risk.text.characters import plain


@pytest.mark.parametrize(
    "typed",
    [
        "kill me",
        "KILL ME",
        "ｋｉｌｌ ｍｅ",
        "𝓀𝒾𝓁𝓁 𝓂𝑒",
        "𝐤𝐢𝐥𝐥 𝐦𝐞",
        "ⓚⓘⓛⓛ ⓜⓔ",
        "🅚🅘🅛🅛 🅜🅔",
        "kіll mе",
        "k\u200bi\u200dl\ufeffl m\u00ade",
        "k̷i̷l̷l̷ m̷e̷",
        "kíll mé",
    ],
)
def test_undresses_letters_however_they_are_dressed(typed: str) -> None:
    assert plain(typed, {}).text == "kill me"


def test_keeps_the_place_of_each_letter_in_the_text_as_typed() -> None:
    typed = "a\u200b\u200bﬁx"

    found = plain(typed, {})

    assert found.text == "afix"
    assert [typed[s:e] for s, e in zip(found.starts, found.ends, strict=True)] == [
        "a",
        "ﬁ",
        "ﬁ",
        "x",
    ]


def test_names_an_emoji_that_is_listed() -> None:
    assert plain("he has a 🔪", {"🔪": "knife"}).text.split() == ["he", "has", "a", "knife"]


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\u202e", "\U000e0001", "\ufdd0"])
def test_drops_what_nobody_sees(odd: str) -> None:
    assert plain(f"he{odd}lp", {}).text == "help"
