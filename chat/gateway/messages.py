"""One message, from the browser to the answer: assess, ask Rasa, prove that it helps, record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from chat.gateway.conversation import Answer, Conversation, Exchange, scoped_id
from chat.gateway.conversations import Conversations
from chat.gateway.handoff import HandOff
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.rasa import RasaReply, RasaRequest, RasaUnavailableError
from chat.gateway.replies import OwnReplies
from chat.gateway.reply_check import ReplyCheck
from chat.gateway.requests import Bearer, IncomingMessage
from chat.gateway.screening import Screening
from safeguarding.content.guides import STOP
from safeguarding.content.reader import Content
from safeguarding.conversation_state import age_said, audience_said
from safeguarding.messages import Message
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.assessment import NO_RISK, Assessment, Turn

LEAST_WAIT_S = 0.25
ASSESSMENT_WAIT_S = 0.5
"""A message is assessed for at least so long, in seconds, however late it is."""
ANSWER_WAIT_S = 1.0
"""What is left of the whole time for Rasa, in seconds, when the assessment takes long."""
log = structlog.get_logger("gateway.messages")


class Rasa(Protocol):
    """A client that gets replies from Rasa: chat.gateway.rasa_pool.RasaPool."""

    timeout_s: float
    """Seconds after which a message is answered without it."""

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """The reply. Raises RasaUnavailableError."""


class Messages:
    """Answers messages. Whatever fails, there is an answer, and help in it when it is needed."""

    def __init__(
        self,
        conversations: Conversations,
        rasa: Rasa,
        screening: Screening,
        own: OwnReplies,
        handoff: HandOff,
        metrics: GatewayMetrics,
        *,
        content: Content,
    ) -> None:
        self._conversations = conversations
        self._rasa = rasa
        self._screening = screening
        self._own = own
        self._handoff = handoff
        self._metrics = metrics
        self._choices, self._questions = content.choices, content.questions
        self._proof = ReplyCheck(own, content.choices, content.questions, metrics)
        self._timeout_s = rasa.timeout_s
        self._under_way: dict[str, asyncio.Task[Answer]] = {}

    async def answer(
        self, bearer: Bearer, sent: IncomingMessage, admitted: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """The answer to a message; the same one for the same id, however often it is asked.

        `admitted` says whether it is within the limits; it is asked once, about a new message.
        """
        message_id = scoped_id(bearer.conversation_id, sent)
        answer = self._under_way.get(message_id)
        if answer is None:
            # A task of its own, before anything is waited for: a browser that goes away does not
            # stop help or its record.
            answer = asyncio.create_task(self._answer(bearer, sent, message_id, admitted))
            self._under_way[message_id] = answer
            answer.add_done_callback(lambda _done: self._under_way.pop(message_id))
        return await asyncio.shield(answer)

    async def _over_limit(self, conversation: Conversation, sent: IncomingMessage) -> list[Message]:
        """The answer when messages come too fast. It is still screened, and help is in it."""
        exchange = self._handoff.exchange(conversation, sent)
        begun = self._screening.begin_spare(sent, exchange.before, exchange.state.asked)
        assessed = await self._screening.result(begun, self._timeout_s) if begun else None
        conversation.note(_assessment(assessed))
        shown = self._own.too_fast(conversation.state)
        self._metrics.messages.labels("limit").inc()
        extra = {"fallback": "rate-limit"}
        await self._handoff.record(exchange, begun, shown, extra)
        conversation.remember(exchange.message_id, Turn("user", sent.text))
        return shown

    async def finish(self, within_s: float = 15.0) -> None:
        """Wait for answers being made. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=within_s)

    async def _answer(
        self,
        bearer: Bearer,
        sent: IncomingMessage,
        message_id: str,
        admitted: Callable[[], Awaitable[bool]],
    ) -> Answer:
        if known := self._conversations.of(bearer).answer_to(message_id):
            return Answer(known)
        if not await admitted():
            conversation = await self._conversations.look(bearer)
            if known := conversation.answer_to(message_id):
                return Answer(known)
            # Nothing is kept of it: sent once more it is another try, and may be answered in full.
            return Answer(await self._over_limit(conversation, sent), over_limit=True)
        started = time.monotonic()
        waits_s = max(self._timeout_s - ANSWER_WAIT_S, LEAST_WAIT_S)
        async with self._conversations.turn(bearer, waits_s) as conversation:
            known = conversation.answer_to(message_id)
            shown = known or await self._in_full(conversation, sent, message_id, started)
        self._metrics.seconds.observe(time.monotonic() - started)
        return Answer(shown)

    async def _in_full(
        self, conversation: Conversation, sent: IncomingMessage, message_id: str, started: float
    ) -> list[Message]:
        try:
            if sent.text.strip():
                shown = await self._in_turn(conversation, sent, started + self._timeout_s)
            else:
                conversation.note(NO_RISK)
                shown = self._proof.still_helped(conversation, self._own.empty())
            conversation.keep_answer(message_id, shown)
        except Exception as error:  # noqa: BLE001 - silence is failure: show help
            _log_kind("message.failed", error)
            return [self._own.help_card(conversation.state)]
        return shown

    async def _in_turn(
        self, conversation: Conversation, sent: IncomingMessage, deadline: float
    ) -> list[Message]:
        self._learn(conversation, sent)
        exchange = self._handoff.exchange(conversation, sent)
        begun = self._screening.begin(sent, exchange.before, exchange.state.asked)
        left = deadline - time.monotonic() - ANSWER_WAIT_S
        assessed = await self._screening.result(begun, max(left, ASSESSMENT_WAIT_S))
        conversation.note(_assessment(assessed))
        own = await self._handoff.callbacks.answer(
            conversation, sent, assessed.assessment if assessed else None
        )
        if own is not None:
            conversation.note_shown(own, self._choices, self._questions)
            if not sent.choice and (assessed is None or assessed.assessment.severity):
                await self._handoff.record(exchange, begun, own, {})
            return own
        if begun.done():
            replies, reason = await self._ask_rasa(exchange, assessed, deadline)
        else:
            # Rasa would have to assess it too, and the machine is busy enough.
            replies, reason = [], "assessment-late"
        shown = self._proof.shown(exchange, assessed, replies)
        shown = self._handoff.with_what_follows(conversation, shown)
        conversation.note_shown(shown, self._choices, self._questions)
        self._metrics.messages.labels("gateway" if reason else "rasa").inc()
        extra = {"fallback": reason} if reason else {}
        await self._handoff.record(exchange, begun, shown, extra)
        exchange.remember(shown)
        return shown

    async def _ask_rasa(
        self, exchange: Exchange, assessed: AssessedMessage | None, deadline: float
    ) -> tuple[list[Message], str | None]:
        """Rasa's replies; or none, and the reason."""
        conversation = exchange.conversation
        # Whoever waited for an earlier message does not wait the whole time again.
        left = max(deadline - time.monotonic(), LEAST_WAIT_S)
        message = RasaRequest(
            conversation.id,
            exchange.message_id,
            exchange.sent,
            exchange.state,
            assessed,
            conversation.dialogue,
        )
        try:
            reply = await self._rasa.reply(message, left)
        except RasaUnavailableError as error:
            self._metrics.fallbacks.labels(error.reason).inc()
            log.warning("rasa.unavailable", reason=error.reason, message_id=exchange.message_id)
            return [], error.reason
        conversation.dialogue = reply.dialogue or conversation.dialogue
        return reply.messages, None

    def _learn(self, conversation: Conversation, sent: IncomingMessage) -> None:
        """Note what a button, or somebody in their own words, says about who is asking."""
        entities = self._choices[sent.choice].entities if sent.choice else {}
        state = conversation.state
        typed = "" if sent.choice else sent.text
        audience = state.audience or audience_said(typed)
        conversation.state = replace(
            state,
            age=age_said(typed) or state.age,
            audience=entities.get("audience", audience),
            area=entities.get("area", state.area),
            guide=None if sent.choice == STOP else state.guide,
        )


def _assessment(assessed: AssessedMessage | None) -> Assessment:
    return assessed.assessment if assessed else NO_RISK


def _log_kind(event: str, error: Exception) -> None:
    """Only the kind of error: its message or its traceback may quote a child."""
    log.error(event, error=type(error).__name__)
