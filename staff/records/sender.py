"""Hands the events of the outbox to the system of records, on a thread of the dispatcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.loops import Beats, ClaimingLoop
from staff.records import queue
from staff.records.adapters.adapter import Adapter
from staff.records.event import NotTakenError, RecordEvent
from staff.records.settings import RecordSettings
from staff.records.words import with_words
from storage.vault import Vault

BATCH = 20
STEADY_S = queue.LEASE.total_seconds() / 3
"""Seconds after which the rest of a batch is given back, long before its claim ends."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
"""Seconds without an attempt after a failure that is not the event's own: the system is away."""
log = structlog.get_logger("records")


class RecordSender(ClaimingLoop):
    """Sends what is due. Several dispatchers may send at once."""

    def __init__(
        self,
        engine: Engine,
        ring: Vault,
        settings: RecordSettings,
        adapter: Adapter,
        beats: Beats,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`adapter` is used by no other thread. `clock` measures how long the system rests."""
        super().__init__("records", beats, engine, queue.release)
        self._ring = ring
        self._settings = settings
        self._adapter = adapter
        self._now = now
        self._clock = clock
        self._failures = 0
        """Failures in a row that no event is to blame for."""
        self._not_before = 0.0

    def is_due(self) -> bool:
        """Return whether an event is due and the system is not resting."""
        if self._clock() < self._not_before:
            return False
        with self._reading.connect() as connection:
            return queue.is_due(connection, self._now())

    def send_batch(self, by: str) -> int:
        """Claim a batch and send it; return how many were sent or given up."""
        started, done = self._clock(), 0
        with self._engine.begin() as connection:
            batch = queue.claim(connection, self._settings, by, self._now(), BATCH)
        for event in batch:
            if self._clock() - started > STEADY_S or not self._send(event, by):
                self.give_back(by)
                break
            done += 1
            self._beats.beat(self.name)
        return done

    def _send(self, event: RecordEvent, by: str) -> bool:
        """Send one event; return whether others may be tried at once."""
        whole = self._with_words(event)
        try:
            self._hand_over(whole)
        except NotTakenError as error:
            self.note(partial(self._failed, event, by, error, self._now()))
            if error.for_good:
                return True
            self._failures += 1
            rest = FIRST_REST_S * (1 << min(self._failures - 1, 20))
            self._not_before = self._clock() + min(rest, LONGEST_REST_S)
            return False
        self._failures = 0
        self.note(partial(self._sent, event, by, self._now()))
        return True

    def _hand_over(self, event: RecordEvent) -> None:
        try:
            self._adapter(event)
        except NotTakenError:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter's mistake must not end the thread
            raise NotTakenError(type(error).__name__) from None

    def _with_words(self, event: RecordEvent) -> RecordEvent:
        if not self._settings.words:
            return event
        with self._engine.begin() as connection:
            return with_words(connection, self._ring, event, self._settings.system, self._now())

    def _sent(self, event: RecordEvent, by: str, at: datetime) -> None:
        with self._engine.begin() as connection:
            queue.mark_sent(connection, event, by, at)
        log.info("record.sent", number=event.number, event_kind=event.kind)

    def _failed(self, event: RecordEvent, by: str, error: NotTakenError, at: datetime) -> None:
        with self._engine.begin() as connection:
            is_dead = queue.mark_failed(connection, event, by, error, at)
        say = log.error if is_dead else log.warning
        about = {"number": event.number, "attempts": event.attempts + 1, "error": error.kind}
        say("record.given_up" if is_dead else "record.not_taken", **about)
