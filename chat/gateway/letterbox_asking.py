"""Asking for a phrase in the chat: a question is chosen, an answer typed, and the phrase is shown.

The person asks for it after a hand-off. The phrase is shown once. Phrase and answer go neither to
Rasa nor to staff, and no answer that holds a phrase is kept for a repeat: it is made again. ADR 53.
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
from chat.gateway.letters import LetterReader, is_answer
from chat.gateway.recorder import BoundedPool
from chat.gateway.requests import IncomingMessage
from safeguarding.content.reader import Content
from safeguarding.escalation import LetterboxChange, LetterboxClosed, LetterboxOpened
from safeguarding.messages import Message
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox

ASK, LEAVE_OUT, CLOSE = "letterbox_ask", "letterbox_leave_out", "letterbox_close"
QUESTIONS = tuple(f"letterbox_question_{number}" for number in range(1, 7))
"""The buttons of the questions to choose from; their labels are the questions."""
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


class LetterboxWords:
    """Makes the messages about a letterbox."""

    def __init__(self, content: Content) -> None:
        self.phrases = content.phrases.of("letterbox", LetterboxPhrases)
        self.choices = content.choices

    def says(
        self, text: str, *choices: str, private: bool = False, hides: bool = False
    ) -> OwnAnswer:
        """Return a text with these buttons; `hides`: the next words are a secret."""
        message = Message(kind="prompt" if choices else "text", text=text, topic=TOPIC)
        if choices:
            message["choices"] = [self.choices.button(each) for each in choices]
        if hides:
            message["hides"] = True
        return OwnAnswer([message], is_private=private)


class PhraseDialogue:
    """Gives phrases and closes letterboxes."""

    def __init__(
        self,
        mailbox: HandoffMailbox,
        reader: LetterReader,
        key: PhraseKey,
        content: Content,
        now: Callable[[], datetime],
    ) -> None:
        self._mailbox = mailbox
        self._reader = reader
        self._key = key
        self._words = content.six_words
        self._own = LetterboxWords(content)
        self._phrases, self._choices, self._says = (
            self._own.phrases,
            self._own.choices,
            self._own.says,
        )
        self._now = now
        self._lane = BoundedPool("letterbox-row", threads=2, room=16)
        self.pressed: dict[
            str, Callable[[Conversation, IncomingMessage], Awaitable[OwnAnswer | None]]
        ] = {
            ASK: self._about,
            LEAVE_OUT: self._leave_out,
            CLOSE: self._close_box,
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

    def close(self) -> None:
        """Stop the threads. Called when the server stops."""
        self._lane.close()

    async def _about(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        if conversation.state.severity < Severity.CONCERN and not conversation.letterbox.case:
            return self._says(self._phrases.only_after)
        conversation.letterbox = replace(conversation.letterbox, step="question")
        return self._says(self._phrases.about, *QUESTIONS, LEAVE_OUT)

    async def _leave_out(self, conversation: Conversation, _sent: IncomingMessage) -> OwnAnswer:
        conversation.letterbox = replace(settled(conversation), digest="")
        return self._says(self._phrases.left_out)

    async def _chosen(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer | None:
        if conversation.letterbox.step not in {"question", "answer"}:
            return None
        question = str(sent.choice)
        conversation.letterbox = replace(conversation.letterbox, step="answer", question=question)
        text = self._phrases.ask_answer.format(question=self._choices[question].label)
        return self._says(text, LEAVE_OUT, hides=True)

    async def answered(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
        """Take the answer to the question that was chosen, and give a phrase."""
        if not is_answer(sent.text):
            return self._says(self._phrases.other_answer, LEAVE_OUT, private=True, hides=True)
        conversation.letterbox = replace(
            settled(conversation), given_for=scoped_id(conversation.id, sent)
        )
        return await self.given(conversation, sent)

    async def given(self, conversation: Conversation, sent: IncomingMessage) -> OwnAnswer:
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

    async def _is_kept(self, change: LetterboxChange) -> bool:
        """Return whether the mailbox took it in time. It may still take it later."""
        try:
            await self._lane.run(WAIT_S, self._mailbox.append, change)
        except Exception as error:  # noqa: BLE001 - after any failure the person reads that it is not kept
            log.warning("letterbox.not_written", error=type(error).__name__)
            return False
        return True


def settled(conversation: Conversation) -> LetterboxProgress:
    """Return the progress without an open question."""
    progress = conversation.letterbox
    return replace(progress, step="open" if progress.case else None)
