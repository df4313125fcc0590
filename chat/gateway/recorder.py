"""Hands escalations over: before an answer leaves, its row is on a disk, or held until it is."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from chat.gateway.bounded_pool import BoundedPool, LateError
from chat.gateway.metrics import GatewayMetrics
from safeguarding.escalation import Escalation
from storage.handoffs import HandoffMailbox

DRAIN_EVERY_S = 5.0
RETRY_EVERY_S = 1.0
log = structlog.get_logger("gateway.recorder")


class Backlog(Protocol):
    """What waits while the mailbox cannot be written: storage.spool.Spool."""

    def keep(self, escalation: Escalation) -> object:
        """Keep it, so that it survives a crash. Raises OSError when it cannot."""

    def drain(self, mailbox: HandoffMailbox) -> int:
        """Append everything kept to the mailbox; how many that were."""

    def waiting(self) -> Sequence[object]:
        """What is kept."""

    def reserve(self) -> None:
        """Set space aside for a full disk. Raises OSError."""

    def probe(self) -> None:
        """Raises OSError when nothing could be kept now, but for what is reserved."""


@dataclass(frozen=True)
class Patience:
    """How long one waits, in seconds."""

    mailbox_s: float = 0.25
    """For the mailbox; then the spool takes the record."""
    spool_s: float = 2.0
    """For the spool; then the record is held in memory, and the answer leaves."""
    away_s: float = 5.0
    """For how long a mailbox that was late is not tried again: not every message waits."""


class Recorder:
    """Keeps escalations: in the hand-off mailbox, else on the spool, else in memory until one of
    the two can take them.

    Mailbox, spool and draining have threads of their own: what hangs in one holds up no other.
    """

    def __init__(
        self,
        mailbox: HandoffMailbox,
        spool: Backlog,
        metrics: GatewayMetrics,
        patience: Patience | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._spool = spool
        self._metrics = metrics
        self._patience = patience or Patience()
        self._mailbox_lane = BoundedPool("mailbox", threads=4, room=32)
        self._spool_lane = BoundedPool("spool", threads=4, room=1_000)
        self._drain_lane = BoundedPool("drain", threads=1, room=1)
        self._away_until = 0.0
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: dict[int, Escalation] = {}
        self._numbers = itertools.count()
        self._has_reserve = True

    async def record(self, escalation: Escalation) -> None:
        """Keep it. Returns when the mailbox or the spool has it on disk; when neither can take it
        in time it is held in memory, and tried again and again. Never raises."""
        # A task of its own: nothing that ends the answer ends the record.
        keeping = asyncio.create_task(self._keep_or_hold(escalation))
        self._under_way.add(keeping)
        keeping.add_done_callback(self._under_way.discard)
        await asyncio.shield(keeping)

    def unsaved(self) -> int:
        """How many escalations are in memory only: they are lost if this process dies."""
        return len(self._held)

    def backlog(self) -> int:
        """How many escalations are waiting on the spool."""
        return len(self._spool.waiting())

    def disk_is_writable(self) -> bool:
        """Whether a file can be written where the spool is, without what is reserved."""
        try:
            self._spool.probe()
        except OSError:
            return False
        return True

    async def work_forever(
        self, drain_every_s: float = DRAIN_EVERY_S, retry_every_s: float = RETRY_EVERY_S
    ) -> None:
        """Bring what is held to a disk and the spool into the mailbox, again and again."""
        await asyncio.gather(
            self._drain_forever(drain_every_s),
            self._retry_forever(retry_every_s),
            self._reserve_forever(retry_every_s),
        )

    async def finish(self, within_s: float = 15.0) -> None:
        """Wait for what is being recorded, and try once more what is held. At the end."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=within_s)
        await self._retry()
        for escalation in self._held.values():
            log.critical("escalation.lost", message_id=escalation.message_id)
        for lane in (self._mailbox_lane, self._spool_lane, self._drain_lane):
            lane.close()

    async def _keep_or_hold(self, escalation: Escalation) -> None:
        if await self._keep(escalation):
            return
        self._held[next(self._numbers)] = escalation
        severity = escalation.assessment.severity.label
        self._metrics.recorded.labels(severity, "memory").inc()
        log.critical(
            "escalation.unsaved", message_id=escalation.message_id, unsaved=len(self._held)
        )

    async def _keep(self, escalation: Escalation) -> bool:
        """Whether the mailbox or the spool has it now."""
        severity = escalation.assessment.severity.label
        if await self._in_mailbox(escalation):
            self._metrics.recorded.labels(severity, "log").inc()
            return True
        if await self._on_spool(escalation):
            self._metrics.recorded.labels(severity, "spool").inc()
            return True
        return False

    async def _in_mailbox(self, escalation: Escalation) -> bool:
        """Whether the mailbox took it. A late one still may: appending twice is harmless."""
        if time.monotonic() < self._away_until:
            return False
        try:
            await self._mailbox_lane.run(self._patience.mailbox_s, self._mailbox.append, escalation)
        except LateError:
            self._away_until = time.monotonic() + self._patience.away_s
            error = "late"
        except Exception as failure:  # noqa: BLE001 - an unforeseen failure must not lose a record
            error = type(failure).__name__
        else:
            return True
        log.error("escalation.not_recorded", message_id=escalation.message_id, error=error)
        return False

    async def _on_spool(self, escalation: Escalation) -> bool:
        try:
            await self._spool_lane.run(self._patience.spool_s, self._spool.keep, escalation)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the record is held
            error = type(failure).__name__
        else:
            return True
        log.error("escalation.not_spooled", message_id=escalation.message_id, error=error)
        return False

    async def _retry_forever(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._retry()

    async def _retry(self) -> None:
        """Try what is held, the oldest first, until one cannot be kept: another is next then."""
        for number, escalation in list(self._held.items()):
            kept = await self._keep(escalation)
            if not kept:
                self._held[next(self._numbers)] = escalation
            self._held.pop(number, None)
            if not kept:
                return
            log.warning("escalation.saved_late", message_id=escalation.message_id)

    async def _drain_forever(self, every_s: float) -> None:
        while True:
            try:
                await self._drain_lane.run(None, self._drain)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round tries again
                log.warning("spool.not_drained", error=type(error).__name__)
            await asyncio.sleep(every_s)

    def _drain(self) -> None:
        if self._spool.drain(self._mailbox):
            self._away_until = 0.0

    async def _reserve_forever(self, every_s: float) -> None:
        """Set space aside again as soon as there is some: a disk that was full may fill again."""
        while True:
            try:
                await self._spool_lane.run(None, self._spool.reserve)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round tries again
                if self._has_reserve:
                    log.warning("spool.not_reserved", error=type(error).__name__)
                self._has_reserve = False
            else:
                self._has_reserve = True
            await asyncio.sleep(every_s)
