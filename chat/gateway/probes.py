"""Probes for /readyz: of the action server, and of the database's pages.

Answering a message shows the gateway neither fault: only Rasa calls the action server, and a
damaged page is noticed only when it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import httpx
import structlog

from chat.gateway.recorder import BoundedPool, LateError
from storage.integrity import PageState

PROBE_S = 2.0
"""Seconds after which an action server that has not answered is down, and after which the caller no
longer waits for the check of the pages."""
KEPT_S = 1.0
"""Seconds for which an answer of the action server counts: several may ask at once."""
PAGES_EVERY_S = 600.0
"""Seconds between two looks at the pages: each reads all of a SQLite file."""
log = structlog.get_logger("gateway.probes")


class Probes:
    """Probes on request, and keeps the answers for a while."""

    def __init__(
        self, actions_url: str | None, page_state: Callable[[], PageState], pool: BoundedPool
    ) -> None:
        """`page_state` may take long; it runs in a thread of `pool`.

        `actions_url` is None where no action server is used.
        """
        self._health = f"{actions_url}/health" if actions_url else None
        self._http = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 - bounded below
        self._one_at_a_time = asyncio.Lock()
        self._actions_up = False
        self._ask_at = 0.0
        self._page_state = page_state
        self._pool = pool
        self._pages = PageState.UNCHECKED
        self._look_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def ask(self) -> tuple[bool | None, PageState]:
        """Return whether the action server answers, and what the last look at the pages found.

        Where no action server is used, the first is None.
        """
        actions, pages = await asyncio.gather(self.actions_are_up(), self.pages())
        return actions, pages

    async def actions_are_up(self) -> bool | None:
        """Return whether the action server answers, within PROBE_S seconds; None without one."""
        if self._health is None:
            return None
        async with self._one_at_a_time:
            if monotonic() >= self._ask_at:
                self._actions_up = await self._ask_actions(self._health)
                self._ask_at = monotonic() + KEPT_S
            return self._actions_up

    async def pages(self) -> PageState:
        """Return what the last look at the pages found, within PROBE_S seconds.

        A look that is due begins now; what it finds late counts the next time.
        """
        if self._looking is None and monotonic() >= self._look_at:
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=PROBE_S)
        return self._pages

    async def close(self) -> None:
        """Close the connection."""
        if self._looking is not None:
            self._looking.cancel()
        await self._http.aclose()

    async def _ask_actions(self, health: str) -> bool:
        try:
            async with asyncio.timeout(PROBE_S):
                return (await self._http.get(health)).is_success
        except (TimeoutError, httpx.HTTPError):
            return False

    async def _look(self) -> None:
        try:
            self._pages = await self._pool.run(None, self._page_state)
        except LateError:
            return  # the threads are busy: the next one who asks tries again
        finally:
            self._looking = None
        self._look_at = monotonic() + PAGES_EVERY_S
        if self._pages is PageState.CORRUPT:
            log.critical("database.corrupt")
