"""Decides which messages are assessed before their answer, and waits for no assessment too long.

The screening process (safeguarding/screening/) does the work. A message for which it has no time
gets help at once, and is handed over to be assessed later (staff/cases/assessing.py).
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import structlog

from chat.gateway.pressure import Pressure
from chat.gateway.requests import IncomingMessage
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import (
    NO_RISK,
    AssessedMessage,
    Assessment,
    Turn,
    assessment_of_choice,
)
from safeguarding.screening.lanes import LONG, SHORT, SPARE
from safeguarding.screening.task import BEGINNING, ScreeningTask

SHORT_CHARACTERS = 1_000
"""Characters up to which a message is assessed before all longer ones."""
MOST_WAIT_S = 0.6
"""The longest time that a message may be expected to wait until its assessment begins."""
ROOM: Mapping[str, int] = MappingProxyType({SHORT: 400, LONG: 4, SPARE: 40})
"""How many messages of each lane may wait or be assessed at once."""
_OLD, _NEW = 0.9, 0.1
"""Weights of the running average of the time of one assessment."""
log = structlog.get_logger("gateway.screening")


class Screener(Protocol):
    """The screening process."""

    @property
    def is_up(self) -> bool:
        """Whether it takes messages now."""

    async def start(self, within_s: float) -> bool:
        """Start it; return whether it is ready within so many seconds."""

    def screen(self, task: ScreeningTask, lane: str) -> Awaitable[tuple[AssessedMessage, float]]:
        """Return the assessment of a message and its seconds. Raises any exception."""

    async def close(self) -> None:
        """End it."""


class Screening:
    """Passes messages to the screener while it can assess them in time."""

    def __init__(self, screener: Screener, pressure: Pressure) -> None:
        self._screener = screener
        self.pressure = pressure
        self._cores = os.cpu_count() or 2
        self._inside: Counter[str] = Counter()
        self._each_s = 0.0
        self._full: set[str] = set()
        """The lanes that had no room for their last message: it is logged once."""
        self._waits_for: set[asyncio.Future[AssessedMessage]] = set()

    @property
    def is_up(self) -> bool:
        """Whether messages are assessed before they are answered."""
        return self._screener.is_up

    def begin(
        self, sent: IncomingMessage, before: Sequence[Turn], state: ConversationState = BEGINNING
    ) -> asyncio.Future[AssessedMessage] | None:
        """Start to assess a message; a button has a fixed assessment.

        `before` are the turns, and `state` the state of the conversation, before the message.
        Returns None where it would not be assessed in time.
        """
        lane = LONG if len(sent.text) > SHORT_CHARACTERS else SHORT
        return self._begin(sent, ScreeningTask(sent.text, tuple(before), state), lane)

    def begin_spare(
        self, sent: IncomingMessage, before: Sequence[Turn], state: ConversationState = BEGINNING
    ) -> asyncio.Future[AssessedMessage] | None:
        """Start to assess a message over the limit, which holds up no other; None as above."""
        task = ScreeningTask(sent.text, tuple(before), state, is_answered=False)
        return self._begin(sent, task, SPARE)

    def known(self, sent: IncomingMessage) -> asyncio.Future[AssessedMessage] | None:
        """Return the assessment of a button or of a message without a word; None for any other."""
        if sent.choice is not None:
            return _known(assessment_of_choice(sent.choice) or NO_RISK)
        return None if sent.text.strip() else _known(NO_RISK)

    async def result(
        self, begun: asyncio.Future[AssessedMessage] | None, within_s: float
    ) -> AssessedMessage | None:
        """Return the assessment, or None if there is none in time. Never raises."""
        if begun is None:
            return None
        await asyncio.wait({begun}, timeout=within_s)
        if not begun.done():
            log.error("screening.late")
            return None
        if error := begun.exception():
            log.error("screening.failed", error=type(error).__name__)
            return None
        return begun.result()

    async def close(self) -> None:
        """End the screener."""
        await self._screener.close()

    def _begin(
        self, sent: IncomingMessage, task: ScreeningTask, lane: str
    ) -> asyncio.Future[AssessedMessage] | None:
        if (known := self.known(sent)) is not None:
            return known
        if not self._screener.is_up or not self._has_room(lane):
            if lane not in self._full:
                self._full.add(lane)
                log.warning("screening.no_room", lane=lane)
            return None
        self._full.discard(lane)
        self._inside[lane] += 1
        begun = asyncio.ensure_future(self._screen(task, lane))
        begun.add_done_callback(lambda _begun: self._inside.subtract([lane]))
        # Nothing may be waiting for it any more: its exception is then read by no one else.
        self._waits_for.add(begun)
        begun.add_done_callback(self._forget)
        return begun

    def _has_room(self, lane: str) -> bool:
        waits_s = self._inside[SHORT] * self._each_s / self._cores
        is_soon = lane != SHORT or waits_s <= MOST_WAIT_S
        return is_soon and self._inside[lane] < ROOM[lane]

    async def _screen(self, task: ScreeningTask, lane: str) -> AssessedMessage:
        assessed, took_s = await self._screener.screen(task, lane)
        if lane == SHORT:
            self._each_s = _OLD * self._each_s + _NEW * took_s
        return assessed

    def _forget(self, done: asyncio.Future[AssessedMessage]) -> None:
        self._waits_for.discard(done)
        if not done.cancelled():
            done.exception()


def _known(assessment: Assessment) -> asyncio.Future[AssessedMessage]:
    known: asyncio.Future[AssessedMessage] = asyncio.get_running_loop().create_future()
    known.set_result(AssessedMessage(assessment, None))
    return known
