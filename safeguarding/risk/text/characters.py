"""From typed characters to plain ones: look-alikes, fancy alphabets, hidden and stacked marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_APOSTROPHES = "’‘‛`´ʼʹ′＇ˈ"
_LOOK_ALIKES = {
    "a": "аαɑ", "b": "ьвβ", "c": "сϲ¢", "d": "ԁ", "e": "еє℮εҽ", "f": "ƒ", "g": "ɡɢ", "h": "һнհ",
    "i": "іıɪι¡", "j": "јϳ", "k": "кκ", "l": "ӏⅼʟ|", "m": "мⅿ", "n": "пռո", "o": "оοσօ",
    "p": "рρ", "q": "ԛ", "r": "гʀ", "s": "ѕꜱ", "t": "тτ", "u": "υսц", "v": "νѵ", "w": "ԝωшщ",
    "x": "хχ×", "y": "уγүу", "z": "ᴢ",
}  # fmt: skip
_PLAIN = {
    **{odd: plain for plain, odds in _LOOK_ALIKES.items() for odd in odds if odd != "|"},
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "…": "...",
    "€": "€",
}
_LATIN_NAME = re.compile(r"(?:LATIN|SQUARED|CIRCLED|INDICATOR SYMBOL)\b.*\b([A-Z])(?: WITH .*)?$")
_MOST_LETTERS = 4
"""Plain characters that one typed character may become: U+FDFA would become eighteen."""
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"})


@dataclass(frozen=True)
class Plain:
    """Plain characters, and for each the half-open range in the text as typed."""

    text: str
    starts: list[int] | range
    ends: list[int] | range


def plain(text: str, emoji: Mapping[str, str]) -> Plain:
    """`text` in lower-case plain letters; listed emoji become words between spaces."""
    if text.isascii() and text.isprintable():
        return Plain(text.lower(), range(len(text)), range(1, len(text) + 1))
    out: list[str] = []
    starts: list[int] = []
    for index, char in enumerate(text):
        name = emoji.get(char)
        folded = f" {name} " if name else _fold(char)
        out.append(folded)
        starts.extend([index] * len(folded))
    return Plain("".join(out), starts, [start + 1 for start in starts])


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char.isspace():
        return "\n" if char in "\n\r\v\f\u2028\u2029" else " "
    if char in _PLAIN:
        return _PLAIN[char]
    parts = unicodedata.normalize("NFKD", char)
    kept = "".join(part for part in parts if unicodedata.category(part) not in _DROPPED)[
        :_MOST_LETTERS
    ]
    lowered = "".join(_letter(part) for part in kept.lower())
    return lowered.replace("\u2044", "/")


def _letter(char: str) -> str:
    """A Latin letter for any character that is one in another dress."""
    if char.isascii():
        return char
    if char in _PLAIN:
        return _PLAIN[char]
    match = _LATIN_NAME.search(unicodedata.name(char, ""))
    return match[1].lower() if match else char
