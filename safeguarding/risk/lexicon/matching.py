"""Matches every rule of the lexicon against a message, and drops what an idiom explains."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from spacy.attrs import IS_DIGIT, LIKE_NUM, LOWER, NORM
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from safeguarding.risk.lexicon.index import EVERYDAY, PatternIndex, Places
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import NormPattern, Rule, longest_match
from safeguarding.risk.text.normalise import Canonical, Token
from safeguarding.risk.text.words import is_number


def matcher_of(vocab: Vocab, pattern: NormPattern) -> Matcher:
    """Return a matcher of one pattern, so that only patterns that could match need to run."""
    # The lexicon has checked the pattern already, and more strictly.
    matcher = Matcher(vocab, validate=False)
    matcher.add("pattern", [list(pattern)])
    return matcher


@dataclass(frozen=True)
class Idiom:
    """A harmless meaning, and the indices of its words."""

    rule_id: str
    words: frozenset[int]


class IdiomMatcher:
    """Finds the harmless meanings of the lexicon."""

    def __init__(self, vocab: Vocab, rules: Sequence[Rule]) -> None:
        self._patterns = [(rule.id, pattern) for rule in rules for pattern in rule.patterns]
        self._index = PatternIndex([pattern for _, pattern in self._patterns])
        # One matcher for each pattern: an alignment does not tell which pattern it belongs to.
        self._matchers = [matcher_of(vocab, pattern) for _, pattern in self._patterns]

    def __call__(self, doc: Doc, places: Places) -> list[Idiom]:
        """Return every harmless meaning in `doc`, whose norms stand at `places`."""
        found = []
        for number in self._index.candidates(places):
            name, pattern = self._patterns[number]
            matches: list[Any] = self._matchers[number](doc, with_alignments=True)
            for _, start, _, alignment in matches:
                spoken = (at for at, part in enumerate(alignment) if not _is_gap(pattern[part]))
                found.append(Idiom(name, frozenset(start + at for at in spoken)))
        return found


def explains(idiom: Idiom, tokens: Sequence[Token], start: int, end: int) -> bool:
    """Return whether `idiom` holds every alarming word between `start` and `end`."""
    span = range(start, end)
    alarming = [at for at in span if tokens[at].norm not in EVERYDAY]
    if alarming:
        return idiom.words.issuperset(alarming)
    return 2 * len(idiom.words.intersection(span)) >= len(span)


def _is_gap(token: dict[str, object]) -> bool:
    wanted = token.get("NORM", token.get("LOWER"))
    return wanted is None or (isinstance(wanted, dict) and "NOT_IN" in wanted)


_UNLISTED = "□"
"""Stands for every word that no rule uses: spaCy never forgets a string."""
_LONGEST_NUMBER = 4


_STEP = 64
"""Number of words from the start of one window of a message to the start of the next."""
Window: TypeAlias = tuple[int, Doc, Places]
"""The index of its first word, its words for spaCy, and where in it each norm stands."""


@dataclass(frozen=True)
class Match:
    """A rule, and the half-open range of canonical words on which it fired."""

    rule: Rule
    start: int
    end: int


class RuleMatcher:
    """Runs the lexicon's rules as spaCy matchers, only where they could match."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._rules = {rule.id: rule for rule in lexicon.rules if rule.kind != "harmless"}
        self._listed = frozenset[str]().union(*(rule.norms for rule in lexicon.rules))
        self._forms = frozenset[str]().union(*(rule.forms for rule in lexicon.rules))
        lemma = lexicon.normaliser.lemma
        getters: Any = {NORM: lemma, LOWER: str.lower, IS_DIGIT: str.isdigit, LIKE_NUM: is_number}
        self._vocab = Vocab(lex_attr_getters=getters)
        patterns = [(rule, pattern) for rule in self._rules.values() for pattern in rule.patterns]
        self._index = PatternIndex([pattern for _, pattern in patterns])
        self._matchers = [(rule.id, matcher_of(self._vocab, pattern)) for rule, pattern in patterns]
        harmless = [rule for rule in lexicon.rules if rule.kind == "harmless"]
        self._idioms = IdiomMatcher(self._vocab, harmless)
        self._overlap = max(
            (longest_match(pattern) for rule in lexicon.rules for pattern in rule.patterns),
            default=0,
        )

    def __call__(self, message: Canonical) -> list[Match]:
        """Return the shortest spans on which each rule fires and which no idiom explains."""
        breaks = sorted(message.breaks)
        windows = list(self._windows(message))
        found = {
            (name, first + start, first + end)
            for first, doc, places in windows
            for name, matcher in map(self._matchers.__getitem__, self._index.candidates(places))
            for _, start, end in matcher(doc)
            if not _crosses(breaks, first + start, first + end)
        }
        if not found:
            return []
        # An idiom in one sentence explains nothing in another.
        idioms: dict[int, list[Idiom]] = defaultdict(list)
        for idiom in self._idioms_of(windows):
            if idiom.words and not _crosses(breaks, min(idiom.words), max(idiom.words) + 1):
                for at in idiom.words:
                    idioms[at].append(idiom)
        alarming = [
            (name, start, end)
            for name, start, end in found
            if not any(
                explains(idiom, message.tokens, start, end)
                for idiom in {each for at in range(start, end) for each in idioms.get(at, ())}
            )
        ]
        return [Match(self._rules[name], start, end) for name, start, end in _shortest(alarming)]

    def idioms(self, message: Canonical) -> set[str]:
        """Return the ids of the harmless meanings in `message`."""
        return {idiom.rule_id for idiom in self._idioms_of(list(self._windows(message)))}

    def _idioms_of(self, windows: Iterable[Window]) -> set[Idiom]:
        """Return the harmless meanings in the windows, each once, by their place in the message."""
        return {
            Idiom(idiom.rule_id, frozenset(first + at for at in idiom.words))
            for first, doc, places in windows
            for idiom in self._idioms(doc, places)
        }

    def _windows(self, message: Canonical) -> Iterator[Window]:
        """Yield overlapping windows of the message; every possible match lies within one.

        A rule is tried only where all its words are near each other, so that the time is linear in
        the length of the message.
        """
        last = len(message.tokens)
        for first in range(0, max(last - self._overlap, 1), _STEP):
            tokens = message.tokens[first : first + _STEP + self._overlap]
            places: dict[str, list[int]] = defaultdict(list)
            for at, token in enumerate(tokens):
                places[token.norm].append(at)
            yield first, self._doc(tokens), places

    def _doc(self, tokens: Sequence[Token]) -> Doc:
        words = [self._listed_word(token.word, token.norm) for token in tokens]
        return Doc(self._vocab, words=words)

    def _listed_word(self, word: str, norm: str) -> str:
        if norm in self._listed or word in self._forms:
            return word
        short_number = word.isdigit() and len(word) <= _LONGEST_NUMBER
        return word if short_number or (word.isalpha() and is_number(word)) else _UNLISTED


def _crosses(breaks: Sequence[int], start: int, end: int) -> bool:
    """Return whether one of the sorted `breaks` lies inside the span."""
    after = bisect_right(breaks, start)
    return after < len(breaks) and breaks[after] < end


def _shortest(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    # No span that is kept for a rule holds another, so their ends are sorted like their starts.
    kept: dict[str, tuple[list[int], list[int]]] = {}
    for name, start, end in sorted(found, key=lambda item: (item[2] - item[1], item[1])):
        starts, ends = kept.setdefault(name, ([], []))
        at = bisect_left(starts, start)
        if at == len(starts) or ends[at] > end:
            starts.insert(at, start)
            ends.insert(at, end)
    flat = [
        (name, start, end)
        for name, (starts, ends) in kept.items()
        for start, end in zip(starts, ends, strict=True)
    ]
    return sorted(flat, key=lambda item: (item[1], item[2], item[0]))
