"""Finds the question at the end of a longer message, which may ask for something of its own."""

from __future__ import annotations

import re

_SENTENCES = re.compile(
    r"(?<=[.!?])\s+|\n+| - |, (?=(?:what|how|should|shall|do|can|will|who|where)\b)", re.IGNORECASE
)
_ASKS = re.compile(
    r"(?:so |and |but |ok |also )*"
    r"(?:what|how|should|shall|shud|do|does|did|can|could|will|would|is|are|am|who|where|when|why"
    r"|which|wot|wat|whats|hows|wheres|whos)\b",
    re.IGNORECASE,
)
_FEWEST_WORDS = 3
MOST_CHARACTERS = 2_000
"""How much of the end of a message is looked at."""


def last_question(text: str) -> str | None:
    """Return the last question of a message that says something else too; None without one.

    "he is calm now. how do i ask him if he means it" gives the second sentence. A question ends
    with its mark or begins with a word that asks.
    """
    sentences = [each.strip() for each in _SENTENCES.split(text[-MOST_CHARACTERS:]) if each.strip()]
    if len(sentences) < 2:  # noqa: PLR2004 - the whole message is the question
        return None
    questions = (
        each
        for each in reversed(sentences)
        if len(each.split()) >= _FEWEST_WORDS and (each.endswith("?") or _ASKS.match(each))
    )
    return next(questions, None)
