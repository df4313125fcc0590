"""Five ways in which people hide words from filters. Each gives the same text every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_WORD = re.compile(r"[^\W\d_]{3,}")
"""Short words are left alone, as people leave them."""
_ZERO_WIDTH = "\u200b"
_HOMOGLYPHS = str.maketrans("aceiopsxyACEHIKMOPSTX", "асеіорѕхуАСЕНІКМОРЅТХ")
_LEET = str.maketrans("aeiosAEIOS", "4310543105")


def zero_width(text: str) -> str:
    """A space of no width between any two letters."""
    return _WORD.sub(lambda word: _ZERO_WIDTH.join(word[0]), text)


def homoglyphs(text: str) -> str:
    """Cyrillic letters in the place of Latin ones that look the same."""
    return text.translate(_HOMOGLYPHS)


def leet(text: str) -> str:
    """Digits in the place of vowels and s."""
    return _WORD.sub(lambda word: word[0].translate(_LEET), text)


def spaced(text: str) -> str:
    """Letters pulled apart by spaces, words by more of them."""
    return "  ".join(_WORD.sub(lambda word: " ".join(word[0]), part) for part in text.split())


def repeated(text: str) -> str:
    """The last letter of each word drawn out."""
    return _WORD.sub(lambda word: word[0] + word[0][-1] * 2, text)


DISGUISES: Mapping[str, Callable[[str], str]] = {
    "zero-width": zero_width,
    "homoglyph": homoglyphs,
    "leet": leet,
    "spaced letters": spaced,
    "repeated letters": repeated,
}
