"""A call-back: what to call a person and how to reach them, if they want it, after a hand-off.

It goes to the hand-off mailbox and nowhere else: not to Rasa, not into the conversation kept.
Everything that is typed is assessed first; with any risk in it, it is a message like every other.
Only the reviewed words that take a call-back back do so whatever they are assessed as; that is
recorded all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from chat.gateway.bounded_pool import BoundedPool
from chat.gateway.conversation import Conversation, scoped_id
from chat.gateway.requests import IncomingMessage
from safeguarding.content.choices import Choices, Questions
from safeguarding.escalation import CallbackChange, CallbackLeft, CallbackWithdrawn
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox

LEAVE, LEAVE_OUT, TAKE_BACK = "leave_wish", "leave_out_wish", "take_back_wish"
TOPIC = "wish"
CALL_BACK, JUST_NOW = "call_back", "call_back_just_now"
"""The questions of content/questions.yml that typed words may answer: as long as a call-back is
left, and directly after a message about it."""
LONGEST_NAME, LONGEST_REACH = 60, 400
"""In characters. What is longer is no answer to the question: it is a message."""
WAIT_S = 1.5
"""How long an answer waits for the row to be on a disk, in seconds."""
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


class CallbackDialogue:
    """Asks whether and how staff may call, hands that over, and withdraws it.

    A person is told that it is kept, or withdrawn, once the row of the mailbox is on a disk.
    """

    def __init__(
        self,
        mailbox: HandoffMailbox,
        phrases: CallbackPhrases,
        choices: Choices,
        questions: Questions,
        now: Callable[[], datetime],
    ) -> None:
        self._mailbox = mailbox
        self._phrases = phrases
        self._choices = choices
        self._questions = questions
        self._now = now
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
            return await self._take_back(conversation, sent)
        risky = assessment is None or assessment.severity > Severity.NONE
        if conversation.wish_step is None or sent.choice or risky:
            return None
        return await self._next(conversation, sent)

    def close(self) -> None:
        """Keep nothing more. Called when the server stops."""
        self._lane.close()

    def _begin(self, conversation: Conversation) -> list[Message]:
        if conversation.state.severity < Severity.CONCERN:
            return [self._says(self._phrases.left_out)]
        conversation.wish_step = "name"
        return [self._says(self._phrases.ask_name, LEAVE_OUT)]

    async def _next(
        self, conversation: Conversation, sent: IncomingMessage
    ) -> list[Message] | None:
        text = sent.text.strip()
        longest = LONGEST_NAME if conversation.wish_step == "name" else LONGEST_REACH
        # Whoever asks something wants an answer.
        if "?" in text or len(text) > longest:
            conversation.wish_step = None
            return None
        if conversation.wish_step == "name":
            conversation.wish_step, conversation.wish_name = "reach", text
            return [self._says(self._phrases.ask_reach, LEAVE_OUT)]
        left = CallbackLeft(
            id=f"{scoped_id(conversation.id, sent)}.callback",
            conversation_id=str(conversation.id),
            at=self._now(),
            name=conversation.wish_name,
            reach=text,
        )
        # Before it is written: one that is written late may be kept all the same.
        conversation.wish_left = True
        if not await self._is_kept(left):
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

    async def _take_back(self, conversation: Conversation, sent: IncomingMessage) -> list[Message]:
        being_left = conversation.wish_step is not None
        conversation.wish_step, conversation.wish_name = None, ""
        if being_left and not conversation.wish_left:
            return [self._says(self._phrases.left_out)]
        withdrawn = CallbackWithdrawn(
            id=f"{scoped_id(conversation.id, sent)}.callback-withdrawn",
            conversation_id=str(conversation.id),
            at=self._now(),
        )
        if await self._is_kept(withdrawn):
            conversation.wish_left = False
            return [self._says(self._phrases.taken_back, LEAVE)]
        return [self._says(self._phrases.not_taken_back, TAKE_BACK)]

    async def _is_kept(self, change: CallbackChange) -> bool:
        """Whether the mailbox took it in time. One that is late may still be taken."""
        try:
            await self._lane.run(WAIT_S, self._mailbox.append, change)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told the truth
            log.warning("wish.not_written", error=type(error).__name__)
            return False
        return True

    def _says(self, text: str, *choices: str) -> Message:
        message = Message(kind="prompt" if choices else "text", text=text, topic=TOPIC)
        if choices:
            message["choices"] = [self._choices.button(each) for each in choices]
        return message
