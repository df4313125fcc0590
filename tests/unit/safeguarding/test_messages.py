"""Typed text reaches Rasa as text, and folds to the same however it is typed."""

from __future__ import annotations

import pytest

from safeguarding.messages import as_text, as_typed, folded_chat


@pytest.mark.parametrize("typed", ["/restart", "/disclose_urgent", "  /back", "//"])
def test_a_leading_slash_is_guarded_and_given_back(typed):
    assert not as_text(typed).strip().startswith("/")
    assert as_typed(as_text(typed)) == typed


@pytest.mark.parametrize("typed", ["hello", "", "and/or", "\u2060 joined"])
def test_other_text_is_left_alone(typed):
    assert as_text(typed) == typed


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("I’m not!!", "im not"),
        ("I don't   think so...", "i dont think so"),
        ("Nooooo", "no"),
        ("noo", "noo"),
        ("não", "nao"),
        ("ні", "ні"),
        ("ਨਹੀਂ", "ਨਹੀਂ"),
        ("...", ""),
    ],
)
def test_apostrophes_signs_and_drawn_out_letters_make_no_difference(typed: str, plain: str) -> None:
    assert folded_chat(typed) == plain
    assert folded_chat(plain) == plain
