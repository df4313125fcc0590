"""The case worker: turns each row of the hand-off mailbox into case, alert and audit event.

One transaction a row: what it writes, and that the row is done, are on record together or neither
is. Several workers may run. The rows of one conversation are taken in order: a worker locks the
first that waits while it works on it, and another leaves the conversation alone meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.escalation import (
    CallbackLeft,
    Escalation,
    Handoff,
    LetterboxClosed,
    LetterboxOpened,
    LiveChatChange,
)
from staff.cases.recording import NoCaseYetError, record_callback, record_message
from staff.letterbox.recording import record_letterbox
from staff.live.recording import record_live_chat
from staff.loops import Beats, Loop
from storage import handoffs
from storage.engine import AWAY, READING, is_away
from storage.handoffs import HandoffListener
from storage.vault import Vault, VaultError

PAGE = 500
"""Rows of the mailbox that are listed at a time."""
BATCH = 50
"""Rows that are done before the thread beats again and the alerts are looked at."""
SOON_S, RARELY_S = 5.0, 60.0
"""The longest time before a row is tried again, in seconds: one whose case may come any moment, and
one that a person has to look at."""
REPORT_AFTER_S = 60.0
"""Seconds after which a person should look why the case of a row has not come."""
PAUSE_S = 0.005
"""Seconds between two rows on SQLite, which has one write lock and no queue for it: the gateway
that appends must get its turn."""
UNASSESSED_S = 300.0
"""After so long without any assessment, a row that waited as long is recorded as a concern."""
HOLDS_TRIES = 5
"""How often a row that could not be locked in time holds up its conversation."""
WITHOUT_CASE, UNREADABLE = "handoff.without_case", "handoff.unreadable"
NOT_RECORDED = "handoff.not_recorded"
"""Events of the log that a person has to look at (docs/runbook.md)."""
log = structlog.get_logger("cases.worker")


class UnreadableHandoffError(Exception):
    """A row cannot be opened; carries the name of the error alone."""


class TakenRow(Enum):
    """The result of trying to take a row."""

    DONE = "done"
    ELSEWHERE = "elsewhere"
    """Another worker has it, or has done it."""
    STAYS = "stays"
    """It cannot be taken now; later rows can."""
    HOLDS = "holds"
    """It cannot be taken now, and later rows of its conversation wait for it."""


@dataclass
class StuckRow:
    """A row that could not be taken; times are by the clock of the worker."""

    conversation_id: str
    since: float
    tries: int = 0
    not_before: float = 0.0
    holds: bool = False
    is_reported: bool = False


class CaseWorker:
    """Takes the rows of the mailbox. Not thread-safe."""

    def __init__(
        self,
        engine: Engine,
        ring: Vault,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
        assessing_idle_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`now` gives the time that goes on record; `clock` measures how long a row is stuck.

        `assessing_idle_s` tells for how long no message that waits was assessed.
        """
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = ring
        self._now = now
        self._clock = clock
        self._assessing_idle_s = assessing_idle_s
        self._stuck: dict[int, StuckRow] = {}

    def work(self, at_most: int = BATCH) -> int:
        """Take the rows that wait, in order, up to `at_most`; return the number that are done.

        A row that cannot be opened, or has no case yet, stays and is reported once. Raises
        SQLAlchemyError when the database is away.
        """
        done, after = 0, 0
        others: set[str] = set()
        listed: set[int] = set()
        while done < at_most and (page := self._page(after)):
            after = page[-1][0]
            listed.update(number for number, _ in page)
            for number, conversation_id in page:
                if conversation_id in others:
                    continue
                taken = self._next(number, conversation_id)
                if taken in {TakenRow.ELSEWHERE, TakenRow.HOLDS}:
                    others.add(conversation_id)
                done += taken is TakenRow.DONE
                if done == at_most:
                    return done
                if taken is TakenRow.DONE and self._engine.dialect.name == "sqlite":
                    time.sleep(PAUSE_S)
        if done < at_most:
            # A row that is not listed any more was done by another worker, or disposed of.
            self._stuck = {number: row for number, row in self._stuck.items() if number in listed}
        return done

    def work_off(self) -> int:
        """Take all rows, for a command that needs them on record; return how many still wait."""
        while self.work():
            for row in self._stuck.values():
                row.not_before = 0.0
        with self._reading.connect() as connection:
            figures = handoffs.figures(connection)
        return figures.waiting + figures.unassessed

    def _page(self, after: int) -> list[tuple[int, str]]:
        with self._reading.connect() as connection:
            return handoffs.waiting(connection, after, PAGE, unassessed_before=self._given_up())

    def _given_up(self) -> datetime | None:
        """Return the time before which unassessed rows count as concerns; None: they all wait."""
        if self._assessing_idle_s() < UNASSESSED_S:
            return None
        return self._now() - timedelta(seconds=UNASSESSED_S)

    def _next(self, number: int, conversation_id: str) -> TakenRow:
        stuck = self._stuck.get(number)
        if stuck is not None and stuck.not_before > self._clock():
            return TakenRow.HOLDS if stuck.holds else TakenRow.STAYS
        try:
            with self._engine.begin() as connection:
                taken = self._take(connection, number)
        except NoCaseYetError as error:
            taken = self._stays(number, conversation_id, WITHOUT_CASE, type(error).__name__)
        except UnreadableHandoffError as error:
            taken = self._stays(number, conversation_id, UNREADABLE, str(error))
        except AWAY as error:
            taken = self._held_up(number, conversation_id, error)
        except Exception as error:  # noqa: BLE001 - the other rows must go on
            taken = self._stays(number, conversation_id, NOT_RECORDED, type(error).__name__)
        if taken is TakenRow.DONE:
            self._stuck.pop(number, None)
            self._try_again(conversation_id)
        return taken

    def _take(self, connection: Connection, number: int) -> TakenRow:
        row = handoffs.claim(connection, number)
        if row is None:
            return TakenRow.ELSEWHERE
        handoff, at = self._opened(row), self._now()
        if isinstance(handoff, Escalation):
            if handoff.is_assessed:
                handoffs.supersede(connection, handoff, number, at)
            record_message(connection, self._ring, handoff, at)
        elif isinstance(handoff, (LetterboxOpened, LetterboxClosed)):
            record_letterbox(connection, handoff, at)
        elif isinstance(handoff, LiveChatChange):
            record_live_chat(connection, handoff, at)
        elif not _is_overtaken(connection, handoff, row):
            record_callback(connection, self._ring, handoff, at)
        handoffs.mark_done(connection, number, at)
        return TakenRow.DONE

    def _opened(self, row: RowMapping) -> Handoff:
        try:
            return handoffs.opened(row, self._ring)
        except (VaultError, ValueError, KeyError, TypeError) as error:
            raise UnreadableHandoffError(type(error).__name__) from None

    def _held_up(self, number: int, conversation_id: str, error: SQLAlchemyError) -> TakenRow:
        """Leave a row for later that others hold up. Raises `error` when the database is away."""
        # Another row is first in the next round, so that none holds up all the rest.
        stuck = self._postpone(number, conversation_id, SOON_S)
        if is_away(error):
            raise error
        stuck.holds = stuck.tries < HOLDS_TRIES
        cause = type(getattr(error, "orig", None)).__name__
        log.warning("handoff.held_up", number=number, error=cause)
        return TakenRow.HOLDS if stuck.holds else TakenRow.STAYS

    def _stays(self, number: int, conversation_id: str, event: str, kind: str) -> TakenRow:
        waits_for_case = event == WITHOUT_CASE
        stuck = self._postpone(number, conversation_id, SOON_S if waits_for_case else RARELY_S)
        stuck.holds = False
        late = self._clock() - stuck.since >= REPORT_AFTER_S
        if not stuck.is_reported and (late or not waits_for_case):
            stuck.is_reported = True
            log.error(event, number=number, error=kind)
        return TakenRow.STAYS

    def _postpone(self, number: int, conversation_id: str, at_most_s: float) -> StuckRow:
        stuck = self._stuck.setdefault(number, StuckRow(conversation_id, self._clock()))
        stuck.not_before = self._clock() + min(2.0**stuck.tries, at_most_s)
        stuck.tries += 1
        return stuck

    def _try_again(self, conversation_id: str) -> None:
        """Try the stuck rows of this conversation in the next round: its case may be there now."""
        for row in self._stuck.values():
            if row.conversation_id == conversation_id:
                row.not_before = 0.0


class CaseWorkerLoop(Loop):
    """The thread of the dispatcher in which the case worker works."""

    def __init__(self, worker: CaseWorker, listener: HandoffListener, beats: Beats) -> None:
        super().__init__("cases", beats)
        self._worker = worker
        self._listener = listener

    def once(self) -> int:
        """Take a batch of rows; return the number that are done."""
        return self._worker.work()

    def rest(self, stop: threading.Event) -> None:
        """Wait until a row is appended."""
        self._listener.wait(stop)


def _is_overtaken(connection: Connection, change: Handoff, row: RowMapping) -> bool:
    """Return whether a later change of the same call-back is on record already.

    A withdrawn call-back is not kept, even where the row that left it is seen only afterwards.
    """
    if isinstance(change, CallbackLeft):
        return handoffs.callback_changed_since(connection, row)
    return handoffs.callback_left_since(connection, row)
