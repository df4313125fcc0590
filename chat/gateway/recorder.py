"""Keeps escalations before their answers leave: in the mailbox, on the spool, or in memory."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from chat.gateway.metrics import GatewayMetrics
from safeguarding.escalation import Escalation
from storage.handoffs import HandoffMailbox
from storage.spool import Spool

DRAIN_EVERY_S = 5.0
RETRY_EVERY_S = 1.0
FINISH_S = 15.0
TURNS = 8
"""Turns of the event loop until it learns of a record, at most. While the loop itself is late,
these turns do not make the mailbox count as late."""
MOST_AT_ONCE = 100
"""The most escalations that are appended in one transaction."""
Result = TypeVar("Result")
log = structlog.get_logger("gateway.recorder")


class LateError(Exception):
    """The work was not done in time, or there was no room for it."""


class BoundedPool:
    """A few threads and a short queue for one kind of work that may hang.

    Work that hangs costs these threads and no more: the caller stops waiting, and work that has not
    begun by then is dropped.
    """

    def __init__(self, name: str, *, threads: int, room: int) -> None:
        """Take at most `room` pieces of work at once, those in the threads included."""
        self._threads = ThreadPoolExecutor(threads, name)
        self._room = room
        self._inside: set[Future[Any]] = set()

    async def run(
        self, within_s: float | None, work: Callable[..., Result], *arguments: Any
    ) -> Result:
        """Return the result of `work`. Raises its exceptions, and LateError after `within_s`.

        With None it waits without limit. Work that has begun goes on when it is late, and may
        still succeed.
        """
        self._inside = {future for future in self._inside if not future.done()}
        if len(self._inside) >= self._room:
            raise LateError
        begun = self._threads.submit(work, *arguments)
        self._inside.add(begun)
        done = asyncio.wrap_future(begun)
        # asyncio would log an exception that is never read, and with it the words that it quotes:
        # that of late work, and of work whose caller was cancelled meanwhile.
        done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        # Not `wait_for`: it would cancel a thread that cannot be cancelled, and forget it.
        await asyncio.wait({done}, timeout=within_s)
        if done.done():
            return done.result()
        begun.cancel()
        raise LateError

    def close(self) -> None:
        """Take no more work, and wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Patience:
    """Times in seconds."""

    mailbox_s: float = 0.25
    """The longest wait for the mailbox; then the spool takes the record."""
    spool_s: float = 2.0
    """The longest wait for the spool; then the record is held in memory, and the answer leaves."""
    away_s: float = 5.0
    """How long a mailbox that was late is not tried again, so that not every message waits."""


class Recorder:
    """Keeps escalations in the hand-off mailbox, else on the spool, else in memory.

    What is in memory goes to one of the other two as soon as possible. Mailbox, spool and draining
    have threads of their own, so that a hang in one does not stop the others.
    """

    def __init__(
        self,
        mailbox: HandoffMailbox,
        spool: Spool,
        metrics: GatewayMetrics,
        patience: Patience | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._spool = spool
        self._metrics = metrics
        self._patience = patience or Patience()
        self._mailbox_lane = BoundedPool("mailbox", threads=1, room=1)
        self._spool_lane = BoundedPool("spool", threads=4, room=1_000)
        self._drain_lane = BoundedPool("drain", threads=1, room=1)
        self._away_until = 0.0
        self._group: list[tuple[Escalation, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: dict[int, Escalation] = {}
        self._numbers = itertools.count()
        self._has_reserve = True

    async def record(self, escalation: Escalation) -> None:
        """Keep an escalation. Never raises.

        Returns once the mailbox or the spool has it on disk. If neither takes it in time, it is
        held in memory and retried.
        """
        # A task of its own, so that it goes on when the answer is cancelled.
        keeping = asyncio.create_task(self._keep_or_hold(escalation))
        self._under_way.add(keeping)
        keeping.add_done_callback(self._under_way.discard)
        await asyncio.shield(keeping)

    def unsaved(self) -> int:
        """Return how many escalations are in memory only: they are lost if this process dies."""
        return len(self._held)

    def backlog(self) -> int:
        """Return how many escalations are on the spool."""
        return len(self._spool.waiting())

    def disk_is_writable(self) -> bool:
        """Return whether the disk of the spool can be written without using the reserve."""
        try:
            self._spool.probe()
        except OSError:
            return False
        return True

    async def work_forever(
        self, drain_every_s: float = DRAIN_EVERY_S, retry_every_s: float = RETRY_EVERY_S
    ) -> None:
        """Move escalations from memory to a disk and from the spool to the mailbox, in rounds."""
        await asyncio.gather(
            repeat(self._drain, drain_every_s),
            repeat(self._retry, retry_every_s),
            repeat(self._reserve, retry_every_s),
        )

    async def finish(self) -> None:
        """Wait for records in progress, and retry those in memory. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=FINISH_S)
        await self._retry()
        for escalation in self._held.values():
            log.critical("escalation.lost", message_id=escalation.message_id)
        for lane in (self._mailbox_lane, self._spool_lane, self._drain_lane):
            lane.close()

    async def _keep_or_hold(self, escalation: Escalation) -> None:
        if await self._keep(escalation):
            return
        self._held[next(self._numbers)] = escalation
        self._count(escalation, "memory")
        log.critical(
            "escalation.unsaved", message_id=escalation.message_id, unsaved=len(self._held)
        )

    async def _keep(self, escalation: Escalation) -> bool:
        """Return whether the mailbox or the spool took it."""
        if await self._in_mailbox(escalation):
            self._count(escalation, "log")
            return True
        if await self._on_spool(escalation):
            self._count(escalation, "spool")
            return True
        return False

    def _count(self, escalation: Escalation, where: str) -> None:
        self._metrics.recorded.labels(escalation.assessment.severity.label, where).inc()

    async def _in_mailbox(self, escalation: Escalation) -> bool:
        """Return whether the mailbox took it in time; taking it later as well is harmless."""
        if time.monotonic() < self._away_until:
            return False
        try:
            await self._append(escalation)
        except LateError:
            self._away_until = time.monotonic() + self._patience.away_s
            error = "late"
        except Exception as failure:  # noqa: BLE001 - an unforeseen failure must not lose a record
            error = type(failure).__name__
        else:
            return True
        log.error("escalation.not_recorded", message_id=escalation.message_id, error=error)
        return False

    async def _append(self, escalation: Escalation) -> None:
        """Append it to the mailbox with all that come meanwhile: a group is one transaction.

        Raises LateError if it takes too long, and may still succeed; and the errors of the mailbox.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Its exception is read by no one if it is late.
        kept.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._group.append((escalation, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_groups())
        await asyncio.wait({kept}, timeout=self._patience.mailbox_s)
        for _ in range(TURNS):
            if kept.done():
                break
            await asyncio.sleep(0)
        if not kept.done():
            raise LateError
        kept.result()

    async def _write_groups(self) -> None:
        try:
            while self._group:
                group, self._group = self._group[:MOST_AT_ONCE], self._group[MOST_AT_ONCE:]
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: list[tuple[Escalation, asyncio.Future[None]]]) -> None:
        try:
            # Without a limit: the database's own ends it, and those who wait have theirs.
            escalations = [escalation for escalation, _ in group]
            await self._mailbox_lane.run(None, self._mailbox.append_all, escalations)
        except Exception as failure:  # noqa: BLE001 - each goes to the spool
            for _, kept in group:
                kept.set_exception(failure)
        else:
            for _, kept in group:
                kept.set_result(None)

    async def _on_spool(self, escalation: Escalation) -> bool:
        try:
            await self._spool_lane.run(self._patience.spool_s, self._spool.keep, escalation)
        except Exception as failure:  # noqa: BLE001 - the record is then held in memory
            error = type(failure).__name__
        else:
            return True
        log.error("escalation.not_spooled", message_id=escalation.message_id, error=error)
        return False

    async def _retry(self) -> None:
        """Retry what is held until one fails; that one goes to the end of the queue."""
        for number, escalation in list(self._held.items()):
            kept = await self._keep(escalation)
            if not kept:
                self._held[next(self._numbers)] = escalation
            self._held.pop(number, None)
            if not kept:
                return
            log.warning("escalation.saved_late", message_id=escalation.message_id)

    async def _drain(self) -> None:
        try:
            if await self._drain_lane.run(None, self._spool.drain, self._mailbox):
                self._away_until = 0.0
        except Exception as error:  # noqa: BLE001 - the next round tries again
            log.warning("spool.not_drained", error=type(error).__name__)

    async def _reserve(self) -> None:
        """Set disk space aside again once there is some: the disk may fill a second time."""
        try:
            await self._spool_lane.run(None, self._spool.reserve)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            if self._has_reserve:
                log.warning("spool.not_reserved", error=type(error).__name__)
            self._has_reserve = False
        else:
            self._has_reserve = True


async def repeat(work: Callable[[], Awaitable[None]], every_s: float) -> None:
    """Do some work for ever, with a pause of `every_s` seconds after each time."""
    while True:
        await work()
        await asyncio.sleep(every_s)
