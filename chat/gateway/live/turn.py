"""Answers a message while a person has the chat: it goes to them, and Lantern says nothing.

Only immediate danger is answered, once for each danger, with the help card. Screening goes on: each
message is assessed and handed over, and staff get it at once, assessed or not.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from msgspec.structs import replace

from chat.gateway.conversations import Conversation, Exchange
from chat.gateway.handoff import HandoffWriter, said_in_own_words
from chat.gateway.live.dialogue import LiveDialogue
from chat.gateway.live.following import LiveFollower
from chat.gateway.live.reading import LiveSight
from chat.gateway.live.rules import waiting
from chat.gateway.replies import OwnReplies
from chat.gateway.screening import Screening
from safeguarding.content.reader import Content
from safeguarding.live_chat import LIVE_CHAT
from safeguarding.messages import Message
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Turn
from safeguarding.taxonomy import Severity

ASSESSED_WITHIN_S = 0.5
"""The longest wait for an assessment, in seconds, before staff get the message without it."""
SAME_DANGER = timedelta(minutes=10)
"""After so long without a message of immediate danger, the next one is another danger."""
AGAIN_S, MOST_TRIES = 1.0, 60
"""How soon, in seconds, and how often a message is tried that could not be assessed."""
FINISH_S = 15.0


class PersonTurn:
    """Hands a message over to the person who has the chat."""

    def __init__(
        self,
        follower: LiveFollower,
        dialogue: LiveDialogue,
        screening: Screening,
        handoff: HandoffWriter,
        own: OwnReplies,
        content: Content,
    ) -> None:
        self._follower = follower
        self._dialogue = dialogue
        self._screening = screening
        self._handoff = handoff
        self._own = own
        self._content, self._facts = content, content.facts
        self._now = follower.now
        self._late: set[asyncio.Task[None]] = set()
        self._stops = asyncio.Event()

    async def answer(
        self, exchange: Exchange, begun: asyncio.Future[AssessedMessage] | None
    ) -> list[Message]:
        """Hand a message over; return help for immediate danger, else nothing.

        `begun` is its assessment, or None if there was no room to begin it.
        """
        conversation = exchange.conversation
        live = conversation.live
        assessed = await self._screening.result(begun, ASSESSED_WITHIN_S)
        assessment = assessed.assessment if assessed else None
        said = said_in_own_words(self._facts, exchange.sent, assessed)
        conversation.note(assessment or NO_RISK, said)
        stop = await self._dialogue.answer(exchange, assessment)
        if stop is None:
            conversation.live = waiting(conversation.live, self._now())
        shown = stop.messages if stop else self._danger(conversation, assessed)
        await self._handoff.record(exchange, begun, shown, {LIVE_CHAT: live.chat})
        conversation.remember(exchange.message_id, Turn("user", exchange.sent.text))
        if assessed is None:
            task = asyncio.create_task(self._tell_late(exchange, begun))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        return shown

    async def finish(self) -> None:
        """Wait for late assessments. Called when the server stops."""
        self._stops.set()
        if self._late:
            await asyncio.wait(set(self._late), timeout=FINISH_S)

    def _danger(
        self, conversation: Conversation, assessed: AssessedMessage | None
    ) -> list[Message]:
        """Return the help card for immediate danger, unless this danger was answered."""
        if assessed is None or assessed.assessment.severity < Severity.IMMEDIATE:
            return []
        live, now = conversation.live, self._now()
        answered = live.danger_at is not None and now < live.danger_at + SAME_DANGER
        conversation.live = replace(live, danger_at=now)
        if answered:
            return []
        state = conversation.state
        line = self._follower.words.says("danger", state, name=live.name)
        shown = [self._own.help_card(state), *line]
        conversation.note_shown(shown, self._content)
        return shown

    async def _tell_late(
        self, exchange: Exchange, begun: asyncio.Future[AssessedMessage] | None
    ) -> None:
        """Show help for a danger that is heard only after the answer has left.

        Where there was no room to assess the message, it is assessed once there is some; one whose
        assessment failed may be what ends the screening process, and is not tried again. That staff
        learn how grave it is does not depend on this.
        """
        conversation = exchange.conversation
        for _ in range(MOST_TRIES):
            if begun is not None:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._stops.wait()
                    return
            begun = self._screening.begin_spare(exchange.sent, exchange.before, exchange.state)
        if begun is None:
            return
        await asyncio.wait({begun})
        if begun.cancelled() or begun.exception() is not None or not conversation.live.is_open:
            return
        heard = begun.result()
        if heard.assessment.severity == Severity.IMMEDIATE:
            conversation.note(heard.assessment)
        shown = self._danger(conversation, heard)
        if shown:
            now = self._now()
            conversation.live = conversation.live.tell(shown, now, now)
            conversation.note_change()
            self._follower.watch.saw(conversation.id, LiveSight())
