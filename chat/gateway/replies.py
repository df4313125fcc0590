"""What the gateway says by itself, all of it content: here is only which of it, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.taxonomy import PARENT, Severity

FIRST_CONTACTS = ("emergency_999", "childline")


class Cards(Protocol):
    """Where help cards come from: safeguarding.content.help_cards.HelpCards."""

    def message(self, severity: Severity, audience: str | None, need: str | None) -> Message:
        """The help card for this severity and need, in words for this audience."""

    def still_here(self, state: ConversationState) -> Message:
        """That we are still with what was told, in words for it."""


class GuideButtons(Protocol):
    """Where the buttons back into a guide come from: safeguarding.content.guides.Guides."""

    def resume(self, place: str) -> Choice | None:
        """The button back to a step; None at the end of the guide."""


class Directory(Protocol):
    """Where contacts come from: safeguarding.content.contacts.ContactDirectory."""

    def card(self, contact_id: str, at: datetime, audience: str | None = None) -> ContactCard:
        """One contact as shown at this time to this audience."""


class GatewayPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/gateway.yml."""

    empty: str
    cannot_answer: str
    too_fast: str
    demonstration: str


class OwnReplies:
    """Ready messages for the moments when no one else answers."""

    def __init__(
        self,
        cards: Cards,
        ways: GuideButtons,
        directory: Directory,
        phrases: GatewayPhrases,
        opening: Callable[[], list[Message]],
        now: Callable[[], datetime],
        *,
        demonstration: bool,
    ) -> None:
        self._cards = cards
        self._ways = ways
        self._directory = directory
        self._phrases = phrases
        self._now = now
        self._opening = opening
        self._demonstration = demonstration

    def opening(self) -> list[Message]:
        """The first messages of a conversation; a demonstration says what it is before all."""
        notice = Message(kind="notice", text=self._phrases.demonstration)
        return [notice, *self._opening()] if self._demonstration else self._opening()

    def help_card(self, state: ConversationState) -> Message:
        """The help card for what the conversation came to; for `none`, the one that claims nothing
        and holds the numbers."""
        audience = PARENT if state.reader == "adult" else state.audience
        return self._cards.message(state.severity, audience, state.need)

    def still_here(self, state: ConversationState) -> Message:
        """That we are still with what was told; another way to say it at the next turn."""
        return self._cards.still_here(state)

    def way_back(self, state: ConversationState) -> Choice | None:
        """The button back to the guide that is open; None where none is."""
        return self._ways.resume(state.guide) if state.guide else None

    def empty(self) -> list[Message]:
        """When someone sent nothing."""
        return [Message(kind="text", text=self._phrases.empty)]

    def cannot_answer(self, audience: str | None) -> list[Message]:
        """When Rasa is silent and the message shows no danger: an apology, and people."""
        now = self._now()
        contacts = [self._directory.card(each, now, audience) for each in FIRST_CONTACTS]
        return [Message(kind="contacts", text=self._phrases.cannot_answer, contacts=contacts)]

    def too_fast(self, state: ConversationState) -> list[Message]:
        """When the limit is reached: help first, then the request to wait."""
        waiting = Message(kind="text", text=self._phrases.too_fast)
        return [self.help_card(state), waiting]


def with_help_first(replies: Sequence[Message], card: Message, severity: Severity) -> list[Message]:
    """The replies, led by a help card at least this severe: their own, or else `card`.

    One card leads. A milder one would take back what the first says, so it is left out, and
    whoever stands on the card is not shown again below it.
    """
    held = [reply for reply in replies if reply["kind"] == "help_card"]
    rest = [reply for reply in replies if reply["kind"] != "help_card"]
    own = max(held, key=_severity, default=None)
    first = own if own is not None and _severity(own) >= severity else card
    shown = {contact["id"] for contact in first.get("contacts", [])}
    return [first, *(_without(reply, shown) for reply in rest)]


def holds_help(messages: Iterable[Message]) -> bool:
    """Whether people to turn to are among the messages: on a help card or as contacts."""
    return any(message["kind"] == "help_card" or message.get("contacts") for message in messages)


def highest_shown(messages: Sequence[Message]) -> Severity:
    """The severity of the most severe help card among the messages."""
    cards = (message for message in messages if message["kind"] == "help_card")
    return max(map(_severity, cards), default=Severity.NONE)


def _without(message: Message, shown: set[str]) -> Message:
    if "contacts" not in message:
        return message
    contacts = [contact for contact in message["contacts"] if contact["id"] not in shown]
    return {**message, "contacts": contacts}


def _severity(message: Message) -> Severity:
    return Severity.named(message.get("severity", "none"))
