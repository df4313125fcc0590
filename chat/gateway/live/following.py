"""Follows the row of the live chat in a conversation, and tells staff what this side changes.

The row is the truth about who has the chat, and only staff write it. What follows from it is taken
in inside the conversation's lock, so that no answer of Lantern comes after a take-over. ADR 58.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as with_
from datetime import datetime, timedelta

from msgspec.structs import replace

from chat.gateway.conversations import Conversation
from chat.gateway.live.progress import LivePhase
from chat.gateway.live.reading import LiveChanges, LiveReader, LiveSight
from chat.gateway.live.rules import LiveOutcome, next_outcome, opened, over
from chat.gateway.live.watch import LiveWatch
from chat.gateway.live.words import CHOICES, LiveWords
from chat.gateway.requests import IncomingMessage
from safeguarding.escalation import LiveChatChange
from safeguarding.live_chat import LiveChatEnd, LiveChatState, LiveChatStep, LiveMessage
from safeguarding.messages import words_of
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from storage.live_chats import LiveChat

AFTERWARDS = timedelta(minutes=10)
"""For how long after its end the row of a chat is still read before an answer."""
MEMORY_S = 60.0
"""The age, in seconds, from which a conversation that this gateway does not know may have been
known to another."""
MOST_STEPS = 8


class LiveFollower:
    """Brings conversations up to the rows of their live chats."""

    def __init__(
        self,
        reader: LiveReader,
        changes: LiveChanges,
        words: LiveWords,
        now: Callable[[], datetime],
        *,
        is_on: bool,
    ) -> None:
        """With `is_on` False no row is read."""
        self.reader = reader
        self.changes = changes
        self.words = words
        self.now = now
        self.is_on = is_on
        self.watch: LiveWatch

    async def read(self, conversation: Conversation, sent: IncomingMessage) -> None:
        """Bring the conversation up to the row of its live chat, where it may have one.

        To be called inside the conversation's lock, before each answer. An ordinary conversation
        reads nothing. While the database is away, what is known counts.
        """
        if not self.is_on or not self._may_be_live(conversation, sent):
            return
        sight = await self.reader.one(str(conversation.id))
        self.watch.saw(conversation.id, sight)
        sight = sight if sight.is_read else self.watch.sight(conversation.id) or sight
        if sent.live is not None:
            row = sight.row if sight.is_of(sent.live) else None
            self.restore(conversation, _phase_of(row), row)
        self.take_in(conversation, sight)
        if conversation.live.is_open and sight.newest > conversation.live.number:
            found = await self.reader.messages(str(conversation.id), conversation.live.number)
            self.remember(conversation, found or ())

    def take_in(self, conversation: Conversation, sight: LiveSight) -> None:
        """Take in what was read, and all that follows from it now."""
        for _ in range(MOST_STEPS):
            now, known = self.now(), conversation.live
            outcome = next_outcome(known, sight.row, now, is_read=sight.is_read)
            if outcome is None:
                break
            self._apply(conversation, outcome, now)
        row = sight.row
        if row is not None and row.state is not LiveChatState.ENDED:
            # A gateway that lost its memory learns by it that staff have the conversation.
            conversation.raise_to(Severity.CONCERN)
            live = conversation.live
            if live.chat == row.id and live.present_until != row.present_until:
                conversation.live = replace(live, present_until=row.present_until)

    def restore(self, conversation: Conversation, phase: LivePhase, row: LiveChat | None) -> None:
        """Take over from the page what it shows, where this gateway knows of no live chat.

        `row` is the live chat that the page shows. A request is believed without one: staff may not
        have read it yet, and the young person waits for a word.
        """
        live = conversation.live
        if phase == "none" or live.runs or live.over_at is not None:
            return
        now = self.now()
        if row is None:
            if phase == "asked":
                known = replace(live, phase="asked", since=now, explained=True, changed_at=now)
                conversation.live = known
                conversation.note_change()
            return
        known = replace(
            live,
            phase=phase,
            chat=row.id,
            term=row.term,
            name=row.shown_name or "",
            role=row.shown_role or "",
            # The minute of a request began when it was asked, whichever gateway heard it.
            since=row.begun_at if phase == "asked" else now,
            present_until=row.present_until,
            heard=row.spoke_at,
            explained=True,
            changed_at=now,
        )
        conversation.live = opened(known, now) if phase == "open" else known
        conversation.note_change()

    @staticmethod
    def remember(conversation: Conversation, messages: Sequence[LiveMessage]) -> None:
        """Keep what staff wrote among the turns: a "yes" is read in its place."""
        for message in messages:
            live = conversation.live
            if message.number <= live.number or live.hides(message.chat_id):
                continue
            turn = Turn("assistant", message.text)
            conversation.remember(f"live {message.number}", turn)
            conversation.live = replace(live, number=message.number)
            conversation.note_change()

    def _may_be_live(self, conversation: Conversation, sent: IncomingMessage) -> bool:
        live = conversation.live
        if live.runs or sent.live is not None or sent.choice in CHOICES:
            return True
        if live.over_at is not None and self.now() < live.over_at + AFTERWARDS:
            return True
        sight = self.watch.sight(conversation.id)
        if sight is not None and sight.row is not None:
            return True
        is_blank = not conversation.turns and not conversation.answers
        return is_blank and sent.age_s > MEMORY_S

    def _apply(self, conversation: Conversation, outcome: LiveOutcome, now: datetime) -> None:
        before, live = conversation.live, outcome.progress
        if outcome.says is not None:
            messages = self.words.told(outcome.says, live, conversation.state, outcome.before)
            live = live.tell(messages, outcome.at or now, now)
            if outcome.says == "offer":
                replies = conversation.state.replies
                live = replace(live, explained=True, offered_after=replies)
                said = "\n".join(words_of(each) for each in messages)
                conversation.remember(f"live offer {live.chat}", Turn("assistant", said))
        conversation.live = live
        if live.is_open and not before.is_open:
            close_questions(conversation)
        if outcome.end is not None and live.over:
            self.tell_end(conversation)
        conversation.note_change()

    def leave(self, conversation: Conversation, row: LiveChat | None) -> None:
        """Tell staff that the young person has left the conversation.

        `row` is its newest live chat as it was read last.
        """
        if not self.is_on:
            return
        if row is not None and row.state is not LiveChatState.ENDED:
            self.restore(conversation, "open", row)
        runs, listens = conversation.live.runs, self.watch.sight(conversation.id) is not None
        known = conversation.state.severity >= Severity.CONCERN or conversation.live.listens
        if runs or (known and listens):
            conversation.live = over(conversation.live, LiveChatEnd.LEFT, self.now())
            self.tell_end(conversation, none=not runs)

    def tell_end(self, conversation: Conversation, *, none: bool = False) -> None:
        """Tell staff that this side has ended the chat.

        With `none` the young person left, and there was no live chat.
        """
        live = conversation.live
        chat, term = ("", 0) if none else (live.over, live.over_term)
        step, why = LiveChatStep.ENDED, live.over_why
        self.changes.tell(self.change(conversation, chat, step, why, term))

    def change(
        self,
        conversation: Conversation,
        chat: str,
        step: LiveChatStep,
        why: LiveChatEnd | None = None,
        term: int | None = None,
    ) -> LiveChatChange:
        """Return what staff are told: of the same step in the same term only once."""
        term = conversation.live.term if term is None else term
        cause = step.value if why is None else why.value
        return LiveChatChange(
            id=f"{conversation.id}.{chat or 'none'}.{cause}.{term}.live",
            conversation_id=conversation.case_id,
            at=self.now(),
            chat_id=chat,
            step=step,
            address=str(conversation.id),
            why=why,
            term=term,
        )


def _phase_of(row: LiveChat | None) -> LivePhase:
    """Return what a page shows that names this live chat: it does so from the offer on.

    A yes to an offer must be told to staff, so an offer is not taken for a chat.
    """
    if row is None:
        return "none"
    if row.state is LiveChatState.ASKED:
        return "asked"
    return "offered" if row.state is LiveChatState.OFFERED else "open"


def close_questions(conversation: Conversation) -> None:
    """Let no question of Lantern's wait for what is now said to a person."""
    conversation.callback_step, conversation.callback_name = None, ""
    box = conversation.letterbox
    conversation.letterbox = replace(box, step="open" if box.case else None, digest="")
    conversation.state = with_(conversation.state, asked=None)
