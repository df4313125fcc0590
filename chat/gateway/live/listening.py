"""What a page that listens is told: the state of the live chat, notices, and what staff wrote.

A page asks for what is behind its cursor. That confirms all up to there: only then the words of
staff are deleted, so that an answer which is lost on the way comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import TypedDict

import msgspec
from typing_extensions import NotRequired

from chat.gateway.conversations import Conversation, Conversations
from chat.gateway.live.following import LiveFollower
from chat.gateway.live.progress import Cursor, LivePhase
from chat.gateway.live.reading import LiveSight
from chat.gateway.live.watch import WatchedChat
from chat.gateway.requests import Bearer
from safeguarding.live_chat import LiveMessage
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import Severity
from storage.live_chats import LiveChat
from storage.live_messages import AT_ONCE

FIRST_LOOK_S = 2.0
"""The longest wait for the first look at a conversation, in seconds."""
GONE_CHECK_S = 5.0
"""How often a page that waits is checked for having gone, in seconds."""
MOST_LISTENERS, MOST_OF_AN_ADDRESS = 1_000, 100
"""Pages that may wait at once, in all and from one address: at most half of the connections of a
process, and half of those that nginx allows an address."""
IDLE_SHARE = 0.75
"""The share of them for pages without a live chat: one with a person has a place for longer."""
LEAST_PAUSE_S, STOPPING_PAUSE_S, PAGES_A_SECOND = 2.0, 1.0, 500


class LivePerson(TypedDict):
    """Who has the chat, or offers to join."""

    name: str
    role: str


class LiveView(TypedDict):
    """What the page shows of the live chat."""

    state: LivePhase
    chat: str | None
    person: LivePerson | None
    typing: bool
    listen: bool
    choices: list[Choice]
    cursor: NotRequired[str]
    messages: NotRequired[list[Message]]
    pause: NotRequired[float]
    """Seconds until the page may ask again, where too many pages listen."""


class Listening(msgspec.Struct, frozen=True):
    """What a page asks for."""

    after: Cursor | None = None
    """How far it has shown what came; None for a page that was just loaded."""
    wait_s: float = 0.0
    state: LivePhase | None = None
    """What it shows."""
    typing: bool | None = None
    chat: str | None = None
    """The id of the live chat that it shows; None where it does not say."""
    confirms: bool = True
    """Whether the page has shown all up to `after`. What was only sent to it may be held back."""


class ListenerSeats:
    """Counts the pages that wait, in all and from each address."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self.taken = 0
        self.most = MOST_LISTENERS

    def leave_to_others(self, most_connections: int) -> None:
        """Take no more than half of the connections that the process may hold."""
        self.most = min(MOST_LISTENERS, most_connections // 2)

    def take(self, address: str, *, idle: bool) -> bool:
        """Take a place for a page; False if there is none. `idle`: it has no live chat."""
        share = IDLE_SHARE if idle else 1.0
        full = self.taken >= self.most * share
        if full or self._taken[address] >= MOST_OF_AN_ADDRESS * share:
            return False
        self._taken[address] += 1
        self.taken += 1
        return True

    def leave(self, address: str) -> None:
        """Give a place back."""
        self.taken -= 1
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]


class LiveListeners:
    """Answers the pages that listen."""

    def __init__(
        self,
        conversations: Conversations,
        follower: LiveFollower,
    ) -> None:
        self._conversations = conversations
        self._follower = follower
        self._reader = follower.reader
        self._watch = follower.watch
        self._now = follower.now
        self._confirming: set[asyncio.Task[None]] = set()
        self.seats = ListenerSeats()
        self.is_stopping = False

    def stop(self) -> None:
        """Let every page that waits go, because the server stops."""
        self.is_stopping = True
        self._watch.wake_all()

    async def look(self, bearer: Bearer, after: str | None) -> LiveView:
        """Return at once what is behind the cursor `after`; None: all that was not confirmed."""
        cursor = None if after is None else Cursor.read(after)
        return await self.next(bearer, Listening(cursor))

    def view(self, conversation: Conversation) -> LiveView:
        """Return what the page shows now, without messages."""
        live, state = conversation.live, conversation.state
        sight = self._watch.sight(conversation.id)
        row = sight.row if sight is not None else None
        person = LivePerson(name=live.name, role=live.role)
        known = live.phase in {"offered", "open"}
        is_typing = row is not None and row.id == live.chat and row.is_typing(self._now())
        # Also where staff may make a case of it after an assessment that came late.
        handed_over = state.severity >= Severity.CONCERN or live.listens or live.runs or live.over
        return LiveView(
            state=live.phase,
            chat=live.chat or None,
            person=person if known else None,
            typing=is_typing and live.is_open,
            listen=self._follower.is_on and bool(handed_over),
            choices=self._follower.words.buttons(live.phase, live, state),
        )

    def pause(self) -> float:
        """Return after how many seconds a page that finds no place may ask again."""
        return LEAST_PAUSE_S + len(self._watch) / PAGES_A_SECOND

    async def next(
        self, bearer: Bearer, listening: Listening, gone: Callable[[], bool] = lambda: False
    ) -> LiveView:
        """Return what is new for the page, at the latest after `wait_s` seconds.

        `gone` tells whether the page has gone meanwhile.
        """
        conversation = await self._conversations.peek(bearer)
        if not self._listens(conversation, listening):
            return LiveView({**self.view(conversation), "cursor": str(Cursor()), "messages": []})
        watched = self._watch.of(bearer)
        watched.shows, watched.shown_chat = listening.state or "none", listening.chat
        if not watched.looked.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_S):
                    await watched.looked.wait()
        cursor = listening.after or Cursor()
        if listening.confirms:
            self._confirm(conversation, watched, cursor)
        if listening.state is not None:
            self._follower.restore(conversation, listening.state, watched.shown_row)
            self._watch.saw(bearer.conversation_id, LiveSight())
        until = time.monotonic() + listening.wait_s
        while True:
            watched = self._watch.of(bearer)
            changed = watched.changed
            conversation = self._conversations.known(bearer.conversation_id) or conversation
            view = await self._answer(conversation, watched, cursor)
            view["listen"] |= listening.after is not None or watched.sight.row is not None
            left_s = until - time.monotonic()
            if self.is_stopping:
                return LiveView({**view, "pause": STOPPING_PAUSE_S})
            if listening.after is None or _is_news(view, listening) or left_s <= 0 or gone():
                return view
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, GONE_CHECK_S)):
                    await changed.wait()

    def _listens(self, conversation: Conversation, listening: Listening) -> bool:
        """Return whether the page has anything to listen to."""
        if not self._follower.is_on:
            return False
        known = self.view(conversation)["listen"]
        # A gateway that lost its memory believes the page that it was told to listen.
        is_blank = not conversation.turns and not conversation.answers
        return known or listening.after is not None or is_blank

    def _confirm(self, conversation: Conversation, watched: WatchedChat, cursor: Cursor) -> None:
        conversation.live = conversation.live.confirmed(cursor, self._now())
        if cursor.number <= watched.confirmed or not watched.sight.newest:
            return
        task = asyncio.create_task(self._note_shown(watched, cursor.number))
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)

    async def _note_shown(self, watched: WatchedChat, number: int) -> None:
        if await self._reader.shown(str(watched.bearer.conversation_id), number):
            watched.confirmed = max(watched.confirmed, number)

    async def _answer(
        self, conversation: Conversation, watched: WatchedChat, cursor: Cursor
    ) -> LiveView:
        """Return what is behind the cursor now: all of it in its order, or nothing yet."""
        found: list[LiveMessage] = []
        if watched.sight.newest > cursor.number:
            read = await self._reader.messages(str(conversation.id), cursor.number)
            if read is None:
                # A notice must not overtake what staff wrote before it.
                return self._with(conversation, cursor, [])
            found = read
            self._note_late(conversation, found)
            self._follower.remember(conversation, found)
        live, row = conversation.live, watched.sight.row
        written = [each for each in found if not live.hides(each.chat_id)]
        begun = [*takewhile(lambda each: _is_begun(conversation, row, each), written)]
        shown = [(each.at, _message(each)) for each in begun]
        whole = len(found) < AT_ONCE and len(begun) == len(written)
        for notice in live.notices:
            if not whole and (not begun or notice.at > begun[-1].at):
                break
            if notice.index > cursor.notice:
                told = msgspec.json.decode(notice.message, type=Message)
                told["notice"] = notice.index
                _put(shown, notice.at, told)
        return self._with(conversation, cursor, [message for _, message in shown])

    def _note_late(self, conversation: Conversation, found: list[LiveMessage]) -> None:
        """Say of words that were written after the end who wrote them, and when."""
        live = conversation.live
        for message in found:
            is_new = message.number > live.number and not live.hides(message.chat_id)
            ended = live.over_at is not None and message.at > live.over_at
            if is_new and ended and message.chat_id == live.over:
                line = self._follower.words.late(message.name, conversation.state)
                conversation.live = conversation.live.tell(line, message.at, self._now())

    def _with(
        self, conversation: Conversation, cursor: Cursor, messages: list[Message]
    ) -> LiveView:
        number = max([cursor.number, *(each.get("number", 0) for each in messages)])
        notice = max([cursor.notice, *(each.get("notice", 0) for each in messages)])
        view = self.view(conversation)
        return LiveView({**view, "cursor": str(Cursor(number, notice)), "messages": messages})


def _is_news(view: LiveView, listening: Listening) -> bool:
    """Return whether the page shows something else than this."""
    state = listening.state is not None and view["state"] != listening.state
    typing = listening.typing is not None and view["typing"] != listening.typing
    return bool(view.get("messages")) or state or typing


def _is_begun(conversation: Conversation, row: LiveChat | None, message: LiveMessage) -> bool:
    """Return whether the page knows of the chat in which a message was written, or of its end."""
    live = conversation.live
    if row is None or row.id != message.chat_id:
        return True
    return live.over == row.id or (live.chat == row.id and live.is_open)


def _message(message: LiveMessage) -> Message:
    return Message(
        kind="text", text=message.text, by="person", name=message.name, number=message.number
    )


def _put(shown: list[tuple[datetime, Message]], at: datetime, told: Message) -> None:
    """Put a notice before the first message that was written later; what staff wrote stays so."""
    place = next((index for index, each in enumerate(shown) if each[0] > at), len(shown))
    shown.insert(place, (at, told))
