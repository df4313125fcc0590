"""The hand-off to staff: what they must read is recorded, and nobody waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

import structlog

from safeguarding.escalations.escalation import Escalation
from safeguarding.escalations.spool import Kept, Log, Shelf, record_or_spool
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, upgraded
from safeguarding.risk.text.normalise import EXCERPT, EXCERPT_HEAD, EXCERPT_TAIL
from safeguarding.taxonomy import Severity
from web.gateway.conversations import Conversation, Exchange, scoped_id
from web.gateway.metrics import Metrics
from web.gateway.replies import highest_shown
from web.gateway.requests import Sent

DRAIN_EVERY_S = 5.0
log = structlog.get_logger("gateway.handoff")


class Backlog(Shelf, Protocol):
    """What waits while the log cannot be written: safeguarding.escalations.spool.Spool."""

    def drain(self, log: Log) -> int:
        """Record everything kept; how many that were."""

    def waiting(self) -> Sequence[object]:
        """What is kept."""


class Recorder:
    """Records escalations: in the log, and on the spool when that fails or is slow.

    Each has threads of its own: a database that hangs must not stop the screening.
    """

    def __init__(
        self, escalations: Log, spool: Backlog, metrics: Metrics, patience_s: float = 1.0
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
        try:
            kept = await self._keep(escalation)
            place = "spool" if kept is Kept.SPOOLED else "log"
        except Exception as error:  # noqa: BLE001 - the last line of defence; the alert watches this
            place = "nowhere"
            log.critical(
                "escalation.lost", message_id=escalation.message_id, error=type(error).__name__
            )
        self._metrics.recorded.labels(severity, place).inc()

    async def _keep(self, escalation: Escalation) -> Kept:
        """In the log, in the spool when the log fails, and in the spool when it is slow.

        A slow log may still take it, and the spool then holds it too: recording twice is harmless.
        Raises what the spool raises.
        """
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(
            self._log_threads, record_or_spool, escalation, self._log, self._spool
        )
        # A little less than `record` waits: the spool should be reached while someone still does.
        await asyncio.wait({writing}, timeout=self._patience_s * 0.8)
        if writing.done():
            kept = writing.result()
            if kept is Kept.SPOOLED:
                log.error("escalation.not_recorded", message_id=escalation.message_id)
            return kept
        writing.add_done_callback(_forget_error)
        log.error("escalation.not_recorded", message_id=escalation.message_id, error="slow")
        await loop.run_in_executor(self._spool_threads, self._spool.keep, escalation)
        return Kept.SPOOLED


def _forget_error(writing: asyncio.Future[Kept]) -> None:
    """Take note of a late failure: it is on the spool already."""
    if not writing.cancelled():
        writing.exception()


class HandOff:
    """Hands over to staff what shows risk: the one place where escalations are made."""

    def __init__(self, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._recorder = recorder
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    def exchange(self, conversation: Conversation, sent: Sent) -> Exchange:
        """The message with what came before it."""
        message_id = scoped_id(conversation, sent)
        before = conversation.turns_before(message_id)
        return Exchange(conversation, message_id, sent, before, conversation.state, self._now())

    async def record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        """Record a message that shows risk; one still being assessed, as soon as it is.

        `begun` is its assessment; None when there were too many to begin it.
        """
        if begun is not None and not begun.done():
            task = asyncio.create_task(self._when_assessed(exchange, begun, shown, extra))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            await self._record(exchange, begun, shown, extra)

    async def finish(self, within_s: float = 5.0) -> None:
        """Wait for late assessments and their records. Called when the server stops."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=within_s)

    async def _when_assessed(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage],
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        await asyncio.wait({begun})
        await self._record(exchange, begun, shown, extra | {"screening": "late"})

    async def _record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        if begun is None or begun.exception() is not None:
            assessment, extra = NOT_ASSESSED, extra | {"screening": "failed"}
        else:
            assessment = begun.result().assessment
        exchange.conversation.raise_to(assessment.severity)
        # What the conversation had reached before is on record: a card shown again adds nothing.
        known = exchange.state.severity
        if highest_shown(shown) > max(assessment.severity, known):
            assessment = upgraded(assessment, _answered_with_help(highest_shown(shown)))
        # After a hand-off all belongs to its case: whoever reads it must see how it went on.
        if max(assessment.severity, known) < Severity.CONCERN:
            return
        conversation = exchange.conversation
        await self._recorder.record(
            Escalation(
                message_id=exchange.message_id,
                conversation_id=str(conversation.id),
                text=exchange.sent.text,
                assessment=assessment,
                raised_at=exchange.at,
                raised_by="gateway",
                turns_before=exchange.before,
                shown=tuple(words_of(message) for message in shown),
                audience=conversation.state.audience,
                area=conversation.state.area,
                extra=extra | _left_out(exchange.sent),
            )
        )


def _left_out(sent: Sent) -> dict[str, str]:
    """What staff must know of a message too long to be assessed whole; nothing of any other."""
    length = len(sent.text)
    if length <= EXCERPT:
        return {}
    read = f"the first {EXCERPT_HEAD} and the last {EXCERPT_TAIL} of {length} characters"
    return {"assessed": read}


def _signal(source: str, severity: Severity) -> Signal:
    return Signal(source, "gateway", "1", "distress", severity, start=0, end=0)


def _answered_with_help(severity: Severity) -> Assessment:
    """What a help card says of a message that the engine found less grave: staff must know."""
    signal = _signal("answered-with-help", severity)
    return Assessment(severity, (signal.category,), NO_RISK.subject, (signal,))


NOT_ASSESSED = Assessment(
    Severity.CONCERN,
    ("distress",),
    NO_RISK.subject,
    (_signal("not-assessed", Severity.CONCERN),),
)
"""A message that could not be assessed: nobody knows what is in it, so a person must read it."""
