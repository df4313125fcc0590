"""Writing down what a person must read, without keeping anyone waiting for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import structlog

from safeguarding.escalations.escalation import Escalation
from web.gateway.metrics import Metrics

DRAIN_EVERY_S = 5.0
log = structlog.get_logger("gateway.recording")


class Log(Protocol):
    """The escalation log: safeguarding.escalations.log.EscalationLog."""

    def record(self, escalation: Escalation) -> bool:
        """Write it, or raise what is already written. True when newly written."""


class Spool(Protocol):
    """The shelf on this machine's disk: safeguarding.escalations.spool.Spool."""

    def keep(self, escalation: Escalation) -> object:
        """Keep an escalation until the log can be written."""

    def drain(self, log: Any) -> int:
        """Record everything kept; how many that were."""

    def waiting(self) -> Sequence[object]:
        """What is kept."""


class Recorder:
    """Records escalations: in the log, and on the spool when that fails or is slow.

    Each has threads of its own: a database that hangs must not stop the screening.
    """

    def __init__(
        self, escalations: Log, spool: Spool, metrics: Metrics, patience_s: float = 1.0
    ) -> None:
        self._log = escalations
        self._spool = spool
        self._metrics = metrics
        self._patience_s = patience_s
        self._log_threads = ThreadPoolExecutor(4, "escalations")
        self._spool_threads = ThreadPoolExecutor(1, "spool")
        self._under_way: set[asyncio.Task[None]] = set()

    async def record(self, escalation: Escalation) -> None:
        """Record it. Returns when that is done, or after `patience_s` at most. Never raises."""
        task = asyncio.create_task(self._record(escalation))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait({task}, timeout=self._patience_s)

    async def drain_forever(self, every_s: float = DRAIN_EVERY_S) -> None:
        """Bring what is on the spool into the log, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._spool_threads, self._spool.drain, self._log)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round tries again
                log.warning("spool.not_drained", error=type(error).__name__)
            await asyncio.sleep(every_s)

    def backlog(self) -> int:
        """How many escalations are waiting on the spool."""
        return len(self._spool.waiting())

    async def finish(self, within_s: float = 5.0) -> None:
        """Wait for what is being recorded. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=within_s)
        self._log_threads.shutdown(wait=False)
        self._spool_threads.shutdown(wait=False)

    async def _record(self, escalation: Escalation) -> None:
        severity = escalation.assessment.severity.label
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._log_threads, self._log.record, escalation)
        # A little less than `record` waits: the spool should be reached while someone still does.
        await asyncio.wait({writing}, timeout=self._patience_s * 0.8)
        if writing.done() and writing.exception() is None:
            self._metrics.recorded.labels(severity, "log").inc()
            return
        error = type(writing.exception()).__name__ if writing.done() else "slow"
        writing.add_done_callback(_forget_error)
        log.error("escalation.not_recorded", message_id=escalation.message_id, error=error)
        try:
            await loop.run_in_executor(self._spool_threads, self._spool.keep, escalation)
            self._metrics.recorded.labels(severity, "spool").inc()
        except Exception as error:  # noqa: BLE001 - the last line of defence; the alert watches this
            self._metrics.recorded.labels(severity, "nowhere").inc()
            log.critical(
                "escalation.lost", message_id=escalation.message_id, error=type(error).__name__
            )


def _forget_error(writing: asyncio.Future[bool]) -> None:
    """Take note of a late failure: it is on the spool already."""
    if not writing.cancelled():
        writing.exception()
