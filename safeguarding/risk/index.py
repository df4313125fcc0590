"""Finds, among thousands of patterns, the few that a message could match at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from spacy.matcher import Matcher
from spacy.vocab import Vocab

from safeguarding.risk.everyday import EVERYDAY
from safeguarding.risk.rules import NormPattern

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
