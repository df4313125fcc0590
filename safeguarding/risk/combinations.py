"""Signals that mean more together than each alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safeguarding.risk.matching import Match
from safeguarding.risk.rules import Combination
from safeguarding.taxonomy import Severity


def parts_of(matches: Iterable[Match]) -> frozenset[str]:
    """What `matches` give a combination: ids of cues and entries, and "category:<name>"."""
    parts: set[str] = set()
    for match in matches:
        parts.add(match.rule.id)
        if match.rule.category:
            parts.add(f"category:{match.rule.category}")
    return frozenset(parts)


def could_combine(combinations: Sequence[Combination], parts: frozenset[str]) -> bool:
    """Whether any combination may be complete; cheaper than to weigh every part first."""
    return any(parts.issuperset(rule.all) for rule in combinations)


@dataclass(frozen=True)
class Found:
    """A combination that is complete; its kind is "conversation" when it needed earlier turns."""

    parts: frozenset[str]
    """What it is made of; a combination among them stands for its own parts as well."""
    id: str
    category: str
    severity: Severity
    kind: str


def combined(
    combinations: Sequence[Combination], here: frozenset[str], before: frozenset[str]
) -> Iterator[Found]:
    """The combinations complete in this message, or with what was said before it.

    At least one part stands in this message, and what was complete before is not told again. A
    combination may itself be part of a later one.
    """
    told, earlier = here | before, before
    made_of: dict[str, frozenset[str]] = {}
    for rule in combinations:
        wanted = frozenset(rule.all)
        if wanted <= earlier:
            earlier |= {rule.id}
            told |= {rule.id}
            if not wanted <= here:
                continue
        if not wanted <= told or not wanted & here or not told.isdisjoint(rule.none):
            continue
        kind = "combination" if wanted <= here else "conversation"
        parts = wanted.union(*(made_of[part] for part in wanted if part in made_of))
        made_of[rule.id] = parts
        yield Found(parts, rule.id, rule.category, Severity.named(rule.severity), kind)
        told |= {rule.id}
        if kind == "combination":
            here |= {rule.id}
