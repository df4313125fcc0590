"""One message, from the browser to the answer: ask Rasa, look ourselves, help first, record."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol
from uuid import UUID

import structlog

from safeguarding.choices import Choices
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment, Turn
from safeguarding.taxonomy import Severity
from web.gateway.bodies import Sent
from web.gateway.conversations import Conversation
from web.gateway.hearing import Heard, Hearing, scoped_id
from web.gateway.metrics import Metrics
from web.gateway.rasa import RasaUnavailableError
from web.gateway.screening import Screening
from web.gateway.words import Words, highest_shown, with_help_first

LEAST_WAIT_S = 0.25
SCREENING_WAIT_S = 0.5
log = structlog.get_logger("gateway.messages")


class Rasa(Protocol):
    """Whoever answers: web.gateway.rasa.RasaClient."""

    async def replies(
        self,
        conversation_id: UUID,
        message_id: str,
        sent: Sent,
        known: dict[str, str],
        timeout_s: float,
    ) -> list[Message]:
        """The replies. Raises RasaUnavailableError."""


class Messages:
    """Answers messages. Whatever fails, there is an answer, and help in it when it is needed."""

    def __init__(
        self,
        rasa: Rasa,
        screening: Screening,
        words: Words,
        hearing: Hearing,
        metrics: Metrics,
        *,
        catalogue: Choices,
        timeout_s: float,
    ) -> None:
        self._rasa = rasa
        self._screening = screening
        self._words = words
        self._hearing = hearing
        self._metrics = metrics
        self._catalogue = catalogue
        self._timeout_s = timeout_s
        self._under_way: set[asyncio.Task[list[Message]]] = set()

    def knows(self, conversation: Conversation, sent: Sent) -> bool:
        """True for a message that has been answered, or is being answered."""
        return scoped_id(conversation, sent) in conversation.answers

    async def answer(self, conversation: Conversation, sent: Sent) -> list[Message]:
        """The answer to a message; the same one for the same id, however often it is asked."""
        message_id = scoped_id(conversation, sent)
        answer = conversation.answers.get(message_id)
        if answer is None:
            # A task of its own: a browser that goes away does not stop help or its record.
            answer = asyncio.create_task(self._answer(conversation, sent))
            conversation.keep_answer(message_id, answer)
            self._under_way.add(answer)
            answer.add_done_callback(self._under_way.discard)
        return await asyncio.shield(answer)

    async def over_limit(self, conversation: Conversation, sent: Sent) -> list[Message]:
        """The answer when messages come too fast. It is still screened, and help is in it."""
        heard = self._hearing.heard(conversation, sent)
        begun = self._screening.begin_spare(sent, heard.before)
        assessment = await self._screening.result(begun, self._timeout_s) if begun else None
        conversation.raise_to(assessment.severity if assessment else Severity.NONE)
        shown = self._words.too_fast(conversation.highest, conversation.audience)
        self._metrics.messages.labels("limit").inc()
        extra = {"fallback": "rate-limit"}
        await self._hearing.hand_over(heard, assessment, begun, shown, extra)
        conversation.remember(heard.message_id, Turn("user", sent.text))
        return shown

    async def finish(self, within_s: float = 5.0) -> None:
        """Wait for answers being made. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=within_s)

    async def _answer(self, conversation: Conversation, sent: Sent) -> list[Message]:
        started = time.monotonic()
        async with conversation.lock:
            try:
                if not sent.text.strip():
                    return self._words.empty()
                return await self._in_turn(conversation, sent, started + self._timeout_s)
            except Exception as error:  # noqa: BLE001 - silence is failure: show help
                _log_without_words("message.failed", error)
                conversation.answers.pop(scoped_id(conversation, sent), None)
                return [self._words.help_card(conversation.highest, conversation.audience)]
            finally:
                self._metrics.seconds.observe(time.monotonic() - started)

    async def _in_turn(
        self, conversation: Conversation, sent: Sent, deadline: float
    ) -> list[Message]:
        self._learn(conversation, sent)
        heard = self._hearing.heard(conversation, sent)
        begun = self._screening.begin(sent, heard.before)
        replies, reason = await self._ask_rasa(heard, deadline)
        left = max(deadline - time.monotonic(), SCREENING_WAIT_S)
        assessment = await self._screening.result(begun, left)
        conversation.raise_to(assessment.severity if assessment else Severity.NONE)
        shown = self._shown(heard, assessment, replies)
        conversation.raise_to(highest_shown(shown))
        self._metrics.messages.labels("gateway" if reason else "rasa").inc()
        extra = {"fallback": reason} if reason else {}
        await self._hearing.hand_over(heard, assessment, begun, shown, extra)
        heard.remember(shown)
        return shown

    async def _ask_rasa(self, heard: Heard, deadline: float) -> tuple[list[Message], str | None]:
        """Rasa's replies; or none, and the reason."""
        conversation = heard.conversation
        known = {"audience": conversation.audience, "area": conversation.area}
        # Whoever waited for an earlier message does not wait the whole time again.
        left = max(deadline - time.monotonic(), LEAST_WAIT_S)
        try:
            replies = await self._rasa.replies(
                conversation.id,
                heard.message_id,
                heard.sent,
                {name: value for name, value in known.items() if value},
                left,
            )
        except RasaUnavailableError as error:
            self._metrics.fallbacks.labels(error.reason).inc()
            log.warning("rasa.unavailable", reason=error.reason, message_id=heard.message_id)
            return [], error.reason
        return replies, None

    def _shown(
        self, heard: Heard, assessment: Assessment | None, replies: list[Message]
    ) -> list[Message]:
        try:
            if replies:
                return self._checked(heard, assessment, replies)
            return self._fallback(heard, assessment)
        except Exception as error:  # noqa: BLE001 - the message must still reach the log
            _log_without_words("message.no_words", error)
            conversation = heard.conversation
            return [self._words.help_card(conversation.highest, conversation.audience), *replies]

    def _checked(
        self, heard: Heard, assessment: Assessment | None, replies: list[Message]
    ) -> list[Message]:
        """Rasa's replies, with the help card first where our own screen asks for it."""
        severity = assessment.severity if assessment else Severity.NONE
        if assessment is not None and severity < Severity.URGENT:
            return replies
        card = self._words.help_card(severity, heard.conversation.audience)
        shown = with_help_first(replies, card, severity)
        if len(shown) > len(replies):
            self._metrics.upgrades.inc()
        return shown

    def _fallback(self, heard: Heard, assessment: Assessment | None) -> list[Message]:
        """What to show when Rasa is silent. A severity once reached still counts."""
        conversation, choice = heard.conversation, heard.sent.choice
        cannot_call = choice and self._catalogue[choice].intent == "say_cannot_call"
        if assessment is None or cannot_call or conversation.highest >= Severity.URGENT:
            return [self._words.help_card(conversation.highest, conversation.audience)]
        return self._words.cannot_answer(conversation.audience)

    def _learn(self, conversation: Conversation, sent: Sent) -> None:
        """Note what a button says about who is asking and from where."""
        entities = self._catalogue[sent.choice].entities if sent.choice else {}
        conversation.audience = entities.get("audience", conversation.audience)
        conversation.area = entities.get("area", conversation.area)


def _log_without_words(event: str, error: Exception) -> None:
    """Only the kind of error: its message or its traceback may quote a child."""
    log.error(event, error=type(error).__name__)
