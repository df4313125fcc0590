"""The question at the end of a longer message."""

from __future__ import annotations

import pytest

from safeguarding.dialogue.question import MOST_CHARACTERS, last_question


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("he is calm now. how do i ask him if he means it", "how do i ask him if he means it"),
        ("hes here. should we pay? hes not hurt", "should we pay?"),
        ("i told mum\nwill she be cross", "will she be cross"),
        ("should i pay? and what do i do", "and what do i do"),
        ("we are fine, what do i tell school", "what do i tell school"),
        ("what do i do", None),
        ("he hits me. it hurts", None),
        ("he hits me. why?", None),
        ("", None),
        ("x" * (2 * MOST_CHARACTERS), None),
    ],
)
def test_the_last_question_beside_something_else_is_found(text: str, question: str | None) -> None:
    assert last_question(text) == question
