"""Asks, after a hand-off, what to call a person and how staff can reach them, if they want that.

The contact details go to the hand-off mailbox and nowhere else: neither to Rasa nor into the turns
of the conversation. Everything that is typed is assessed first, and text that shows any risk is
answered as a message, unless it gives a number or an address and no danger is immediate. The
reviewed words that withdraw a call-back do so whatever their assessment is; they are recorded all
the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from chat.gateway.conversations import Conversation, scoped_id
from chat.gateway.recorder import BoundedPool
from chat.gateway.requests import IncomingMessage
from safeguarding.content.reader import Content
from safeguarding.escalation import CallbackChange, CallbackLeft, CallbackWithdrawn
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox

LEAVE, LEAVE_OUT, TAKE_BACK = "leave_wish", "leave_out_wish", "take_back_wish"
TOPIC = "wish"
CALL_BACK, JUST_NOW = "call_back", "call_back_just_now"
"""The questions of content/questions.yml that typed words may answer: CALL_BACK as long as there is
a call-back, JUST_NOW directly after a message about it."""
LONGEST_NAME, LONGEST_REACH = 60, 400
"""In characters. A longer text does not answer the question: it is a message."""
_REACHED_AT = re.compile(r"(?:\d[ -]?){9,}|[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
"""A telephone number or an e-mail address."""
WAIT_S = 1.5
"""The longest wait, in seconds, until the row is on a disk."""
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
    """Asks for the details of a call-back, hands them over, and withdraws them.

    The person is told that they are kept, or withdrawn, once the row of the mailbox is on a disk.
    """

    def __init__(
        self, mailbox: HandoffMailbox, content: Content, now: Callable[[], datetime]
    ) -> None:
        self._mailbox = mailbox
        self._phrases = content.phrases.of("wishes", CallbackPhrases)
        self._choices, self._questions = content.choices, content.questions
        self._now = now
        self._lane = BoundedPool("wish", threads=2, room=16)

    def offered(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add the button for a call-back to the help card of a message that was handed over.

        A card that says 999 first gets none. It is added once, because it stays on the page.
        """
        if conversation.state.severity < Severity.CONCERN or conversation.callback_offered:
            return shown
        card = next((each for each in shown if each["kind"] == "help_card"), None)
        if card is None or card.get("severity") == "immediate":
            return shown
        conversation.callback_offered = True
        buttons = [*card.get("choices", []), self._choices.button(LEAVE)]
        return [{**each, "choices": buttons} if each is card else each for each in shown]

    async def answer(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> list[Message] | None:
        """Return the answer to a message about a call-back, or None for any other message.

        `assessment` is None if the message could not be assessed.
        """
        if sent.choice == LEAVE:
            return self._begin(conversation)
        if sent.choice == LEAVE_OUT:
            conversation.callback_step, conversation.callback_name = None, ""
            return [self._says(self._phrases.left_out)]
        if sent.choice == TAKE_BACK or self._takes_back(conversation, sent):
            return await self._take_back(conversation, sent)
        if conversation.callback_step is None or sent.choice or assessment is None:
            return None
        answer = await self._detail(conversation, sent, assessment)
        if answer is None and not _asked_just_now(conversation):
            # The person may write one other message first. A number in a later message may belong
            # to someone else.
            conversation.callback_step, conversation.callback_name = None, ""
        return answer

    async def _detail(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment
    ) -> list[Message] | None:
        """Return the answer to a name or to contact details, or None for any other message."""
        # "don't leave a message, he checks mum's phone" is a worry and the details all the same.
        most = Severity.URGENT if _gives_details(sent.text) else Severity.NONE
        if assessment.severity > most:
            return None
        return await self._next(conversation, sent)

    def close(self) -> None:
        """Stop the threads. Called when the server stops."""
        self._lane.close()

    def _begin(self, conversation: Conversation) -> list[Message]:
        if conversation.state.severity < Severity.CONCERN:
            return [self._says(self._phrases.left_out)]
        conversation.callback_step = "name"
        return [self._says(self._phrases.ask_name, LEAVE_OUT)]

    async def _next(
        self, conversation: Conversation, sent: IncomingMessage
    ) -> list[Message] | None:
        text = sent.text.strip()
        detailed = _gives_details(text)
        longest = LONGEST_REACH if detailed else LONGEST_NAME
        if conversation.callback_step == "reach":
            longest = LONGEST_REACH
        # A question gets an answer instead. After one, only details go on with the call-back.
        just_now = _asked_just_now(conversation)
        if len(text) > longest or not (detailed or ("?" not in text and just_now)):
            return None
        if conversation.callback_step == "name" and not detailed:
            conversation.callback_step, conversation.callback_name = "reach", text
            return [self._says(self._phrases.ask_reach, LEAVE_OUT)]
        left = CallbackLeft(
            id=f"{scoped_id(conversation.id, sent)}.callback",
            conversation_id=conversation.case_id,
            at=self._now(),
            name=conversation.callback_name,
            reach=text,
        )
        # Set before it is written: a write that is late may still succeed.
        conversation.callback_left = True
        if not await self._is_kept(left):
            return [self._says(self._phrases.not_kept, LEAVE, TAKE_BACK)]
        conversation.callback_step, conversation.callback_name = None, ""
        return [self._says(self._phrases.kept, TAKE_BACK)]

    def _takes_back(self, conversation: Conversation, sent: IncomingMessage) -> bool:
        """Return whether typed words withdraw the call-back that is left or being left."""
        if sent.choice or not (conversation.callback_left or conversation.callback_step):
            return False
        just_now = _asked_just_now(conversation)
        open_now = (CALL_BACK, JUST_NOW) if just_now else (CALL_BACK,)
        return any(self._questions.answer(each, sent.text) == TAKE_BACK for each in open_now)

    async def _take_back(self, conversation: Conversation, sent: IncomingMessage) -> list[Message]:
        being_left = conversation.callback_step is not None
        conversation.callback_step, conversation.callback_name = None, ""
        if being_left and not conversation.callback_left:
            return [self._says(self._phrases.left_out)]
        withdrawn = CallbackWithdrawn(
            id=f"{scoped_id(conversation.id, sent)}.callback-withdrawn",
            conversation_id=conversation.case_id,
            at=self._now(),
        )
        if await self._is_kept(withdrawn):
            conversation.callback_left = False
            return [self._says(self._phrases.taken_back, LEAVE)]
        return [self._says(self._phrases.not_taken_back, TAKE_BACK)]

    async def _is_kept(self, change: CallbackChange) -> bool:
        """Return whether the mailbox took it in time. It may still take it later."""
        try:
            await self._lane.run(WAIT_S, self._mailbox.append, change)
        except Exception as error:  # noqa: BLE001 - after any failure the person reads that it is not kept
            log.warning("wish.not_written", error=type(error).__name__)
            return False
        return True

    def _says(self, text: str, *choices: str) -> Message:
        message = Message(kind="prompt" if choices else "text", text=text, topic=TOPIC)
        if choices:
            message["choices"] = [self._choices.button(each) for each in choices]
        return message


def _asked_just_now(conversation: Conversation) -> bool:
    return any(shown.get("topic") == TOPIC for shown in conversation.last_shown())


def _gives_details(text: str) -> bool:
    """Return whether a text that is no longer than an answer holds a number or an address."""
    return len(text.strip()) <= LONGEST_REACH and bool(_REACHED_AT.search(text))
