"""How our own words are measured: how many there are."""

from __future__ import annotations


def word_count(text: str) -> int:
    """How many words a reader reads: marks that stand alone are none."""
    return sum(any(char.isalnum() for char in word) for word in text.split())
