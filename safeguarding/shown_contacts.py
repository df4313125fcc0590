"""A contact as a person was shown it in answer to a message: whom, and whether it was open then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from safeguarding.messages import Message


@dataclass(frozen=True)
class ShownContact:
    """A service on a reply that went out. A later change of the directory changes nothing here."""

    id: str
    name: str
    open_now: bool | None
    """Whether it was open at that moment; None when its hours were not known for certain."""
    hours: str
    """What the person read about when it is open: "Closed now. Opens Monday 9am."."""

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> ShownContact:
        """The inverse of `as_record`. Raises TypeError."""
        return cls(**record)


def contacts_in(messages: Iterable[Message]) -> tuple[ShownContact, ...]:
    """The contacts on messages as they are shown, in order, each once."""
    cards = (card for message in messages for card in message.get("contacts", []))
    shown = (
        ShownContact(card["id"], card["name"], card["open_now"], card["hours"]) for card in cards
    )
    return tuple(dict.fromkeys(shown))


def contacts_as_record(contacts: tuple[ShownContact, ...] | None) -> list[dict[str, Any]] | None:
    """What a record holds of them; None where nobody noted them."""
    return None if contacts is None else [each.as_record() for each in contacts]


def contacts_from_record(
    record: list[dict[str, Any]] | None,
) -> tuple[ShownContact, ...] | None:
    """The inverse of `contacts_as_record`. Raises TypeError."""
    return None if record is None else tuple(ShownContact.from_record(each) for each in record)
