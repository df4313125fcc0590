"""A way back: what to call a person and how to reach them, if they want it, after a hand-off.

It goes to the record of their case and nowhere else: not to Rasa, not into the conversation kept.
Everything that is typed is assessed first; with any risk in it, it is a message like every other.
Only the reviewed words that take a call-back back do so whatever they are assessed as; that is
recorded all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from chat.gateway.bounded_pool import BoundedPool
from chat.gateway.conversation import Conversation
from chat.gateway.requests import IncomingMessage
from safeguarding.content.choices import Choices
from safeguarding.content.questions import Questions
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity

LEAVE, LEAVE_OUT, TAKE_BACK = "leave_wish", "leave_out_wish", "take_back_wish"
TOPIC = "wish"
CALL_BACK, JUST_NOW = "call_back", "call_back_just_now"
"""The questions of content/questions.yml that typed words may answer: as long as a call-back is
left, and directly after a message about it."""
LONGEST_NAME, LONGEST_REACH = 60, 400
"""In characters. What is longer is no answer to the question: it is a message."""
WAIT_S = 1.5
"""How long somebody waits for the record to be written, in seconds."""
log = structlog.get_logger("gateway.wishes")


class CallbackPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/wishes.yml."""

    ask_name: str
    ask_reach: str
    kept: str
    not_kept: str
    left_out: str
    taken_back: str
    not_taken_back: str


class CallbackStore(Protocol):
    """Where wishes are kept: staff.cases.callbacks.Wishes. It raises when it cannot."""

    def leave(self, conversation_id: str, name: str, reach: str) -> object:
        """Keep it with the case of the conversation."""

    def take_back(self, conversation_id: str) -> bool:
        """Delete it."""


class CallbackDialogue:
    """Asks for a way back, keeps it, and takes it back."""

    def __init__(
        self,
        record: CallbackStore,
        phrases: CallbackPhrases,
        choices: Choices,
        questions: Questions,
    ) -> None:
        self._record = record
        self._phrases = phrases
        self._choices = choices
        self._questions = questions
        self._lane = BoundedPool("wish", threads=2, room=16)

    def offered(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """What is shown, with the way back offered on the help card of what was handed over.

        Not beside a card that says 999 first, and only once: the choice stays on the page.
        """
        if conversation.state.severity < Severity.CONCERN or conversation.wish_offered:
            return shown
        card = next((each for each in shown if each["kind"] == "help_card"), None)
        if card is None or card.get("severity") == "immediate":
            return shown
        conversation.wish_offered = True
        buttons = [*card.get("choices", []), self._choices.button(LEAVE)]
        return [{**each, "choices": buttons} if each is card else each for each in shown]

    async def answer(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> list[Message] | None:
        """The answer when this is about the way back; None when it is a message like any other.

        `assessment` None: it could not be assessed.
        """
        if sent.choice == LEAVE:
            return self._begin(conversation)
        if sent.choice == LEAVE_OUT:
            conversation.wish_step, conversation.wish_name = None, ""
            return [self._says(self._phrases.left_out)]
        if sent.choice == TAKE_BACK or self._takes_back(conversation, sent):
            return await self._take_back(conversation)
        risky = assessment is None or assessment.severity > Severity.NONE
        if conversation.wish_step is None or sent.choice or risky:
            return None
        return await self._next(conversation, sent.text.strip())

    def close(self) -> None:
        """Keep nothing more. Called when the server stops."""
        self._lane.close()

    def _begin(self, conversation: Conversation) -> list[Message]:
        if conversation.state.severity < Severity.CONCERN:
            return [self._says(self._phrases.left_out)]
        conversation.wish_step = "name"
        return [self._says(self._phrases.ask_name, LEAVE_OUT)]

    async def _next(self, conversation: Conversation, text: str) -> list[Message] | None:
        longest = LONGEST_NAME if conversation.wish_step == "name" else LONGEST_REACH
        # Whoever asks something wants an answer.
        if "?" in text or len(text) > longest:
            conversation.wish_step = None
            return None
        if conversation.wish_step == "name":
            conversation.wish_step, conversation.wish_name = "reach", text
            return [self._says(self._phrases.ask_reach, LEAVE_OUT)]
        name, case = conversation.wish_name, str(conversation.id)
        # Before it is written: one that comes late may be kept all the same.
        conversation.wish_left = True
        if not await self._done(lambda: self._record.leave(case, name, text)):
            return [self._says(self._phrases.not_kept, LEAVE, TAKE_BACK)]
        conversation.wish_step, conversation.wish_name = None, ""
        return [self._says(self._phrases.kept, TAKE_BACK)]

    def _takes_back(self, conversation: Conversation, sent: IncomingMessage) -> bool:
        """Whether typed words take back the call-back that is left or is being left."""
        if sent.choice or not (conversation.wish_left or conversation.wish_step):
            return False
        just_now = any(shown.get("topic") == TOPIC for shown in conversation.last_shown())
        open_now = (CALL_BACK, JUST_NOW) if just_now else (CALL_BACK,)
        return any(self._questions.answer(each, sent.text) == TAKE_BACK for each in open_now)

    async def _take_back(self, conversation: Conversation) -> list[Message]:
        being_left = conversation.wish_step is not None
        conversation.wish_step, conversation.wish_name = None, ""
        if being_left and not conversation.wish_left:
            return [self._says(self._phrases.left_out)]
        if await self._done(lambda: self._record.take_back(str(conversation.id))):
            conversation.wish_left = False
            return [self._says(self._phrases.taken_back, LEAVE)]
        return [self._says(self._phrases.not_taken_back, TAKE_BACK)]

    async def _done(self, write: Callable[[], object]) -> bool:
        """Whether the record was written in time. One that is late may still be."""
        try:
            await self._lane.run(WAIT_S, write)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told the truth
            log.warning("wish.not_written", error=type(error).__name__)
            return False
        return True

    def _says(self, text: str, *choices: str) -> Message:
        message = Message(kind="prompt" if choices else "text", text=text, topic=TOPIC)
        if choices:
            message["choices"] = [self._choices.button(each) for each in choices]
        return message
