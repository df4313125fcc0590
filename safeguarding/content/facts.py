"""Facts that a person says in passing: who did it and to whom, where they are, who knows.

The patterns are in content/facts.yml. A fact counts only when it is said in words, and it lasts for
the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from safeguarding.content.items import Provenance
from safeguarding.content.who import TO_WRITER, Who, WhoRecord
from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.chat.pasted import pasted_chat

ID = "facts"
_PART = re.compile(r"\{([a-z_]+)\}")


class FactRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact, and the words that say it."""

    id: str
    patterns: list[str]
    """Regular expressions over the canonical words; "{name}" stands for a part."""
    match: list[str]
    near_miss: list[str]
    means: str | None = None
    """What staff read; None where it only serves to choose a reply."""
    row: str = ""
    """What the row of a case in the queue says; empty where it does not tell cases apart."""
    closes: list[str] = []
    """The contacts that are of no use to a person who says it."""
    closes_ways: list[str] = []
    """The kinds of ways to reach a contact that are of no use to them: "phone"."""


class FactsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/facts.yml."""

    provenance: Provenance
    parts: dict[str, str]
    facts: list[FactRecord]
    who: WhoRecord | None = None


@dataclass(frozen=True)
class Facts:
    """Finds facts in the canonical words of a message."""

    means: Mapping[str, str]
    """What staff read, by the id of the fact; without those that only choose a reply."""
    patterns: Mapping[str, re.Pattern[str]]
    rows: Mapping[str, str] = field(default_factory=dict)
    """What a row of the queue says, by the id of the fact, in the order of the row."""
    closes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By the id of a fact, the contacts and kinds of ways that it closes."""
    who: Who = field(default_factory=Who)
    """Reads the facts about who did something to whom."""

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all facts that a message may say."""
        return frozenset([*self.means, *self.patterns, TO_WRITER])

    def closed_by(self, said: Iterable[str]) -> frozenset[str]:
        """Return the contacts and kinds of ways that are closed to a person who said these."""
        return frozenset(each for id_ in said for each in self.closes.get(id_, ()))

    def said_in(self, canonical: str) -> frozenset[str]:
        """Return the ids of the facts that a message says.

        `canonical` are its words as the normaliser spells them, between single spaces.
        """
        said = frozenset(id_ for id_, pattern in self.patterns.items() if pattern.search(canonical))
        return said | self.who.said_in(canonical)

    def said_by_writer(self, text: str, canonical: str) -> frozenset[str]:
        """Return the facts that a message says; none where a chat is pasted into it.

        "dont tell your mum" is then what the other person wants, and staff would read it as the
        wish of the person who pasted it. `text` is the message as typed.
        """
        said = self.said_in(canonical)
        # Looked for only now, because it takes long in a long text.
        chat = pasted_chat(text) if said else None
        return said if chat is None or chat.guessed else frozenset()


def read_facts(path: Path) -> Facts:
    """Read the facts of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    record = document.convert(FactsRecord)
    compiled: dict[str, re.Pattern[str]] = {}
    problems: list[Problem] = []
    for index, fact in enumerate(record.facts):
        try:
            compiled[fact.id] = _compiled(fact.patterns, record.parts)
        except (KeyError, re.error) as error:
            problems.append(document.problem(f"{error}", "facts", index, "patterns"))
    who = Who()
    try:
        who = Who.of(record.who) if record.who else who
    except (KeyError, re.error) as error:
        problems.append(document.problem(f"{error}", "who"))
    if problems:
        raise ContentError(problems)
    return Facts(
        {**who.means, **{fact.id: fact.means for fact in record.facts if fact.means}},
        compiled,
        {**who.rows, **{fact.id: fact.row for fact in record.facts if fact.row}},
        {
            fact.id: frozenset([*fact.closes, *fact.closes_ways])
            for fact in record.facts
            if fact.closes or fact.closes_ways
        },
        who,
    )


def unsound_facts(path: Path, canonical: Callable[[str], str]) -> Iterator[Problem]:
    """Yield the examples of `path` that their patterns read wrongly.

    `canonical` returns the words of a text as the normaliser spells them.
    """
    document, facts = read_yaml(path), read_facts(path)
    record = document.convert(FactsRecord)
    for index, fact in enumerate(record.facts):
        for kind, texts in (("match", fact.match), ("near_miss", fact.near_miss)):
            for line, text in enumerate(texts):
                said = fact.id in facts.said_in(canonical(text))
                if said is not (kind == "match"):
                    what = "does not say it" if kind == "match" else "says it"
                    yield document.problem(f"{text!r} {what}", "facts", index, kind, line)
    for line, example in enumerate(record.who.examples if record.who else ()):
        read = facts.who.said_in(canonical(example.text))
        if read != {*example.says}:
            what = f"{example.text!r} says {sorted(read)}"
            yield document.problem(what, "who", "examples", line)


def _compiled(patterns: list[str], parts: Mapping[str, str]) -> re.Pattern[str]:
    """Return one pattern for all. Raises KeyError for an unknown part and re.error."""
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(_PART.sub(lambda found: parts[found[1]], whole))
