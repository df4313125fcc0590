"""Lanes: threads for one kind of work that may hang, so that it holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class LateError(Exception):
    """The work was not done in time, or there was no room for it."""


class BoundedPool:
    """A few threads and a short queue. Nobody waits long for work that hangs, and work that has
    not begun by then is dropped: hanging work costs these threads and no more."""

    def __init__(self, name: str, *, threads: int, room: int) -> None:
        """Take at most `room` pieces of work at once, those in the threads included."""
        self._threads = ThreadPoolExecutor(threads, name)
        self._room = room
        self._inside: set[Future[Any]] = set()

    async def run(
        self, within_s: float | None, work: Callable[..., Result], *arguments: Any
    ) -> Result:
        """What `work` returns. Raises what it raises, and LateError; None waits for ever.

        Work that is late but has begun goes on, and may still succeed.
        """
        self._inside = {future for future in self._inside if not future.done()}
        if len(self._inside) >= self._room:
            raise LateError
        begun = self._threads.submit(work, *arguments)
        self._inside.add(begun)
        done = asyncio.wrap_future(begun)
        # Not `wait_for`: it would cancel a thread that cannot be cancelled, and forget it.
        await asyncio.wait({done}, timeout=within_s)
        if done.done():
            return done.result()
        done.add_done_callback(_forget_error)
        begun.cancel()
        raise LateError

    def close(self) -> None:
        """Let no more work in, and wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _forget_error(done: asyncio.Future[Any]) -> None:
    """Take note of a late failure: it was given up already."""
    if not done.cancelled():
        done.exception()
