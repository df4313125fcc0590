"""The gateway's own look at every message, beside Rasa's: off the event loop, never in the way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import structlog

from safeguarding.risk.assessment import NO_RISK, Assessment, Turn, upgraded
from safeguarding.risk.buttons import assessment_of_choice
from web.gateway.bodies import Sent

SPARE_QUEUE = 200
PART, OVERLAP = 8_000, 500
"""Characters assessed at once, and how many of them again with the next part."""
log = structlog.get_logger("gateway.screening")


class Engine(Protocol):
    """The risk engine: safeguarding.risk.engine.RiskEngine."""

    def assess(self, text: str, history: Sequence[Turn] = ()) -> Assessment:
        """The severity of one message and the reasons for it."""


class Screening:
    """Assesses messages in threads. Messages over the limit share one, so that a flood of
    them cannot keep anyone else waiting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(os.cpu_count() or 2, "screen")
        self._spare = ThreadPoolExecutor(1, "screen-spare")
        self._spare_waiting = 0

    def begin(self, sent: Sent, before: Sequence[Turn]) -> asyncio.Future[Assessment]:
        """Start to assess a message. A button's words are ours: its meaning is known."""
        if sent.choice is not None:
            return _known(assessment_of_choice(sent.choice) or NO_RISK)
        if not sent.text.strip():
            return _known(NO_RISK)
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, self._whole, sent.text, before)

    def begin_spare(self, sent: Sent, before: Sequence[Turn]) -> asyncio.Future[Assessment] | None:
        """The same for a message over the limit; None when too many of those are waiting."""
        if sent.choice is not None or not sent.text.strip():
            return self.begin(sent, before)
        if self._spare_waiting >= SPARE_QUEUE:
            log.error("screening.flooded")
            return None
        self._spare_waiting += 1
        loop = asyncio.get_running_loop()
        begun = loop.run_in_executor(self._spare, self._whole, sent.text, before)
        begun.add_done_callback(self._spare_done)
        return begun

    async def result(self, begun: asyncio.Future[Assessment], within_s: float) -> Assessment | None:
        """The assessment; None when it failed or takes longer than that. Never raises."""
        await asyncio.wait({begun}, timeout=within_s)
        if not begun.done():
            log.error("screening.late")
            return None
        if error := begun.exception():
            log.error("screening.failed", error=type(error).__name__)
            return None
        return begun.result()

    def close(self) -> None:
        """Let no new work in. What runs is finished."""
        self._threads.shutdown(wait=False)
        self._spare.shutdown(wait=False)

    def _whole(self, text: str, before: Sequence[Turn]) -> Assessment:
        """Every part of a text, however long: the engine itself skips the middle of a book."""
        assessment = self._engine.assess(text[:PART], before)
        for start in range(PART - OVERLAP, len(text) - OVERLAP, PART - OVERLAP):
            part = self._engine.assess(text[start : start + PART], before)
            assessment = upgraded(assessment, _moved(part, start))
        return assessment

    def _spare_done(self, _begun: object) -> None:
        self._spare_waiting -= 1


def _moved(assessment: Assessment, by: int) -> Assessment:
    """The assessment of a part, with the places of its words in the whole."""
    signals = tuple(
        replace(signal, start=signal.start + by, end=signal.end + by) if signal.end else signal
        for signal in assessment.signals
    )
    return replace(assessment, signals=signals)


def _known(assessment: Assessment) -> asyncio.Future[Assessment]:
    known: asyncio.Future[Assessment] = asyncio.get_running_loop().create_future()
    known.set_result(assessment)
    return known
