"""The gateway's own look at every message, beside Rasa's: off the event loop, never in the way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from safeguarding.risk.assessed import AssessedMessage, Floats
from safeguarding.risk.assessment import NO_RISK, Assessment, Turn, assessment_of_choice
from web.gateway.requests import Sent

SPARE_QUEUE = 200
SHORT = 1_000
"""Characters up to which a message goes before all longer ones."""
log = structlog.get_logger("gateway.screening")


class Engine(Protocol):
    """The risk engine: safeguarding.risk.engine.RiskEngine."""

    def assess(self, text: str, history: Sequence[Turn] = ()) -> Assessment:
        """The severity of one message and the reasons for it."""

    def canonical(self, text: str) -> str:
        """The words of one message as the encoder reads them."""

    def vector(self, text: str) -> Floats:
        """The sentence vector of one message."""


class Languages(Protocol):
    """web.gateway.languages.Languages."""

    def read(
        self, text: str, canonical: str, assessment: Assessment
    ) -> tuple[str | None, Assessment]:
        """The other language that a message is in, and the assessment with what its words tell."""


class Screening:
    """Assesses messages in threads. Long messages share one, and so do those over the limit: a
    flood of either cannot keep anyone else waiting."""

    def __init__(self, engine: Engine, languages: Languages) -> None:
        self._engine = engine
        self._languages = languages
        self._threads = ThreadPoolExecutor(os.cpu_count() or 2, "screen")
        self._long = ThreadPoolExecutor(1, "screen-long")
        self._spare = ThreadPoolExecutor(1, "screen-spare")
        self._spare_waiting = 0

    def begin(self, sent: Sent, before: Sequence[Turn]) -> asyncio.Future[AssessedMessage]:
        """Start to assess a message. What a button means is known."""
        if sent.choice is not None:
            return _known(assessment_of_choice(sent.choice) or NO_RISK)
        if not sent.text.strip():
            return _known(NO_RISK)
        threads = self._threads if len(sent.text) <= SHORT else self._long
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(threads, self._assess, sent.text, before)

    def begin_spare(
        self, sent: Sent, before: Sequence[Turn]
    ) -> asyncio.Future[AssessedMessage] | None:
        """The same for a message over the limit; None when too many of those are waiting."""
        if sent.choice is not None or not sent.text.strip():
            return self.begin(sent, before)
        if self._spare_waiting >= SPARE_QUEUE:
            log.error("screening.flooded")
            return None
        self._spare_waiting += 1
        loop = asyncio.get_running_loop()
        begun = loop.run_in_executor(self._spare, self._assess, sent.text, before)
        begun.add_done_callback(self._spare_done)
        return begun

    async def result(
        self, begun: asyncio.Future[AssessedMessage], within_s: float
    ) -> AssessedMessage | None:
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
        for threads in (self._threads, self._long, self._spare):
            threads.shutdown(wait=False)

    def _assess(self, text: str, before: Sequence[Turn]) -> AssessedMessage:
        assessment = self._engine.assess(text, before)
        language = None
        try:
            canonical = self._engine.canonical(text)
            language, assessment = self._languages.read(text, canonical, assessment)
            return AssessedMessage(assessment, self._engine.vector(text), language)
        except Exception as error:  # noqa: BLE001 - Rasa then makes one; the assessment counts
            log.error("screening.no_vector", error=type(error).__name__)  # noqa: TRY400
            return AssessedMessage(assessment, None, language)

    def _spare_done(self, _begun: object) -> None:
        self._spare_waiting -= 1


def _known(assessment: Assessment) -> asyncio.Future[AssessedMessage]:
    known: asyncio.Future[AssessedMessage] = asyncio.get_running_loop().create_future()
    known.set_result(AssessedMessage(assessment, None))
    return known
