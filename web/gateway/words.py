"""What the gateway says by itself. The words are content; here is only which of them, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

import msgspec

from safeguarding.messages import ContactCard, Message
from safeguarding.records import read_yaml
from safeguarding.taxonomy import CONTENT, Severity

FIRST_CONTACTS = ("emergency_999", "childline")


class Cards(Protocol):
    """Where help cards come from: safeguarding.content.help_card.HelpCards."""

    def message(self, severity: Severity, audience: str | None) -> Message:
        """The help card for this severity, in words for this audience."""


class Directory(Protocol):
    """Where contacts come from: safeguarding.content.contacts.ContactDirectory."""

    def card(self, contact_id: str, at: datetime, audience: str | None = None) -> ContactCard:
        """One contact as shown at this time to this audience."""


class OwnWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sentences of content/gateway.yml."""

    empty: str
    cannot_answer: str
    too_fast: str
    demonstration: str


@cache
def own_words(path: Path = CONTENT / "gateway.yml") -> OwnWords:
    """Read the sentences once per process. Raises ContentError."""
    return read_yaml(path).convert(OwnWords)


class Words:
    """Ready messages for the moments when no one else answers."""

    def __init__(
        self,
        cards: Cards,
        directory: Directory,
        own: OwnWords,
        opening: Callable[[], list[Message]],
        now: Callable[[], datetime],
        *,
        demonstration: bool,
    ) -> None:
        self._cards = cards
        self._directory = directory
        self._own = own
        self._now = now
        self._opening = opening
        self._demonstration = demonstration

    def opening(self) -> list[Message]:
        """The first messages of a conversation; a demonstration says what it is before all."""
        notice = Message(kind="text", text=self._own.demonstration)
        return [notice, *self._opening()] if self._demonstration else self._opening()

    def help_card(self, severity: Severity, audience: str | None) -> Message:
        """The help card; below urgent, the one that claims nothing and holds the numbers."""
        return self._cards.message(severity, audience)

    def empty(self) -> list[Message]:
        """When someone sent nothing."""
        return [Message(kind="text", text=self._own.empty)]

    def cannot_answer(self, audience: str | None) -> list[Message]:
        """When Rasa is silent and the message shows no danger: gentle words, and people."""
        now = self._now()
        contacts = [self._directory.card(each, now, audience) for each in FIRST_CONTACTS]
        return [Message(kind="contacts", text=self._own.cannot_answer, contacts=contacts)]

    def too_fast(self, severity: Severity, audience: str | None) -> list[Message]:
        """When the limit is reached: help first, then the request to wait."""
        waiting = Message(kind="text", text=self._own.too_fast)
        return [self.help_card(severity, audience), waiting]


def with_help_first(replies: Sequence[Message], card: Message, severity: Severity) -> list[Message]:
    """The replies, led by the card unless they hold a help card at least as severe."""
    held = [Severity.named(r.get("severity", "none")) for r in replies if r["kind"] == "help_card"]
    if held and max(held) >= severity:
        return list(replies)
    return [card, *replies]


def highest_shown(messages: Sequence[Message]) -> Severity:
    """The severity of the most severe help card among the messages."""
    return max(
        (Severity.named(m.get("severity", "none")) for m in messages if m["kind"] == "help_card"),
        default=Severity.NONE,
    )
