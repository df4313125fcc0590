"""Who did something, and to whom: read from the words of a message.

The people and the patterns are in content/facts.yml, under `who`. The words for each person are
first replaced by a mark, so that "my mum's boyfriend" is one person and not two; then the patterns
of each role find who stands where. Each finding is a fact: by_parent, to_sibling, not_by_staff.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

DONE_BY, NOT_BY, DONE_TO = "by_", "not_by_", "to_"
"""Beginnings of the facts: who did it, who did not, and to whom it was done."""
TO_WRITER = f"{DONE_TO}self"
"""Said in most disclosures: it chooses replies, and tells staff nothing."""
_ROLES = {"by": DONE_BY, "not_by": NOT_BY, "to": DONE_TO}
_PART = re.compile(r"\{([a-z_]+)\}")
_PERSON, _ANYBODY = "<([a-z_]+)>", "<[a-z_]+>"
_DEEPEST = 3
"""How deep parts may stand in parts."""


class PersonRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person who did something, or to whom it was done."""

    means: str
    """What staff read: "a parent"."""
    words: str
    """A regular expression over canonical words, without "my"."""


class RoleRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person has to do with it."""

    means: str
    """What staff read, with "{person}"."""
    patterns: list[str]
    """Regular expressions over the marked words; "{person}" once in each."""


class SaidWhoRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, and all that it says about who did something to whom."""

    text: str
    says: list[str]


class WhoRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part `who` of content/facts.yml."""

    people: dict[str, PersonRecord]
    """By name; where several fit the same words, the first counts."""
    supposed: str
    """A regular expression for words that only imagine something: "what if he hits me"."""
    parts: dict[str, str]
    roles: dict[str, RoleRecord]
    """"by", "not_by" and "to"."""
    examples: list[SaidWhoRecord]


@dataclass(frozen=True)
class Who:
    """Finds who did something to whom in the canonical words of a message."""

    means: Mapping[str, str] = field(default_factory=dict)
    """What staff read, by the id of the fact; without TO_WRITER."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """What a row of the queue says of those who did it, by the id of the fact."""
    people: re.Pattern[str] | None = None
    """The words for every person, each in a group with the person's name."""
    supposed: re.Pattern[str] | None = None
    """Words that only imagine something; they say nothing."""
    roles: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict)
    """By the beginning of the fact, patterns whose first group is the name of a person."""

    @classmethod
    def of(cls, record: WhoRecord) -> Who:
        """Return the reader of this record. Raises KeyError for an unknown part and re.error."""
        named = (f"(?P<{name}>{each.words})" for name, each in record.people.items())
        parts = {**record.parts, "person": _PERSON, "anybody": _ANYBODY}
        return cls(
            {
                f"{_ROLES[role]}{name}": said.means.format(person=person.means)
                for role, said in record.roles.items()
                for name, person in record.people.items()
                if f"{_ROLES[role]}{name}" != TO_WRITER
            },
            {f"{DONE_BY}{name}": each.means for name, each in record.people.items()},
            re.compile(rf"\b(?:{'|'.join(named)})\b"),
            re.compile(record.supposed),
            {
                _ROLES[role]: tuple(_compiled(pattern, parts) for pattern in said.patterns)
                for role, said in record.roles.items()
            },
        )

    def said_in(self, canonical: str) -> frozenset[str]:
        """Return the facts that a message says about who did something to whom."""
        if self.people is None or self.supposed is None:
            return frozenset()
        told = self.supposed.sub("", canonical)
        marked = self.people.sub(lambda found: f"<{found.lastgroup}>", told)
        return frozenset(
            f"{role}{found[1]}"
            for role, patterns in self.roles.items()
            for pattern in patterns
            for found in pattern.finditer(marked)
        )


def contradicts(said: Collection[str], by: Iterable[str], to: Iterable[str]) -> bool:
    """Return whether facts say that it was done by, or to, none of these people.

    `by` and `to` are names of people; none means anybody. Where a person said both that somebody
    did it and that they did not, the correction counts.
    """
    denied = {each.removeprefix(NOT_BY) for each in said if each.startswith(NOT_BY)}
    done_by = {each.removeprefix(DONE_BY) for each in said if each.startswith(DONE_BY)} - denied
    done_to = {each.removeprefix(DONE_TO) for each in said if each.startswith(DONE_TO)}
    by, to = {*by}, {*to}
    others = (done_by and done_by.isdisjoint(by)) or by <= denied
    return bool((by and others) or (to and done_to and done_to.isdisjoint(to)))


def _compiled(pattern: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    """Return the pattern such that its matches may overlap."""
    for _ in range(_DEEPEST):
        pattern = _PART.sub(lambda found: parts[found[1]], pattern)
    return re.compile(f"(?={pattern})")
