"""Decides how severe a message is, and hands it over to staff if they must read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec.structs import replace as struct_with

from chat.gateway.callbacks import CallbackDialogue
from chat.gateway.conversations import Conversation, Exchange, scoped_id
from chat.gateway.duty import Duty
from chat.gateway.letterbox import LetterboxDialogue
from chat.gateway.letterbox_asking import OwnAnswer
from chat.gateway.recorder import Recorder
from chat.gateway.replies import highest_shown
from chat.gateway.requests import IncomingMessage
from safeguarding.content.facts import Facts
from safeguarding.escalation import LETTERBOX, NOT_ASSESSED, SENDER, Escalation, gateway_assessment
from safeguarding.live_chat import ADDRESS, LIVE_CHAT
from safeguarding.messages import Message, contacts_in, words_of
from safeguarding.risk.assessment import (
    NO_RISK,
    AssessedMessage,
    Assessment,
    is_read_in_part,
    upgraded,
)
from safeguarding.taxonomy import Severity

FOR_STAFF = Severity.CONCERN
"""A message of this severity is handed over, and so is every later one of its conversation."""
FINISH_S = 15.0


@dataclass(frozen=True)
class SeverityDecision:
    """The severity of a message and of its conversation."""

    on_record: Assessment
    """The assessment that staff see."""
    reached: Severity
    """The severity of the conversation after the message."""
    is_for_staff: bool
    """Whether the message is handed over."""


def decide(
    assessment: Assessment | None, *, shown: Severity, known: Severity, again: bool
) -> SeverityDecision:
    """Decide the severity of a message and of its conversation, which never falls.

    `assessment` is None if there is none yet: the message is then handed over to be assessed, and
    does not raise its conversation. `shown` is the severity of the help card in the answer, and
    `known` that of the conversation before the message. `again` says that the card only repeats the
    help that is known to be due, and tells nothing about this message.
    """
    own = on_record = assessment or NOT_ASSESSED
    if shown > max(own.severity, known if again else Severity.NONE):
        on_record = upgraded(own, gateway_assessment("answered-with-help", shown))
    waits = on_record == NOT_ASSESSED
    return SeverityDecision(
        on_record=on_record,
        reached=known if waits else max(known, shown, own.severity),
        is_for_staff=max(on_record.severity, known) >= FOR_STAFF,
    )


def said_in_own_words(
    facts: Facts, sent: IncomingMessage, assessed: AssessedMessage | None
) -> frozenset[str]:
    """Return the facts that a message says; none before it is assessed."""
    if assessed is None:
        return frozenset()
    return facts.said_by_writer(sent.text, assessed.canonical)


class HandoffWriter:
    """Hands messages over to staff: the only place where escalations are made."""

    def __init__(
        self,
        recorder: Recorder,
        callbacks: CallbackDialogue,
        letterbox: LetterboxDialogue,
        duty: Duty,
        facts: Facts,
        now: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self.callbacks = callbacks
        self.letterbox = letterbox
        self._duty = duty
        self._facts = facts
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    def with_what_follows(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add to help cards the offer of a call-back, and when staff read the message."""
        offered = self.callbacks.offered(conversation, shown)
        offered = self.letterbox.offered(conversation, offered)
        state = conversation.state
        return self._duty.with_rota(offered, state.area, again=bool(state.cards))

    async def answer(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> OwnAnswer | None:
        """Return the answer to a message about a call-back or a letterbox, or None for any other.

        `assessment` is None if the message could not be assessed.
        """
        messages = await self.callbacks.answer(conversation, sent, assessment)
        if messages is not None:
            return OwnAnswer(messages)
        return await self.letterbox.answer(conversation, sent, assessment)

    def exchange(self, conversation: Conversation, sent: IncomingMessage) -> Exchange:
        """Return the message with what came before it."""
        message_id = scoped_id(conversation.id, sent)
        before = conversation.turns_before(message_id)
        return Exchange(conversation, message_id, sent, before, conversation.state, self._now())

    async def record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        """Record a message if it is for staff. Returns once the record is kept (see Recorder).

        `begun` is the assessment, or None if there was no room to begin it. Without one in time the
        message is handed over as not assessed, and the staff side assesses it. If the assessment
        comes after all, it raises the conversation, and is recorded as well.
        """
        if begun is None or begun.done():
            await self._record(exchange, begun, shown, extra)
            return

        async def record_again() -> None:
            await asyncio.wait({begun})
            if begun.cancelled() or begun.exception() is not None:
                return
            # The answer left without it, so what the message says is not noted yet.
            said = said_in_own_words(self._facts, exchange.sent, begun.result())
            exchange.conversation.note_facts(said)
            found = begun.result().assessment.severity.label
            late = {"screening": "late", "assessed_later": found}
            await self._record(exchange, begun, shown, extra | late)

        await self._record(exchange, None, shown, extra)
        task = asyncio.create_task(record_again())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def finish(self) -> None:
        """Wait for late assessments and their records. Called when the server stops."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=FINISH_S)
        self.callbacks.close()
        self.letterbox.close()

    async def _record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        assessment, state = None, None
        if begun is None or begun.exception() is not None:
            extra = {"screening": "late" if begun is None else "failed"} | extra
            state = exchange.state.as_record()
        else:
            assessment = begun.result().assessment
        conversation = exchange.conversation
        decision = decide(
            assessment,
            shown=highest_shown(shown),
            known=exchange.state.severity,
            again="fallback" in extra or exchange.sent.choice is not None,
        )
        conversation.raise_to(decision.reached)
        on_record = decision.on_record
        is_live = LIVE_CHAT in extra
        is_letter = bool(conversation.letterbox.case) and exchange.sent.choice is None
        if is_letter and not is_live:
            extra = extra | {LETTERBOX: "yes"}
        elif not is_live and not decision.is_for_staff:
            if not conversation.has_unassessed or "assessed_later" in extra:
                return
            # The staff side knows what came of the messages before, and whether this one belongs.
            on_record, state = NOT_ASSESSED, exchange.state.as_record()
            extra = {"screening": "late"} | extra
        if conversation.letterbox.case:
            extra = extra | {ADDRESS: str(conversation.id)}
        if on_record == NOT_ASSESSED:
            conversation.has_unassessed = True
            conversation.live = struct_with(conversation.live, listens=True)
        if is_read_in_part(on_record):
            characters = len(exchange.sent.text)
            read = f"the encoder read some passages of {characters} characters"
            extra = extra | {"assessed": read}
        if exchange.sent.sender is not None:
            extra = extra | {SENDER: exchange.sent.sender}
        escalation = Escalation(
            message_id=exchange.message_id,
            conversation_id=conversation.case_id,
            text=exchange.sent.text,
            assessment=on_record,
            raised_at=exchange.at,
            raised_by="gateway",
            turns_before=exchange.before,
            shown=tuple(words_of(message) for message in shown),
            contacts=contacts_in(shown),
            audience=conversation.state.said_audience,
            area=conversation.state.area,
            age=conversation.state.age,
            # The others only choose replies.
            facts=tuple(f for f in conversation.state.facts if f in self._facts.means),
            extra=extra,
            state=state,
        )
        rows = [escalation]
        if is_live and escalation.waits_for_assessment:
            # What waits for its assessment is no part of a case yet. A person who is in the chat
            # reads this message now, whatever it turns out to be.
            rows.insert(0, replace(escalation, assessment=NO_RISK, state=None))
        await asyncio.gather(*map(self._recorder.record, rows))
