"""What a rule of the lexicon is: as written in its file, and as the matcher takes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from safeguarding.records import Problem
from safeguarding.taxonomy import Severity

NormPattern = tuple[dict[str, Any], ...]
Label = Literal["concern", "urgent", "immediate"]
Floor = Literal["none", "concern", "urgent", "immediate"]
Subject = Literal["self", "friend", "own_child", "other_child", "unknown"]


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A weak signal or a harmless meaning: no severity of its own."""

    id: str
    phrases: list[str] = []
    patterns: list[list[dict[str, Any]]] = []
    match: list[str]
    near_miss: list[str] = []


class LexiconEntry(Cue, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A phrase or pattern that means risk."""

    severity: Label
    floor: Floor | None = None
    """The least severity of a message on which it fires, whatever the network says; without one,
    `severity`. A lower floor is for words that only suggest a risk: the network weighs them."""
    negatable: bool = True
    subject: Subject | None = None


class Combination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Signals that mean more together than alone."""

    id: str
    category: str
    severity: Label
    floor: Floor | None = None
    """As of an entry."""
    all: list[str]
    none: list[str] = []
    match: list[str]
    near_miss: list[str] = []


@dataclass(frozen=True)
class Rule:
    """A cue, entry or harmless meaning, ready for the matcher."""

    id: str
    kind: Literal["entry", "cue", "harmless"]
    category: str
    severity: Severity
    floor: Severity
    negatable: bool
    subject: str | None
    patterns: tuple[NormPattern, ...]
    match: tuple[str, ...]
    near_miss: tuple[str, ...]
    place: Problem
    """Where the rule stands; `what` is its id."""


def floor_of(rule: LexiconEntry | Combination) -> Severity:
    """The least severity of a message on which `rule` fires."""
    return Severity.named(rule.floor or rule.severity)


def forms_of(pattern: NormPattern) -> Iterator[str]:
    """Every form that a LOWER of `pattern` asks for."""
    for token in pattern:
        if "LOWER" in token:
            yield from token["LOWER"]["IN"]


_REPEATED = 4
"""Words that one token with a * or a + is taken to match at most."""


def longest(pattern: NormPattern) -> int:
    """The number of words that `pattern` matches at most."""
    return sum(_most(str(token.get("OP", "1"))) for token in pattern)


def _most(op: str) -> int:
    if op.startswith("{"):
        return int(op.strip("{}").rpartition(",")[2])
    return _REPEATED if op in {"*", "+"} else 1


def norms_of(pattern: NormPattern) -> Iterator[str]:
    """Every norm that a token of `pattern` may have or must not have."""
    for token in pattern:
        wanted = token.get("NORM")
        if isinstance(wanted, str):
            yield wanted
        elif isinstance(wanted, dict):
            for listed in wanted.values():
                yield from listed
