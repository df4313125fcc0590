"""Runs every rule of the lexicon over a message at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from spacy.attrs import IS_DIGIT, LIKE_NUM, LOWER, NORM
from spacy.lang.en.lex_attrs import like_num
from spacy.tokens import Doc
from spacy.vocab import Vocab

from safeguarding.risk.idioms import IdiomMatcher, explains
from safeguarding.risk.index import PatternIndex, matcher_of
from safeguarding.risk.lexicon import Lexicon
from safeguarding.risk.normalise import Canonical
from safeguarding.risk.rules import Rule, forms_of, norms_of

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
        found = {
            (name, start, end)
            for name, matcher in map(self._matchers.__getitem__, self._index.candidates(norms))
            for _, start, end in matcher(doc)
            if not any(start < at < end for at in message.breaks)
        }
        if not found:
            return []
        idioms = self._idioms(doc, norms)
        alarming = [
            (name, start, end)
            for name, start, end in found
            if not any(explains(idiom, message.tokens, start, end) for idiom in idioms)
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


def _shortest(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    kept: dict[str, list[tuple[int, int]]] = {}
    for name, start, end in sorted(found, key=lambda item: (item[2] - item[1], item[1])):
        spans = kept.setdefault(name, [])
        if not any(start <= begin and finish <= end for begin, finish in spans):
            spans.append((start, end))
    flat = [(name, start, end) for name, spans in kept.items() for start, end in spans]
    return sorted(flat, key=lambda item: (item[1], item[2], item[0]))
