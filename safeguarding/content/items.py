"""What is signed: a reviewed file as the texts that a person reads, its digest and its review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

import msgspec

from safeguarding.records import ContentError, YamlDocument


class SourceRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"published": "date"}
):
    """Where a statement comes from."""

    title: str
    publisher: str
    url: str
    published: str | None
    """As the page says it, "2017-02" or "2025"; None when it shows no date."""
    read_on: date


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `provenance` of a YAML file."""

    owner: str
    reviewed_on: date
    review_due: date
    """The last day before the next review."""
    approved_by: str | None


def read_provenance(document: YamlDocument) -> Provenance:
    """The provenance of a YAML file. Raises ContentError when it has none or a wrong one."""
    if not isinstance(document.data, dict) or "provenance" not in document.data:
        raise ContentError([document.problem("no provenance: whose words are these?")])
    return document.convert(Provenance, "provenance")


Approved: TypeAlias = Callable[[str, str], bool]
"""Asked with a content id and the digest of its words: whether people have signed them."""


@dataclass(frozen=True)
class Block:
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
    blocks: tuple[Block, ...]
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
        blocks = [
            [block.heading, list(block.audiences), list(block.lines)] for block in self.blocks
        ]
        record = [self.id, self.title, blocks]
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `words`, in hexadecimal."""
        return hashlib.sha256(self.words.encode("utf-8")).hexdigest()

    def for_reader(self, audience: str) -> tuple[Block, ...]:
        """The blocks that someone of this audience reads."""
        return tuple(p for p in self.blocks if audience in p.audiences or not p.audiences)


def kind_of(content_id: str) -> str:
    """The kind that a content id begins with."""
    return content_id.partition(":")[0]


def opened(words: str) -> Item:
    """The inverse of `Item.words`, without its dates. Raises ValueError for other text."""
    content_id, title, blocks = json.loads(words)
    return Item(
        content_id,
        title,
        tuple(
            Block(heading, tuple(lines), tuple(audiences)) for heading, audiences, lines in blocks
        ),
    )


def nothing_approved(_content_id: str, _digest: str) -> bool:
    """What is known of signatures where no database is."""
    return False
