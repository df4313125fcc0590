"""Reviewed content: its words, who has signed them, and the message in which they are shown."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

import msgspec

from safeguarding.messages import Choice, Message, Source
from safeguarding.records import ContentError, YamlDocument

EVERY_S = 30.0
AFTER_FAILURE_S = 5.0
WAIT_S = 1.0
"""The longest time for which one answer waits for the database, once in EVERY_S."""


class SourceRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"published": "date"}
):
    """The publication that a statement is based on."""

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
    """Return the provenance of a YAML file. Raises ContentError when it is missing or wrong."""
    if not isinstance(document.data, dict) or "provenance" not in document.data:
        raise ContentError([document.problem("no provenance: whose words are these?")])
    return document.convert(Provenance, "provenance")


def word_count(text: str) -> int:
    """Count the words of a text. A mark that stands alone is none."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


@dataclass(frozen=True)
class Block:
    """Lines that are read together."""

    heading: str
    lines: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    """The audiences that read it; empty for everyone."""


@dataclass(frozen=True)
class Item:
    """One reviewed file: what one signature is given for."""

    id: str
    """Permanent: "answer:consent", "help_card", "risk:grooming"."""
    title: str
    blocks: tuple[Block, ...]
    reviewed_on: date | None = None
    review_due: date | None = None
    """The last day on which its words may be shown without another review; None: it names none."""
    signed_on_paper: str | None = None
    """The signature in the file. It binds no words, so it approves nothing by itself."""

    @property
    def kind(self) -> str:
        """The kind of content: "answer", "risk", …"""
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
        """Return the blocks that this audience reads."""
        return tuple(p for p in self.blocks if audience in p.audiences or not p.audiences)


def kind_of(content_id: str) -> str:
    """Return the kind that a content id begins with."""
    return content_id.partition(":")[0]


def opened(words: str) -> Item:
    """Return the inverse of `Item.words`, without its dates. Raises ValueError for other text."""
    content_id, title, blocks = json.loads(words)
    return Item(
        content_id,
        title,
        tuple(
            Block(heading, tuple(lines), tuple(audiences)) for heading, audiences, lines in blocks
        ),
    )


Approved: TypeAlias = Callable[[str, str], bool]
"""Called with a content id and the digest of its words: whether enough people have signed them."""


def nothing_approved(_content_id: str, _digest: str) -> bool:
    """Return that nothing is signed, where there is no database of signatures."""
    return False


class ApprovalCache:
    """The signed words, read from the database every EVERY_S seconds.

    While the database cannot be read, the words read last stay approved.
    """

    def __init__(
        self,
        read: Callable[[], frozenset[tuple[str, str]]],
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take `read`, which returns all signed content ids and digests.

        `failed` is called with the error when `read` fails.
        """
        self._read = read
        self._failed = failed
        self._clock = clock
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._next = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, content_id: str, digest: str) -> bool:
        """Return whether these words are signed, as far as is known. Raises nothing."""
        if self._is_due():
            # A thread of its own: a database that hangs must not hold up an answer.
            reader = threading.Thread(target=self._refresh, daemon=True)
            reader.start()
            reader.join(WAIT_S)
        return (content_id, digest) in self._known

    def _is_due(self) -> bool:
        now = self._clock()
        with self._lock:
            due = now >= self._next
            if due:
                self._next = now + EVERY_S
        return due

    def _refresh(self) -> None:
        try:
            self._known = self._read()
        except Exception as error:  # noqa: BLE001 - whatever it is, people must be answered
            self._next = self._clock() + AFTER_FAILURE_S
            self._failed(error)


@dataclass(frozen=True)
class Showing:
    """The day on which content is to be shown, and the signatures that count."""

    today: date
    approved: Approved = nothing_approved
    require_approval: bool = False
    """Whether unsigned words are withheld."""

    def signed(self, item: Item) -> bool | None:
        """Return whether an item's words are signed; None when they are withheld.

        Words are withheld past their review, and unsigned where signatures are required.
        """
        if item.review_due is not None and self.today > item.review_due:
            return None
        signed = self.approved(item.id, item.digest)
        return None if self.require_approval and not signed else signed

    def message(
        self,
        item: Item,
        *,
        topic: str,
        title: str,
        text: str,
        sources: Iterable[SourceRecord],
        choices: list[Choice],
        steps: Iterable[str] = (),
    ) -> Message | None:
        """Return words of an item as a message without contacts; None when they are withheld."""
        signed = self.signed(item)
        if signed is None or item.reviewed_on is None or item.review_due is None:
            return None
        return Message(
            kind="answer",
            topic=topic,
            title=title,
            text=text,
            steps=list(steps),
            sources=[
                Source(
                    title=source.title,
                    publisher=source.publisher,
                    url=source.url,
                    date=source.published or "",
                )
                for source in sources
            ],
            reviewed_on=item.reviewed_on.isoformat(),
            review_due=item.review_due.isoformat(),
            approved=signed,
            choices=choices,
        )
