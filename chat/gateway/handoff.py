"""Decides how severe a message is, and hands it over to staff if they must read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chat.gateway.callbacks import CallbackDialogue
from chat.gateway.conversations import Conversation, Exchange, scoped_id
from chat.gateway.duty import Duty
from chat.gateway.recorder import Recorder
from chat.gateway.replies import highest_shown
from chat.gateway.requests import IncomingMessage
from safeguarding.content.facts import Facts
from safeguarding.escalation import SENDER, Escalation
from safeguarding.messages import Message, contacts_in, words_of
from safeguarding.risk.assessment import (
    NO_RISK,
    AssessedMessage,
    Assessment,
    Signal,
    is_read_in_part,
    upgraded,
)
from safeguarding.taxonomy import Severity

FOR_STAFF = Severity.CONCERN
"""A message of this severity is handed over, and so is every later one of its conversation."""
FINISH_S = 15.0


def _gateway_assessment(source: str, severity: Severity) -> Assessment:
    signal = Signal(source, "gateway", "1", "distress", severity, start=0, end=0)
    return Assessment(severity, (signal.category,), NO_RISK.subject, (signal,))


NOT_ASSESSED = _gateway_assessment("not-assessed", FOR_STAFF)
"""Stands for the assessment of a message that could not be assessed: staff must read it."""


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
    assessment: Assessment | None,
    *,
    shown: Severity,
    known: Severity,
    again: bool,
    waits: bool = False,
    later: bool = False,
) -> SeverityDecision:
    """Decide the severity of a message and of its conversation, which never falls.

    `assessment` is None if there is none; `waits` says that it is still to come, so that its lack
    does not yet raise the conversation. `later` says that it came after the message was handed over
    as not assessed, a record that only staff lower. `shown` is the severity of the help card in the
    answer, and `known` that of the conversation before the message. `again` says that the card only
    repeats the help that is known to be due, and tells nothing about this message.
    """
    own = assessment or NOT_ASSESSED
    on_record = own
    if shown > max(own.severity, known if again else Severity.NONE):
        on_record = upgraded(own, _gateway_assessment("answered-with-help", shown))
    if later:
        on_record = upgraded(NOT_ASSESSED, on_record)
    return SeverityDecision(
        on_record=on_record,
        reached=max(known, shown, Severity.NONE if waits else own.severity),
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
        duty: Duty,
        facts: Facts,
        now: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self.callbacks = callbacks
        self._duty = duty
        self._facts = facts
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    def with_what_follows(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add to help cards the offer of a call-back, and when staff read the message."""
        offered = self.callbacks.offered(conversation, shown)
        state = conversation.state
        return self._duty.with_rota(offered, state.area, again=bool(state.cards))

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

        `begun` is the assessment, or None if there was no room to begin it. If it is not done, the
        message is recorded at once as not assessed, and recorded again when it is done. The second
        record raises the first and never lowers it, because only staff lower a record; what the
        assessment found is in `assessed_later`.
        """
        if begun is None or begun.done():
            await self._record(exchange, begun, shown, extra)
            return

        async def record_again() -> None:
            await asyncio.wait({begun})
            failed = begun.exception() is not None
            found = "failed" if failed else begun.result().assessment.severity.label
            if not failed:
                # The answer left without it, so what the message says is not noted yet.
                said = said_in_own_words(self._facts, exchange.sent, begun.result())
                exchange.conversation.note_facts(said)
            late = {"screening": "late", "assessed_later": found}
            await self._record(exchange, begun, shown, extra | late)

        await self._record(exchange, None, shown, extra | {"screening": "late"})
        task = asyncio.create_task(record_again())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def finish(self) -> None:
        """Wait for late assessments and their records. Called when the server stops."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=FINISH_S)
        self.callbacks.close()

    async def _record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        assessment = None
        if begun is None or begun.exception() is not None:
            extra = {"screening": "failed"} | extra
        else:
            assessment = begun.result().assessment
        later = "assessed_later" in extra
        conversation = exchange.conversation
        decision = decide(
            assessment,
            shown=highest_shown(shown),
            known=exchange.state.severity,
            again="fallback" in extra or exchange.sent.choice is not None,
            waits=extra.get("screening") == "late" and not later,
            later=later,
        )
        conversation.raise_to(decision.reached)
        if not decision.is_for_staff:
            return
        if is_read_in_part(decision.on_record):
            characters = len(exchange.sent.text)
            read = f"the encoder read some passages of {characters} characters"
            extra = extra | {"assessed": read}
        if exchange.sent.sender is not None:
            extra = extra | {SENDER: exchange.sent.sender}
        await self._recorder.record(
            Escalation(
                message_id=exchange.message_id,
                conversation_id=str(conversation.id),
                text=exchange.sent.text,
                assessment=decision.on_record,
                raised_at=exchange.at,
                raised_by="gateway",
                turns_before=exchange.before,
                shown=tuple(words_of(message) for message in shown),
                contacts=contacts_in(shown),
                audience=conversation.state.audience,
                area=conversation.state.area,
                age=conversation.state.age,
                facts=conversation.state.facts,
                extra=extra,
            )
        )
