"""The assessment worker: assesses messages for which the gateway had no time (docs/adr/0046).

They wait in the hand-off mailbox, also across restarts. The most alarming at first sight come
first. What shows a risk becomes part of a case with its true severity; the rest is deleted. Several
workers may run: what one has settled, another finds gone. A worker of its own does the same with
what waits in the spool while the database is away (staff/cases/spooled_unassessed.py).
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import AssessedMessage, Assessment
from safeguarding.screening.lanes import SHORT
from safeguarding.screening.process import ScreeningAwayError, ScreeningFailedError
from safeguarding.screening.task import BEGINNING, Glimpse, ScreeningTask
from staff.cases.found_messages import HELD_S, FoundMessages
from staff.cases.spooled_unassessed import SpooledMessages
from staff.cases.unassessed import AssessedRow, UnassessedMessages, UnassessedRows
from staff.loops import Beats, Loop
from storage.spool import Spool
from storage.vault import Vault

RANKED, LOOKED_AT = 100, 20_000
"""Messages that are ranked at a time, and characters of each that are looked at."""
AT_ONCE = 16
"""Messages that are with the screening process at once, so that it never has to wait for one: also
not while others are settled, for which the database may take its time."""
LOOK_S, ROUND_S = 10.0, 5.0
"""The longest times, in seconds, that one round looks at new rows and assesses, before the thread
beats again."""
START_S = 20.0
"""How long a round waits for the screening process to be ready, in seconds."""
IDLE_S = 300.0
"""Seconds without work after which the screening process, and its memory, is given back."""
MOST_TRIES = 3
"""How often a message may be on its way when the process goes away: it may be what ends it."""
FAILED = "failed"
log = structlog.get_logger("cases.assessing")


class Screener(Protocol):
    """The screening process."""

    @property
    def is_up(self) -> bool:
        """Whether it takes messages now."""

    async def start(self, within_s: float) -> bool:
        """Start it; return whether it is ready."""

    def screen(self, task: ScreeningTask, lane: str) -> Awaitable[tuple[AssessedMessage, float]]:
        """Return the assessment of a message and its seconds."""

    def alarms(self, glimpses: Sequence[Glimpse]) -> Awaitable[Sequence[float]]:
        """Return how alarming each message looks at first sight."""

    async def close(self) -> None:
        """End it."""


@dataclass(order=True)
class WaitingMessage:
    """A message that waits, in the order of the work."""

    rank: tuple[float, float]
    """The more alarming, the smaller; then by chance, so that two workers seldom meet."""
    number: int
    tries: int = 0


class AssessmentWorker:
    """Assesses messages that are not assessed yet. For one thread."""

    def __init__(
        self,
        rows: UnassessedMessages,
        screener: Callable[[], Screener],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`screener` makes the screening process, which is started when there is work for it."""
        self._rows = rows
        self._make = screener
        self._clock = clock
        self._loop = asyncio.Runner()
        self._screener: Screener | None = None
        self._waiting: list[WaitingMessage] = []
        self._is_alone = False
        """Whether a message that was on its way before is with the process."""
        self._away: SQLAlchemyError | None = None
        """Why the database was found away in this round: a frozen one is not asked again."""
        self._used_at = clock()

    @classmethod
    def of_mailbox(
        cls, engine: Engine, ring: Vault, screener: Callable[[], Screener]
    ) -> AssessmentWorker:
        """Return a worker on the rows of the mailbox."""
        return cls(UnassessedRows(engine, ring), screener)

    @classmethod
    def of_spool(cls, spool: Spool, screener: Callable[[], Screener]) -> AssessmentWorker:
        """Return a worker on the files of the spool. It never waits for the database."""
        return cls(SpooledMessages(spool), screener)

    @property
    def idle_s(self) -> float:
        """Seconds since it last settled a row, or had nothing to do."""
        return self._clock() - self._rows.settled_at

    def work(self) -> int:
        """Assess for some seconds at most; return the number of rows that are settled.

        Raises SQLAlchemyError when the database is away.
        """
        new = self._rows.new()
        if new or self._waiting:
            self._used_at = self._clock()
            return self._loop.run(self._round(new))
        self._rows.settled_at = self._clock()
        if self._screener is not None and self._clock() - self._used_at > IDLE_S:
            self._loop.run(self._give_back())
        return 0

    def close(self) -> None:
        """End the screening process."""
        self._loop.run(self._give_back())
        self._loop.close()

    async def _round(self, new: list[tuple[int, Escalation]]) -> int:
        if self._screener is None:
            self._screener = self._make()
        screener = self._screener
        if not screener.is_up and not await screener.start(START_S):
            self._rows.look_again(number for number, _ in new)
            return 0
        look_until = self._clock() + LOOK_S
        while new:
            await self._rank(screener, new)
            new = self._rows.new() if self._clock() < look_until else []
        return await self._work_off(screener)

    async def _work_off(self, screener: Screener) -> int:
        """Assess and settle what waits, for a while; return how many rows are settled.

        Raises SQLAlchemyError when the database is away, after what is under way has ended.
        """
        until, settled, self._away = self._clock() + (ROUND_S if screener.is_up else 0.0), 0, None
        under_way: set[asyncio.Task[AssessedRow | None]] = set()
        found = FoundMessages(self._clock)
        while under_way or (self._waiting and self._clock() < until):
            while self._clock() < until and (one := self._next(len(under_way))):
                under_way.add(asyncio.create_task(self._assess(screener, one)))
            if not under_way:
                break
            done, under_way = await asyncio.wait(
                under_way, timeout=HELD_S, return_when=asyncio.FIRST_COMPLETED
            )
            settled += self._settle(done, found, is_last=not under_way)
            if not screener.is_up or self._away is not None:
                until = 0.0
        if self._away is not None:
            raise self._away
        return settled

    def _next(self, under_way: int) -> WaitingMessage | None:
        """Return the next message to assess, or None: one that was on its way before goes alone."""
        if not self._waiting or under_way >= AT_ONCE or self._is_alone:
            return None
        if self._waiting[0].tries and under_way:
            return None
        one = heapq.heappop(self._waiting)
        self._is_alone = one.tries > 0
        return one

    def _settle(
        self,
        done: Collection[asyncio.Task[AssessedRow | None]],
        found: FoundMessages,
        *,
        is_last: bool,
    ) -> int:
        """Settle what has ended: when there are some, or none is under way any more.

        While the database is away they are all looked at again.
        """
        if done:
            self._is_alone = False
        found.add(row for task in done if (row := task.result()))
        grave = found.grave(is_last=is_last or self._away is not None)
        harmless = found.harmless(is_last=is_last or self._away is not None)
        settled = 0
        try:
            if self._away is None and grave:
                settled += self._rows.settle_all(grave)
            if self._away is None and harmless:
                settled += self._rows.drop(harmless)
        except SQLAlchemyError as error:
            self._away = error
        if self._away is not None:
            self._rows.look_again(row.number for row in (*grave, *harmless))
        return settled

    async def _rank(self, screener: Screener, new: list[tuple[int, Escalation]]) -> None:
        """Put messages among those that wait. A minute of waiting counts as one log-odds."""
        minutes = self._clock() / 60
        for at in range(0, len(new), RANKED):
            some = new[at : at + RANKED]
            try:
                alarms = await screener.alarms([_glimpse(handoff) for _, handoff in some])
            except (ScreeningAwayError, ScreeningFailedError) as error:
                log.warning("assessing.unranked", error=type(error).__name__)
                alarms = [0.0] * len(some)
            for (number, _), alarm in zip(some, alarms, strict=True):
                by_chance = random.random()  # noqa: S311 - only spreads the work
                rank = (float(round(minutes - alarm)), by_chance)
                heapq.heappush(self._waiting, WaitingMessage(rank, number))

    async def _assess(self, screener: Screener, waiting: WaitingMessage) -> AssessedRow | None:
        """Assess one message; None where it is gone, or has to be tried again."""
        handoff = None
        try:
            if self._away is None:
                handoff = self._rows.read(waiting.number)
        except SQLAlchemyError as error:
            self._away = error
        if self._away is not None:
            self._rows.look_again([waiting.number])
        if handoff is None:
            return None
        found = await self._found(screener, handoff, waiting)
        if found is None and waiting.tries < MOST_TRIES:
            heapq.heappush(self._waiting, waiting)
            return None
        return AssessedRow(waiting.number, handoff, _result(handoff, found))

    async def _found(
        self, screener: Screener, handoff: Escalation, waiting: WaitingMessage
    ) -> Assessment | None:
        """Return the assessment of a message, or None and count a try."""
        try:
            return (await screener.screen(_task(handoff), SHORT))[0].assessment
        except ScreeningAwayError:
            waiting.tries += 1
            if waiting.tries == MOST_TRIES:
                log.error("assessing.gave_up", number=waiting.number)  # noqa: TRY400
        except Exception as error:  # noqa: BLE001 - one message must not hold up the others
            waiting.tries = MOST_TRIES
            kind = str(error) if isinstance(error, ScreeningFailedError) else type(error).__name__
            log.error("assessing.failed", number=waiting.number, error=kind)  # noqa: TRY400
        return None

    async def _give_back(self) -> None:
        screener, self._screener = self._screener, None
        if screener is not None:
            await screener.close()


class AssessmentLoop(Loop):
    """The thread of the dispatcher in which messages that wait are assessed."""

    def __init__(self, worker: AssessmentWorker, beats: Beats, name: str = "assessing") -> None:
        super().__init__(name, beats)
        self._worker = worker

    def once(self) -> int:
        """Assess what waits; return the number of rows that are settled."""
        return self._worker.work()

    def join(self, within_s: float) -> None:
        """Wait for the end of the thread, and end its screening process."""
        super().join(within_s)
        if not self.is_alive:
            self._worker.close()


def _glimpse(handoff: Escalation) -> Glimpse:
    asked = (handoff.state or {}).get("asked")
    return Glimpse(handoff.text[:LOOKED_AT], asked if isinstance(asked, str) else None)


def _task(handoff: Escalation) -> ScreeningTask:
    state = BEGINNING
    try:
        state = ConversationState.from_record(handoff.state or {})
    except (KeyError, TypeError, ValueError) as error:
        # A gateway of another release wrote it: the message is assessed without it.
        log.warning("assessing.no_state", error=type(error).__name__)
    return ScreeningTask(handoff.text, handoff.turns_before, state, is_answered=False)


def _result(handoff: Escalation, found: Assessment | None) -> Escalation:
    """Return the message as it goes on record.

    Without an assessment it stays what it is: a concern that a person has to read.
    """
    if found is None:
        return replace(handoff, extra={**handoff.extra, "assessed_later": FAILED}, state=None)
    return handoff.assessed(found)
