"""The young person's side of a live chat: asking for a person, answering an offer, stopping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid5

from msgspec.json import decode
from msgspec.structs import replace

from chat.gateway.conversations import Conversation, Exchange
from chat.gateway.letterbox_asking import OwnAnswer
from chat.gateway.live.following import LiveFollower, close_questions
from chat.gateway.live.reading import LiveSight
from chat.gateway.live.ready import Readiness
from chat.gateway.live.rules import opened, over
from chat.gateway.live.words import ASK, NOT_NOW, STOP, YES
from safeguarding.content.reader import Content
from safeguarding.content.replies import PREFIX as REPLY
from safeguarding.live_chat import LiveChatEnd, LiveChatStep
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity

OFFER, ASKS, STOPS = "live_offer", "live_ask", "live_stop"
"""The questions of content/questions.yml that typed words may answer."""
WANTS_PERSON = f"{REPLY}person_wants_one"
"""The topic of the reply to "can i talk to a real person"."""


class LiveDialogue:
    """Asks for a person, answers an offer, and follows the row of the live chat."""

    def __init__(self, follower: LiveFollower, ready: Readiness, content: Content) -> None:
        self._follower = follower
        self._ready = ready
        self._questions = content.questions
        self._words, self._now = follower.words, follower.now
        self._pressed: dict[str, Callable[[Exchange], Awaitable[list[Message]]]] = {
            ASK: self._ask,
            YES: self._accept,
            NOT_NOW: self._decline,
            STOP: self._stop,
        }

    def offered(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add the button that asks for a person to the first help card, and where one is wanted.

        Only while a person is ready, and never beside 999.
        """
        wanted = next((each for each in shown if each.get("topic") == WANTS_PERSON), None)
        card = next((each for each in shown if each["kind"] == "help_card"), None)
        place = wanted or (None if conversation.live.offered else card)
        danger = any(each.get("severity") == "immediate" for each in shown)
        if place is None or danger or not self._can_ask(conversation):
            return shown
        conversation.live = replace(conversation.live, offered=True)
        buttons = [*place.get("choices", []), self._words.ask_button()]
        return [{**each, "choices": buttons} if each is place else each for each in shown]

    def with_numbers(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Put the numbers into an answer without any, where staff have ended a chat for abuse.

        Lantern is all that is left to this person here, and each answer leads to people.
        """
        sight = self._follower.watch.sight(conversation.id)
        blocked = sight is not None and sight.row is not None and sight.row.blocked
        if not (blocked or conversation.live.over_why is LiveChatEnd.ABUSE):
            return shown
        if not shown or conversation.live.runs or any(each.get("contacts") for each in shown):
            return shown
        first, *others = shown
        return [{**first, "contacts": self._words.people(conversation.state)}, *others]

    async def answer(self, exchange: Exchange, assessment: Assessment | None) -> OwnAnswer | None:
        """Return the answer to a message about a live chat, or None for any other message.

        `assessment` is None if the message could not be assessed.
        """
        choice = exchange.sent.choice
        if choice is None:
            choice = self._meant(exchange, assessment)
        act = self._pressed.get(choice or "")
        if act is None:
            return None
        messages = await act(exchange)
        exchange.conversation.note_change()
        self._follower.watch.saw(exchange.conversation.id, LiveSight())
        return OwnAnswer(messages, is_letter=exchange.sent.choice is None)

    def _meant(self, exchange: Exchange, assessment: Assessment | None) -> str | None:
        """Return the button that harmless words mean."""
        if assessment is None or assessment.severity or not self._follower.is_on:
            return None
        conversation, text = exchange.conversation, exchange.sent.text
        phase = conversation.live.phase
        if phase == "offered":
            # Only directly after it, on a page that shows it: any other "yes" is the answer to
            # something else.
            just_now = exchange.state.replies == conversation.live.offered_after
            is_shown = exchange.sent.live == conversation.live.chat
            return self._questions.answer(OFFER, text) if just_now and is_shown else None
        if phase in {"asked", "open"}:
            return self._questions.answer(STOPS, text)
        return self._questions.answer(ASKS, text) if self._can_ask(conversation) else None

    def _can_ask(self, conversation: Conversation) -> bool:
        """Return whether a person may be asked for here and now."""
        state = conversation.state
        if not self._follower.is_on or state.severity < Severity.CONCERN or conversation.live.runs:
            return False
        sight = self._follower.watch.sight(conversation.id)
        blocked = sight is not None and sight.row is not None and sight.row.blocked
        return not blocked and self._ready.has(state.area)

    async def _ask(self, exchange: Exchange) -> list[Message]:
        conversation = exchange.conversation
        live, state = conversation.live, conversation.state
        if live.is_open:
            return []
        if live.phase == "offered":
            return await self._accept(exchange)
        if live.phase == "asked":
            return self._words.asked("asked_before", live, state)
        sight = await self._follower.reader.one(str(conversation.id))
        if sight.row is not None and sight.row.blocked:
            return self._words.says("blocked", state)
        if not self._can_ask(conversation):
            return self._words.says("nobody_ready", state)
        return await self._ask_staff(exchange)

    async def _ask_staff(self, exchange: Exchange) -> list[Message]:
        conversation, now = exchange.conversation, self._now()
        live, state = conversation.live, conversation.state
        chat = str(uuid5(conversation.id, f"live {exchange.message_id}"))
        asked = replace(
            live, phase="asked", chat=chat, term=0, name="", role="", since=now, changed_at=now
        )
        change = self._follower.change(conversation, chat, LiveChatStep.ASKED, term=0)
        if not await self._follower.changes.kept(change):
            # A write that is late may still succeed: then it is taken back.
            conversation.live = over(asked, LiveChatEnd.STOPPED, now)
            self._follower.tell_end(conversation)
            return self._words.says("not_asked", state, ASK)
        conversation.live = replace(asked, explained=True)
        return self._words.asked("asked", live, state)

    async def _accept(self, exchange: Exchange) -> list[Message]:
        conversation = exchange.conversation
        live, state = conversation.live, conversation.state
        if live.phase != "offered":
            return [] if live.is_open else self._pending(conversation)
        change = self._follower.change(conversation, live.chat, LiveChatStep.ACCEPTED)
        if not await self._follower.changes.kept(change):
            return self._words.says("not_accepted", state, YES, NOT_NOW, name=live.name)
        conversation.live = opened(live, self._now())
        close_questions(conversation)
        return self._words.told("joined", live, state)

    async def _decline(self, exchange: Exchange) -> list[Message]:
        if exchange.conversation.live.is_open:
            return await self._stop(exchange)
        return self._ended_by_child(exchange.conversation, LiveChatEnd.DECLINED, "declined")

    async def _stop(self, exchange: Exchange) -> list[Message]:
        conversation = exchange.conversation
        phase, name = conversation.live.phase, conversation.live.name
        if phase == "offered":
            return self._ended_by_child(conversation, LiveChatEnd.DECLINED, "declined")
        says = "stopped" if name and phase != "asked" else "took_back"
        return self._ended_by_child(conversation, LiveChatEnd.STOPPED, says)

    def _ended_by_child(
        self, conversation: Conversation, why: LiveChatEnd, says: str
    ) -> list[Message]:
        live = conversation.live
        if live.runs:
            conversation.live = over(live, why, self._now())
            self._follower.tell_end(conversation)
        return self._words.says(says, conversation.state, name=live.name)

    def _pending(self, conversation: Conversation) -> list[Message]:
        """Return what a page that does not listen has not been told."""
        if self._follower.watch.sight(conversation.id) is not None:
            return []
        live = conversation.live
        conversation.live = replace(live, notices=())
        return [decode(notice.message, type=Message) for notice in live.notices]
