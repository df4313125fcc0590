"""Answers one message: assesses it, asks Rasa, checks the reply, and records what shows risk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

import structlog

from chat.gateway.conversations import Conversation, Exchange, scoped_id
from chat.gateway.handoff import HandoffWriter, said_in_own_words
from chat.gateway.letterbox_asking import OwnAnswer
from chat.gateway.live.chat import LiveChatParts
from chat.gateway.live.turn import PersonTurn
from chat.gateway.live.words import CHOICES
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.more_ways import with_more_ways
from chat.gateway.rasa import RasaRequest, RasaUnavailableError, ReplySource
from chat.gateway.replies import OwnReplies, ReplyCheck
from chat.gateway.requests import Bearer, IncomingMessage
from chat.gateway.say_it import NoteOffer
from chat.gateway.screening import Screening
from safeguarding.content.choices import SAFE_NOW
from safeguarding.content.guides import STOP
from safeguarding.content.reader import Content
from safeguarding.conversation_state import SAYS_SAFE
from safeguarding.live_chat import LIVE_CHAT
from safeguarding.messages import Message
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Turn
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.screening.process import ScreeningAwayError
from safeguarding.speaker import age_said, audience_said, subject_said

LEAST_WAIT_S = 0.25
"""The least time for Rasa, and for an earlier message of the conversation, in seconds."""
ASSESSMENT_WAIT_S = 0.5
"""The least time for the assessment, in seconds, however late the message is."""
ANSWER_WAIT_S = 1.0
"""Seconds kept for Rasa when the assessment takes long."""
LETTERBOX_WAIT_S = 4.0
"""The least time for the assessment of an answer that opens a letterbox, in seconds: less than a
browser waits."""
BUSY, BUSY_WAIT_S = 8, 1.5
"""While more messages than this are answered at once, each is answered within so many seconds: with
help alone, if need be."""
FINISH_S = 15.0
log = structlog.get_logger("gateway.messages")


class Answer(NamedTuple):
    """What the person reads in answer to a message."""

    messages: list[Message]
    over_limit: bool = False
    """True when messages came too fast: the answer is help and the request to wait."""


class Messages:
    """Answers messages. Every failure ends in an answer, with help if help is due."""

    def __init__(
        self,
        rasa: ReplySource,
        screening: Screening,
        own: OwnReplies,
        handoff: HandoffWriter,
        live: LiveChatParts,
        metrics: GatewayMetrics,
        *,
        content: Content,
    ) -> None:
        self._conversations = live.conversations
        self._rasa = rasa
        self._screening = screening
        self._own = own
        self._handoff = handoff
        self._live = live
        self._person = PersonTurn(live.follower, live.dialogue, screening, handoff, own, content)
        self.notes = NoteOffer(content)
        self._metrics = metrics
        self._content, self._facts = content, content.facts
        self._check = ReplyCheck(own, content, metrics)
        self._under_way: dict[str, asyncio.Task[Answer]] = {}
        self._in_full_now = 0

    async def answer(
        self, bearer: Bearer, sent: IncomingMessage, admitted: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """Return the answer to a message; a repeat of a message gets the same answer.

        `admitted` counts the message and returns whether it is within the limits. It is called
        once for each new message.
        """
        message_id = scoped_id(bearer.conversation_id, sent)
        answer = self._under_way.get(message_id)
        if answer is None:
            # A task of its own from the start: it goes on when the browser closes the connection.
            answer = asyncio.create_task(self._answer(bearer, sent, message_id, admitted))
            self._under_way[message_id] = answer
            answer.add_done_callback(lambda _done: self._under_way.pop(message_id))
        return await asyncio.shield(answer)

    async def finish(self) -> None:
        """Wait for answers in progress. Called when the server stops."""
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=FINISH_S)
        await self._person.finish()

    async def _answer(
        self,
        bearer: Bearer,
        sent: IncomingMessage,
        message_id: str,
        admitted: Callable[[], Awaitable[bool]],
    ) -> Answer:
        known = self._conversations.of(bearer).answer_to(message_id)
        if known is not None:
            return Answer(known)
        if not await admitted():
            conversation = await self._conversations.look(bearer)
            known = conversation.answer_to(message_id)
            if known is not None:
                return Answer(known)
            return await self._over_limit(conversation, sent, message_id)
        is_typed = sent.choice is None and bool(sent.text.strip())
        if is_typed and self._screening.pressure.is_high(len(self._under_way)):
            conversation = await self._conversations.look(bearer)
            return Answer(await self._at_once(conversation, sent, message_id))
        started, within_s = time.monotonic(), self._within_s()
        waits_s = max(within_s - ANSWER_WAIT_S, LEAST_WAIT_S)
        self._in_full_now += 1
        try:
            async with self._conversations.turn(bearer, waits_s) as conversation:
                known = conversation.answer_to(message_id)
                deadline = started + within_s
                if known is None:
                    known = await self._in_full(conversation, sent, message_id, deadline)
                shown = known
        finally:
            self._in_full_now -= 1
        self._metrics.seconds.observe(time.monotonic() - started)
        return Answer(shown)

    def _within_s(self) -> float:
        """Return the seconds within which a message is answered."""
        busy = self._in_full_now >= BUSY
        return min(self._rasa.timeout_s, BUSY_WAIT_S) if busy else self._rasa.timeout_s

    async def _over_limit(
        self, conversation: Conversation, sent: IncomingMessage, message_id: str
    ) -> Answer:
        """Assess and record a message that came too fast; return help and the request to wait.

        A person who has the chat reads it all the same.
        """
        await self._live.follower.read(conversation, sent)
        exchange = self._handoff.exchange(conversation, sent)
        begun = self._screening.begin_spare(sent, exchange.before, exchange.state)
        if conversation.live.is_open:
            self._metrics.messages.labels("limit").inc()
            shown = await self._person.answer(exchange, begun)
            conversation.keep_answer(message_id, shown)
            return Answer(shown)
        assessed = await self._screening.result(begun, self._rasa.timeout_s)
        said = said_in_own_words(self._facts, sent, assessed)
        conversation.note(assessed.assessment if assessed else NO_RISK, said)
        shown = self._own.too_fast(conversation.state)
        self._metrics.messages.labels("limit").inc()
        await self._handoff.record(exchange, begun, shown, {"fallback": "rate-limit"})
        conversation.remember(exchange.message_id, Turn("user", sent.text))
        # This answer is not kept: a repeat of the message may be answered in full.
        return Answer(shown, over_limit=True)

    async def _at_once(
        self, conversation: Conversation, sent: IncomingMessage, message_id: str
    ) -> list[Message]:
        """Return help alone, and hand the message over to be assessed later."""
        await self._live.follower.read(conversation, sent)
        self._note_speaker(conversation, sent)
        exchange = self._handoff.exchange(conversation, sent)
        if conversation.live.is_open:
            self._metrics.messages.labels("pressure").inc()
            shown = await self._person.answer(exchange, None)
            conversation.keep_answer(message_id, shown)
            return shown
        conversation.note(NO_RISK)
        own = await self._handoff.answer(conversation, sent, None)
        if own is not None and own.is_private:
            return own.messages
        shown = own.messages if own else [self._own.help_card(conversation.state)]
        self._metrics.messages.labels("pressure").inc()
        await self._handoff.record(exchange, None, shown, {"fallback": "pressure"})
        conversation.keep_answer(message_id, shown)
        exchange.remember(shown)
        return shown

    async def _in_full(
        self, conversation: Conversation, sent: IncomingMessage, message_id: str, deadline: float
    ) -> list[Message]:
        try:
            if sent.text.strip():
                shown, is_private, _ = await self._in_turn(conversation, sent, deadline)
            else:
                await self._live.follower.read(conversation, sent)
                conversation.note(NO_RISK)
                empty = [] if conversation.live.is_open else self._own.empty()
                shown = empty and self._check.still_helped(conversation, empty)
                shown = self._live.dialogue.with_numbers(conversation, shown)
                is_private = False
            if not is_private:
                conversation.keep_answer(message_id, shown)
        except Exception as error:  # noqa: BLE001 - silence is failure: show help
            # Only the kind of error: its message or its traceback may quote a child.
            log.error("message.failed", error=type(error).__name__)  # noqa: TRY400
            return await self._help_alone(conversation, sent)
        return shown

    async def _help_alone(self, conversation: Conversation, sent: IncomingMessage) -> list[Message]:
        """Return help for a message whose answer failed, and hand the message over.

        It may be on record already, which is harmless. The answer is not kept: a repeat of the
        message may be answered in full.
        """
        shown = [self._own.help_card(conversation.state)]
        try:
            exchange = self._handoff.exchange(conversation, sent)
            if conversation.live.is_open:
                # A person reads it.
                extra = {"fallback": "failed", LIVE_CHAT: conversation.live.chat}
                await self._handoff.record(exchange, None, [], extra)
                return []
            begun = await self._screened_again(exchange)
            await self._handoff.record(exchange, begun, shown, {"fallback": "failed"})
        except Exception as error:  # noqa: BLE001 - help must be shown all the same
            log.critical("message.not_handed_over", error=type(error).__name__)
        return shown

    async def _screened_again(self, exchange: Exchange) -> asyncio.Future[AssessedMessage] | None:
        """Return the assessment, or None if that is what fails: staff then read the message."""
        try:
            begun = self._screening.begin(exchange.sent, exchange.before, exchange.state)
            await self._screening.result(begun, ASSESSMENT_WAIT_S)
        except Exception as error:  # noqa: BLE001 - a message that is not assessed is for staff
            log.error("screening.failed", error=type(error).__name__)  # noqa: TRY400
            return None
        return begun

    async def _in_turn(
        self, conversation: Conversation, sent: IncomingMessage, deadline: float
    ) -> OwnAnswer:
        await self._live.follower.read(conversation, sent)
        self._note_speaker(conversation, sent)
        exchange = self._handoff.exchange(conversation, sent)
        begun = self._screening.begin(sent, exchange.before, exchange.state)
        if conversation.live.is_open:
            self._metrics.messages.labels("person").inc()
            own = await self._pressed_beside(conversation, sent)
            return own or OwnAnswer(await self._person.answer(exchange, begun))
        left = deadline - time.monotonic() - ANSWER_WAIT_S
        if conversation.letterbox.awaits_answer:
            # Rasa is not asked, and an answer that is not assessed would have to be typed again.
            left = max(left, LETTERBOX_WAIT_S)
        assessed = await self._screening.result(begun, max(left, ASSESSMENT_WAIT_S))
        assessment = assessed.assessment if assessed else None
        said = said_in_own_words(self._facts, sent, assessed)
        if SAFE_NOW in (
            sent.choice,
            self._content.questions.answer(exchange.state.asked, sent.text),
        ):
            said |= {SAYS_SAFE}
        conversation.note(assessment or NO_RISK, said)
        conversation.state = self._own.understood(exchange, assessed)
        pressed = bool(sent.choice)
        note = self.notes.answer(conversation, sent)
        own = OwnAnswer(note) if note else None
        if own is None:
            own = await self._live.dialogue.answer(exchange, assessment)
        if own is None:
            own = await self._handoff.answer(conversation, sent, assessment)
        if own is not None:
            conversation.note_shown(own.messages, self._content, pressed=pressed)
            at_risk = not sent.choice and (assessment is None or assessment.severity)
            if own.is_letter or (at_risk and not own.is_private):
                await self._handoff.record(exchange, begun, own.messages, {})
            if own.is_letter:
                exchange.remember(own.messages)
            return own
        if begun is not None and begun.done() and not _ended_screening(begun):
            replies, reason = await self._ask_rasa(exchange, assessed, deadline)
        else:
            # Rasa would assess the message too, on a machine that is too busy already.
            replies, reason = [], "assessment-late"
        shown = self._check.shown(exchange, assessed, replies)
        shown = self.notes.offered(conversation, shown)
        shown = self._handoff.with_what_follows(conversation, shown)
        shown = self._live.dialogue.offered(conversation, shown)
        shown = self._live.dialogue.with_numbers(conversation, shown)
        shown = with_more_ways(shown)
        conversation.note_shown(shown, self._content, pressed=pressed)
        self._metrics.messages.labels("gateway" if reason else self._rasa.name).inc()
        extra = {"fallback": reason} if reason else {}
        await self._handoff.record(exchange, begun, shown, extra)
        exchange.remember(shown)
        return OwnAnswer(shown)

    async def _pressed_beside(
        self, conversation: Conversation, sent: IncomingMessage
    ) -> OwnAnswer | None:
        """Return what a button of the gateway's own does while a person has the chat.

        The young person may delete a call-back or close a letterbox also in a live chat.
        """
        if sent.choice is None or sent.choice in CHOICES:
            return None
        note = self.notes.answer(conversation, sent)
        if note is not None:
            return OwnAnswer(note)
        return await self._handoff.answer(conversation, sent, NO_RISK)

    async def _ask_rasa(
        self, exchange: Exchange, assessed: AssessedMessage | None, deadline: float
    ) -> tuple[list[Message], str | None]:
        """Return Rasa's replies and None, or an empty list and the reason why there are none."""
        conversation = exchange.conversation
        message = RasaRequest(
            conversation.id,
            exchange.message_id,
            exchange.sent,
            exchange.state,
            assessed,
            conversation.dialogue,
        )
        try:
            reply = await self._rasa.reply(message, max(deadline - time.monotonic(), LEAST_WAIT_S))
        except RasaUnavailableError as error:
            self._metrics.fallbacks.labels(error.reason).inc()
            log.warning("rasa.unavailable", reason=error.reason, message_id=exchange.message_id)
            return [], error.reason
        conversation.dialogue = reply.dialogue or conversation.dialogue
        return reply.messages, None

    def _note_speaker(self, conversation: Conversation, sent: IncomingMessage) -> None:
        """Note what a button or the person's own words say about them."""
        entities = self._content.choices[sent.choice].entities if sent.choice else {}
        typed = "" if sent.choice else sent.text
        said = audience_said(typed) or subject_said(typed)
        # Looked for only now, because it takes long in a long text.
        chat = pasted_chat(typed) if said else None
        own = typed if chat is None else chat.own_words
        audience = entities.get("audience", audience_said(own))
        state = conversation.state.spoken_by(audience, subject_said(own))
        conversation.state = replace(
            state,
            age=_own_age(typed) or state.age,
            area=entities.get("area", state.area),
            guide=None if sent.choice == STOP else state.guide,
        )


def _ended_screening(begun: asyncio.Future[AssessedMessage]) -> bool:
    """Return whether the screening process went away, perhaps by this message: not for Rasa."""
    return isinstance(begun.exception(), ScreeningAwayError)


def _own_age(text: str) -> int | None:
    """Return the age that the writer gives as their own, not in a chat that they pasted."""
    age = age_said(text)
    # Looked for only now, because it takes long in a long text.
    chat = pasted_chat(text) if age is not None else None
    return age if chat is None else age_said(chat.own_words)
