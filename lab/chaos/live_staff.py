"""The members of staff of the live chats: each has one chat after the other at each of their desks.

What could not be sent is sent again under the same key, as their page does, until the console
accepts or refuses it.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from lab.chaos.live_desk import AwayError, Desk, DeskView, RefusedError
from lab.chaos.live_record import LiveRecord, SaidLine
from lab.chaos.live_young import GivenUpError
from safeguarding.live_chat import BEAT

AGAIN_S = 0.5
PAUSE_S = (1.0, 3.0)
"""The shortest and the longest pause of both sides before a message."""
UNREAD_S = 60.0
"""Seconds that the member of staff waits for words that the young person has sent."""
OPEN, ENDED = "open", "ended"
Result = TypeVar("Result")


@dataclass
class StaffChat:
    """One chat at a desk."""

    desk: Desk
    record: LiveRecord
    chance: random.Random
    until: float
    """When it is given up."""
    case_id: str = ""
    view: DeskView | None = None
    again: int = 0
    """How often a request was sent again."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(
        self, case_id: str, messages: list[str], all_said: asyncio.Event, *, asked: bool
    ) -> None:
        """Have the whole chat: begin it, write these messages, end it and wrap it up.

        Before its end, everything is waited for and read that the young person has to say.
        Raises GivenUpError.
        """
        self.case_id = case_id
        await self._begin(asked=asked)
        tasks = [asyncio.create_task(work) for work in (self._watch(), self._beat())]
        try:
            await self._until(lambda: self._state in (OPEN, ENDED), "the chat did not open")
            for text in messages:
                await asyncio.sleep(self.chance.uniform(*PAUSE_S))
                if not await self._say(text):
                    break
            await self._until(lambda: self._state == ENDED or all_said.is_set(), "not all was said")
            answered, patience = self.record.answered(), time.time() + UNREAD_S
            await self._until(
                lambda: self._state == ENDED or self._has_read(answered) or time.time() > patience,
                "not all was read",
            )
            await self._end()
            await self._until(lambda: self._state == ENDED, "the chat did not end")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.desk.stop_looking()
        await self._done(lambda: self.desk.wrap_up(self._now))

    async def _begin(self, *, asked: bool) -> None:
        while True:
            with suppress(RefusedError):  # there is no case yet, or the young person has not asked
                return await self._view(
                    await self._again(lambda: self.desk.begin(self.case_id, asked=asked))
                )
            if time.time() > self.until:
                raise GivenUpError("the chat could not be begun")
            await asyncio.sleep(AGAIN_S)

    async def _say(self, text: str) -> bool:
        """Write one message; False when the chat is over."""
        if self._state != OPEN:
            return False
        key, line = str(uuid.UUID(int=self.chance.getrandbits(128), version=4)), SaidLine(text, 0)
        with suppress(AwayError):
            await self.desk.typing(self._now)
        line.sent_at = time.time()
        self.record.written.append(line)
        try:
            await self._again(lambda: self.desk.say(self._now, text, key))
        except RefusedError:
            return False
        line.accepted_at = time.time()
        return True

    async def _end(self) -> None:
        if self._state == OPEN:
            end = self.desk.finish if self.chance.random() < 0.5 else self.desk.hand_back  # noqa: PLR2004
            await self._done(lambda: end(self._now))

    async def _watch(self) -> None:
        while True:
            with suppress(AwayError, RefusedError):
                self.view = await self.desk.look(self._now)
                for line in self.view.lines:
                    self.record.read.setdefault(line.text, time.time())
                self._changed.set()
                continue
            await asyncio.sleep(AGAIN_S)

    async def _beat(self) -> None:
        while True:
            pause_s = BEAT.total_seconds()
            with suppress(RefusedError):
                try:
                    if self._state != ENDED:
                        await self.desk.beat(self._now)
                except AwayError:
                    pause_s = AGAIN_S
            await asyncio.sleep(pause_s)

    # ---- small parts ----------------------------------------------------------------------------
    @property
    def _now(self) -> DeskView:
        if self.view is None:
            raise LookupError("there is no chat yet")
        return self.view

    @property
    def _state(self) -> str:
        return self._now.state

    def _has_read(self, texts: list[str]) -> bool:
        return all(text in self.record.read for text in texts)

    async def read_again(self) -> None:
        """Note in the record what the page of the chat shows in the end."""
        if self.view is not None:
            await self._view(self.view.chat_id)
            self.record.transcript = [line.text for line in self.view.lines]

    async def _view(self, chat_id: str) -> None:
        self.view = await self._again(lambda: self.desk.view(chat_id))

    async def _done(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask until it is done; a refusal means that an earlier try did it, or another end came."""
        with suppress(RefusedError):
            await self._again(ask)

    async def _again(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        while time.time() < self.until:
            with suppress(AwayError):
                return await ask()
            self.again += 1
            await asyncio.sleep(AGAIN_S)
        raise GivenUpError("the console did not answer")

    async def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        while not holds():
            self._changed.clear()
            if time.time() > self.until:
                raise GivenUpError(otherwise)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._changed.wait()
