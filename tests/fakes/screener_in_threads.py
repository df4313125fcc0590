"""Screens in threads of the test itself, in place of the screening process."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from safeguarding.risk.assessment import AssessedMessage
from safeguarding.screening.lanes import LONG, SHORT, SPARE
from safeguarding.screening.screener import MessageScreener
from safeguarding.screening.task import ScreeningTask


class ScreenerInThreads:
    """Does the work of the screening process; `is_up` may be set to False."""

    def __init__(self, screener: MessageScreener) -> None:
        self.is_up = True
        self._screener = screener
        self._lanes = {name: ThreadPoolExecutor(2, name) for name in (SHORT, LONG, SPARE)}

    async def start(self, _within_s: float) -> bool:
        """Return whether it is up."""
        return self.is_up

    async def screen(self, task: ScreeningTask, lane: str) -> tuple[AssessedMessage, float]:
        """Return the assessment of a message, and the seconds that it took."""
        started, loop = time.monotonic(), asyncio.get_running_loop()
        found = await loop.run_in_executor(self._lanes[lane], self._screener.screen, task)
        return found, time.monotonic() - started

    async def close(self) -> None:
        """Take no new work."""
        for threads in self._lanes.values():
            threads.shutdown(wait=False)
