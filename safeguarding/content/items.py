"""What is signed: each reviewed file as the words that a person reads, and their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

Approved: TypeAlias = Callable[[str, str], bool]
"""Asked with a content id and the digest of its words: whether people have signed them."""

WITHHELD_KINDS = ("answer", "story", "tool", "chat_signs")
"""What may stay unsaid. Help, contacts and buttons are always there: they are the signposting."""
NEED_TWO = ("help_card", "responses", "risk")
"""What decides whether danger is seen, and what is said then: two people sign it."""


@dataclass(frozen=True)
class Part:
    """Lines that are read together."""

    heading: str
    lines: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    """Who reads it; empty for everyone."""


@dataclass(frozen=True)
class Item:
    """One reviewed file, or one kind of message: what one signature is given for."""

    id: str
    """Permanent: "answer:consent", "help_card", "risk:grooming"."""
    title: str
    parts: tuple[Part, ...]
    reviewed_on: date | None = None
    review_due: date | None = None
    """The last day on which its words may be shown without another review; None: it names none."""
    signed_on_paper: str | None = None
    """Who signed according to the file. It binds no words, so it opens nothing by itself."""

    @property
    def kind(self) -> str:
        """What sort of content it is: "answer", "risk", …"""
        return kind_of(self.id)

    @cached_property
    def words(self) -> str:
        """Everything a person reads, in the one form that is kept and signed."""
        parts = [[part.heading, list(part.audiences), list(part.lines)] for part in self.parts]
        record = [self.id, self.title, parts]
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `words`, in hexadecimal."""
        return hashlib.sha256(self.words.encode("utf-8")).hexdigest()

    @property
    def people_needed(self) -> int:
        """How many different people must sign the same words."""
        return people_needed(self.id)

    def for_reader(self, audience: str) -> tuple[Part, ...]:
        """The parts that someone of this audience reads."""
        return tuple(p for p in self.parts if audience in p.audiences or not p.audiences)


def kind_of(content_id: str) -> str:
    """The kind that a content id begins with."""
    return content_id.partition(":")[0]


def people_needed(content_id: str) -> int:
    """How many different people must sign the words of this content."""
    return 2 if kind_of(content_id) in NEED_TWO else 1


def opened(words: str) -> Item:
    """The inverse of `Item.words`, without its dates. Raises ValueError for other text."""
    content_id, title, parts = json.loads(words)
    return Item(
        content_id,
        title,
        tuple(Part(heading, tuple(lines), tuple(audiences)) for heading, audiences, lines in parts),
    )


def nothing_approved(_content_id: str, _digest: str) -> bool:
    """What is known of signatures where no database is."""
    return False
