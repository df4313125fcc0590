"""Knows single words: English lemmas, the reviewed table of text-speak, and spelling.

Spelling undoes digits for letters, slips, letters pulled apart and words run together.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


_LEET = str.maketrans("0134578@$!|+€", "oieastbasilte")
_LEET_SIGN = re.compile(r"[0134578@$!|+€]")
_RUN = re.compile(r"(.)\1+")
_DRAWN_OUT = re.compile(r"(.)\1\1")
_STARRED = re.compile(r"[a-z*]{3,}")
_LONGEST_WORD = 30
_SHORTEST_SLIP = 5
_MOST_RUNS = 4
_SHORTEST_UNLISTED = 4
_SHORTEST_SWAP = 3


class Speller:
    """Corrects words towards the words that the lexicon uses."""

    def __init__(self, vocabulary: dict[str, str], common: Iterable[str] = ()) -> None:
        """`vocabulary` maps the lexicon's words to lemmas; `common` are other likely words."""
        self._lemmas = vocabulary
        self._common = frozenset(common)
        self._near = _neighbourhood(vocabulary)
        self._swaps = _swapped({*vocabulary, *self._common})
        self._by_letter: dict[tuple[int, int, str], list[str]] = defaultdict(list)
        for word in vocabulary:
            for place, letter in enumerate(word):
                self._by_letter[len(word), place, letter].append(word)

    def knows(self, word: str) -> bool:
        """Return whether `word` needs no correction."""
        return word in self._lemmas or word in self._common or is_word(word)

    def understands(self, word: str) -> bool:
        """Return whether `word` is a number or a known word; of letters, only "i" and "a" are."""
        return word.isdigit() or word in {"i", "a"} or (len(word) > 1 and self.knows(word))

    def is_listed(self, word: str) -> bool:
        """Return whether `word` is in the lexicon's vocabulary or a common word."""
        return word in self._lemmas or word in self._common

    def unmask(self, word: str) -> str | None:
        """Return the word behind digits, signs or stars ("h1ts", "$ex", "r*pe"), if any."""
        if not any(char.isalpha() for char in word) or len(word) > _LONGEST_WORD:
            return None
        if "*" in word:
            return self._starred(word)
        if not _LEET_SIGN.search(word):
            return None
        with_l = [word.replace("1", "l").replace("!", "l")] if "1" in word or "!" in word else []
        for translated in (each.translate(_LEET) for each in (word, *with_l)):
            long_enough = len(translated) >= _SHORTEST_UNLISTED
            if translated in self._lemmas or (long_enough and self.knows(translated)):
                return translated
            shorter = self._shortened(translated)
            if shorter and shorter in self._lemmas:
                return shorter
        return None

    def correct(self, word: str) -> str:
        """Return the word that `word` was meant to be; `word` itself when that is not clear."""
        if len(word) > _LONGEST_WORD or not word.isalpha() or self.is_listed(word):
            return word
        drawn_out = bool(_DRAWN_OUT.search(word))
        if not drawn_out and is_word(word):
            return word
        shorter = self._shortened(word)
        if shorter:
            return shorter
        if drawn_out:
            word = _RUN.sub(r"\1", word)
        return self._slip(word) or word

    def _shortened(self, word: str) -> str | None:
        runs = list(_RUN.finditer(word))
        if not runs or len(runs) > _MOST_RUNS:
            return None
        found = [candidate for candidate in _collapsed(word, runs) if candidate != word]
        listed = next((candidate for candidate in found if self.is_listed(candidate)), None)
        return listed or next((candidate for candidate in found if is_word(candidate)), None)

    def _slip(self, word: str) -> str | None:
        if len(word) >= _SHORTEST_SLIP:
            near = {word_near for key in _deletions(word) for word_near in self._near.get(key, ())}
            near = {other for other in near if _one_edit(word, other)}
            if len({self._lemmas[other] for other in near}) == 1:
                return min(near, key=lambda other: (abs(len(other) - len(word)), other))
        swaps = self._swaps.get(word, frozenset())
        return next(iter(swaps)) if len(swaps) == 1 else None

    def _starred(self, word: str) -> str | None:
        if not _STARRED.fullmatch(word) or word.count("*") > len(word) // 2:
            return None
        letters = [(at, letter) for at, letter in enumerate(word) if letter != "*"]
        rarest = min(
            (self._by_letter.get((len(word), at, letter), []) for at, letter in letters), key=len
        )
        stars = [at for at, letter in enumerate(word) if letter == "*"]
        found = {
            other
            for other in rarest
            if all(other[at] == letter for at, letter in letters)
            and all("a" <= other[at] <= "z" for at in stars)
        }
        lemmas = {self._lemmas[other] for other in found}
        return min(found) if len(lemmas) == 1 else None


def _collapsed(word: str, runs: list[re.Match[str]]) -> Iterator[str]:
    """Yield every way of writing the repeated letters once or twice, twice first."""
    for lengths in itertools.product((2, 1), repeat=len(runs)):
        parts, at = [], 0
        for run, length in zip(runs, lengths, strict=True):
            parts += [word[at : run.start()], run[1] * length]
            at = run.end()
        yield "".join([*parts, word[at:]])


def _deletions(word: str) -> set[str]:
    return {word, *(word[:index] + word[index + 1 :] for index in range(len(word)))}


def _neighbourhood(words: Iterable[str]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = defaultdict(list)
    for word in words:
        if len(word) >= _SHORTEST_SLIP:
            for key in _deletions(word):
                near[key].append(word)
    return dict(near)


def _swapped(words: Iterable[str]) -> dict[str, frozenset[str]]:
    """Map each spelling with two neighbouring letters swapped to the words it may stand for."""
    swaps: dict[str, set[str]] = defaultdict(set)
    for word in words:
        for index in range(len(word) - 1 if len(word) >= _SHORTEST_SWAP else 0):
            slip = word[:index] + word[index + 1] + word[index] + word[index + 2 :]
            if slip != word:
                swaps[slip].add(word)
    return {slip: frozenset(found) for slip, found in swaps.items()}


def _one_edit(one: str, other: str) -> bool:
    """Return whether the words differ by one letter missing, extra, wrong or swapped."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    swapped = rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:]
    return rest[1:] == other_rest[1:] or rest[1:] == other_rest or rest == other_rest[1:] or swapped


_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:[ ._*/|-]{1,4}[^\W_](?![^\W_])){2,}")
_LETTER = re.compile(r"[^\W_]")
_ONE_LETTER_WORDS = frozenset("iau")
_LONGEST_RUN, _LONGEST_SPACED = 60, 400
_LONGEST_LISTED = 16
_SHORTEST_JOINED = 7
_SHORTEST_WORD = 3


@dataclass(frozen=True)
class SpelledOutWord:
    """A stretch of single letters, joined into words with their places in the plain text."""

    start: int
    end: int
    words: tuple[tuple[str, int, int], ...]


def spaced_runs(text: str, speller: Speller) -> Iterator[SpelledOutWord]:
    """Yield every stretch of single letters in `text` that spells words of the lexicon."""
    for match in _SPACED.finditer(text):
        places = [match.start() + letter.start() for letter in _LETTER.finditer(match[0])]
        letters = "".join(text[place] for place in places)
        words = _segment(letters, speller) if len(letters) <= _LONGEST_SPACED else None
        if not words or not any(len(word) >= _SHORTEST_WORD for word in words):
            continue
        found, at = [], 0
        for word in words:
            found.append((word, places[at], places[at + len(word) - 1] + 1))
            at += len(word)
        yield SpelledOutWord(match.start(), match.end(), tuple(found))


def split_words(word: str, speller: Speller) -> tuple[str, ...] | None:
    """Return the words that were run together in `word`, if all of them are listed."""
    if not _SHORTEST_JOINED <= len(word) <= _LONGEST_RUN or not word.isalpha():
        return None
    words = _segment(word, speller)
    return tuple(words) if words and len(words) > 1 else None


def _segment(letters: str, speller: Speller) -> list[str] | None:
    """Return the fewest listed words that spell `letters`."""
    # For each prefix of `letters`: the number of words that spell it, and the start of the last.
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - _LONGEST_LISTED), end):
            before, current = best[start], best[end]
            if before is None or (current is not None and current[0] <= before[0] + 1):
                continue
            if _may_be_word(letters[start:end], speller):
                best[end] = (before[0] + 1, start)
    words, at = [], len(letters)
    while at:
        last = best[at]
        if last is None:
            return None
        words.append(letters[last[1] : at])
        at = last[1]
    return words[::-1]


def _may_be_word(word: str, speller: Speller) -> bool:
    return word in _ONE_LETTER_WORDS if len(word) == 1 else speller.is_listed(word)
