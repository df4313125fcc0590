"""The chronology of a case: what was said and shown, each once, in the order it happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from safeguarding.escalation import Escalation
from safeguarding.messages import ShownContact
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity


@dataclass(frozen=True)
class RecordedExchange:
    """One message on record, and the turns before it that no earlier message has."""

    turns_before: tuple[Turn, ...]
    message: Escalation


@dataclass(frozen=True)
class ChronologyEntry:
    """One text that the person wrote or was shown."""

    by: str
    """ "user" or "assistant"."""
    text: str
    at: datetime | None = None
    """When a message on record arrived; None of anything else."""
    message_id: str | None = None
    """The message that it is or answers; None of turns before a message."""
    severity: Severity | None = None
    """The assessed severity of a message on record."""
    shown: bool = False
    """Whether the person was shown it in answer to a message on record."""
    contacts: tuple[ShownContact, ...] | None = None
    """The contacts that an answer showed, with its last text; None where they were not recorded."""


def exchanges(messages: Iterable[Escalation]) -> Iterator[RecordedExchange]:
    """Yield the messages of a case, given oldest first, each with its turns before.

    Old records repeat those turns with each message, and so does a message that came to the record
    before an earlier one of its conversation.
    """
    known: dict[str, list[Turn]] = {}
    for message in messages:
        before = known.setdefault(message.conversation_id, [])
        missing = tuple(_missing(before, message.turns_before))
        yield RecordedExchange(missing, message)
        before += [*missing, Turn("user", message.text)]
        if message.shown:
            # The gateway keeps an answer as one turn, each of its texts on a line.
            before.append(Turn("assistant", "\n".join(message.shown)))


def chronology(messages: Iterable[Escalation]) -> list[ChronologyEntry]:
    """Return every text of a case in order; `messages` are given oldest first."""
    return [entry for exchange in exchanges(messages) for entry in _entries(exchange)]


def _entries(exchange: RecordedExchange) -> Iterator[ChronologyEntry]:
    message, severity = exchange.message, exchange.message.assessment.severity
    for turn in exchange.turns_before:
        yield ChronologyEntry(turn.by, turn.text)
    yield ChronologyEntry("user", message.text, message.raised_at, message.message_id, severity)
    for number, text in enumerate(message.shown, 1):
        contacts = message.contacts if number == len(message.shown) else None
        yield ChronologyEntry(
            "assistant", text, message_id=message.message_id, shown=True, contacts=contacts
        )


def _missing(known: list[Turn], turns: tuple[Turn, ...]) -> Iterator[Turn]:
    matcher = SequenceMatcher(None, known, turns, autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag in {"insert", "replace"}:
            yield from turns[start:end]
