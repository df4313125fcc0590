"""Everyday meanings that take the alarm out of alarming words: "killing it", "dead tired"."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from safeguarding.risk.everyday import EVERYDAY
from safeguarding.risk.index import PatternIndex, matcher_of
from safeguarding.risk.normalise import Token
from safeguarding.risk.rules import Rule


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
