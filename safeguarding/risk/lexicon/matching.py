"""Matches every rule of the lexicon against a message, and drops what an idiom explains."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

from spacy.attrs import IS_DIGIT, LIKE_NUM, LOWER, NORM
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import NormPattern, Rule, is_optional, longest_match
from safeguarding.risk.text.normalise import Canonical, Token
from safeguarding.risk.text.words import is_number

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
_EVERYDAY = frozenset(_SMALL.split()) | frozenset(_PEOPLE.split()) | frozenset(_TIMES.split())
"""Norms that are in most messages and alarm no reader by themselves."""
_COST_OF_EVERYDAY = 40
"""What an everyday word costs as the index word of a pattern, where a rare word costs 1."""


def matcher_of(vocab: Vocab, pattern: NormPattern) -> Matcher:
    """Return a matcher of one pattern, so that only patterns that could match need to run."""
    # The lexicon has checked the pattern already, and more strictly.
    matcher = Matcher(vocab, validate=False)
    matcher.add("pattern", [list(pattern)])
    return matcher


class PatternIndex:
    """Finds patterns by one word that each of them needs."""

    def __init__(self, patterns: Sequence[NormPattern]) -> None:
        self._needs = [tuple(_needed(pattern)) for pattern in patterns]
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._always: list[int] = []
        for number, needs in enumerate(self._needs):
            if needs:
                for word in min(needs, key=_cost):
                    self._by_word[word].append(number)
            else:
                self._always.append(number)

    def candidates(self, norms: Set[str]) -> Iterator[int]:
        """Yield the numbers of the patterns whose needed words are all among `norms`."""
        yield from self._always
        seen: set[int] = set()
        for norm in norms:
            for number in self._by_word.get(norm, ()):
                if number not in seen:
                    seen.add(number)
                    if not any(need.isdisjoint(norms) for need in self._needs[number]):
                        yield number


def _needed(pattern: NormPattern) -> Iterator[frozenset[str]]:
    """Yield the words of each token that is not optional and names its words."""
    for token in pattern:
        wanted = token.get("NORM")
        if is_optional(token):
            continue
        if isinstance(wanted, str):
            yield frozenset({wanted})
        elif isinstance(wanted, dict) and "IN" in wanted:
            yield frozenset(wanted["IN"])


def _cost(words: Iterable[str]) -> int:
    return sum(_COST_OF_EVERYDAY if word in _EVERYDAY else 1 for word in words)


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

    def __call__(self, doc: Doc, norms: Set[str]) -> list[Idiom]:
        """Return every harmless meaning in `doc`, whose norms are `norms`."""
        found = []
        for number in self._index.candidates(norms):
            name, pattern = self._patterns[number]
            matches: list[Any] = self._matchers[number](doc, with_alignments=True)
            for _, start, _, alignment in matches:
                spoken = (at for at, part in enumerate(alignment) if not _is_gap(pattern[part]))
                found.append(Idiom(name, frozenset(start + at for at in spoken)))
        return found


def explains(idiom: Idiom, tokens: Sequence[Token], start: int, end: int) -> bool:
    """Return whether `idiom` holds every alarming word between `start` and `end`."""
    span = range(start, end)
    alarming = [at for at in span if tokens[at].norm not in _EVERYDAY]
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
Window: TypeAlias = tuple[int, Doc, Set[str]]
"""The index of its first word, its words for spaCy, and their norms."""


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
            for first, doc, norms in windows
            for name, matcher in map(self._matchers.__getitem__, self._index.candidates(norms))
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
            for first, doc, norms in windows
            for idiom in self._idioms(doc, norms)
        }

    def _windows(self, message: Canonical) -> Iterator[Window]:
        """Yield overlapping windows of the message; every possible match lies within one.

        A rule is tried only where all its words are near each other, so that the time is linear in
        the length of the message.
        """
        last = len(message.tokens)
        for first in range(0, max(last - self._overlap, 1), _STEP):
            tokens = message.tokens[first : first + _STEP + self._overlap]
            yield first, self._doc(tokens), {token.norm for token in tokens}

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
