"""One conversation in progress: what must be known to answer its next message, and no more."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID, uuid5

import msgspec

from chat.gateway.requests import IncomingMessage
from safeguarding.content.choices import Choices, Questions
from safeguarding.content.guides import TOPIC as GUIDE
from safeguarding.conversation_state import UNCLEAR, ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessment import Assessment, Turn
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

TURNS_KEPT, TURNS_BYTES = 20, 128 * 1024
KEPT_HEAD, KEPT_TAIL = 7_000, 3_000
KEPT = KEPT_HEAD + KEPT_TAIL
"""Characters kept of a turn; of a longer one, so many of its beginning and end."""
ANSWERS_KEPT, ANSWERS_BYTES = 20, 128 * 1024
_ITSELF_BYTES = 4 * 1024
"""What a conversation takes beside its words, roughly."""
_LEFT_OUT = "\n[...]\n"
"""In ASCII: a text that was, still is, and takes one byte a letter."""

WishStep: TypeAlias = Literal["name", "reach"]
"""What somebody who leaves a way back was asked last."""


class Answer(NamedTuple):
    """What the person reads in answer to a message."""

    messages: list[Message]
    over_limit: bool = False
    """Whether it is help alone, because messages came too fast."""


@dataclass(eq=False)
class Conversation:
    """What must be known to answer the next message of one conversation. Its size has an end."""

    id: UUID
    state: ConversationState = field(default_factory=ConversationState)
    """What it has come to. Its severity only rises: "jk" takes nothing back."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered, so that answers come in the order of the messages."""
    dialogue: bytes | None = None
    """What Rasa wants to have back with the next message: JSON that is nobody's business but its
    own."""
    wish_offered: bool = False
    """Whether the way back was offered; and how far leaving one has come: see callbacks.py."""
    wish_step: WishStep | None = None
    wish_name: str = ""
    wish_left: bool = False
    """Whether a way back is kept with the case, or may be."""
    turns: OrderedDict[str, Turn] = field(default_factory=OrderedDict)
    answers: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    """The last answers by message id, as JSON: it takes a fifth of the room."""
    revision: bytes = b""
    """Where gateways share conversations: the record that this one was last saved to or read
    from, empty where there is none."""
    first: ConversationState = field(init=False)
    saved: ConversationState | None = field(init=False)
    """The state with which it began, and the one that was saved last, if that is still there."""
    used_at: float = 0.0
    """When a message of it came, by the clock of whoever keeps it."""

    def __post_init__(self) -> None:
        self.first = self.saved = self.state

    def turns_before(self, message_id: str) -> tuple[Turn, ...]:
        """The turns kept, without those of `message_id` itself: it may have come before."""
        own = {_key(message_id, by) for by in ("user", "assistant")}
        return tuple(turn for key, turn in self.turns.items() if key not in own)

    def remember(self, message_id: str, turn: Turn) -> None:
        """Keep a turn, once for each message and speaker; the oldest makes room."""
        self._remember(_key(message_id, turn.by), Turn(turn.by, as_kept(turn.text)))

    def _remember(self, key: str, turn: Turn) -> None:
        self.turns.setdefault(key, turn)
        while len(self.turns) > TURNS_KEPT or _bytes_of_turns(self.turns) > TURNS_BYTES:
            self.turns.popitem(last=False)

    def note(self, assessment: Assessment) -> None:
        """Note what a message came to. It never lowers what was noted before."""
        self.state = self.state.after(assessment)

    def note_shown(
        self, messages: Sequence[Message], choices: Choices, questions: Questions
    ) -> None:
        """Note which help cards, which article and which step of a guide the person now sees, and
        which question is open."""
        self.state = replace(self.state, asked=questions.open_after(messages))
        for message in messages:
            topic = message.get("topic", "")
            if message["kind"] == "help_card":
                severity = Severity.named(message.get("severity", "none"))
                self.state = self.state.shown(message.get("need", UNCLEAR), severity)
            elif topic.startswith(GUIDE):
                self.state = replace(self.state, guide=topic.removeprefix(GUIDE))
            elif f"{TOPIC_PREFIX}{topic}" in choices:
                self.state = replace(self.state, topic=topic)

    def raise_to(self, severity: Severity) -> None:
        """Note a severity by itself: of a help card that was shown for safety's sake."""
        if severity > self.state.severity:
            self.state = replace(self.state, severity=severity)

    def answer_to(self, message_id: str) -> list[Message] | None:
        """The answer that a message got; None when it is new, or when that was long ago."""
        kept = self.answers.get(message_id)
        return msgspec.json.decode(kept, type=list[Message]) if kept is not None else None

    def last_shown(self) -> list[Message]:
        """What the last answer showed, for a page that is loaded again; nothing before one."""
        return self.answer_to(next(reversed(self.answers), "")) or []

    def keep_answer(self, message_id: str, messages: Sequence[Message]) -> None:
        """Keep an answer for a repeat of its message; the oldest make room."""
        self._keep(message_id, msgspec.json.encode(messages))

    def _keep(self, message_id: str, answer: bytes) -> None:
        self.answers[message_id] = answer
        self.answers.move_to_end(message_id)
        while len(self.answers) > ANSWERS_KEPT or _bytes_of(self.answers) > ANSWERS_BYTES:
            self.answers.popitem(last=False)

    @property
    def is_saved(self) -> bool:
        """Whether nothing has come to it since it was saved: whatever comes changes its state."""
        return self.state is self.saved

    def become(self, other: Conversation) -> None:
        """Be what another gateway made of this conversation."""
        self.state, self.dialogue = other.state, other.dialogue
        self.turns, self.answers = other.turns, other.answers
        self.wish_offered = other.wish_offered
        self.wish_step, self.wish_name = other.wish_step, other.wish_name
        self.wish_left = other.wish_left

    def join(self, other: Conversation) -> None:
        """Be both: what another gateway made of it, and what came to it here meanwhile."""
        here = copy(self)
        self.become(other)
        self.state = other.state.joined(here.state)
        self.dialogue = self.dialogue or here.dialogue
        self.wish_offered = self.wish_offered or here.wish_offered
        self.wish_left = self.wish_left or here.wish_left
        for key, turn in here.turns.items():
            self._remember(key, turn)
        for key, answer in here.answers.items():
            self._keep(key, answer)

    @property
    def size(self) -> int:
        """The bytes that it takes in memory, nearly."""
        dialogue = len(self.dialogue or b"")
        return _ITSELF_BYTES + _bytes_of_turns(self.turns) + _bytes_of(self.answers) + dialogue


@dataclass(frozen=True)
class Exchange:
    """One message of a person's, and the facts that its record needs."""

    conversation: Conversation
    message_id: str
    sent: IncomingMessage
    before: tuple[Turn, ...]
    state: ConversationState
    """What the conversation had come to before this message."""
    at: datetime

    def remember(self, shown: Sequence[Message]) -> None:
        """Keep both sides of this exchange for the next assessment."""
        reply = "\n".join(words_of(message) for message in shown)
        self.conversation.remember(self.message_id, Turn("user", self.sent.text))
        self.conversation.remember(self.message_id, Turn("assistant", reply))


def scoped_id(conversation_id: UUID, sent: IncomingMessage) -> str:
    """The message id for inside: a browser's id cannot reach into another conversation.

    What was sent is part of it: other words under an old id are another message, to be assessed,
    answered and recorded, and not a repeat.
    """
    said = sent.choice or sent.text
    digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return str(uuid5(conversation_id, f"{sent.id} {digest}"))


def as_kept(text: str) -> str:
    """A turn's text as it is kept: of a long one, more than is read again with a later message."""
    if len(text) <= KEPT:
        return text
    return text[: KEPT_HEAD - len(_LEFT_OUT)] + _LEFT_OUT + text[-KEPT_TAIL:]


def _key(message_id: str, by: str) -> str:
    return f"{by} {message_id}"


def _bytes_of_turns(turns: OrderedDict[str, Turn]) -> int:
    # Not the length: with one emoji in it, every letter of a text takes four bytes.
    return sum(sys.getsizeof(turn.text) for turn in turns.values())


def _bytes_of(answers: OrderedDict[str, bytes]) -> int:
    return sum(map(len, answers.values()))
