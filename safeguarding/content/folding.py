"""Letters and spaces made alike, so that words compare equal however they are typed."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = str.maketrans("łıيىكة", "liییکه")
"""Letters that one keyboard writes for another."""
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´")
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")


def folded(text: str) -> str:
    """Small letters without accents, and single spaces for all that is no letter or digit."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_ALIKE))
    kept = (char for char in plain if not unicodedata.combining(char))
    # The vowel signs of Bengali or Gurmukhi are no letters to Python, and change every word.
    words = (
        char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in kept
    )
    return " ".join("".join(words).split())


def folded_chat(text: str) -> str:
    """The same for a short English answer: "I’m" is "im", and "nooooo" is "no"."""
    return _DRAWN_OUT.sub(r"\1", folded(text.translate(_APOSTROPHES)))
