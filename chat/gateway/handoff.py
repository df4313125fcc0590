"""The hand-off to staff: which messages they must read, and what the record of each says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from chat.gateway.conversation import Conversation, Exchange, scoped_id
from chat.gateway.duty import Duty
from chat.gateway.recorder import Recorder
from chat.gateway.replies import highest_shown
from chat.gateway.requests import IncomingMessage
from chat.gateway.wishes import CallbackDialogue
from safeguarding.escalation import Escalation
from safeguarding.messages import Message, contacts_in, words_of
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, is_read_in_part, upgraded
from safeguarding.taxonomy import Severity


class HandOff:
    """Hands over to staff what shows risk: the one place where escalations are made."""

    def __init__(
        self, recorder: Recorder, wishes: CallbackDialogue, duty: Duty, now: Callable[[], datetime]
    ) -> None:
        self._recorder = recorder
        self.wishes = wishes
        """The way back, for people who were handed over."""
        self._duty = duty
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    def with_what_follows(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """What is shown, with what is true of a hand-off: when it is read, and a way back."""
        offered = self.wishes.offered(conversation, shown)
        return self._duty.honest(offered, conversation.state.area)

    def exchange(self, conversation: Conversation, sent: IncomingMessage) -> Exchange:
        """The message with what came before it."""
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
        """Record a message that shows risk. Returns when that is on a disk (see Recorder).

        One that is still being assessed is recorded at once as not assessed, and again with what
        its assessment finds: that raises it, and never lowers it. When it finds nothing the record
        stays a concern, since only staff lower one, and says so: `assessed_later`. `begun` is the
        assessment; None when there were too many to begin it.
        """
        if begun is not None and not begun.done():
            await self._record(exchange, None, shown, extra | {"screening": "late"})
            task = asyncio.create_task(self._when_assessed(exchange, begun, shown, extra))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            await self._record(exchange, begun, shown, extra)

    async def finish(self, within_s: float = 15.0) -> None:
        """Wait for late assessments and their records. Called when the server stops."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=within_s)
        self.wishes.close()

    async def _when_assessed(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage],
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        await asyncio.wait({begun})
        failed = begun.exception() is not None
        found = "failed" if failed else begun.result().assessment.severity.label
        late = {"screening": "late", "assessed_later": found}
        await self._record(exchange, begun, shown, extra | late)

    async def _record(
        self,
        exchange: Exchange,
        begun: asyncio.Future[AssessedMessage] | None,
        shown: Sequence[Message],
        extra: dict[str, str],
    ) -> None:
        if begun is None or begun.exception() is not None:
            assessment, extra = NOT_ASSESSED, {"screening": "failed"} | extra
        else:
            assessment = begun.result().assessment
        later = "assessed_later" in extra
        if later or extra.get("screening") != "late":
            # What nobody has assessed yet says nothing of the conversation.
            exchange.conversation.raise_to(assessment.severity)
        # A button, or the gateway alone, shows again what the conversation has reached: on record.
        known = exchange.state.severity
        again = "fallback" in extra or exchange.sent.choice is not None
        if highest_shown(shown) > max(assessment.severity, known if again else Severity.NONE):
            assessment = upgraded(assessment, _answered_with_help(highest_shown(shown)))
        if later:
            assessment = upgraded(NOT_ASSESSED, assessment)
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
                contacts=contacts_in(shown),
                audience=conversation.state.audience,
                area=conversation.state.area,
                extra=extra | _read_in_part(assessment, exchange.sent),
            )
        )


def _read_in_part(assessment: Assessment, sent: IncomingMessage) -> dict[str, str]:
    """What staff must know of a message too long to be read whole; nothing of any other."""
    if not is_read_in_part(assessment):
        return {}
    return {"assessed": f"the encoder read some passages of {len(sent.text)} characters"}


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
