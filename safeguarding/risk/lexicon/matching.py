"""Runs every rule of the lexicon over a message at once, and leaves out what an idiom explains."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from spacy.attrs import IS_DIGIT, LIKE_NUM, LOWER, NORM
from spacy.lang.en.lex_attrs import like_num
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.lexicon.rules import NormPattern, Rule, forms_of, norms_of
from safeguarding.risk.text.dictionary import EVERYDAY
from safeguarding.risk.text.normalise import Canonical, Token

_COST_OF_EVERYDAY = 40


def matcher_of(vocab: Vocab, pattern: NormPattern) -> Matcher:
    """A matcher of one pattern, so that only those which could match at all need to run."""
    # The lexicon has checked the pattern already, and better.
    matcher = Matcher(vocab, validate=False)
    matcher.add("pattern", [list(pattern)])
    return matcher


class PatternIndex:
    """Patterns by one word that each of them must hold."""

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
        """The numbers of the patterns whose every needed word is among `norms`."""
        yield from self._always
        seen: set[int] = set()
        for norm in norms:
            for number in self._by_word.get(norm, ()):
                if number not in seen:
                    seen.add(number)
                    if not any(need.isdisjoint(norms) for need in self._needs[number]):
                        yield number


def _needed(pattern: NormPattern) -> Iterator[frozenset[str]]:
    """For each token that cannot be left out and names its words: those words."""
    for token in pattern:
        op = str(token.get("OP", "1"))
        wanted = token.get("NORM")
        if op in {"?", "*", "!"} or op.startswith("{0"):
            continue
        if isinstance(wanted, str):
            yield frozenset({wanted})
        elif isinstance(wanted, dict) and "IN" in wanted:
            yield frozenset(wanted["IN"])


def _cost(words: Iterable[str]) -> int:
    return sum(_COST_OF_EVERYDAY if word in EVERYDAY else 1 for word in words)


@dataclass(frozen=True)
class Idiom:
    """A harmless meaning, and the indices of the words that make it."""

    rule_id: str
    words: frozenset[int]


class IdiomMatcher:
    """Finds the harmless meanings of the lexicon."""

    def __init__(self, vocab: Vocab, rules: Sequence[Rule]) -> None:
        self._patterns = [(rule.id, pattern) for rule in rules for pattern in rule.patterns]
        self._index = PatternIndex([pattern for _, pattern in self._patterns])
        # One matcher a pattern: an alignment does not say which pattern it belongs to.
        self._matchers = [matcher_of(vocab, pattern) for _, pattern in self._patterns]

    def __call__(self, doc: Doc, norms: Set[str]) -> list[Idiom]:
        """Every harmless meaning in `doc`, whose norms are `norms`."""
        found = []
        for number in self._index.candidates(norms):
            name, pattern = self._patterns[number]
            matches: list[Any] = self._matchers[number](doc, with_alignments=True)
            for _, start, _, alignment in matches:
                spoken = (at for at, part in enumerate(alignment) if not _is_gap(pattern[part]))
                found.append(Idiom(name, frozenset(start + at for at in spoken)))
        return found


def explains(idiom: Idiom, tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether `idiom` holds every alarming word between `start` and `end`."""
    span = range(start, end)
    # What an idiom must explain is whatever would alarm somebody.
    alarming = [at for at in span if tokens[at].norm not in EVERYDAY]
    if alarming:
        return idiom.words.issuperset(alarming)
    return 2 * len(idiom.words.intersection(span)) >= len(span)


def _is_gap(token: dict[str, object]) -> bool:
    wanted = token.get("NORM", token.get("LOWER"))
    return wanted is None or (isinstance(wanted, dict) and "NOT_IN" in wanted)


_UNLISTED = "□"
"""Every word no rule speaks of: spaCy never forgets a string, and must not keep these."""
_LONGEST_NUMBER = 4
_is_number: Callable[[str], bool] = like_num


@dataclass(frozen=True)
class Match:
    """A rule, and the canonical words it fired on: start included, end not."""

    rule: Rule
    start: int
    end: int


class RuleMatcher:
    """The lexicon's rules as spaCy Matchers, run only where they could match."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._rules = {rule.id: rule for rule in lexicon.rules if rule.kind != "harmless"}
        self._listed = {
            norm
            for rule in lexicon.rules
            for pattern in rule.patterns
            for norm in norms_of(pattern)
        }
        self._forms = {
            form
            for rule in lexicon.rules
            for pattern in rule.patterns
            for form in forms_of(pattern)
        }
        lemma = lexicon.normaliser.lemma
        getters: Any = {NORM: lemma, LOWER: str.lower, IS_DIGIT: str.isdigit, LIKE_NUM: _is_number}
        self._vocab = Vocab(lex_attr_getters=getters)
        patterns = [(rule, pattern) for rule in self._rules.values() for pattern in rule.patterns]
        self._index = PatternIndex([pattern for _, pattern in patterns])
        self._matchers = [(rule.id, matcher_of(self._vocab, pattern)) for rule, pattern in patterns]
        harmless = [rule for rule in lexicon.rules if rule.kind == "harmless"]
        self._idioms = IdiomMatcher(self._vocab, harmless)

    def __call__(self, message: Canonical) -> list[Match]:
        """The shortest spans on which each rule fires and which no idiom explains away."""
        doc = self._doc(message)
        norms = {token.norm for token in message.tokens}
        breaks = sorted(message.breaks)
        found = {
            (name, start, end)
            for name, matcher in map(self._matchers.__getitem__, self._index.candidates(norms))
            for _, start, end in matcher(doc)
            if not _crosses(breaks, start, end)
        }
        if not found:
            return []
        # A harmless sentence before or after an alarming one explains nothing in it.
        idioms: dict[int, list[Idiom]] = defaultdict(list)
        for idiom in self._idioms(doc, norms):
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
        """The ids of the harmless meanings in `message`."""
        norms = {token.norm for token in message.tokens}
        return {idiom.rule_id for idiom in self._idioms(self._doc(message), norms)}

    def _doc(self, message: Canonical) -> Doc:
        words = [self._listed_word(token.word, token.norm) for token in message.tokens]
        return Doc(self._vocab, words=words)

    def _listed_word(self, word: str, norm: str) -> str:
        if norm in self._listed or word in self._forms:
            return word
        short_number = word.isdigit() and len(word) <= _LONGEST_NUMBER
        return word if short_number or (word.isalpha() and _is_number(word)) else _UNLISTED


def _crosses(breaks: Sequence[int], start: int, end: int) -> bool:
    """Whether one of the sorted `breaks` lies inside the span."""
    after = bisect_right(breaks, start)
    return after < len(breaks) and breaks[after] < end


def _shortest(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    # Of a rule's spans none holds another, so that their ends are sorted as their starts are.
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
