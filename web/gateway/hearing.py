"""A message in its conversation, and its record when a member of staff must read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid5

from safeguarding.escalations.escalation import Escalation
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessment import Assessment, Turn
from safeguarding.taxonomy import Severity
from web.gateway.bodies import Sent
from web.gateway.conversations import Conversation
from web.gateway.recording import Recorder


@dataclass(frozen=True)
class Heard:
    """One message, and the facts its record needs."""

    conversation: Conversation
    message_id: str
    sent: Sent
    before: tuple[Turn, ...]
    at: datetime

    def remember(self, shown: list[Message]) -> None:
        """Keep both sides of this exchange for the next assessment."""
        said = "\n".join(words_of(message) for message in shown)
        self.conversation.remember(self.message_id, Turn("user", self.sent.text))
        self.conversation.remember(self.message_id, Turn("assistant", said))


def scoped_id(conversation: Conversation, sent: Sent) -> str:
    """The message id for inside: a browser's id cannot reach into another conversation."""
    return str(uuid5(conversation.id, str(sent.id)))


class Hearing:
    """Takes messages in, and hands over those that show risk."""

    def __init__(self, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._recorder = recorder
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    def heard(self, conversation: Conversation, sent: Sent) -> Heard:
        """The message with what came before it."""
        message_id = scoped_id(conversation, sent)
        before = conversation.turns_before(message_id)
        return Heard(conversation, message_id, sent, before, self._now())

    async def hand_over(
        self,
        heard: Heard,
        assessment: Assessment | None,
        begun: asyncio.Future[Assessment] | None,
        shown: list[Message],
        extra: dict[str, str],
    ) -> None:
        """Record a message that shows risk; one still being assessed, as soon as it is."""
        if assessment is not None:
            await self._record(heard, assessment, shown, extra)
        elif begun is not None and not begun.done():
            task = asyncio.create_task(self._when_assessed(heard, begun, shown, extra))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def finish(self, within_s: float = 5.0) -> None:
        """Wait for late assessments and their records. Called when the server stops."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=within_s)

    async def _when_assessed(
        self,
        heard: Heard,
        begun: asyncio.Future[Assessment],
        shown: list[Message],
        extra: dict[str, str],
    ) -> None:
        await asyncio.wait({begun})
        if begun.exception() is None:
            heard.conversation.raise_to(begun.result().severity)
            await self._record(heard, begun.result(), shown, extra | {"screening": "late"})

    async def _record(
        self, heard: Heard, assessment: Assessment, shown: list[Message], extra: dict[str, str]
    ) -> None:
        if assessment.severity < Severity.CONCERN:
            return
        conversation = heard.conversation
        await self._recorder.record(
            Escalation(
                message_id=heard.message_id,
                conversation_id=str(conversation.id),
                text=heard.sent.text,
                assessment=assessment,
                raised_at=heard.at,
                raised_by="gateway",
                turns_before=heard.before,
                shown=tuple(words_of(message) for message in shown),
                audience=conversation.audience,
                area=conversation.area,
                extra=extra,
            )
        )
