"""Watches for changes on behalf of every open page, and asks the database only while one waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

Mark = TypeVar("Mark")
"""What the database answers: a value that differs once anything has changed."""
log = structlog.get_logger("web.changes")


class ChangeWatch(Generic[Mark]):
    """Polls for the newest mark while at least one page waits. It belongs to one event loop."""

    def __init__(
        self,
        newest: Callable[[], Mark],
        every_s: float,
        is_news: Callable[[Mark, Mark], bool],
    ) -> None:
        """`newest` asks the database, every `every_s` seconds.

        `is_news` compares what a page has seen with the newest mark: `operator.lt` for numbers that
        grow, `operator.ne` where any other mark is news.
        """
        self._ask = newest
        self._every_s = every_s
        self._is_news = is_news
        self._newest: Mark | None = None
        self._waiting = 0
        self._changed = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self.stopped = False

    async def after(self, seen: Mark, within_s: float) -> Mark:
        """Return the newest mark as soon as it is news to who has `seen` that one.

        After `within_s` seconds, or if the server stops, return what is known: `seen` if the
        database has not answered.
        """
        self._waiting += 1
        if self._polling is None or self._polling.done():
            # What was known before the pause is old: a page must not be told of it.
            self._newest = None
            self._polling = asyncio.create_task(self._poll())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while not self.stopped:
                        if self._newest is not None and self._is_news(seen, self._newest):
                            break
                        await self._changed.wait()
            return seen if self._newest is None else self._newest
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Release every page that waits, because the server stops."""
        self.stopped = True
        self._wake()

    async def _poll(self) -> None:
        while self._waiting and not self.stopped:
            try:
                newest = await asyncio.to_thread(self._ask)
            except SQLAlchemyError as error:
                log.warning("changes.unknown", error=type(error).__name__)
            else:
                if newest != self._newest:
                    self._newest = newest
                    self._wake()
            await asyncio.sleep(self._every_s)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
