"""The messages that a person is shown, and the text that they type.

Rasa takes a "/" at the beginning of a text for one of its commands. The gateway's channel therefore
hands over `as_text`, and code that reads the text from Rasa restores it with `as_typed`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

_COMMAND = "/"
_GUARD = "\u2060"  # WORD JOINER: invisible, and not stripped as white space
_ALIKE = str.maketrans("łıيىكة", "liییکه")
"""Letters that one keyboard writes for another."""
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´")
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")
Kind = Literal["answer", "help_card", "contacts", "prompt", "text", "notice"]
"""A notice is a line about the service itself, shown beside the reply."""


class Choice(TypedDict):
    """A button. `id` is the only thing the browser sends back."""

    id: str
    label: str
    more: NotRequired[bool]
    """Whether a page may fold it, with others, behind one button for further ways to get help."""


class Source(TypedDict):
    """The publication that a statement is based on."""

    title: str
    publisher: str
    url: str
    date: str
    """When the source says that it was published or last updated: "2017-02", "2025"."""


class Way(TypedDict):
    """One way to reach a service."""

    kind: Literal["phone", "text", "chat", "email", "web", "bsl", "letter"]
    label: str
    """What to do, in words: "Call 0800 1111", "Text SHOUT to 85258"."""
    href: NotRequired[str]
    """tel:, sms:, mailto: or https: address; absent when there is nothing to press."""


class ContactCard(TypedDict):
    """A service as it is shown to one person at one moment."""

    id: str
    name: str
    what: str
    """What the service does and for whom, in one or two short sentences."""
    ways: list[Way]
    hours: str
    open_now: bool | None
    """None when the hours are not known for certain."""
    opens_at: NotRequired[str]
    """When a closed service opens next, in words: "Opens tomorrow 9am"."""
    note: NotRequired[str]
    why: NotRequired[str]
    """Why this service is shown: "They know most about this."."""
    source: NotRequired[str]
    checked_on: NotRequired[str]


class Message(TypedDict):
    """One message of a reply. The gateway sends a list of these."""

    kind: Kind
    text: str
    severity: NotRequired[str]
    need: NotRequired[str]
    """The need that a help card is for."""
    topic: NotRequired[str]
    title: NotRequired[str]
    steps: NotRequired[list[str]]
    sources: NotRequired[list[Source]]
    reviewed_on: NotRequired[str]
    review_due: NotRequired[str]
    lang: NotRequired[str]
    """The language of `text` where it is not English (ISO 639-1): a screen reader changes voice."""
    approved: NotRequired[bool]
    contacts: NotRequired[list[ContactCard]]
    choices: NotRequired[list[Choice]]
    hides: NotRequired[bool]
    """Whether what the person types next is a secret, which their page does not show."""
    by: NotRequired[Literal["person"]]
    """Set where a member of staff wrote it in a live chat."""
    name: NotRequired[str]
    """The name of that member of staff."""
    number: NotRequired[int]
    """The number of their message: a page that has shown it shows it no more."""
    notice: NotRequired[int]
    """The same for what Lantern says about a live chat."""


@dataclass(frozen=True)
class ShownContact:
    """A service as a reply showed it. Later changes to the directory do not change it."""

    id: str
    name: str
    open_now: bool | None
    """Whether it was open at that moment; None when its hours were not known for certain."""
    hours: str
    """The opening hours as the person read them: "Closed now. Opens Monday 9am."."""


def contacts_in(messages: Iterable[Message]) -> tuple[ShownContact, ...]:
    """Return the contacts that messages show, in order, each once."""
    cards = (card for message in messages for card in message.get("contacts", []))
    shown = (
        ShownContact(card["id"], card["name"], card["open_now"], card["hours"]) for card in cards
    )
    return tuple(dict.fromkeys(shown))


def contacts_as_record(contacts: tuple[ShownContact, ...] | None) -> list[dict[str, Any]] | None:
    """Return contacts as a JSON-ready list; None where none were recorded."""
    return None if contacts is None else [asdict(each) for each in contacts]


def contacts_from_record(
    record: list[dict[str, Any]] | None,
) -> tuple[ShownContact, ...] | None:
    """Return the inverse of `contacts_as_record`. Raises TypeError."""
    return None if record is None else tuple(ShownContact(**each) for each in record)


def words_of(message: Message) -> str:
    """Return all the words of a message as one plain text, for the record of what was shown."""
    parts: list[Any] = [message.get("title", ""), message["text"], *message.get("steps", [])]
    for contact in message.get("contacts", []):
        parts.append(f"{contact['name']}: " + "; ".join(way["label"] for way in contact["ways"]))
    parts += [f"[{choice['label']}]" for choice in message.get("choices", [])]
    return "\n".join(part for part in parts if part)


def as_text(typed: str) -> str:
    """Return typed text in a form that Rasa never takes for one of its commands."""
    return _GUARD + typed if typed.lstrip().startswith(_COMMAND) else typed


def as_typed(text: str) -> str:
    """Return the text that a person typed: the inverse of `as_text`."""
    return text.removeprefix(_GUARD)


def folded(text: str) -> str:
    """Return a text in lower case without accents, with one space for all that is no word.

    Two texts that differ only in how they are typed fold to the same.
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_ALIKE))
    kept = (char for char in plain if not unicodedata.combining(char))
    # The vowel signs of Bengali or Gurmukhi are no letters to Python, and change every word.
    words = (
        char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in kept
    )
    return " ".join("".join(words).split())


def folded_chat(text: str) -> str:
    """Fold a short English answer: "I’m" becomes "im", and "nooooo" becomes "no"."""
    return _DRAWN_OUT.sub(r"\1", folded(text.translate(_APOSTROPHES)))
