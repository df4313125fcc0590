"""The chronology of a case: what was said and shown, each once, in the order it happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from safeguarding.escalation import Escalation
from safeguarding.messages import ShownContact
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import WholeCase


@dataclass(frozen=True)
class ChronologyEntry:
    """One thing that the person wrote, or that they were shown."""

    by: str
    """ "user" or "assistant"."""
    text: str
    at: datetime | None = None
    """When it was written; None of what was shown, and of turns before a message."""
    message_id: str | None = None
    """The message on record that it is, or that it answers; None of turns before a message."""
    severity: Severity | None = None
    """Of a message on record: what it was assessed to be."""
    shown: bool = False
    """Whether it is what the person was shown in answer to a message on record."""
    contacts: tuple[ShownContact, ...] | None = None
    """With the last text of an answer: whom all of it showed. None when nobody noted it."""


def chronology(whole: WholeCase) -> list[ChronologyEntry]:
    """What was said in a case, oldest first.

    Before a message stand the turns before it that no earlier message of its conversation has: old
    records repeat them, and so does a message that came to the record before an earlier one.
    """
    told: list[ChronologyEntry] = []
    known: dict[str, list[Turn]] = {}
    for message in sorted(whole.messages, key=lambda each: (each.raised_at, each.message_id)):
        before = known.setdefault(message.conversation_id, [])
        missing = list(_missing(before, message.turns_before))
        told += [ChronologyEntry(turn.by, turn.text) for turn in missing]
        told += _exchange(message)
        before += [*missing, Turn("user", message.text)]
        if message.shown:
            before.append(Turn("assistant", "\n".join(message.shown)))
    return told


def _exchange(message: Escalation) -> Iterator[ChronologyEntry]:
    severity = message.assessment.severity
    yield ChronologyEntry("user", message.text, message.raised_at, message.message_id, severity)
    for number, text in enumerate(message.shown, 1):
        contacts = message.contacts if number == len(message.shown) else None
        yield ChronologyEntry(
            "assistant", text, message_id=message.message_id, shown=True, contacts=contacts
        )


def _missing(known: list[Turn], turns: tuple[Turn, ...]) -> Iterator[Turn]:
    """The turns that the known ones do not hold, where both are read in order.

    The gateway keeps all that answered a message as one turn, each text on a line of its own.
    """
    matcher = SequenceMatcher(None, known, turns, autojunk=False)
    for what, _, _, start, end in matcher.get_opcodes():
        if what in {"insert", "replace"}:
            yield from turns[start:end]
