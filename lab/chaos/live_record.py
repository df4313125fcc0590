"""What happened in the live chats of `make chaos`, as both sides saw it. Moments: Unix seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

By = Literal["person", "notice", "danger", "lantern"]
"""Who speaks to a young person: a member of staff, a notice of the service about the chat, the
help for immediate danger, or Lantern by itself."""
Way = Literal["answer", "events", "polls"]
"""How it came: with the answer to a message, by server-sent events or by a long poll."""


class Trouble(NamedTuple):
    """A time in which a fault was active."""

    begun: float
    ended: float
    what: str


def end_of_trouble(troubles: Iterable[Trouble], begun: float, ended: float) -> float:
    """Return when the last fault ended that was active in this time; `begun` without one.

    It may lie after `ended`: the fault was still active.
    """
    active = (each.ended for each in troubles if each.begun <= ended and each.ended >= begun)
    return max(active, default=begun)


@dataclass
class SaidLine:
    """A message that one side wrote. Its text occurs once in the whole run."""

    text: str
    sent_at: float
    """When it was first sent."""
    accepted_at: float | None = None
    """When the server said that it has it; None as long as it has not."""


class ShownLine(NamedTuple):
    """A message that was shown to the young person."""

    at: float
    by: By
    text: str
    way: Way
    asked_at: float
    """When the request was sent to which it is the answer."""


@dataclass
class LiveRecord:
    """One live chat."""

    conversation_id: str
    by_events: bool
    """Whether the young person listens by events, as long as a proxy lets them."""
    said: list[SaidLine] = field(default_factory=list)
    """What the young person wrote, from the first message on, in order."""
    written: list[SaidLine] = field(default_factory=list)
    """What the member of staff wrote, in order."""
    shown: list[ShownLine] = field(default_factory=list)
    read: dict[str, float] = field(default_factory=dict)
    """When the page of the member of staff first showed each line, by its text."""
    transcript: list[str] = field(default_factory=list)
    """The texts of both sides as staff read them in the end, in order."""
    troubles: list[Trouble] = field(default_factory=list)
    """Faults that this young person alone had."""
    seen_open_at: float | None = None
    """When the young person's page first showed that a person has the chat."""
    opened_at: float | None = None
    ended_at: float | None = None
    ended_why: str | None = None
    """What the table of live chats says in the end."""
    told_at: float | None = None
    """When the young person was told that the person is gone."""
    answered_after: bool | None = None
    """Whether Lantern answered when the chat was over; None if that was not tried."""
    danger_at: float | None = None
    """When the young person wrote that they are in immediate danger, if they did."""
    left_open: str | None = None
    """What went wrong, if this chat could not be brought to its end."""

    def accepted(self) -> list[str]:
        """Return the texts of the member of staff that the console accepted, in order."""
        return [line.text for line in self.written if line.accepted_at is not None]

    def answered(self) -> list[str]:
        """Return the texts of the young person that the gateway answered, in order."""
        return [line.text for line in self.said if line.accepted_at is not None]
