"""Writes an anchor of the audit trail every hour and at each immediate message (docs/adr/0050)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.audit.anchors import Anchor, is_kept, newest_anchor, write_anchor
from staff.audit.trail import has_immediate_message, last_link
from staff.loops import Beats, Loop
from storage.engine import READING

ANCHORED_EVERY = timedelta(hours=1)
AFTER_A_FAILURE_S = 60.0
"""Seconds before an anchor that could not be written is tried again."""
log = structlog.get_logger("dispatcher")


class Anchoring(Loop):
    """Writes an anchor of the audit trail every hour, and after each immediate message."""

    def __init__(
        self,
        engine: Engine,
        state_dir: Path,
        beats: Beats,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives the time of an anchor; `clock` measures the pause after a failure."""
        super().__init__("anchor", beats)
        self._now = now
        self._clock = clock
        self._reading = engine.execution_options(**READING)
        self._state_dir = state_dir
        self._last: Anchor | None = None
        self._looked_at = 0
        """The newest event when it last looked whether an anchor is due."""
        self._not_before = 0.0
        """By the clock."""

    def once(self) -> int:
        """Write an anchor if one is due. A disk that cannot be written delays nothing else."""
        now = self._now()
        if self._clock() < self._not_before:
            return 0
        try:
            if self._last is None:
                self._last = newest_anchor(self._state_dir)
                self._looked_at = self._last.number if self._last else 0
            with self._reading.connect() as connection:
                number, _ = last_link(connection)
                if self._is_due(connection, number, now):
                    self._anchor(connection, now)
            self._looked_at = number
        except OSError as error:
            self._not_before = self._clock() + AFTER_A_FAILURE_S
            log.critical("audit.not_anchored", error=type(error).__name__)
        return 0

    def _is_due(self, connection: Connection, number: int, now: datetime) -> bool:
        if number < self._looked_at:
            # The end of the trail was cut off.
            return True
        last = self._last.at if self._last else None
        # A time in the future is of a clock that has been set back since.
        if last is None or not now - ANCHORED_EVERY < last <= now:
            return number > 0
        return number > self._looked_at and has_immediate_message(connection, self._looked_at)

    def _anchor(self, connection: Connection, now: datetime) -> None:
        if self._last is not None and not is_kept(connection, self._last):
            log.critical("audit.anchor_broken", number=self._last.number)
        self._last = write_anchor(self._state_dir, connection, now) or self._last
