"""The letterbox in the chat: a phrase of six words is given, and later it leads back to the case.

The person asks for it after a hand-off, chooses a question and types an answer. The phrase is shown
once. Phrase and answer go neither to Rasa nor to staff, and no answer that holds a phrase or a
letter is kept for a repeat: it is made again. While a letterbox is open in a conversation, what is
typed belongs to its case: a letter, which is assessed like any message. ADR 53.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar, NamedTuple

import msgspec
import structlog
from msgspec.structs import replace

from chat.gateway.conversations import Conversation, LetterboxProgress, scoped_id
from chat.gateway.letterbox_key import PhraseKey
from chat.gateway.letters import LetterReader, WayBack, is_answer
from chat.gateway.limits import RateLimits
from chat.gateway.recorder import BoundedPool
from chat.gateway.requests import IncomingMessage
from safeguarding.clock import LONDON
from safeguarding.content.reader import Content
from safeguarding.escalation import LetterboxChange, LetterboxClosed, LetterboxOpened
from safeguarding.messages import Message
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox

ASK, LEAVE_OUT, CLOSE = "letterbox_ask", "letterbox_leave_out", "letterbox_close"
ENTER, READ, LEAVE = "letterbox_enter", "letterbox_read", "letterbox_leave"
QUESTIONS = tuple(f"letterbox_question_{number}" for number in range(1, 7))
"""The buttons of the questions to choose from; their labels are the questions."""
IN_WORDS = "letterbox"
"""The question of content/questions.yml that knows how people ask for these in words."""
TOPIC = "letterbox"
WAIT_S = 1.5
"""The longest wait, in seconds, until the row is on a disk."""
TRIES = 5
"""How many phrases are made until one is not taken: it nearly always is the first."""
log = structlog.get_logger("gateway.letterbox")


class LetterboxPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/letterbox.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "ask_answer": ("question",),
        "given": ("words",),
        "ask_proof": ("question",),
        "letter": ("day",),
    }

    about: str
    only_after: str
    left_out: str
    ask_answer: str
    other_answer: str
    given: str
    not_given: str
    closed: str
    not_closed: str
    ask_phrase: str
    ask_proof: str
    no_letter: str
    too_many: str
    away: str
    letter: str
    letter_end: str
    elsewhere: str
    nothing: str
    all_read: str
    kept: str
    left: str


class OwnAnswer(NamedTuple):
    """What the gateway itself answers, and how it is treated."""

    messages: list[Message]
    is_private: bool = False
    """Whether neither the message nor its answer is kept or handed over."""
    is_letter: bool = False
    """Whether the message is handed over although it shows no risk."""


class LetterboxDialogue:
    """Gives phrases, opens letterboxes, shows letters and closes letterboxes."""

    def __init__(
        self,
        mailbox: HandoffMailbox,
        reader: LetterReader,
        key: PhraseKey,
        limits: RateLimits,
        content: Content,
        now: Callable[[], datetime],
    ) -> None:
        self._mailbox = mailbox
        self._reader = reader
        self._key = key
        self._words = content.six_words
        self._way_back = WayBack(reader, content.six_words, key, limits, QUESTIONS)
        self._phrases = content.phrases.of("letterbox", LetterboxPhrases)
        self._choices, self._questions = content.choices, content.questions
        self._now = now
        self._lane = BoundedPool("letterbox-row", threads=2, room=16)
        self._pressed: dict[
            str, Callable[[Conversation, IncomingMessage], Awaitable[OwnAnswer | None]]
        ] = {
            ASK: self._about,
            LEAVE_OUT: self._leave_out,
            CLOSE: self._close_box,
            ENTER: self._enter,
            READ: self._next_letter,
            LEAVE: self._leave,
            **dict.fromkeys(QUESTIONS, self._chosen),
        }

    def offered(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add the button to the help card of a message that was handed over, once.

        A card that says 999 first gets none.
        """
        if conversation.state.severity < Severity.CONCERN or conversation.letterbox.offered:
            return shown
        card = next((each for each in shown if each["kind"] == "help_card"), None)
        if card is None or card.get("severity") == "immediate":
            return shown
        conversation.letterbox = replace(conversation.letterbox, offered=True)
        buttons = [*card.get("choices", []), self._choices.button(ASK)]
        return [{**each, "choices": buttons} if each is card else each for each in shown]

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
        self._lane.close()
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
                return await self._answered(conversation, sent)
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

    # ---- asking for a phrase ---------------------------------------------------------------------
    async def _about(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        if conversation.state.severity < Severity.CONCERN and not conversation.letterbox.case:
            return self._says(self._phrases.only_after)
        conversation.letterbox = replace(conversation.letterbox, step="question")
        return self._says(self._phrases.about, *QUESTIONS, LEAVE_OUT)

    async def _leave_out(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        conversation.letterbox = replace(_settled(conversation), digest="")
        return self._says(self._phrases.left_out)

    async def _chosen(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer | None:
        if conversation.letterbox.step not in {"question", "answer"}:
            return None
        question = str(sent.choice)
        conversation.letterbox = replace(conversation.letterbox, step="answer", question=question)
        text = self._phrases.ask_answer.format(question=self._choices[question].label)
        return self._says(text, LEAVE_OUT, hides=True)

    async def _answered(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        if not is_answer(sent.text):
            return self._says(self._phrases.other_answer, LEAVE_OUT, private=True, hides=True)
        conversation.letterbox = replace(
            _settled(conversation), given_for=scoped_id(conversation.id, sent)
        )
        return await self._given(conversation, sent)

    async def _given(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        """Give a phrase that was not given before; the last one that was given counts."""
        progress = conversation.letterbox
        for _ in range(TRIES):
            phrase = self._words.phrase()
            digest = self._key.digest(phrase)
            try:
                secret = await self._reader.secret(digest, sent.text)
            except Exception as error:  # noqa: BLE001 - the person reads that there is no phrase
                log.warning("letterbox.no_secret", error=type(error).__name__)
                break
            if secret is None:
                continue
            opened = LetterboxOpened(
                id=f"{scoped_id(conversation.id, sent)}.{digest[:16]}.letterbox",
                conversation_id=conversation.case_id,
                at=self._now(),
                locator=self._key.locator(digest),
                secret=secret,
                question=progress.question,
            )
            if not await self._is_kept(opened):
                break
            return self._says(self._phrases.given.format(words=phrase), CLOSE, private=True)
        conversation.letterbox = replace(conversation.letterbox, given_for="")
        return self._says(self._phrases.not_given, ASK, private=True)

    async def _close_box(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        closed = LetterboxClosed(
            id=f"{scoped_id(conversation.id, sent)}.letterbox-closed",
            conversation_id=conversation.case_id,
            at=self._now(),
        )
        if not await self._is_kept(closed):
            return self._says(self._phrases.not_closed, CLOSE)
        conversation.letterbox = LetterboxProgress(offered=conversation.letterbox.offered)
        return self._says(self._phrases.closed)

    # ---- coming back -----------------------------------------------------------------------------
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

    # ----------------------------------------------------------------------------------------------
    async def _again(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        """Answer a repeat of a message whose answer is not kept."""
        if conversation.letterbox.case and conversation.letterbox.step == "open":
            return await self._letters(conversation)
        return await self._given(conversation, sent)

    async def _note_read(self, conversation: Conversation) -> None:
        """Note that the letter on the screen was read: the person has gone on."""
        progress = conversation.letterbox
        if await self._reader.read(progress.letter, str(conversation.id)):
            conversation.letterbox = replace(progress, letter=0)

    async def _is_kept(self, change: LetterboxChange) -> bool:
        """Return whether the mailbox took it in time. It may still take it later."""
        try:
            await self._lane.run(WAIT_S, self._mailbox.append, change)
        except Exception as error:  # noqa: BLE001 - after any failure the person reads that it is not kept
            log.warning("letterbox.not_written", error=type(error).__name__)
            return False
        return True

    def _says(
        self, text: str, *choices: str, private: bool = False, hides: bool = False
    ) -> OwnAnswer:
        message = Message(kind="prompt" if choices else "text", text=text, topic=TOPIC)
        if choices:
            message["choices"] = [self._choices.button(each) for each in choices]
        if hides:
            message["hides"] = True
        return OwnAnswer([message], is_private=private)


def _settled(conversation: Conversation) -> LetterboxProgress:
    """Return the progress without an open question."""
    progress = conversation.letterbox
    return replace(progress, step="open" if progress.case else None)
