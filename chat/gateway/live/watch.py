"""Watches the live chats of all pages that listen, with one look at the database for all of them.

A conversation is watched while a page listens, and a little longer, so that a page which asks
again every few seconds costs no query of its own. While the database is away, what was read last
counts, so that a lease ends for a young person all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from chat.gateway.conversations import Conversations
from chat.gateway.live.progress import LivePhase, LiveProgress
from chat.gateway.live.reading import LiveReader, LiveSight
from chat.gateway.live.rules import next_outcome
from chat.gateway.requests import Bearer
from safeguarding.live_chat import LiveChatState
from storage.live_chats import LiveChat

EVERY_S = 0.2
MOST_OF_THE_TIME = 3.0
"""A pause is at least so many times as long as the look before it."""
AWAY_S = 1.0
"""The longest pause while the database is away, in seconds."""
LINGER_S = 15.0
"""How long a conversation is watched after its page last asked, in seconds."""
UNSEEN, NOTHING = LiveSight(), LiveSight(is_read=True)
log = structlog.get_logger("gateway.live")


@dataclass(eq=False)
class WatchedChat:
    """A conversation whose page listens."""

    bearer: Bearer
    until: float
    """When it is not watched any more, by the clock of the loop."""
    sight: LiveSight = UNSEEN
    shows: LivePhase = "none"
    """What its page said that it shows."""
    shown_chat: str | None = None
    """The id of the live chat that its page said that it shows."""
    confirmed: int = 0
    """The highest number that is on record as shown."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it was looked for, found or not."""
    settling: asyncio.Task[None] | None = None

    @property
    def shown_row(self) -> LiveChat | None:
        """The live chat that its page shows, as it was read last."""
        is_other = self.shown_chat is not None and not self.sight.is_of(self.shown_chat)
        return None if is_other else self.sight.row

    def wake(self) -> None:
        """Wake all that wait for a change."""
        self.changed.set()
        self.changed = asyncio.Event()


class LiveWatch:
    """Looks for changes, lets `settle` take them in, and wakes the pages that listen."""

    def __init__(
        self,
        reader: LiveReader,
        conversations: Conversations,
        settle: Callable[[WatchedChat], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        """`settle` brings a conversation up to what was read."""
        self._reader = reader
        self._conversations = conversations
        self._settle = settle
        self._now = now
        self._watched: dict[str, WatchedChat] = {}
        self._new: list[WatchedChat] = []
        self._active: set[str] = set()
        """Conversations with a live chat, as far as is known here: only these are thought about."""
        self._looking: asyncio.Task[None] | None = None
        self._is_away = False

    def __len__(self) -> int:
        return len(self._watched)

    def of(self, bearer: Bearer, linger_s: float = LINGER_S) -> WatchedChat:
        """Return a conversation, watched from now on for `linger_s` seconds at least."""
        id_, until = str(bearer.conversation_id), time.monotonic() + linger_s
        watched = self._watched.get(id_)
        if watched is None:
            watched = self._watched[id_] = WatchedChat(bearer, until)
            self._new.append(watched)
            self._active.add(id_)
        watched.until = max(watched.until, until)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        return watched

    def sight(self, conversation_id: UUID) -> LiveSight | None:
        """Return what was read last of a conversation that is watched."""
        watched = self._watched.get(str(conversation_id))
        return watched.sight if watched is not None else None

    def saw(self, conversation_id: UUID, sight: LiveSight) -> None:
        """Take in what an answer has read, or changed, meanwhile."""
        watched = self._watched.get(str(conversation_id))
        if watched is None:
            return
        self._active.add(str(conversation_id))
        if sight.is_read:
            watched.sight = sight
        watched.wake()

    def forget(self, conversation_id: UUID) -> None:
        """Stop watching a conversation that its person has left."""
        watched = self._watched.pop(str(conversation_id), None)
        if watched is not None:
            watched.wake()

    def wake_all(self) -> None:
        """Wake every page that listens, because the server stops."""
        for watched in self._watched.values():
            watched.wake()

    def stop(self) -> None:
        """Stop looking. Called when the server stops."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look_on(self) -> None:
        pause_s = EVERY_S
        while self._watched:
            started, new = time.monotonic(), self._new
            self._new = []
            try:
                found = await self._reader.all([*self._watched])
            except Exception as error:  # noqa: BLE001 - the next round tries again
                if not self._is_away:
                    log.warning("live.not_watched", error=type(error).__name__)
                self._is_away, pause_s = True, min(2 * pause_s, AWAY_S)
                self._new += new
                self._think(None)
            else:
                self._is_away, took_s = False, time.monotonic() - started
                pause_s = max(EVERY_S - took_s, MOST_OF_THE_TIME * took_s, 0.01)
                self._think(found)
                for watched in new:
                    watched.looked.set()
            await asyncio.sleep(pause_s)
            self._drop_old()

    def _think(self, found: dict[str, LiveSight] | None) -> None:
        """Take in what was read; None when it could not be read: time goes on all the same."""
        now = self._now()
        for id_ in {*self._active, *(found or {})}:
            watched = self._watched.get(id_)
            if watched is None:
                self._active.discard(id_)
                continue
            sight = watched.sight if found is None else found.get(id_, NOTHING)
            differs, watched.sight = sight != watched.sight, sight
            conversation = self._conversations.known(watched.bearer.conversation_id)
            progress = conversation.live if conversation is not None else LiveProgress()
            running = sight.row is not None and sight.row.state is not LiveChatState.ENDED
            if not running and not progress.runs:
                self._active.discard(id_)
            elif next_outcome(progress, sight.row, now, is_read=sight.is_read) is not None:
                self._begin_to_settle(watched)
            if differs or running:
                watched.wake()

    def _begin_to_settle(self, watched: WatchedChat) -> None:
        if watched.settling is None or watched.settling.done():
            watched.settling = asyncio.create_task(self._settled(watched))

    async def _settled(self, watched: WatchedChat) -> None:
        try:
            await self._settle(watched)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            # Only the kind of error: its message or its traceback may quote a child.
            log.error("live.not_settled", error=type(error).__name__)  # noqa: TRY400
        watched.wake()

    def _drop_old(self) -> None:
        at = time.monotonic()
        for id_, watched in list(self._watched.items()):
            if watched.until < at and (watched.settling is None or watched.settling.done()):
                del self._watched[id_]
                self._active.discard(id_)
