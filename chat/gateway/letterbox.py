"""The letterbox in the chat: a phrase of six words leads back to the case, and to its letters.

How a phrase is given stands in letterbox_asking.py. No answer that holds a letter is kept for a
repeat. While a letterbox is open in a conversation, what is typed belongs to its case: a letter,
which is assessed like any message. ADR 53.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from msgspec.structs import replace

from chat.gateway.conversations import Conversation, LetterboxProgress, scoped_id
from chat.gateway.letterbox_asking import (
    ASK,
    CLOSE,
    LEAVE_OUT,
    QUESTIONS,
    TOPIC,
    LetterboxWords,
    OwnAnswer,
    PhraseDialogue,
)
from chat.gateway.letterbox_key import PhraseKey
from chat.gateway.letters import LetterReader, WayBack
from chat.gateway.limits import RateLimits
from chat.gateway.requests import IncomingMessage
from safeguarding.clock import LONDON
from safeguarding.content.reader import Content
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox

ENTER, READ, LEAVE = "letterbox_enter", "letterbox_read", "letterbox_leave"
IN_WORDS = "letterbox"
"""The question of content/questions.yml that knows how people ask for these in words."""
log = structlog.get_logger("gateway.letterbox")


class LetterboxDialogue:
    """Answers messages about a letterbox: opens it, shows letters, takes new ones."""

    def __init__(
        self,
        mailbox: HandoffMailbox,
        reader: LetterReader,
        key: PhraseKey,
        limits: RateLimits,
        content: Content,
        now: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._asking = PhraseDialogue(mailbox, reader, key, content, now)
        self._way_back = WayBack(reader, content.six_words, key, limits, QUESTIONS)
        own = LetterboxWords(content)
        self._phrases, self._choices, self._says = own.phrases, own.choices, own.says
        self._questions = content.questions
        self.offered = self._asking.offered
        self._pressed: dict[
            str, Callable[[Conversation, IncomingMessage], Awaitable[OwnAnswer | None]]
        ] = {
            **self._asking.pressed,
            ENTER: self._enter,
            READ: self._next_letter,
            LEAVE: self._leave,
        }

    async def answer(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> OwnAnswer | None:
        """Return the answer to a message about a letterbox, or None for any other message.

        `assessment` is None if the message could not be assessed.
        """
        progress = conversation.letterbox
        if progress.given_for == scoped_id(conversation.id, sent):
            return await self._again(conversation, sent)
        if progress.letter:
            await self._note_read(conversation)
        choice = sent.choice or self._in_words(conversation, sent, assessment)
        if choice is not None:
            act = self._pressed.get(choice)
            return None if act is None else await act(conversation, sent)
        return await self._typed(conversation, sent, assessment)

    def close(self) -> None:
        """Stop the threads. Called when the server stops."""
        self._asking.close()
        self._reader.close()

    def _in_words(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> str | None:
        """Return the button that typed words mean."""
        if conversation.letterbox.step not in {None, "open"}:
            return None
        if assessment is not None and assessment.severity:
            return None
        choice = self._questions.answer(IN_WORDS, sent.text)
        handed_over = conversation.state.severity >= Severity.CONCERN
        return choice if choice != ASK or handed_over else None

    async def _typed(
        self, conversation: Conversation, sent: IncomingMessage, assessment: Assessment | None
    ) -> OwnAnswer | None:
        progress = conversation.letterbox
        harmless = assessment is not None and assessment.severity == Severity.NONE
        if progress.awaits_answer:
            # What shows a risk is a message, and what is not assessed may be one.
            if harmless and progress.step == "answer":
                return await self._asking.answered(conversation, sent)
            if harmless:
                return await self._proved(conversation, sent)
        elif self._way_back.is_phrase(progress, sent, assessment):
            return await self._phrase_typed(conversation, sent)
        if progress.case:
            conversation.letterbox = replace(progress, step="open")
            return self._letter(assessment)
        if assessment is not None:
            # A later message is not swallowed by a question that was put long before.
            conversation.letterbox = replace(progress, step=None, digest="")
        return None

    async def _enter(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        conversation.letterbox = replace(conversation.letterbox, step="phrase")
        return self._says(self._phrases.ask_phrase, LEAVE_OUT, hides=True)

    async def _phrase_typed(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        question = await self._way_back.question(conversation, sent)
        if question is None:
            return self._says(self._phrases.away, ENTER, private=True)
        text = self._phrases.ask_proof.format(question=self._choices[question].label)
        return self._says(text, LEAVE_OUT, private=True, hides=True)

    async def _proved(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        result = await self._way_back.opened(conversation, sent)
        if result.case_id:
            return await self._letters(conversation)
        if result.away:
            return self._says(self._phrases.away, ENTER, private=True)
        if result.too_many:
            return self._says(self._phrases.too_many, private=True)
        return self._says(self._phrases.no_letter, ENTER, private=True)

    async def _letters(self, conversation: Conversation, *, after_one: bool = False) -> OwnAnswer:
        """Show the next letter, or that there is none."""
        progress = conversation.letterbox
        try:
            found = await self._reader.opened(progress.case, str(conversation.id))
        except Exception as error:  # noqa: BLE001 - the person reads that it does not work now
            log.warning("letter.not_shown", error=type(error).__name__)
            return self._says(self._phrases.away, READ, private=True)
        if found.letter is None:
            nothing = self._phrases.all_read if after_one else self._phrases.nothing
            text, more = (self._phrases.elsewhere, READ) if found.waiting else (nothing, CLOSE)
            return self._says(text, more, LEAVE, private=True)
        conversation.letterbox = replace(progress, letter=found.letter.number)
        written = found.letter.written_at.astimezone(LONDON)
        day = f"{written:%A} {written.day} {written:%B}"
        above = Message(kind="text", text=self._phrases.letter.format(day=day), topic=TOPIC)
        letter = Message(kind="text", text=found.letter.text, topic=TOPIC)
        (end,) = self._says(self._phrases.letter_end, READ, CLOSE, LEAVE).messages
        return OwnAnswer([above, letter, end], is_private=True)

    async def _next_letter(
        self, conversation: Conversation, sent: IncomingMessage
    ) -> OwnAnswer | None:
        progress = conversation.letterbox
        if not progress.case:
            return None
        given_for = scoped_id(conversation.id, sent)
        conversation.letterbox = replace(progress, step="open", given_for=given_for)
        return await self._letters(conversation, after_one=True)

    async def _leave(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        conversation.letterbox = LetterboxProgress(offered=conversation.letterbox.offered)
        return self._says(self._phrases.left)

    def _letter(self, assessment: Assessment | None) -> OwnAnswer | None:
        """Say that a letter is kept. One that shows a risk, or may, is answered with help."""
        if assessment is None or assessment.severity:
            return None
        kept = self._says(self._phrases.kept, CLOSE, LEAVE)
        return OwnAnswer(kept.messages, is_letter=True)

    async def _again(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        """Answer a repeat of a message whose answer is not kept."""
        if conversation.letterbox.case and conversation.letterbox.step == "open":
            return await self._letters(conversation)
        return await self._asking.given(conversation, sent)

    async def _note_read(self, conversation: Conversation) -> None:
        """Note that the letter on the screen was read: the person has gone on."""
        progress = conversation.letterbox
        if await self._reader.read(progress.letter, str(conversation.id)):
            conversation.letterbox = replace(progress, letter=0)
