"""Whether a sentence is its writer's own, and not somebody else's message over again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_RUN = 4
"""Words in a row that two people may well have in common."""
TOO_ALIKE = 0.6
"""Above this share of common trigrams, two texts are one text with a slip."""
_SHORTEST = 3
_APOSTROPHES = re.compile(r"['’‘ʼ`]")
_TRACES = re.compile(
    r"@\w|\w@|https?:|www\.|\d[\d ()-]{4,}\d|\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b", re.IGNORECASE
)
"""Accounts, links, telephone numbers, postcodes."""

Run = tuple[str, ...]


def why_refused(sentence: str, written: Iterable[str]) -> str | None:
    """What to tell the writer of `sentence`, or None when it is their own.

    `written` is all that the person wrote. The answer quotes nobody.
    """
    if not _words(sentence):
        return "Write a sentence, in words of your own."
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in sentence):
        return "Write it on one line, in letters, numbers, punctuation and emoji."
    if _TRACES.search(sentence):
        return (
            "It seems to hold an account name, a link, a telephone number or a postcode. "
            "Leave it out: nothing here may lead back to anyone."
        )
    parts = [part for text in written for part in dict.fromkeys((text, *text.splitlines()))]
    if any(_shares_a_run(sentence, part) for part in parts):
        return (
            "It has a run of words in common with what the person wrote. Their words stay with "
            "them: please tell the same thing as you would, and change who, where and when."
        )
    if any(_alike(sentence, part) > TOO_ALIKE for part in parts):
        return (
            "It is nearly what the person wrote. Their words stay with them: please tell the "
            "same thing as somebody else would, and change who, where and when."
        )
    return None


def _shares_a_run(sentence: str, other: str) -> bool:
    """Five words in a row, or a whole shorter text of three or four words."""
    theirs = _words(other)
    length = min(LONGEST_RUN + 1, len(theirs))
    return length >= _SHORTEST and not _runs(_words(sentence), length).isdisjoint(
        _runs(theirs, length)
    )


def _runs(words: Run, length: int) -> set[Run]:
    return {words[start : start + length] for start in range(len(words) - length + 1)}


def _alike(one: str, other: str) -> float:
    """The share of character trigrams that both texts have, of those that either has."""
    ones, others = (_trigrams(" ".join(_words(text))) for text in (one, other))
    return len(ones & others) / len(ones | others)


def _trigrams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[start : start + 3] for start in range(max(1, len(padded) - 2))}


def _words(text: str) -> Run:
    """The words without what a copyist may change: case, accents of form, apostrophes, marks."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return tuple(re.findall(r"\w+", _APOSTROPHES.sub("", visible)))
