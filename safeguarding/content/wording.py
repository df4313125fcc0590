"""How our own words are measured: how many there are, and which we never use."""

from __future__ import annotations

import re

BLAMING = re.compile(
    r"risk(?:y|-taking) behaviou?r|promiscuous|lifestyle choice|child prostitut\w*|child porn\w*"
    r"|(?:plac|putt)(?:ing|es?|s) (?:themsel(?:f|ves)|himself|herself|yourself) at risk",
    re.IGNORECASE,
)
QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")


def word_count(text: str) -> int:
    """How many words a reader reads: marks that stand alone are none."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


def blaming_words(text: str) -> list[str]:
    """The words in `text` that blame a child for what an exploiter does, but for quoted ones."""
    return BLAMING.findall(QUOTED.sub("", text))
