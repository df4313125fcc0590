"""The words of which the phrase of a letterbox is made: six at random, read back with small slips.

No two words of the list are one slip apart, so a slip is forgiven only where one word can be meant.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from safeguarding.content.items import Provenance
from safeguarding.records import Problem, YamlDocument, read_yaml, sound

ID = "six_words"
NUMBER = 6
"""Words in a phrase."""
LEAST_WORDS = 1024
"""The least length of the list: six of so many words make 2^60 phrases."""
MOST_TOKENS = 8
"""A text of more words is no try at a phrase."""
_WORD = re.compile(r"[a-z]{3,8}")
_LONGEST_TYPED = 120
"""Characters of a text that may be a phrase."""


class _SixWordsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provenance: Provenance
    words: list[str]


class SixWords:
    """The list, ready to make phrases of and to read them."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._known = frozenset(words)
        self._by_part: dict[str, list[str]] = {}
        """The words by what is left of them without one letter, and whole."""
        for word in words:
            for part in _parts(word):
                self._by_part.setdefault(part, []).append(word)

    def phrase(self) -> str:
        """Return six words at random, with a space between two."""
        return " ".join(secrets.choice(self.words) for _ in range(NUMBER))

    def read(self, text: str) -> str | None:
        """Return the phrase that a text means, in any case and spacing; None where it means none.

        A word with one slip counts where it can only be one word of the list.
        """
        tokens = _tokens(text)
        meant = [self.meant(token) for token in tokens]
        if len(tokens) == NUMBER and all(meant):
            return " ".join(map(str, meant))
        return self._run_together("".join(tokens)) if tokens else None

    def is_try(self, text: str) -> bool:
        """Return whether a text looks like a phrase, perhaps a wrong one, and not like a message.

        Four to eight words, of which more than half are of the list.
        """
        if self.read(text) is not None:
            return True
        tokens = _tokens(text)
        known = sum(self.meant(token) is not None for token in tokens)
        return NUMBER - 2 <= len(tokens) <= MOST_TOKENS and 2 * known > len(tokens)

    def meant(self, typed: str) -> str | None:
        """Return the word of the list that a typed word means, or None."""
        if typed in self._known:
            return typed
        near = self.near(typed)
        return near.pop() if len(near) == 1 else None

    def near(self, typed: str) -> set[str]:
        """Return the words one slip away: a letter more, fewer or other, or two swapped."""
        found = (word for part in _parts(typed) for word in self._by_part.get(part, ()))
        return {word for word in found if word != typed and is_one_slip(typed, word)}

    def _run_together(self, letters: str) -> str | None:
        """Return the phrase that was typed with spaces left out, or put elsewhere."""
        if len(letters) > NUMBER * 8:
            return None
        # By place in the letters: each way in which words of the list lead there.
        begun: list[list[tuple[str, ...]]] = [[()], *([] for _ in letters)]
        for start in range(len(letters)):
            for end in range(start + 3, min(start + 8, len(letters)) + 1):
                word = letters[start:end]
                if word in self._known:
                    more = ((*before, word) for before in begun[start] if len(before) < NUMBER)
                    begun[end].extend(more)
        whole = [way for way in begun[-1] if len(way) == NUMBER]
        return " ".join(whole[0]) if len(whole) == 1 else None


def is_one_slip(one: str, other: str) -> bool:
    """Return whether two words differ by one letter more, fewer or other, or by two swapped."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or short == long:
        return False
    at = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped


def read_six_words(path: Path) -> SixWords:
    """Read the list of `path`. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    record = document.convert(_SixWordsFile)
    list_ = SixWords(record.words)
    return sound(list_, _problems(document, list_))


def _problems(document: YamlDocument, list_: SixWords) -> Iterator[Problem]:
    if len(set(list_.words)) < LEAST_WORDS:
        yield document.problem(f"fewer than {LEAST_WORDS} words", "words")
    if len(set(list_.words)) < len(list_.words):
        yield document.problem("a word stands here twice", "words")
    for number, word in enumerate(list_.words):
        if not _WORD.fullmatch(word):
            yield document.problem(f"{word!r} is not 3 to 8 small letters", "words", number)
        for other in sorted(list_.near(word)):
            yield document.problem(f"{word!r} is one slip from {other!r}", "words", number)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold()) if len(text) <= _LONGEST_TYPED else []


def _parts(word: str) -> set[str]:
    """Return the word, and what is left of it without each one of its letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
