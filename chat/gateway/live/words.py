"""What Lantern says about a person in the chat: its phrases, as messages with their buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

import msgspec

from chat.gateway.callbacks import LEAVE
from chat.gateway.letterbox_asking import ASK as LETTERBOX_ASK
from chat.gateway.live.progress import LivePhase, LiveProgress
from chat.gateway.live.rules import Telling
from safeguarding.content.reader import Content
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.taxonomy import PARENT

ASK, YES, NOT_NOW, STOP = "live_ask", "live_yes", "live_not_now", "live_stop"
CHOICES = frozenset({ASK, YES, NOT_NOW, STOP})
TOPIC = "live_chat"
MOST_CONTACTS = 4
_WITH_CONTACTS = frozenset(
    {"withdrawn", "nobody_came", "nobody_ready", "silent", "away", "ended_for_abuse", "blocked"}
)
"""The phrases that lead to people who can be reached now."""
_INSTEAD = frozenset({"nobody_came", "nobody_ready"})
"""The phrases that lead to a call-back and a letterbox."""
_WITH_STOP = frozenset({"joined", "handed_over", "taken_over", "quiet"})


class LiveChatPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/live_chat.yml, and of live_chat_adult.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "offer": ("name", "role"),
        "joined": ("name", "role"),
        "handed_over": ("name", "new", "role"),
        "taken_over": ("name", "new", "role"),
        **dict.fromkeys(
            ("would_you_like", "not_answered", "withdrawn", "not_accepted", "stop",
             "danger", "quiet", "silent", "away", "handed_back", "finished", "stopped",
             "ended_for_abuse", "late"),
            ("name",),
        ),
    }  # fmt: skip

    offer: str
    who_knows: str
    would_you_like: str
    declined: str
    not_answered: str
    withdrawn: str
    asked: str
    asked_before: str
    not_asked: str
    nobody_ready: str
    nobody_came: str
    took_back: str
    joined: str
    not_accepted: str
    stop: str
    take_back: str
    danger: str
    quiet: str
    silent: str
    away: str
    handed_over: str
    taken_over: str
    handed_back: str
    finished: str
    stopped: str
    ended_for_abuse: str
    blocked: str
    late: str


class LiveWords:
    """Makes the messages about a live chat, for the reader of the conversation."""

    def __init__(self, content: Content, now: Callable[[], datetime]) -> None:
        phrases = content.phrases
        self._phrases = {
            "young_person": phrases.of("live_chat", LiveChatPhrases),
            "adult": phrases.of("live_chat_adult", LiveChatPhrases),
        }
        self._choices, self._contacts = content.choices, content.contacts
        self._now = now

    def told(
        self, says: Telling, progress: LiveProgress, state: ConversationState, before: str = ""
    ) -> list[Message]:
        """Return the messages of a notice. `before` names the person who had the chat before."""
        if says == "offer":
            return self._offer(progress, state)
        own = {"name": before or progress.name, "new": progress.name}
        buttons = self.buttons("open", progress, state) if says in _WITH_STOP else []
        return [self._message(says, state, buttons, role=progress.role, **own)]

    def says(
        self, phrase: str, state: ConversationState, *buttons: str, name: str = ""
    ) -> list[Message]:
        """Return one phrase with these buttons."""
        shown = [self._choices.button(each) for each in buttons]
        return [self._message(phrase, state, shown, name=name)]

    def asked(self, phrase: str, progress: LiveProgress, state: ConversationState) -> list[Message]:
        """Return the answer to a request for a person, with the button that takes it back."""
        messages = [self._message(phrase, state, self.buttons("asked", progress, state))]
        return messages if progress.explained else [*self.who_knows(state), *messages]

    def who_knows(self, state: ConversationState) -> list[Message]:
        """Return what the young person must know before a person reads with them."""
        return [self._message("who_knows", state, [])]

    def late(self, name: str, state: ConversationState) -> list[Message]:
        """Return the line above a message that came after the person was gone."""
        return [self._message("late", state, [], name=name)]

    def buttons(
        self, phase: LivePhase, progress: LiveProgress, state: ConversationState
    ) -> list[Choice]:
        """Return the buttons that fit this phase."""
        phrases = self._phrases[state.reader]
        if phase == "asked":
            return [Choice(id=STOP, label=phrases.take_back)]
        if phase == "offered":
            return [self._choices.button(each) for each in (YES, NOT_NOW)]
        if phase == "open":
            return [Choice(id=STOP, label=phrases.stop.format(name=progress.name))]
        return []

    def ask_button(self) -> Choice:
        """Return the button that asks for a person."""
        return self._choices.button(ASK)

    def _offer(self, progress: LiveProgress, state: ConversationState) -> list[Message]:
        name, role = progress.name, progress.role
        offer = self._message("offer", state, [], name=name, role=role)
        knows = [] if progress.explained else self.who_knows(state)
        buttons = self.buttons("offered", progress, state)
        return [offer, *knows, self._message("would_you_like", state, buttons, name=name)]

    def _message(
        self, phrase: str, state: ConversationState, buttons: list[Choice], **fields: str
    ) -> Message:
        text: str = getattr(self._phrases[state.reader], phrase)
        if phrase in LiveChatPhrases.FIELDS:
            text = text.format(**fields)
        message = Message(kind="prompt" if buttons else "text", text=text, topic=TOPIC)
        if phrase in _INSTEAD:
            buttons = [*buttons, *map(self._choices.button, (LEAVE, LETTERBOX_ASK))]
        if phrase in _WITH_CONTACTS:
            message["kind"], message["contacts"] = "contacts", self.people(state)
        if buttons:
            message["choices"] = buttons
        return message

    def people(self, state: ConversationState) -> list[ContactCard]:
        """Return who can be reached now, with 999 and Childline at the end."""
        cards = self._contacts.for_person(
            audience=PARENT if state.reader == "adult" else state.audience,
            area=state.area,
            need=next(iter(state.categories), None),
            at=self._now(),
            age=state.age,
        )
        first, always = cards[:-2], cards[-2:]
        return [*[card for card in first if card["open_now"]][: MOST_CONTACTS - 2], *always]
