"""Finds, without trying them, the patterns of the lexicon that could match a stretch of words."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from safeguarding.risk.lexicon.rules import NormPattern, is_optional, longest_match

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
"""Norms that are in most messages and alarm no reader by themselves."""
_COST_OF_EVERYDAY = 40
"""What an everyday word costs as the index word of a pattern, where a rare word costs 1."""
Places: TypeAlias = Mapping[str, Sequence[int]]
"""The sorted indices of the words of each norm."""


class PatternIndex:
    """Finds patterns by one word that each of them needs."""

    def __init__(self, patterns: Sequence[NormPattern]) -> None:
        self._needs = [tuple(_needed(pattern)) for pattern in patterns]
        self._longest = [longest_match(pattern) for pattern in patterns]
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._always: list[int] = []
        for number, needs in enumerate(self._needs):
            if needs:
                for word in min(needs, key=_cost):
                    self._by_word[word].append(number)
            else:
                self._always.append(number)

    def candidates(self, places: Places) -> Iterator[int]:
        """Yield the numbers of the patterns whose needed words stand in order near each other.

        A pattern matches nowhere else, and trying one takes far longer than this.
        """
        yield from self._always
        columns = _Columns(places)
        seen: set[int] = set()
        for norm in places:
            for number in self._by_word.get(norm, ()):
                if number not in seen:
                    seen.add(number)
                    if columns.hold(self._needs[number], self._longest[number]):
                        yield number


class _Columns:
    """Where the words of each need stand, found once for all patterns that share the need."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._norms = frozenset(places)
        self._found: dict[frozenset[str], list[int]] = {}

    def hold(self, needs: Sequence[frozenset[str]], longest: int) -> bool:
        """Return whether a word of each need stands after one of the need before.

        From the first to the last there are at most `longest` words.
        """
        if any(need.isdisjoint(self._norms) for need in needs):
            return False
        columns = [self._column(need) for need in needs]
        return any(_follow(columns, at, longest) for at in columns[0])

    def _column(self, need: frozenset[str]) -> list[int]:
        if need not in self._found:
            found = need & self._norms
            self._found[need] = sorted(at for norm in found for at in self._places[norm])
        return self._found[need]


def _follow(columns: Sequence[Sequence[int]], first: int, longest: int) -> bool:
    """Return whether each further column has a place after the last, near the first."""
    last = first
    for column in columns[1:]:
        after = bisect_right(column, last)
        if after == len(column) or column[after] >= first + longest:
            return False
        last = column[after]
    return True


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
    return sum(_COST_OF_EVERYDAY if word in EVERYDAY else 1 for word in words)
