"""Knows single words: English lemmas, the reviewed table of text-speak, and everyday words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import simplemma
from spacy.lang.en.lex_attrs import like_num

from safeguarding.records import read_yaml

# The form of a pronoun says who does what to whom, so it is never reduced to a lemma.
_PRONOUNS = """
i me my mine myself you your yours yourself he him his himself she her hers herself it its
we us our ours they them their theirs themselves who whom whose someone
"""
_KEPT = frozenset(_PRONOUNS.split())
_SHORTEST_STEM = 3
_CACHED_WORDS = 20_000


def is_word(word: str) -> bool:
    """Return whether an English dictionary knows `word`."""
    return bool(simplemma.is_known(word, "en"))


class Lemmas:
    """The dictionary's lemmas, corrected by the `reviewed` ones."""

    def __init__(self, reviewed: Mapping[str, str]) -> None:
        self._reviewed = reviewed
        # Bounded, so that rare words of a message are forgotten again.
        self._cached: Callable[[str], str] = lru_cache(_CACHED_WORDS)(self._lemma)

    def __call__(self, word: str) -> str:
        """Return the lemma of `word`; a lemma is its own lemma."""
        return self._cached(word)

    def _lemma(self, word: str) -> str:
        if word in _KEPT or not word.isalpha():
            return word
        # A lemma must be its own lemma, or a pattern and a message would use different words. The
        # dictionary has circles; the alphabetically first word stands for a circle.
        chain = [word]
        while (lemma := self._step(chain[-1])) not in chain:
            chain.append(lemma)
        return min(chain[chain.index(lemma) :])

    def _step(self, word: str) -> str:
        reviewed = self._reviewed.get(word)
        return reviewed or _verb(str(simplemma.lemmatize(word, "en")).lower())


def _verb(lemma: str) -> str:
    """Return "follow" for "following", which the dictionary lists as a word of its own."""
    stem = lemma[:-3]
    if not lemma.endswith("ing") or len(stem) < _SHORTEST_STEM:
        return lemma
    for verb in (stem + "e", stem, stem[:-1] if stem[-1] == stem[-2] else ""):
        known = bool(verb) and is_word(verb) and is_word(verb + "s")
        if known and simplemma.lemmatize(verb, "en") == verb:
            return verb
    return lemma


class Ambiguous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A spelling that is expanded only among the right neighbours."""

    means: str
    unless_after: list[str] = []
    unless_last: bool = False
    only_after_number: bool = False
    unless_in: list[str] = []
    """Phrases in which it is not expanded: "~" is the word itself, "#" a number."""
    even_in: list[str] = []
    """Phrases in which it is expanded even if `unless_in` forbids it."""

    def applies(self, words: Sequence[str], at: int) -> bool:
        """Return whether the word at index `at` of `words` is to be expanded."""
        previous = words[at - 1] if at else ""
        if previous in self.unless_after or (at == len(words) - 1 and self.unless_last):
            return False
        if self.only_after_number and not previous.isdigit():
            return False
        if not any(_is_in(phrase, words, at) for phrase in self.unless_in):
            return True
        return any(_is_in(phrase, words, at) for phrase in self.even_in)


def _is_in(phrase: str, words: Sequence[str], at: int) -> bool:
    """Return whether `words` hold the phrase with its "~" at index `at`."""
    parts = phrase.split()
    first = at - parts.index("~")
    window = words[first : first + len(parts)] if first >= 0 else ()
    return len(window) == len(parts) and all(
        part in {"~", word} or (part == "#" and is_number(word))
        for part, word in zip(parts, window, strict=True)
    )


def is_number(word: str) -> bool:
    """Return whether the word is a number in digits or in letters."""
    return bool(like_num(word))  # type: ignore[no-untyped-call]


class Expansions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reviewed table content/risk/expansions.yml; its keys carry no apostrophe."""

    expansions: dict[str, str]
    ambiguous: dict[str, Ambiguous]
    lemmas: dict[str, str]
    emoji: dict[str, str]
    common: list[str]


def read_expansions(path: Path) -> Expansions:
    """Read the table in `path`. Raises ContentError when any of it is unsound."""
    document = read_yaml(path)
    if isinstance(document.data, dict):
        document.data.pop("provenance", None)
    return document.convert(Expansions)


_SMALL = """
i me my mine myself you your yourself he him his himself she her herself they them their themselves
we us our it its this that these those who what be have do will would can could should want need
like know think feel go get make take let say tell keep just so too very really
a an the to of in on at for with from by and or but if when how why where there here then than as
into off because not never no all out up down over about much lot more some any other one
"""
_PEOPLE = """
someone anyone somebody nobody mum dad parent family friend mate brother sister man woman boy girl
guy people person teacher coach boss tutor uncle aunt nan grandad cousin stepdad stepmum husband
wife boyfriend girlfriend partner son daughter kid child pupil student baby
"""
_TIMES = "year old day time now always still again thing stuff"
EVERYDAY = frozenset(_SMALL.split()) | frozenset(_PEOPLE.split()) | frozenset(_TIMES.split())
