"""A conversation as one chronology: what was said before, every message, and what was answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from safeguarding.escalation import Escalation
from safeguarding.messages import ShownContact
from safeguarding.taxonomy import Severity
from staff.cases import wording as case_wording
from staff.cases.marking import MarkedText, marked, shown
from staff.cases.signal_view import SignalView, signals_of
from staff.console import wording


@dataclass(frozen=True)
class EarlierTurn:
    """One turn before the first hand-off; nobody noted when it was."""

    by_person: bool
    who: str
    text: str


@dataclass(frozen=True)
class MessageView:
    """A message on record, and what the person was shown in answer."""

    id: str
    number: int
    """1, 2, 3, … in the order in which they came."""
    who: str
    at: datetime
    severity: Severity
    """NONE of a message that is only here for the context."""
    text: list[MarkedText]
    answers: list[str]
    """What was shown, one text a message; empty when that is not known."""
    contacts: tuple[ShownContact, ...] | None
    """Whom it showed; None when nobody noted that."""
    contacts_line: str
    """The same in a line; empty where there is nothing to say."""
    categories: list[str]
    signals: list[SignalView]
    extra: dict[str, str]

    @property
    def anchor(self) -> str:
        """Its place in the page."""
        return f"message-{self.number}"


def message_view(message: Escalation, number: int) -> MessageView:
    """A message as the page shows it."""
    found = message.assessment
    return MessageView(
        id=message.message_id,
        number=number,
        who=wording.writer(message.audience),
        at=message.raised_at,
        severity=found.severity,
        text=marked(message.text, found.signals),
        answers=[shown(text) for text in message.shown],
        contacts=message.contacts,
        contacts_line=_contacts_line(message),
        categories=[wording.label(name) for name in found.categories],
        signals=signals_of(message.text, found.signals),
        extra={wording.label(key): value for key, value in message.extra.items()},
    )


def _contacts_line(message: Escalation) -> str:
    """Whom somebody was shown. Of small talk that showed nobody there is nothing to say."""
    if message.contacts is None:
        return case_wording.contacts_shown(None)
    if not message.contacts and message.assessment.severity is Severity.NONE:
        return ""
    return case_wording.contacts_shown(
        [(each.name, each.open_now, each.hours) for each in message.contacts]
    )


def chronology(messages: tuple[Escalation, ...]) -> list[EarlierTurn | MessageView]:
    """Everything in the order in which it was said; `messages` are the oldest first."""
    return list(_told(messages))


def _told(messages: tuple[Escalation, ...]) -> Iterator[EarlierTurn | MessageView]:
    seen: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for number, message in enumerate(messages, 1):
        told = seen[message.conversation_id]
        # Records of earlier times repeat, with each message, what was said before it.
        for turn in [each for each in message.turns_before if (each.by, each.text) not in told]:
            by_person = turn.by == "user"
            who = wording.writer(message.audience) if by_person else wording.LANTERN
            yield EarlierTurn(by_person, who, shown(turn.text))
        told |= {(turn.by, turn.text) for turn in message.turns_before}
        told |= {("user", message.text), *(("assistant", text) for text in message.shown)}
        yield message_view(message, number)
