"""Reads live chats from the database, and tells staff what changed on this side, in bounded time.

What could not be told at once is told later: an end that staff do not learn of would leave them
writing to no one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from chat.gateway.recorder import BoundedPool, repeat
from safeguarding.escalation import LiveChatChange
from safeguarding.live_chat import LiveMessage
from storage.handoffs import HandoffMailbox
from storage.live_chats import LiveChat, LiveChats
from storage.live_messages import LiveMessages

READ_S = 0.3
"""The longest wait of an answer for the row of a live chat, in seconds."""
ROUND_S = 1.0
"""The longest wait for the rows of all pages that listen, and for messages, in seconds."""
AWAY_S = 1.0
"""How long an answer does not ask a database that was late or failed, in seconds."""
SEND_S = 1.5
"""The longest wait until a change is on a disk, in seconds; after that it is tried again."""
AGAIN_S = 1.0
MOST_UNSENT = 10_000
AT_ONCE = 500
"""Conversations whose rows are read with one statement."""
log = structlog.get_logger("gateway.live")


class LiveSight(NamedTuple):
    """What was read of one conversation."""

    row: LiveChat | None = None
    """Its newest live chat."""
    newest: int = 0
    """The highest number of a message of staff that waits for it; 0 for none."""
    is_read: bool = False
    """False as long as nothing was read."""

    def is_of(self, chat_id: str) -> bool:
        """Return whether the newest live chat is this one."""
        return self.row is not None and self.row.id == chat_id


class LiveReader:
    """Reads rows and messages in threads of its own."""

    def __init__(
        self, chats: LiveChats, messages: LiveMessages, now: Callable[[], datetime]
    ) -> None:
        self._chats = chats
        self._messages = messages
        self._now = now
        # Of two threads of the watch one may hang, and the next round still finds one.
        self._rounds = BoundedPool("live-watch", threads=2, room=2)
        self._lane = BoundedPool("live-row", threads=4, room=256)
        self._showing = BoundedPool("live-shown", threads=1, room=256)
        self._away_until = 0.0

    async def all(self, conversation_ids: Sequence[str]) -> dict[str, LiveSight]:
        """Return what there is of these conversations; those without a live chat are left out.

        Raises LateError and the errors of the database.
        """
        return await self._rounds.run(ROUND_S, self._all, conversation_ids)

    async def one(self, conversation_id: str) -> LiveSight:
        """Return what there is of one conversation, for an answer that waits. Never raises."""
        if time.monotonic() < self._away_until:
            return LiveSight()
        try:
            found = await self._lane.run(READ_S, self._all, [conversation_id])
        except Exception as error:  # noqa: BLE001 - the answer goes by what is known
            self._away_until = time.monotonic() + AWAY_S
            log.warning("live.not_read", error=type(error).__name__)
            return LiveSight()
        return found.get(conversation_id, LiveSight(is_read=True))

    async def messages(self, conversation_id: str, after: int) -> list[LiveMessage] | None:
        """Return what staff wrote behind this number; None if that cannot be read. Never raises."""
        try:
            return await self._lane.run(
                ROUND_S, self._messages.after, conversation_id, after, self._now()
            )
        except Exception as error:  # noqa: BLE001 - it is read in the next round
            log.warning("live.messages_not_read", error=type(error).__name__)
            return None

    async def shown(self, conversation_id: str, number: int) -> bool:
        """Note that a browser has shown all up to this number; return whether that is on record."""
        try:
            await self._showing.run(
                SEND_S, self._messages.shown, conversation_id, number, self._now()
            )
        except Exception as error:  # noqa: BLE001 - the next cursor says it again
            log.warning("live.not_confirmed", error=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Stop the threads. Called when the server stops."""
        for lane in (self._rounds, self._lane, self._showing):
            lane.close()

    def _all(self, conversation_ids: Sequence[str]) -> dict[str, LiveSight]:
        # Rows first: a message whose chat has begun or ended is never seen before that.
        rows: dict[str, LiveChat] = {}
        for at in range(0, len(conversation_ids), AT_ONCE):
            rows |= self._chats.newest(conversation_ids[at : at + AT_ONCE])
        numbers = self._messages.newest([*rows], self._now()) if rows else {}
        return {id_: LiveSight(row, numbers.get(id_, 0), is_read=True) for id_, row in rows.items()}


class LiveChanges:
    """Tells staff by the hand-off mailbox what changed on this side."""

    def __init__(self, mailbox: HandoffMailbox) -> None:
        self._mailbox = mailbox
        self._lane = BoundedPool("live-change", threads=2, room=64)
        self._unsent: dict[str, LiveChatChange] = {}
        self._under_way: set[asyncio.Task[bool]] = set()

    async def kept(self, change: LiveChatChange) -> bool:
        """Return whether the mailbox took it in time. It may still take it later."""
        try:
            await self._lane.run(SEND_S, self._mailbox.append, change)
        except Exception as error:  # noqa: BLE001 - the caller says or tries it again
            log.warning("live.not_told", step=change.step.value, error=type(error).__name__)
            return False
        return True

    def tell(self, change: LiveChatChange) -> None:
        """Tell it for certain, now or later, as long as this process runs. Waits for nothing."""
        if len(self._unsent) >= MOST_UNSENT:
            log.error("live.change_dropped", step=change.step.value)
            return
        self._unsent[change.id] = change
        task = asyncio.create_task(self._send(change))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def work_forever(self) -> None:
        """Tell again, in rounds, what could not be told."""
        await repeat(self._send_all, AGAIN_S)

    async def finish(self) -> None:
        """Tell what is left, once. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=SEND_S)
        await self._send_all()
        for change in self._unsent.values():
            log.error("live.change_lost", step=change.step.value)
        self._lane.close()

    async def _send_all(self) -> None:
        """Tell what waits, the oldest first, until one fails."""
        for change in list(self._unsent.values()):
            if not await self._send(change):
                return

    async def _send(self, change: LiveChatChange) -> bool:
        if not await self.kept(change):
            return False
        self._unsent.pop(change.id, None)
        return True
