"""What the list of cases shows of live chats: who asks for a person, and who has which chat."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from safeguarding.live_chat import LiveChatState
from staff.live.chats import WhyNot
from staff.live.may_chat import MayChat
from staff.live.room import StaffChat


@dataclass(frozen=True)
class QueueChats:
    """The live chats that run, and whether the reader of the list could have one more."""

    running: Mapping[str, StaffChat]
    """By the ids of the cases that staff see."""
    writing: Collection[str]
    """The cases in which somebody writes now."""
    why_not: WhyNot | None
    """Why the reader cannot have one more chat, where there is one to have."""

    def may_join(self, case_id: str) -> bool:
        """Return whether the reader can answer the person of a case, or offer to talk to them."""
        chat = self.running.get(case_id)
        calls = case_id in self.writing if chat is None else chat.state is LiveChatState.ASKED
        return calls and self.why_not is None


def queue_chats(
    running: Mapping[str, StaffChat], writing: Collection[str], may_chat: MayChat, reader: str
) -> QueueChats:
    """Return the live chats of a list. Queries the database only where there is one to have."""
    asked = any(each.state is LiveChatState.ASKED for each in running.values())
    calls = asked or any(each not in running for each in writing)
    return QueueChats(running, writing, may_chat.why_not(reader) if calls else None)
