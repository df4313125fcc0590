"""The assessment worker: assesses messages for which the gateway had no time (docs/adr/0046).

They wait in the hand-off mailbox, also across restarts. The most alarming at first sight come
first. What shows a risk becomes part of a case with its true severity; the rest is deleted. Several
workers may run: what one has settled, another finds gone.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import AssessedMessage, Assessment
from safeguarding.screening.process import SHORT, ScreeningAwayError, ScreeningFailedError
from safeguarding.screening.task import BEGINNING, ScreeningTask
from safeguarding.taxonomy import Severity
from staff.alerts.loops import Beats, Loop
from staff.cases.recording import ESCALATE_FROM, NoCaseYetError, record_message
from storage import handoffs
from storage.engine import READING
from storage.vault import Vault, VaultError

GRACE = timedelta(seconds=2)
"""How long a row waits first: the gateway may still finish the assessment that it began."""
PAGE = 500
"""Rows that are read at a time."""
TOGETHER = 20
"""Harmless messages that are settled in one transaction."""
AT_ONCE = 8
"""Messages that are with the screening process at once, so that it never has to wait for one."""
LISTED = 100_000
"""Rows whose numbers are listed at a time."""
LOOK_S, ROUND_S = 10.0, 5.0
"""The longest times, in seconds, that one round looks at new rows and assesses, before the thread
beats again."""
START_S = 20.0
"""How long a round waits for the screening process to be ready, in seconds."""
IDLE_S = 300.0
"""Seconds without work after which the screening process, and its memory, is given back."""
MOST_TRIES = 3
"""How often a message may be on its way when the process goes away: it may be what ends it."""
FAILED, UNREADABLE = "failed", "handoff.unreadable"
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

    def alarms(self, texts: Sequence[str]) -> Awaitable[Sequence[float]]:
        """Return how alarming each text looks at first sight."""

    async def close(self) -> None:
        """End it."""


@dataclass(order=True)
class WaitingMessage:
    """A row that waits, in the order of the work."""

    rank: tuple[float, float]
    """The more alarming, the smaller; then by chance, so that two workers seldom meet."""
    number: int
    tries: int = 0


@dataclass(frozen=True)
class AssessedRow:
    """A row whose message is assessed."""

    number: int
    handoff: Escalation
    """As it waited."""
    result: Escalation
    """As it goes on record."""


class AssessmentWorker:
    """Assesses rows of the mailbox that are not assessed yet. For one thread."""

    def __init__(
        self,
        engine: Engine,
        ring: Vault,
        screener: Callable[[], Screener],
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`screener` makes the screening process, which is started when there is work for it."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = ring
        self._make = screener
        self._now = now
        self._clock = clock
        self._loop = asyncio.Runner()
        self._screener: Screener | None = None
        self._waiting: list[WaitingMessage] = []
        self._known: set[int] = set()
        self._used_at = self._well_at = clock()

    @property
    def idle_s(self) -> float:
        """Seconds since it last settled a row, or had nothing to do."""
        return self._clock() - self._well_at

    def work(self) -> int:
        """Assess for some seconds at most; return the number of rows that are settled.

        Raises SQLAlchemyError when the database is away.
        """
        new = self._new_rows()
        if new or self._waiting:
            self._used_at = self._clock()
            return self._loop.run(self._round(new))
        self._well_at = self._clock()
        if self._screener is not None and self._clock() - self._used_at > IDLE_S:
            self._loop.run(self._give_back())
        return 0

    def close(self) -> None:
        """End the screening process."""
        self._loop.run(self._give_back())
        self._loop.close()

    def _new_rows(self) -> list[tuple[int, str]]:
        """Return numbers and texts of rows that were not looked at yet, up to a page of them."""
        with self._reading.connect() as connection:
            listed = handoffs.unassessed(connection, self._now() - GRACE, LISTED)
            # What another worker settled, or was disposed of, is not listed any more.
            self._known.intersection_update(listed)
            new = [number for number in listed if number not in self._known][:PAGE]
            rows = [(number, handoffs.read(connection, number)) for number in new]
        opened = [(number, self._opened(number, row)) for number, row in rows]
        self._known.update(new)
        return [(number, handoff.text) for number, handoff in opened if handoff is not None]

    def _opened(self, number: int, row: RowMapping | None) -> Escalation | None:
        """Return the message of a row; None where it is gone, or cannot be opened."""
        if row is None:
            return None
        try:
            handoff = handoffs.opened(row, self._ring)
        except (VaultError, ValueError, KeyError, TypeError) as error:
            log.error(UNREADABLE, number=number, error=type(error).__name__)  # noqa: TRY400
            return None
        return handoff if isinstance(handoff, Escalation) else None

    async def _round(self, new: list[tuple[int, str]]) -> int:
        if self._screener is None:
            self._screener = self._make()
        screener = self._screener
        if not screener.is_up and not await screener.start(START_S):
            # They are looked at again in the next round.
            self._known.difference_update(number for number, _ in new)
            return 0
        look_until = self._clock() + LOOK_S
        while new:
            await self._rank(screener, new)
            new = self._new_rows() if self._clock() < look_until else []
        return await self._work_off(screener)

    async def _work_off(self, screener: Screener) -> int:
        """Assess and settle what waits, for a while; return how many rows are settled."""
        until, settled = self._clock() + ROUND_S, 0
        under_way: set[asyncio.Task[AssessedRow | None]] = set()
        harmless: list[AssessedRow] = []
        while under_way or (self._waiting and self._clock() < until):
            while self._waiting and len(under_way) < AT_ONCE and self._clock() < until:
                one = heapq.heappop(self._waiting)
                under_way.add(asyncio.create_task(self._assess(screener, one)))
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for row in filter(None, (task.result() for task in done)):
                if row.result.assessment.severity >= ESCALATE_FROM:
                    settled += self._settle([row])
                else:
                    harmless.append(row)
            if len(harmless) >= TOGETHER:
                settled += self._settle(harmless)
                harmless = []
            if not screener.is_up:
                until = 0.0
        return settled + self._settle(harmless)

    async def _rank(self, screener: Screener, new: list[tuple[int, str]]) -> None:
        try:
            alarms = await screener.alarms([text for _, text in new])
        except (ScreeningAwayError, ScreeningFailedError) as error:
            log.warning("assessing.unranked", error=type(error).__name__)
            alarms = [0.0] * len(new)
        for (number, _), alarm in zip(new, alarms, strict=True):
            rank = (-float(round(alarm)), random.random())  # noqa: S311 - only spreads the work
            heapq.heappush(self._waiting, WaitingMessage(rank, number))

    async def _assess(self, screener: Screener, waiting: WaitingMessage) -> AssessedRow | None:
        """Assess one row; None where it is gone, or has to be tried again."""
        try:
            with self._reading.connect() as connection:
                row = handoffs.read(connection, waiting.number)
        except SQLAlchemyError as error:
            self._look_again([waiting.number], error)
            return None
        handoff = self._opened(waiting.number, row)
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
        except ScreeningFailedError as error:
            waiting.tries = MOST_TRIES
            log.error("assessing.failed", number=waiting.number, error=str(error))  # noqa: TRY400
        return None

    def _settle(self, rows: Sequence[AssessedRow]) -> int:
        """Settle rows in one transaction; return how many, none where the database is away."""
        try:
            with self._engine.begin() as connection:
                for row in rows:
                    self._settle_one(connection, row)
        except SQLAlchemyError as error:
            self._look_again([row.number for row in rows], error)
            return 0
        self._well_at = self._clock()
        return len(rows)

    def _settle_one(self, connection: Connection, row: AssessedRow) -> None:
        """Record a message if it is for staff, and delete the words of its row."""
        if handoffs.claim(connection, row.number) is None:
            # Who holds it may fail: if it still waits, it is looked at again in the next round.
            self._known.discard(row.number)
            return
        try:
            record_message(connection, self._ring, row.result, self._now())
        except NoCaseYetError:
            if not _belongs_to_a_case(row.handoff):
                handoffs.drop(connection, row.number)
                return
            # Its case is still on the way: the case worker waits for it.
            handoffs.add(connection, row.result, self._ring)
        handoffs.mark_done(connection, row.number, self._now())

    def _look_again(self, numbers: Iterable[int], error: SQLAlchemyError) -> None:
        """Look at these rows again in a later round: the database failed."""
        self._known.difference_update(numbers)
        log.warning("assessing.no_database", error=type(error).__name__)

    async def _give_back(self) -> None:
        screener, self._screener = self._screener, None
        if screener is not None:
            await screener.close()


class AssessmentLoop(Loop):
    """The thread of the dispatcher in which messages that wait are assessed."""

    def __init__(self, worker: AssessmentWorker, beats: Beats) -> None:
        super().__init__("assessing", beats)
        self._worker = worker

    def once(self) -> int:
        """Assess what waits; return the number of rows that are settled."""
        return self._worker.work()

    def join(self, within_s: float) -> None:
        """Wait for the end of the thread, and end its screening process."""
        super().join(within_s)
        if not self.is_alive:
            self._worker.close()


def _task(handoff: Escalation) -> ScreeningTask:
    state = BEGINNING
    if handoff.state is not None:
        state = ConversationState.from_record(handoff.state)
    return ScreeningTask(handoff.text, handoff.turns_before, state, is_answered=False)


def _belongs_to_a_case(handoff: Escalation) -> bool:
    """Return whether its conversation was handed over before."""
    return Severity.named((handoff.state or {}).get("severity", "none")) >= ESCALATE_FROM


def _result(handoff: Escalation, found: Assessment | None) -> Escalation:
    """Return the message as it goes on record.

    Without an assessment it stays what it is: a concern that a person has to read.
    """
    if found is None:
        return replace(handoff, extra={**handoff.extra, "assessed_later": FAILED}, state=None)
    return handoff.assessed(found)
