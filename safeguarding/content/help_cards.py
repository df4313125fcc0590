"""The help cards by need, and what is said after one; from content/help_card.yml and nothing else.

A card has a key, "suicide-urgent-young_person", and so has each way to say that we are still here,
"hurt_by_someone-adult-2": by it the trained model and the gateway find the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.conversation_state import DANGER_NOW, UNCLEAR, ConversationState
from safeguarding.messages import ContactCard, Message
from safeguarding.taxonomy import (
    PARENT,
    PROFESSIONAL,
    YOUNG_PERSON,
    Severity,
    reader_of,
)

READERS = {YOUNG_PERSON: (YOUNG_PERSON,), "adult": (PARENT, PROFESSIONAL)}
STILL_HERE, AGAIN = "still_here", "help_again"
"""The topics of the messages that take the place of small talk, and of a card shown before."""
OTHER_WAYS = ("thanks", "goodbye", "are_you_a_bot", "joke", "insult", "cannot_call", "how_are_you")
"""What may be said after a concern that has an answer of its own whatever the need."""
WAY_OF = {
    "thanks": "thanks",
    "feedback_good": "thanks",
    "goodbye": "goodbye",
    "are_you_a_bot": "are_you_a_bot",
    "who_made_you": "are_you_a_bot",
    "tell_joke": "joke",
    "insult": "insult",
    "feedback_bad": "insult",
    "how_are_you": "how_are_you",
    "say_cannot_call": "cannot_call",
}
"""By which of them a small-talk intent is answered; the others are answered by the need."""


class CardRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reader's card for a need, in words for each severity."""

    contacts: list[str]
    choices: list[str]
    texts: dict[str, str]
    """By severity."""


class PairRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card for both readers. Whoever has not said who they are reads the young person's."""

    young_person: CardRecord
    adult: CardRecord


class NumbersRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reader's card that claims nothing."""

    contacts: list[str]
    choices: list[str]
    text: str


class NumbersPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same for both readers."""

    young_person: NumbersRecord
    adult: NumbersRecord


class ReadBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reads what was told, in words for both readers."""

    young_person: str
    adult: str


class WaysPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several ways to say the same, for both readers."""

    young_person: list[str]
    adult: list[str]


class CardsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/help_card.yml."""

    provenance: object
    contacts: dict[str, ContactCard]
    read_by: ReadBy
    cards: dict[str, PairRecord]
    numbers: NumbersPair
    again: WaysPair
    still_with_you: dict[str, WaysPair]
    still_choices: list[str]


class HelpCards:
    """Every help card, ready to show, and what is said after one."""

    def __init__(self, record: CardsRecord, choices: Choices) -> None:
        self._record = record
        self._choices = choices

    def message(
        self, severity: Severity, audience: str | None, need: str | None = UNCLEAR
    ) -> Message:
        """The card for this severity, audience and need; for `none` the one that only holds the
        numbers. In immediate danger the need is `danger_now`, whatever else it is.

        Whoever has not said who they are is spoken to as a young person.
        """
        reader = reader_of(audience)
        if severity == Severity.NONE:
            numbers: NumbersRecord = getattr(self._record.numbers, reader)
            return self._message(numbers, severity, numbers.text)
        return self.by_key(self.key(severity, reader, need))

    def key(self, severity: Severity, reader: str, need: str | None) -> str:
        """The key of the card that is due."""
        if severity == Severity.IMMEDIATE or need not in self._record.cards:
            need = DANGER_NOW if severity == Severity.IMMEDIATE else UNCLEAR
        elif need == DANGER_NOW:
            need = UNCLEAR
        return f"{need}-{severity.label}-{reader}"

    def due_key(
        self, before: ConversationState, after: ConversationState, severity: Severity
    ) -> str:
        """The key of what is said first to a message of this severity, a concern or worse: the card
        that is due, or one line in its place when it was shown before."""
        if not before.has_seen(
            DANGER_NOW if severity == Severity.IMMEDIATE else after.need, severity
        ):
            return self.key(severity, after.reader, after.need)
        if severity == Severity.IMMEDIATE:
            return self.still_key(after, None)
        ways: list[str] = getattr(self._record.again, after.reader)
        return f"again-{after.reader}-{after.replies % len(ways)}"

    def by_key(self, key: str) -> Message:
        """The card of a key. Raises KeyError for any other word."""
        need, label_, reader = key.split("-")
        record: CardRecord = getattr(self._record.cards[need], reader)
        text = f"{record.texts[label_]}\n\n{self.ending(reader)}"
        message = self._message(record, Severity.named(label_), text)
        message["need"] = need
        return message

    def ending(self, reader: str) -> str:
        """The last words of every card for "young_person" or "adult": who reads what was told."""
        return str(getattr(self._record.read_by, reader))

    def again(self, reader: str, turn: int) -> Message:
        """One line in place of a card that was shown before; another at the next turn."""
        ways: list[str] = getattr(self._record.again, reader)
        return Message(kind="text", topic=AGAIN, text=ways[turn % len(ways)])

    def still_here(self, state: ConversationState, intent: str | None = None) -> Message:
        """That we are still with what was told, by the need of the conversation, or by what was
        said where that has an answer of its own. After immediate danger it is always 999 first."""
        return self.by_still_key(self.still_key(state, intent))

    def still_key(self, state: ConversationState, intent: str | None) -> str:
        """The key of the words that are due."""
        name = WAY_OF.get(intent or "") or state.need or UNCLEAR
        if state.severity == Severity.IMMEDIATE and name != "cannot_call":
            name = DANGER_NOW
        ways = self._record.still_with_you.get(name) or self._record.still_with_you[UNCLEAR]
        known = name if name in self._record.still_with_you else UNCLEAR
        turn = state.replies % len(getattr(ways, state.reader))
        return f"{known}-{state.reader}-{turn}"

    def by_still_key(self, key: str) -> Message:
        """The words of a key. Raises KeyError or IndexError for any other word."""
        name, reader, turn = key.split("-")
        ways: list[str] = getattr(self._record.still_with_you[name], reader)
        return Message(
            kind="prompt",
            topic=STILL_HERE,
            text=ways[int(turn)],
            choices=[self._choices.button(each) for each in self._record.still_choices],
        )

    def by_keys(self) -> Iterator[tuple[str, Message]]:
        """Every card, with its key."""
        for need, pair in self._record.cards.items():
            for reader in READERS:
                record: CardRecord = getattr(pair, reader)
                for severity in record.texts:
                    key = f"{need}-{severity}-{reader}"
                    yield key, self.by_key(key)

    def agains(self) -> Iterator[tuple[str, Message]]:
        """Every line in place of a card, with its key."""
        for reader in READERS:
            for turn in range(len(getattr(self._record.again, reader))):
                yield f"again-{reader}-{turn}", self.again(reader, turn)

    def still_by_keys(self) -> Iterator[tuple[str, Message]]:
        """Every way to say that we are still here, with its key."""
        for name, pair in self._record.still_with_you.items():
            for reader in READERS:
                for turn in range(len(getattr(pair, reader))):
                    key = f"{name}-{reader}-{turn}"
                    yield key, self.by_still_key(key)

    def messages(self) -> list[Message]:
        """Every card there is, those that claim nothing too."""
        numbers = [self.message(Severity.NONE, audience) for audience in (YOUNG_PERSON, PARENT)]
        return [*(card for _, card in self.by_keys()), *numbers]

    def _message(
        self, record: CardRecord | NumbersRecord, severity: Severity, text: str
    ) -> Message:
        return Message(
            kind="help_card",
            severity=severity.label,
            text=text,
            contacts=deepcopy([self._record.contacts[each] for each in record.contacts]),
            choices=[self._choices.button(each) for each in record.choices],
        )
