"""What the audit trail says of one conversation, and what of its records must be there for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Row

from safeguarding.taxonomy import Severity
from staff.cases.case import CaseEvent
from staff.retention.ledger import DISPOSED, ERASED

BEGAN = {CaseEvent.RECORDED.value, CaseEvent.JOINED.value, CaseEvent.ATTACHED.value}
"""The events of which each message has exactly one."""
_ENDED = {DISPOSED, ERASED}
OPENED_BOX, WROTE = CaseEvent.LETTERBOX_OPENED.value, CaseEvent.LETTER_WRITTEN.value
SAID, WHISPERED = CaseEvent.LIVE_SAID.value, CaseEvent.LIVE_WHISPERED.value
ENDED_CHAT = CaseEvent.LIVE_ENDED.value
BEGAN_CHAT = {CaseEvent.LIVE_ASKED.value, CaseEvent.LIVE_OFFERED.value}
"""The events of which each live chat has one."""
JOINED_CHAT = CaseEvent.LIVE_JOINED.value
READ = (
    *BEGAN,
    *_ENDED,
    CaseEvent.SPLIT.value,
    CaseEvent.MERGED.value,
    CaseEvent.RAISED.value,
    OPENED_BOX,
    WROTE,
    *BEGAN_CHAT,
    JOINED_CHAT,
    ENDED_CHAT,
    SAID,
    WHISPERED,
)
"""The events that say what must be on record."""


@dataclass
class RecordsOfConversation:
    """What the records hold of one conversation, or of a case that was split off one."""

    id: str
    case: Row[Any] | None = None
    reference: str = ""
    held: int = 0
    """Messages that belong to the case of this id."""
    messages: list[str] = field(default_factory=list)
    """Messages of the conversation with this id, in whatever case."""
    handoffs: list[Row[Any]] = field(default_factory=list)
    has_letterbox: bool = False
    letters: int = 0
    """Letters of staff that are kept with the case."""
    unposted: int = 0
    """Those of them that the reply mailbox does not know."""
    chats: list[Row[Any]] = field(default_factory=list)
    """Live chats of the conversation that opened this case."""
    spoken: list[str] = field(default_factory=list)
    """Ids of what staff wrote in them, whispers included."""
    unsent: int = 0
    """How many of their messages the reply mailbox does not know."""
    alerted: bool = False
    """Whether the outbox has an immediate alert of the case."""
    events: list[Row[Any]] = field(default_factory=list)
    """Oldest first."""

    @property
    def disposed(self) -> list[Row[Any]]:
        """The events by which a case of this id was disposed of."""
        return [event for event in self.events if event.what in _ENDED]

    @property
    def since(self) -> list[Row[Any]]:
        """The events since the last of these: what came before is about a case that is gone."""
        last = max((event.id for event in self.disposed), default=0)
        return [event for event in self.events if event.id > last]

    def is_split_off(self, event: Row[Any]) -> bool:
        """Return whether the event made this case, by moving messages of another one to it."""
        split = event.what == CaseEvent.SPLIT.value
        return split and bool(event.detail["new"] == self.reference)

    def opens(self, event: Row[Any]) -> bool:
        """Return whether the event opened this case."""
        return bool(event.what == CaseEvent.RECORDED.value) or self.is_split_off(event)

    def expected(self) -> int:
        """Return how many messages the case holds by the trail."""
        total = sum(event.what in BEGAN for event in self.since)
        for event in self.since:
            if event.what == CaseEvent.SPLIT.value:
                moved = event.detail["messages"]
                total += moved if self.is_split_off(event) else -moved
        return total

    def was_made_immediate(self) -> bool:
        """Return whether a message made the case immediate, and so an alert was due for this id."""
        merged = CaseEvent.MERGED.value
        elsewhere = any(
            event.what == merged and event.detail["case"] == self.reference for event in self.since
        )
        label = Severity.IMMEDIATE.label
        for event in self.since:
            if event.what == CaseEvent.RECORDED.value and event.detail.get("severity") == label:
                return True
            # The alerts of a case that is merged into another are alerts of the other.
            raised = event.what == CaseEvent.RAISED.value and event.detail.get("to") == label
            if raised and not elsewhere:
                return True
        return False

    def unlike_chats(self) -> set[str]:
        """Return the ids of live chats of which records and trail say differently."""
        of_trail: dict[str, set[str]] = {}
        for event in self.since:
            if event.what in {*BEGAN_CHAT, JOINED_CHAT, ENDED_CHAT}:
                of_trail.setdefault(event.detail["chat"], set()).add(event.what)
        wrong = set(of_trail) - {chat.id for chat in self.chats}
        for chat in self.chats:
            known = of_trail.get(chat.id, set())
            expected = (True, chat.opened_at is not None, chat.ended_at is not None)
            if (bool(known & BEGAN_CHAT), JOINED_CHAT in known, ENDED_CHAT in known) != expected:
                wrong.add(chat.id)
        return wrong

    def unlike_words(self) -> set[str]:
        """Return the ids of words of staff that are on record or on the trail, and not on both."""
        keys = {SAID: "message", WHISPERED: "whisper"}
        told = {e.detail[keys[e.what]] for e in self.since if e.what in keys}
        return told ^ set(self.spoken)
