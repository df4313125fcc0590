"""Letters pulled apart ("k i l l", "k.i.l.l") and words run together ("killmyself")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safeguarding.risk.spelling import Speller

_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:[ ._*/|-]{1,4}[^\W_](?![^\W_])){2,}")
_LETTER = re.compile(r"[^\W_]")
_ONE_LETTER_WORDS = frozenset("iau")
_LONGEST_RUN = 60
_SHORTEST_JOINED = 7
_SHORTEST_WORD = 3


@dataclass(frozen=True)
class Run:
    """Letters pulled apart, put together again as words with their place in the plain text."""

    start: int
    end: int
    words: tuple[tuple[str, int, int], ...]


def spaced_runs(text: str, speller: Speller) -> Iterator[Run]:
    """Every stretch of single letters in `text` that spells words of the lexicon."""
    for match in _SPACED.finditer(text):
        places = [match.start() + letter.start() for letter in _LETTER.finditer(match[0])]
        letters = "".join(text[place] for place in places)
        words = _segment(letters, speller) if len(letters) <= _LONGEST_RUN else None
        if not words or not any(len(word) >= _SHORTEST_WORD for word in words):
            continue
        found, at = [], 0
        for word in words:
            found.append((word, places[at], places[at + len(word) - 1] + 1))
            at += len(word)
        yield Run(match.start(), match.end(), tuple(found))


def split_words(word: str, speller: Speller) -> tuple[str, ...] | None:
    """The words that were run together in `word`, if all of them are listed."""
    if not _SHORTEST_JOINED <= len(word) <= _LONGEST_RUN or not word.isalpha():
        return None
    words = _segment(word, speller)
    return tuple(words) if words and len(words) > 1 else None


def _segment(letters: str, speller: Speller) -> list[str] | None:
    """The fewest listed words that spell `letters`."""
    best: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 16), end):
            before, word = best[start], letters[start:end]
            if before is None or not _may_be_word(word, speller):
                continue
            current = best[end]
            if current is None or len(before) + 1 < len(current):
                best[end] = [*before, word]
    return best[len(letters)]


def _may_be_word(word: str, speller: Speller) -> bool:
    return word in _ONE_LETTER_WORDS if len(word) == 1 else speller.is_listed(word)
