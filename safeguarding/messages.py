"""What a person is shown, the messages of the public interface; and what they type, as Rasa's text.

A typed "/" at the beginning is text, but Rasa would take it for one of its commands: the gateway's
channel hands over `as_text`, and whoever reads the text from Rasa reads it `as_typed`.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

_COMMAND = "/"
_GUARD = "\u2060"  # WORD JOINER: invisible, and not stripped as white space
Kind = Literal["answer", "help_card", "contacts", "prompt", "text", "notice"]
"""A notice is a line about the service itself, shown beside what is said."""


class Choice(TypedDict):
    """A button. `id` is the only thing the browser sends back."""

    id: str
    label: str


class Source(TypedDict):
    """Where a statement comes from."""

    title: str
    publisher: str
    url: str
    date: str
    """When the source was published or last updated, as it says itself: "2017-02", "2025"."""


class Way(TypedDict):
    """One way to reach a service."""

    kind: Literal["phone", "text", "chat", "email", "web", "bsl", "letter"]
    label: str
    """What to do, in words: "Call 0800 1111", "Text SHOUT to 85258"."""
    href: NotRequired[str]
    """tel:, sms:, mailto: or https: address; absent when there is nothing to press."""


class ContactCard(TypedDict):
    """A service as shown to one person now."""

    id: str
    name: str
    what: str
    """One or two short sentences: what it does and for whom."""
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
    """One message of a reply; the gateway sends a list of these."""

    kind: Kind
    text: str
    severity: NotRequired[str]
    need: NotRequired[str]
    """Of a help card: which help it is for."""
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


def words_of(message: Message) -> str:
    """Everything a message says, as one plain text: for the record of what was shown."""
    parts: list[Any] = [message.get("title", ""), message["text"], *message.get("steps", [])]
    for contact in message.get("contacts", []):
        parts.append(f"{contact['name']}: " + "; ".join(way["label"] for way in contact["ways"]))
    parts += [f"[{choice['label']}]" for choice in message.get("choices", [])]
    return "\n".join(part for part in parts if part)


def as_text(typed: str) -> str:
    """What a person typed, so that Rasa takes it for text and never for one of its commands."""
    return _GUARD + typed if typed.lstrip().startswith(_COMMAND) else typed


def as_typed(text: str) -> str:
    """The inverse of `as_text`."""
    return text.removeprefix(_GUARD)
