"""The way back into a letterbox: the phrase, the question, and then the letters, one at a time.

Whatever was wrong, the person reads the same words after the same work. A letter is shown until the
person goes on: then it was read, and its words are deleted. Nothing of this is kept as an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from chat.gateway.conversations import Conversation, LetterboxProgress, scoped_id
from chat.gateway.letterbox_key import PhraseKey, folded
from chat.gateway.limits import RateLimits
from chat.gateway.recorder import BoundedPool
from chat.gateway.requests import IncomingMessage
from safeguarding.content.six_words import SixWords
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from storage.letterboxes import FoundLetterbox, Letterboxes
from storage.replies import AddressKind, ReplyMailbox, StaffReply

WAIT_S = 3.0
"""The longest wait for the database and the slow hash, in seconds."""
SHORTEST_ANSWER, LONGEST_ANSWER = 2, 60
"""In letters and digits, and in characters."""
LETTERBOX = AddressKind.LETTERBOX
log = structlog.get_logger("gateway.letterbox")


class OpenedLetterbox(NamedTuple):
    """What is in a letterbox now."""

    letter: StaffReply | None
    waiting: int
    """Letters that were not read, this one included. Without one here, another reader has it."""


class LetterReader:
    """Finds letterboxes and reads letters in threads of its own, in bounded time."""

    def __init__(
        self,
        boxes: Letterboxes,
        replies: ReplyMailbox,
        key: PhraseKey,
        now: Callable[[], datetime],
    ) -> None:
        self._boxes = boxes
        self._replies = replies
        self._key = key
        self._now = now
        self._lane = BoundedPool("letterbox", threads=2, room=16)

    async def found(self, digest: str) -> FoundLetterbox | None:
        """Return the letterbox that a phrase may open. Raises whatever stops it, or LateError."""
        return await self._lane.run(WAIT_S, self._find, digest)

    async def proved(self, digest: str, answer: str) -> FoundLetterbox | None:
        """Return the letterbox that phrase and answer open. Raises as `found` does."""
        return await self._lane.run(WAIT_S, self._prove, digest, answer)

    async def secret(self, digest: str, answer: str) -> str | None:
        """Return the slow hash of both; None where another letterbox has the same locator."""
        return await self._lane.run(WAIT_S, self._make, digest, answer)

    async def opened(self, case_id: str, reader: str) -> OpenedLetterbox:
        """Claim the next letter. Raises as `found` does."""
        return await self._lane.run(WAIT_S, self._open, case_id, reader)

    async def read(self, number: int, reader: str) -> bool:
        """Note that the person has read a letter; return whether that is on record."""
        letter = StaffReply(number, "", self._now())
        try:
            await self._lane.run(WAIT_S, self._replies.delivered, letter, reader, self._now())
        except Exception as error:  # noqa: BLE001 - it stays claimed, and is noted with the next message
            log.warning("letter.not_noted", error=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Stop the threads. Called when the server stops."""
        self._lane.close()

    def _find(self, digest: str) -> FoundLetterbox | None:
        return self._boxes.find(self._key.locator(digest), self._now())

    def _prove(self, digest: str, answer: str) -> FoundLetterbox | None:
        box = self._find(digest)
        fits = self._key.fits(box.secret if box else None, digest, answer)
        return box if fits else None

    def _make(self, digest: str, answer: str) -> str | None:
        return None if self._find(digest) else self._key.secret(digest, answer)

    def _open(self, case_id: str, reader: str) -> OpenedLetterbox:
        at = self._now()
        letter = self._replies.claim(case_id, reader, at, LETTERBOX)
        return OpenedLetterbox(letter, self._replies.waiting(case_id, at, LETTERBOX))


class TryResult(NamedTuple):
    """What came of a try to open a letterbox: at most one of these."""

    case_id: str = ""
    too_many: bool = False
    away: bool = False


class WayBack:
    """The steps from a phrase to an open letterbox."""

    def __init__(
        self,
        reader: LetterReader,
        words: SixWords,
        key: PhraseKey,
        limits: RateLimits,
        questions: Sequence[str],
    ) -> None:
        """`questions` are the ids of those that a person can choose from."""
        self._reader = reader
        self._words = words
        self._key = key
        self._limits = limits
        self._questions = questions

    def is_phrase(
        self, progress: LetterboxProgress, sent: IncomingMessage, assessment: Assessment | None
    ) -> bool:
        """Return whether typed words are a try at a phrase. A whole phrase needs no question."""
        if self._words.read(sent.text) is not None:
            return progress.step == "phrase" or not progress.case
        harmless = assessment is not None and assessment.severity == Severity.NONE
        return progress.step == "phrase" and harmless and self._words.is_try(sent.text)

    async def question(self, conversation: Conversation, sent: IncomingMessage) -> str | None:
        """Take a phrase; return the question that follows, or None while the database is away.

        One follows any phrase, so that a stranger does not learn which phrases are right.
        """
        digest = self._key.digest(self._words.read(sent.text) or sent.text)
        try:
            box = await self._reader.found(digest)
        except Exception as error:  # noqa: BLE001 - the person reads that it does not work now
            log.warning("letterbox.not_searched", error=type(error).__name__)
            return None
        # Picked also where there is one, so that both take as long.
        question = self._key.pick(digest, self._questions)
        if box is not None and box.question in self._questions:
            question = box.question
        progress = conversation.letterbox
        conversation.letterbox = replace(progress, step="proof", question=question, digest=digest)
        return question

    async def opened(self, conversation: Conversation, sent: IncomingMessage) -> TryResult:
        """Take the answer, and open the letterbox in this conversation if both are right."""
        progress = conversation.letterbox
        conversation.letterbox = replace(progress, step=None, digest="")
        sender = sent.sender or ""
        if not await self._limits.admits_phrase(conversation.id, sender, progress.digest):
            return TryResult(too_many=True)
        try:
            box = await self._reader.proved(progress.digest, sent.text)
        except Exception as error:  # noqa: BLE001 - the person reads that it does not work now
            log.warning("letterbox.not_opened", error=type(error).__name__)
            return TryResult(away=True)
        if box is None:
            return TryResult()
        conversation.letterbox = replace(
            progress,
            step="open",
            digest="",
            case=box.case_id,
            letter=0,
            given_for=scoped_id(conversation.id, sent),
        )
        return TryResult(box.case_id)


def is_answer(text: str) -> bool:
    """Return whether a text can be the answer to the question of a letterbox."""
    return len(folded(text)) >= SHORTEST_ANSWER and len(text.strip()) <= LONGEST_ANSWER
