"""Watches the audit trail for all open pages at once: its newest number grows with any change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

EVERY_S = 1.0
STILL_HERE_S = 15.0
"""So often a quiet stream says something, so that nothing between takes it for dead."""
log = structlog.get_logger("console.changes")


class Changes:
    """The number of the newest event: one look at the database a second, for all who wait."""

    def __init__(self, newest: Callable[[], int], every_s: float = EVERY_S) -> None:
        """`newest` asks the database; nobody asks while nobody waits."""
        self._newest = newest
        self._every_s = every_s
        self._known = 0
        self._waiting = 0
        self._grown = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.stopped = False

    async def after(self, seen: int, within_s: float = STILL_HERE_S) -> int:
        """The newest number as soon as it is above `seen`; after `within_s` whatever it is."""
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while self._known <= seen and not self.stopped:
                        await self._grown.wait()
            return self._known
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Let all go who wait: the server ends."""
        self.stopped = True
        self._tell()

    async def _look(self) -> None:
        while self._waiting and not self.stopped:
            try:
                newest = await asyncio.to_thread(self._newest)
            except SQLAlchemyError as error:
                log.warning("changes.unknown", error=type(error).__name__)
            else:
                if newest != self._known:
                    self._known = newest
                    self._tell()
            await asyncio.sleep(self._every_s)

    def _tell(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
