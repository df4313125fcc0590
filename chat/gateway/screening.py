"""Assesses messages in threads, so that the event loop goes on and no flood delays help."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from weakref import WeakKeyDictionary

import structlog

from chat.gateway.languages import LanguageDetector
from chat.gateway.requests import IncomingMessage
from safeguarding.content.choices import Questions
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import DialogueEncoder, Floats
from safeguarding.dialogue.question import last_question
from safeguarding.risk.assessment import (
    NO_RISK,
    Analysis,
    AssessedMessage,
    Assessment,
    Turn,
    assessment_of_choice,
)
from safeguarding.risk.engine import RiskEngine

SPARE_QUEUE = 200
"""Messages over the limit that may wait for their assessment."""
SHORT = 1_000
"""Characters up to which a message is assessed before all longer ones."""
HOPELESS = 1.5
"""A message that would wait this many times its time limit is not waited for at all."""
_OLD, _NEW = 0.9, 0.1
"""Weights of the running average of the time of one assessment."""
_OF_PREVIOUS = 400
"""Characters at the end of the message before that are read beside a message."""
BEGINNING = ConversationState()
log = structlog.get_logger("gateway.screening")


class Screening:
    """Assesses messages in threads.

    Long messages share one thread, and messages over the limit share another, so that a flood of
    either delays no one else. In a flood of short ones, a message that cannot be assessed in time
    gets help at once; it is assessed all the same, for the record.
    """

    def __init__(
        self,
        engine: RiskEngine,
        dialogue: DialogueEncoder,
        languages: LanguageDetector,
        questions: Questions,
    ) -> None:
        self._engine = engine
        self._dialogue = dialogue
        self._languages = languages
        self._questions = questions
        self._cores = os.cpu_count() or 2
        self._threads = ThreadPoolExecutor(self._cores, "screen")
        self._long = ThreadPoolExecutor(1, "screen-long")
        self._spare = ThreadPoolExecutor(1, "screen-spare")
        self._spare_waiting = 0
        self._waiting = 0
        self._each_s = 0.0
        self._begins_at: WeakKeyDictionary[asyncio.Future[AssessedMessage], float] = (
            WeakKeyDictionary()
        )

    def begin(
        self, sent: IncomingMessage, before: Sequence[Turn], state: ConversationState = BEGINNING
    ) -> asyncio.Future[AssessedMessage]:
        """Start to assess a message; a button has a fixed assessment.

        `before` are the turns, and `state` the state of the conversation, before the message.
        """
        if sent.choice is not None:
            return _known(assessment_of_choice(sent.choice) or NO_RISK)
        if not sent.text.strip():
            return _known(NO_RISK)
        loop = asyncio.get_running_loop()
        if len(sent.text) > SHORT:
            return loop.run_in_executor(self._long, self._assess, sent.text, before, state)
        begun = loop.run_in_executor(self._threads, self._assess_short, sent.text, before, state)
        self._begins_at[begun] = time.monotonic() + self._waiting * self._each_s / self._cores
        self._waiting += 1

        def done(_begun: object) -> None:
            self._waiting -= 1

        begun.add_done_callback(done)
        return begun

    def begin_spare(
        self, sent: IncomingMessage, before: Sequence[Turn], state: ConversationState = BEGINNING
    ) -> asyncio.Future[AssessedMessage] | None:
        """Start to assess a message over the limit; return None if too many of those wait."""
        if sent.choice is not None or not sent.text.strip():
            return self.begin(sent, before, state)
        if self._spare_waiting >= SPARE_QUEUE:
            log.error("screening.flooded")
            return None
        self._spare_waiting += 1
        loop = asyncio.get_running_loop()
        assess = partial(self._assess, is_answered=False)
        begun = loop.run_in_executor(self._spare, assess, sent.text, before, state)

        def done(_begun: object) -> None:
            self._spare_waiting -= 1

        begun.add_done_callback(done)
        return begun

    async def result(
        self, begun: asyncio.Future[AssessedMessage], within_s: float
    ) -> AssessedMessage | None:
        """Return the assessment, or None if it failed, is late or is sure to be. Never raises."""
        ahead_s = self._begins_at.get(begun, 0.0) - time.monotonic()
        if ahead_s > HOPELESS * within_s and not begun.done():
            log.error("screening.flooded")
            return None
        await asyncio.wait({begun}, timeout=within_s)
        if not begun.done():
            log.error("screening.late")
            return None
        if error := begun.exception():
            log.error("screening.failed", error=type(error).__name__)
            return None
        return begun.result()

    def close(self) -> None:
        """Take no new work, and let what runs come to its end."""
        for threads in (self._threads, self._long, self._spare):
            threads.shutdown(wait=False)

    def _assess(
        self,
        text: str,
        before: Sequence[Turn],
        state: ConversationState,
        *,
        is_answered: bool = True,
    ) -> AssessedMessage:
        """Assess a message; one that `is_answered` gets the vectors by which a reply is chosen."""
        context = self._context(before, state)
        found = self._engine.analyse(text, before, context)
        assessment = self._questions.heard(state.asked, text, found.assessment)
        language = None
        try:
            language, assessment = self._languages.read(text, found.canonical, assessment)
        except Exception as error:  # noqa: BLE001 - the assessment counts without the language
            log.error("screening.no_language", error=type(error).__name__)  # noqa: TRY400
        if found.vector is None:
            log.error("screening.no_vector")  # Rasa then makes one
        read = self._read_in_place(text, found, context) if is_answered else (None, None)
        return AssessedMessage(assessment, found.vector, language, found.canonical, *read)

    def _context(self, before: Sequence[Turn], state: ConversationState) -> str:
        """Return what came before a message, as both of its readings in place take it."""
        try:
            previous = next((turn.text for turn in reversed(before) if turn.by == "user"), "")
            spelled = self._engine.canonical(previous[-_OF_PREVIOUS:]) if previous else ""
            return self._dialogue.context(spelled, state)
        except Exception as error:  # noqa: BLE001 - the message is read without it
            log.error("screening.no_context", error=type(error).__name__)  # noqa: TRY400
            return ""

    def _read_in_place(
        self, text: str, found: Analysis, context: str
    ) -> tuple[Floats | None, Floats | None]:
        """Return the vectors by which a reply is chosen: of the message, and of its question."""
        message = question = None
        try:
            if found.vector is not None and found.canonical:
                message = self._dialogue.vector(found.canonical, found.vector, context)
            asks = last_question(text)
            if asks and (words := self._engine.canonical(asks)):
                question = self._dialogue.vector(words, self._engine.vector(asks), context)
        except Exception as error:  # noqa: BLE001 - the assessment counts without them
            log.error("screening.no_dialogue", error=type(error).__name__)  # noqa: TRY400
        return message, question

    def _assess_short(
        self, text: str, before: Sequence[Turn], state: ConversationState
    ) -> AssessedMessage:
        started = time.monotonic()
        try:
            return self._assess(text, before, state)
        finally:
            self._each_s = _OLD * self._each_s + _NEW * (time.monotonic() - started)


def _known(assessment: Assessment) -> asyncio.Future[AssessedMessage]:
    known: asyncio.Future[AssessedMessage] = asyncio.get_running_loop().create_future()
    known.set_result(AssessedMessage(assessment, None))
    return known
