"""Tells when the gateway has more to do than it can: it then shows help at once, and no more."""

from __future__ import annotations

import asyncio
import time
from typing import NoReturn

EVERY_S = 0.05
"""How often the lag of the event loop is measured, in seconds."""
MOST_LAG_S = 0.5
"""The lag, in seconds, from which messages are not answered in full: each takes several turns of
the loop, and help must be there within two seconds."""
MOST_UNDER_WAY = 200
"""How many messages may be answered at once."""


class Pressure:
    """Measures how late the event loop is."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._lag_s = 0.0

    @property
    def lag_s(self) -> float:
        """How late the loop is, in seconds: as measured last, or by how much it is overdue now."""
        if self._asked_at is None:
            return 0.0
        return max(self._lag_s, time.monotonic() - self._asked_at - EVERY_S)

    def is_high(self, under_way: int) -> bool:
        """Return whether a message is to be met with help alone; `under_way` others are answered.

        It is handed over to be assessed later.
        """
        return under_way > MOST_UNDER_WAY or self.lag_s > MOST_LAG_S

    async def measure_forever(self) -> NoReturn:
        """Measure the lag, again and again."""
        while True:
            self._asked_at = time.monotonic()
            await asyncio.sleep(EVERY_S)
            self._lag_s = time.monotonic() - self._asked_at - EVERY_S
