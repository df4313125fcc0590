"""Conversations in progress, in memory: what is kept of each, for how long, and how much in all."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

import msgspec
from cachetools import TTLCache

from chat.gateway.live.progress import LiveProgress
from chat.gateway.requests import Bearer, IncomingMessage
from safeguarding.content.choices import SAFE_NOW, Choices
from safeguarding.content.guides import TOPIC as GUIDE
from safeguarding.content.reader import Content
from safeguarding.content.replies import ASK_WHICH
from safeguarding.content.replies import PREFIX as REPLY
from safeguarding.conversation_state import UNCLEAR, ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessment import Assessment, Turn
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

MOST_CONVERSATIONS, MOST_BYTES = 20_000, 256 * 1024 * 1024
TURNS_KEPT, TURNS_BYTES = 20, 128 * 1024
KEPT_HEAD, KEPT_TAIL = 7_000, 3_000
KEPT = KEPT_HEAD + KEPT_TAIL
"""Characters kept of a turn: of a longer one, so many of its beginning and of its end.

The assessment of a later message reads fewer than these."""
ANSWERS_KEPT, ANSWERS_BYTES = 20, 128 * 1024
_ITSELF_BYTES = 4 * 1024
"""What a conversation takes in memory beside its words, roughly."""
_LEFT_OUT = "\n[...]\n"
"""In ASCII, so that an ASCII text stays one and takes one byte a character."""

CallbackStep: TypeAlias = Literal["name", "reach"]
"""The question about a call-back that was asked last."""


class LetterboxProgress(msgspec.Struct, frozen=True, array_like=True):
    """How far a person has come with a letterbox in this conversation; never a phrase.

    A new field goes to the end and has a default.
    """

    offered: bool = False
    step: Literal["question", "answer", "phrase", "proof", "open"] | None = None
    """What is awaited: a question is chosen, its answer, a phrase, the answer to it, or letters."""
    question: str = ""
    """The button of the question that was chosen, or put."""
    digest: str = ""
    """The keyed digest of the phrase that was typed."""
    case: str = ""
    """The case whose letterbox is open here; empty for none."""
    letter: int = 0
    """The number of the letter on the screen; 0 for none."""
    given_for: str = ""
    """The id of the message that was answered with a phrase or a letter."""

    @property
    def awaits_answer(self) -> bool:
        """Whether the next words may be the answer to the question of a letterbox."""
        return self.step in {"answer", "proof"}


@dataclass(eq=False)
class Conversation:
    """What must be known to answer the next message of one conversation. Its size is bounded."""

    id: UUID
    state: ConversationState = field(default_factory=ConversationState)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered, so that answers come in the order of the messages."""
    dialogue: bytes | None = None
    """JSON that Rasa returned with its last reply, and gets with the next message."""
    has_unassessed: bool = False
    """Whether a message of it was handed over before it was assessed: then staff may have a case of
    it, which this gateway does not know. Other gateways do not know it."""
    callback_offered: bool = False
    callback_step: CallbackStep | None = None
    callback_name: str = ""
    callback_left: bool = False
    """Whether the case may hold contact details for a call-back."""
    letterbox: LetterboxProgress = field(default_factory=LetterboxProgress)
    live: LiveProgress = field(default_factory=LiveProgress)
    turns: OrderedDict[str, Turn] = field(default_factory=OrderedDict)
    answers: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    """The last answers by message id, as JSON, which takes a fifth of the memory of objects."""
    revision: bytes = b""
    """The record in Redis that this was last saved to or read from; empty if there is none."""
    first: ConversationState = field(init=False)
    saved: ConversationState | None = field(init=False)
    """The state when it began, and the state that Redis has, or None if Redis may have lost it."""
    used_at: float = 0.0
    """When a message of it came, by the clock of `Conversations`."""

    def __post_init__(self) -> None:
        self.first = self.saved = self.state

    @property
    def case_id(self) -> str:
        """The id under which staff know what is written here: it may be that of an older case."""
        return self.letterbox.case or str(self.id)

    def turns_before(self, message_id: str) -> tuple[Turn, ...]:
        """Return the turns kept, without those of this message, which may be a repeat."""
        own = {_key(message_id, by) for by in ("user", "assistant")}
        return tuple(turn for key, turn in self.turns.items() if key not in own)

    def remember(self, message_id: str, turn: Turn) -> None:
        """Keep a turn, once for each message and speaker; drop the oldest beyond the limits."""
        text = turn.text
        if len(text) > KEPT:
            text = text[: KEPT_HEAD - len(_LEFT_OUT)] + _LEFT_OUT + text[-KEPT_TAIL:]
        self._keep_turn(_key(message_id, turn.by), Turn(turn.by, text))

    def _keep_turn(self, key: str, turn: Turn) -> None:
        self.turns.setdefault(key, turn)
        while len(self.turns) > TURNS_KEPT or self._turns_bytes > TURNS_BYTES:
            self.turns.popitem(last=False)

    def note(self, assessment: Assessment, facts: Iterable[str] = ()) -> None:
        """Note the assessment of a message and its facts. It never lowers the severity."""
        self.state = self.state.after(assessment).with_facts(facts, assessment)

    def note_facts(self, facts: Iterable[str]) -> None:
        """Note facts that the person has said. Known ones change nothing: the state stays saved."""
        new = set(facts) - set(self.state.facts)
        if new:
            self.state = self.state.with_facts(new)

    def note_shown(
        self,
        messages: Sequence[Message],
        content: Content,
        *,
        pressed: bool = False,
    ) -> None:
        """Note the help cards, article, guide step and open question that the person now sees.

        A guide is followed only if a button was `pressed`: a step that came with a card is not. The
        button back to it is shown with the first message that is typed beside it, and not again.
        """
        asked = content.questions.open_after(messages)
        self.state = replace(
            self.state,
            asked=asked,
            guide=self.state.guide if pressed else None,
            asked_if_safe=self.state.asked_if_safe or asked == SAFE_NOW,
            last_kind=_last_kind(messages, content.choices),
            offered=_offered(messages),
        )
        for message in messages:
            topic = message.get("topic", "")
            if message["kind"] == "help_card":
                severity = Severity.named(message.get("severity", "none"))
                need = message.get("need", UNCLEAR)
                self.state = self.state.shown(need, severity)
                if severity == Severity.CONCERN and self.state.need is None:
                    # The planner answers some disclosures in which the risk engine heard nothing.
                    self.state = replace(self.state, need=need)
            if topic.startswith(REPLY):
                self.state = self.state.having_said(topic.removeprefix(REPLY))
            elif topic.startswith(GUIDE) and pressed:
                self.state = replace(self.state, guide=topic.removeprefix(GUIDE))
            elif f"{TOPIC_PREFIX}{topic}" in content.choices:
                self.state = replace(self.state, topic=topic)
        first = messages[0].get("topic", "") if messages else ""
        at_risk = self.state.severity >= Severity.CONCERN and self.state.calm == 0
        if at_risk and content.replies.is_everyday(first.removeprefix(REPLY)):
            self.state = replace(self.state, talked=True)

    def note_change(self) -> None:
        """Note that something has changed beside a message: it is saved for the other gateways."""
        self.state = replace(self.state)

    def raise_to(self, severity: Severity) -> None:
        """Raise the severity to this one; a lower one changes nothing."""
        if severity > self.state.severity:
            self.state = replace(self.state, severity=severity)

    def answer_to(self, message_id: str) -> list[Message] | None:
        """Return the answer to a message; None if the message is new or its answer was dropped."""
        kept = self.answers.get(message_id)
        return msgspec.json.decode(kept, type=list[Message]) if kept is not None else None

    def last_shown(self) -> list[Message]:
        """Return the last answer, or an empty list."""
        return self.answer_to(next(reversed(self.answers), "")) or []

    def keep_answer(self, message_id: str, messages: Sequence[Message]) -> None:
        """Keep an answer for a repeat of its message; drop the oldest beyond the limits."""
        self._keep_answer(message_id, msgspec.json.encode(messages))

    def _keep_answer(self, message_id: str, answer: bytes) -> None:
        self.answers[message_id] = answer
        self.answers.move_to_end(message_id)
        while len(self.answers) > ANSWERS_KEPT or self._answers_bytes > ANSWERS_BYTES:
            self.answers.popitem(last=False)

    @property
    def is_saved(self) -> bool:
        """Return whether Redis has it as it is now. Each message makes a new state object."""
        return self.state is self.saved

    def become(self, other: Conversation) -> None:
        """Take over all that another gateway knows of this conversation."""
        self.state, self.dialogue = other.state, other.dialogue
        self.turns, self.answers = other.turns, other.answers
        self.callback_offered, self.callback_left = other.callback_offered, other.callback_left
        self.callback_step, self.callback_name = other.callback_step, other.callback_name
        self.letterbox, self.live = other.letterbox, other.live

    def join(self, other: Conversation) -> None:
        """Add what another gateway knows of this conversation to what is known here."""
        here = copy(self)
        self.become(other)
        self.state = other.state.joined(here.state)
        self.dialogue = self.dialogue or here.dialogue
        self.callback_offered = self.callback_offered or here.callback_offered
        self.callback_left = self.callback_left or here.callback_left
        if not self.letterbox.case:
            self.letterbox = here.letterbox
        self.live = self.live.joined(here.live)
        for key, turn in here.turns.items():
            self._keep_turn(key, turn)
        for key, answer in here.answers.items():
            self._keep_answer(key, answer)

    @property
    def size(self) -> int:
        """Return the bytes that it takes in memory, roughly."""
        dialogue = len(self.dialogue or b"")
        words = self._turns_bytes + self._answers_bytes + self.live.size
        return _ITSELF_BYTES + words + dialogue

    @property
    def _turns_bytes(self) -> int:
        # Not the length: with one emoji in a text, each of its characters takes four bytes.
        return sum(sys.getsizeof(turn.text) for turn in self.turns.values())

    @property
    def _answers_bytes(self) -> int:
        return sum(map(len, self.answers.values()))


@dataclass(frozen=True)
class Exchange:
    """One message of a person, and the facts that its record needs."""

    conversation: Conversation
    message_id: str
    sent: IncomingMessage
    before: tuple[Turn, ...]
    state: ConversationState
    """The state of the conversation before this message."""
    at: datetime

    def remember(self, shown: Sequence[Message]) -> None:
        """Keep both sides of this exchange for the next assessment."""
        reply = "\n".join(words_of(message) for message in shown)
        self.conversation.remember(self.message_id, Turn("user", self.sent.text))
        self.conversation.remember(self.message_id, Turn("assistant", reply))


def _last_kind(messages: Sequence[Message], choices: Choices) -> str:
    """Return what these messages are, as the model of the dialogue distinguishes it."""
    topics = [message.get("topic", "") for message in messages]
    if any(topic.startswith(REPLY) for topic in topics):
        return "reply"
    if any(message["kind"] == "help_card" for message in messages):
        return "card"
    if any(topic.startswith(GUIDE) for topic in topics):
        return "guide"
    if ASK_WHICH in topics:
        return "ask"
    if any(f"{TOPIC_PREFIX}{topic}" in choices for topic in topics):
        return "article"
    return "contacts" if any(message.get("contacts") for message in messages) else "other"


def _offered(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the buttons of replies and articles below the last of these that has any."""
    rows = (message.get("choices", []) for message in reversed(messages))
    offered = (
        tuple(each["id"] for each in row if each["id"].startswith((REPLY, TOPIC_PREFIX)))
        for row in rows
    )
    return next(filter(None, offered), ())


def scoped_id(conversation_id: UUID, sent: IncomingMessage) -> str:
    """Return the id of a message inside the gateway.

    It depends on the conversation, so that a browser's id cannot reach into another one, and on
    what was sent: other words under an old id are another message, which is assessed and recorded.
    """
    said = sent.choice or sent.text
    digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return str(uuid5(conversation_id, f"{sent.id} {digest}"))


def _key(message_id: str, by: str) -> str:
    return f"{by} {message_id}"


class Conversations:
    """The conversations of this process.

    Over the limits the least recently used is dropped; one that reached a concern is dropped only
    when there is none below that.
    """

    def __init__(
        self,
        ttl_s: float,
        now: Callable[[], float] = time.monotonic,
        *,
        most: int = MOST_CONVERSATIONS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Forget a conversation after `ttl_s` seconds without a message; the rest is for tests."""
        self._quiet = _cache(ttl_s, now)
        self._grave = _cache(ttl_s, now)
        # A conversation that was dropped while its message is answered is still the same one.
        self._alive: WeakValueDictionary[UUID, Conversation] = WeakValueDictionary()
        self._most, self._most_bytes = most, most_bytes
        self._now = now

    def __len__(self) -> int:
        return len(self._quiet) + len(self._grave)

    @property
    def size(self) -> int:
        """Return the bytes that all conversations take in memory, roughly."""
        return int(self._quiet.currsize + self._grave.currsize)

    def of(self, bearer: Bearer) -> Conversation:
        """Return the conversation of a token: the one in progress, or a new one."""
        conversation = self.known(bearer.conversation_id)
        if conversation is None:
            beginning = bearer.beginning
            state = ConversationState(audience=beginning.audience, area=beginning.area)
            conversation = Conversation(bearer.conversation_id, state)
        self.keep(conversation)
        return conversation

    def known(self, conversation_id: UUID) -> Conversation | None:
        """Return the conversation in progress with this id, or None."""
        kept = self._grave.get(conversation_id) or self._quiet.get(conversation_id)
        if kept is None:
            held = self._alive.get(conversation_id)
            kept = held if held is not None and held.lock.locked() else None
        return kept

    def keep(self, conversation: Conversation) -> None:
        """Keep a conversation with its present size and severity; its time starts again."""
        conversation.used_at = self._now()
        self._quiet.pop(conversation.id, None)
        self._grave.pop(conversation.id, None)
        grave = conversation.state.severity >= Severity.CONCERN
        (self._grave if grave else self._quiet)[conversation.id] = conversation
        self._alive[conversation.id] = conversation
        while len(self) > self._most or self.size > self._most_bytes:
            (self._quiet or self._grave).popitem()

    async def look(self, bearer: Bearer) -> Conversation:
        """Return the conversation of a token, even while a message of it is answered."""
        return self.of(bearer)

    async def peek(self, bearer: Bearer) -> Conversation:
        """Return the same; one that is in progress does not count as used by this."""
        return self.known(bearer.conversation_id) or self.of(bearer)

    @asynccontextmanager
    async def turn(self, bearer: Bearer, within_s: float) -> AsyncIterator[Conversation]:
        """Hold the conversation while one message of it is answered; other messages wait.

        `within_s` is the longest wait, in seconds, for a message that another gateway answers.
        """
        del within_s
        conversation = self.of(bearer)
        async with self._turn(conversation):
            yield conversation

    @asynccontextmanager
    async def _turn(self, conversation: Conversation) -> AsyncIterator[None]:
        async with conversation.lock:
            try:
                yield
            finally:
                # Unless the person has left meanwhile.
                if self._alive.get(conversation.id) is conversation:
                    self.keep(conversation)

    async def forget(self, conversation_id: UUID) -> None:
        """Forget a conversation at once: the person has left."""
        self.drop(conversation_id)

    async def redis(self) -> Literal["unused", "up", "down"]:
        """Return the status of the Redis in which gateways share conversations."""
        return "unused"

    def unsaved(self) -> int:
        """Return how many conversations Redis does not have as they are now."""
        return 0

    async def finish(self) -> None:
        """Save what is left to save. Called when the server stops."""

    def drop(self, conversation_id: UUID) -> None:
        """Stop keeping a conversation in this process."""
        for kept in (self._quiet, self._grave, self._alive):
            kept.pop(conversation_id, None)


def _cache(ttl_s: float, now: Callable[[], float]) -> TTLCache[UUID, Conversation]:
    return TTLCache(math.inf, ttl_s, now, getsizeof=lambda conversation: conversation.size)
