"""The help cards by need, and the texts after a card: content/help_card.yml.

Each card has a key such as "suicide-urgent-young_person", and so has each text that follows one,
"hurt_by_someone-adult-2". By these keys the trained model and the gateway find the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Generic, TypeVar

import msgspec

from safeguarding.content.choices import SAFE_NOW, Choices
from safeguarding.conversation_state import DANGER_NOW, UNCLEAR, ConversationState
from safeguarding.messages import ContactCard, Message
from safeguarding.taxonomy import PARENT, READERS, YOUNG_PERSON, Severity, reader_of

T = TypeVar("T")
STILL_HERE, AGAIN = "still_here", "help_again"
"""Topics of the messages that replace small talk, and a card that was shown before."""
MOST_CONTACTS, MOST_BUTTONS = 2, 3
"""On a card whose text is a first answer: the contact who knows most, and one for everybody; the
offer of a call-back comes as one more button. A button leads to everyone else, and the page names
999 above the chat all the time."""
_NOT_SAFE, _WHO_ELSE = "not_safe_now", "speak_to_someone"
"""The buttons that stay on such a card: the danger, and everyone else who can help."""
EMERGENCY = "emergency_999"
"""The id of the contact that is never left out."""
OTHER_WAYS = ("thanks", "goodbye", "are_you_a_bot", "joke", "insult", "cannot_call", "how_are_you")
"""Small talk after a concern that has an answer of its own, whatever the need."""
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
"""The answer to each small-talk intent; other intents are answered by the need."""


class CardRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card for a need and a reader."""

    contacts: list[str]
    choices: list[str]
    texts: dict[str, str]
    """By severity."""


class NumbersRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card for a reader that gives the help numbers and assumes nothing."""

    contacts: list[str]
    choices: list[str]
    text: str


class ByReader(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    """The same thing for both readers. A person of unknown audience reads the young person's."""

    young_person: T
    adult: T

    def of(self, reader: str) -> T:
        """Return the one for "young_person" or "adult"."""
        return self.adult if reader == "adult" else self.young_person


class CardsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/help_card.yml."""

    provenance: object
    contacts: dict[str, ContactCard]
    read_by: ByReader[str]
    """The ending of every card: who reads the conversation."""
    in_danger: ByReader[str]
    """What stands in an answer to something urgent or worse that does not name 999 itself; before
    everything else where the danger may be immediate."""
    safe_question: ByReader[str]
    """The question at the end of a reply that says little after something urgent."""
    misread: ByReader[list[str]]
    """The beginning of a reply to a person who says that they were understood wrongly."""
    cards: dict[str, ByReader[CardRecord]]
    numbers: ByReader[NumbersRecord]
    again: ByReader[list[str]]
    still_with_you: dict[str, ByReader[list[str]]]
    still_choices: list[str]


class HelpCards:
    """Every help card, and the texts after one, ready to show."""

    def __init__(self, record: CardsRecord, choices: Choices) -> None:
        self._record = record
        self._choices = choices

    def message(
        self, severity: Severity, audience: str | None, need: str | None = UNCLEAR
    ) -> Message:
        """Return the card for this severity, audience and need.

        For `none` it is the card with the help numbers. In immediate danger the need is
        `danger_now`, whatever else it is. A person of unknown audience is addressed as a young one.
        """
        reader = reader_of(audience)
        if severity == Severity.NONE:
            numbers = self._record.numbers.of(reader)
            return self._message(numbers, severity, numbers.text)
        return self.by_key(self.key(severity, reader, need))

    def key(self, severity: Severity, reader: str, need: str | None) -> str:
        """Return the key of the card for this severity, reader and need."""
        if severity == Severity.IMMEDIATE or need not in self._record.cards:
            need = DANGER_NOW if severity == Severity.IMMEDIATE else UNCLEAR
        elif need == DANGER_NOW:
            need = UNCLEAR
        return f"{need}-{severity.label}-{reader}"

    def due_key(
        self, before: ConversationState, after: ConversationState, severity: Severity
    ) -> str:
        """Return the key of the first reply to a message that is a concern or worse.

        It is the card for the need, or one line in its place when the card was shown before.
        """
        need = DANGER_NOW if severity == Severity.IMMEDIATE else after.need
        if not before.has_card(need, severity):
            return self.key(severity, after.reader, after.need)
        if severity == Severity.IMMEDIATE:
            return self.still_key(after, None)
        ways = self._record.again.of(after.reader)
        return f"again-{after.reader}-{after.replies % len(ways)}"

    def by_key(self, key: str) -> Message:
        """Return the card of a key. Raises KeyError for an unknown key."""
        need, label_, reader = key.split("-")
        record = self._record.cards[need].of(reader)
        text = f"{record.texts[label_]}\n\n{self.ending(reader)}"
        message = self._message(record, Severity.named(label_), text)
        message["need"] = need
        return message

    def ending(self, reader: str) -> str:
        """Return the ending of every card for "young_person" or "adult"."""
        return self._record.read_by.of(reader)

    def with_first_answer(
        self, messages: Sequence[Message], answer: Message | None, reader: str
    ) -> list[Message]:
        """Return the messages with the card and `answer`, one of them, as one message.

        A card says what fits every message of its need. Where a first answer of content/replies
        fits better, it takes the place of the card's text; severity, need and ending stay.
        In immediate danger 999 is named before all of it. `reader` is "young_person" or "adult".
        Without a card or an answer nothing changes.
        """
        card = messages[0] if messages else None
        if answer is None or card is None or card["kind"] != "help_card":
            return list(messages)
        rest = [message for message in messages[1:] if message is not answer]
        severity = Severity.named(card.get("severity", "none"))
        people = next((message for message in rest if message["kind"] == "contacts"), None)
        knowing = answer.get("contacts") or (people.get("contacts", [])[:1] if people else [])
        contacts = {each["id"]: each for each in (*knowing[:1], *card.get("contacts", []))}
        if severity < Severity.IMMEDIATE:
            contacts.pop(EMERGENCY, None)  # the words name 999
        own = {each["id"]: each for each in card.get("choices", [])}
        more = people.get("choices", []) if people else []
        first = [own.pop(_NOT_SAFE)] if _NOT_SAFE in own else []
        choices = [*first, *more, *own.values()][: MOST_BUTTONS - 1]
        text = answer["text"]
        danger = self._record.in_danger.of(reader)
        if severity == Severity.IMMEDIATE:
            text = f"{danger} {text}"
        elif severity == Severity.URGENT and "999" not in text:
            text = f"{text} {danger}"
        merged: Message = {
            **card,
            "topic": answer["topic"],
            "text": f"{text}\n\n{self.ending(reader)}",
            "contacts": [*contacts.values()][:MOST_CONTACTS],
            "choices": [*choices, self._choices.button(_WHO_ELSE)],
        }
        if answer.get("sources"):
            merged["sources"] = answer["sources"]
        return [merged, *(message for message in rest if message is not people)]

    def naming_999(self, messages: Sequence[Message], reader: str) -> list[Message]:
        """Return the messages; where none names 999, the first one ends with it."""
        if not messages or any("999" in message.get("text", "") for message in messages):
            return list(messages)
        first, *rest = messages
        text = f"{first.get('text', '')} {self._record.in_danger.of(reader)}".strip()
        return [{**first, "text": text}, *rest]

    def asking_if_safe(self, message: Message, reader: str) -> Message:
        """Return the message with the question if they are safe at its end, and its two buttons.

        It also names 999, if it does not yet.
        """
        (named,) = self.naming_999([message], reader)
        buttons = [each for each in named.get("choices", []) if each["id"] != _NOT_SAFE]
        answers = [self._choices.button(each) for each in (SAFE_NOW, _NOT_SAFE)]
        text = f"{named['text']} {self._record.safe_question.of(reader)}"
        return {**named, "text": text, "choices": [*answers, *buttons]}

    def owning_up(self, message: Message, state: ConversationState) -> Message:
        """Return the message with an apology for what was understood wrongly at its beginning."""
        ways = self._record.misread.of(state.reader)
        return {**message, "text": f"{ways[state.replies % len(ways)]} {message['text']}"}

    def again(self, reader: str, turn: int) -> Message:
        """Return one line in place of a card that was shown before, by the number of replies."""
        ways = self._record.again.of(reader)
        return Message(kind="text", topic=AGAIN, text=ways[turn % len(ways)])

    def still_here(self, state: ConversationState, intent: str | None = None) -> Message:
        """Return the text that stays with a concern instead of small talk.

        It is chosen by the intent where that has an answer of its own, else by the need of the
        conversation. After immediate danger 999 always comes first.
        """
        return self.by_still_key(self.still_key(state, intent))

    def still_key(self, state: ConversationState, intent: str | None) -> str:
        """Return the key of that text."""
        name = WAY_OF.get(intent or "") or state.need or UNCLEAR
        if state.is_near_danger and name != "cannot_call":
            name = DANGER_NOW
        ways = self._record.still_with_you.get(name) or self._record.still_with_you[UNCLEAR]
        known = name if name in self._record.still_with_you else UNCLEAR
        turn = state.replies % len(ways.of(state.reader))
        return f"{known}-{state.reader}-{turn}"

    def by_still_key(self, key: str) -> Message:
        """Return the text of a key. Raises KeyError or IndexError for an unknown key."""
        name, reader, turn = key.split("-")
        ways = self._record.still_with_you[name].of(reader)
        return Message(
            kind="prompt",
            topic=STILL_HERE,
            text=ways[int(turn)],
            choices=[self._choices.button(each) for each in self._record.still_choices],
        )

    def by_keys(self) -> Iterator[tuple[str, Message]]:
        """Yield every card with its key."""
        for need, pair in self._record.cards.items():
            for reader in READERS:
                for severity in pair.of(reader).texts:
                    key = f"{need}-{severity}-{reader}"
                    yield key, self.by_key(key)

    def agains(self) -> Iterator[tuple[str, Message]]:
        """Yield every line that replaces a card, with its key."""
        for reader in READERS:
            for turn in range(len(self._record.again.of(reader))):
                yield f"again-{reader}-{turn}", self.again(reader, turn)

    def still_by_keys(self) -> Iterator[tuple[str, Message]]:
        """Yield every text that stays with a concern, with its key."""
        for name, pair in self._record.still_with_you.items():
            for reader in READERS:
                for turn in range(len(pair.of(reader))):
                    key = f"{name}-{reader}-{turn}"
                    yield key, self.by_still_key(key)

    def messages(self) -> list[Message]:
        """Return every card, those with the help numbers too."""
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
