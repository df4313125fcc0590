"""Short answers compare equal however they are typed."""

from __future__ import annotations

import pytest

from safeguarding.content.folding import folded_chat


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
