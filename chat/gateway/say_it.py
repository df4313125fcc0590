"""Say it for me: offers the tool that makes a note for an adult, and hands out its sentences.

The browser makes the note. It gets reviewed words only, chosen by the facts, the categories and the
need of the conversation that the token names. What is ticked or typed there never comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec

from chat.gateway.conversations import Conversation
from chat.gateway.requests import IncomingMessage
from safeguarding.content.reader import Content
from safeguarding.content.replies import NOT_SAFE
from safeguarding.content.say_it import ID, AdultRecord, GroupId, SentenceRecord, is_younger
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.taxonomy import YOUNG_PERSON

WORDS = "tool_words_to_start"
"""The button of the words to start with: they need no script, and adults have some of their own."""
About = Literal["me", "friend"]


class SayItPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/say_it.yml."""

    intro: str
    intro_adult: str
    title: str
    step: str
    whom: str
    whom_hint: str
    about: str
    about_me: str
    about_friend: str
    what: str
    what_hint: str
    heard: str
    more: str
    happening: str
    detail: str
    own: str
    own_hint: str
    want: str
    who: str
    who_else: str
    pass_on: str
    back: str
    next: str
    make: str
    hide: str
    first: str
    first_friend: str
    wants: str
    last: str
    for_adult: str
    source: str
    unsigned: str
    change: str
    copy: str
    print: str
    to_box: str
    copied: str
    not_copied: str
    print_hint: str
    kept: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "step": ("at", "of"),
        "source": ("publisher", "title", "day"),
    }


class NoteSentence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sentence that can be chosen, worded for the writer and for a friend of theirs."""

    id: str
    me: str | None = None
    friend: str | None = None


class NoteGroup(msgspec.Struct, frozen=True):
    """Sentences under one title."""

    id: GroupId
    sentences: list[NoteSentence]


class NoteAdult(msgspec.Struct, frozen=True, omit_defaults=True):
    """An adult to choose, with what they may pass on and what they read."""

    id: str
    label: str
    passes_on: str
    advice: str
    source: str
    caution: str | None = None


class NoteWish(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wish to choose. `me` and `friend` hold WHO if it names someone."""

    id: str
    label: str
    me: str
    friend: str
    names_someone: bool = False


class NoteHeading(msgspec.Struct, frozen=True):
    """The first words for the adult in one language."""

    lang: str
    name: str
    text: str
    checked: bool


class NoteParts(msgspec.Struct, frozen=True):
    """All that the browser needs to make a note. None of it is a person's own words."""

    about: About
    people: list[NoteAdult]
    groups: list[NoteGroup]
    wishes: list[NoteWish]
    headings: list[NoteHeading]
    phrases: Mapping[str, str]


class NoteOffer:
    """Offers the tool by a button, answers that button, and returns the sentences."""

    def __init__(self, content: Content) -> None:
        self._say_it, self._choices = content.say_it, content.choices
        self._phrases = content.phrases.of(ID, SayItPhrases)

    def offered(self, conversation: Conversation, shown: list[Message]) -> list[Message]:
        """Add the button to the reply to a young person who has told something.

        It stands with the last buttons of a reply that holds a help card: those of the guides.
        It is added once for each need, because it stays on the page, and never beside 999.
        """
        card = next((each for each in shown if each["kind"] == "help_card"), None)
        if card is None or card.get("severity") == "immediate":
            return shown
        state = conversation.state
        if state.reader != YOUNG_PERSON or card.get("need") in state.cards:
            return shown
        place = next((each for each in reversed(shown) if each.get("choices")), card)
        buttons = [*place.get("choices", []), self._choices.button(ID)]
        return [{**each, "choices": buttons} if each is place else each for each in shown]

    def answer(self, conversation: Conversation, sent: IncomingMessage) -> list[Message] | None:
        """Return the answer to the button, or None to anything else.

        The chat page puts the tool below it. Without the page the words to start with are there.
        """
        if sent.choice != ID:
            return None
        state = conversation.state
        young = state.reader == YOUNG_PERSON
        buttons = [WORDS, NOT_SAFE] if state.in_hand else [WORDS]
        return [
            Message(
                kind="prompt",
                topic=ID,
                title=self._phrases.title,
                text=self._phrases.intro if young else self._phrases.intro_adult,
                choices=[self._choices.button(each) for each in buttons],
            )
        ]

    def parts(self, state: ConversationState) -> NoteParts:
        """Return the sentences and words that fit a conversation of this state."""
        file, young = self._say_it.file, is_younger(state)
        return NoteParts(
            about="friend" if state.need == "friend" else "me",
            people=[self._adult(each, state) for each in file.people],
            groups=[
                NoteGroup(id_, [_sentence(each, young=young) for each in sentences])
                for id_, sentences in self._say_it.groups(state).items()
                if sentences
            ],
            wishes=[
                NoteWish(each.id, each.label, each.says, each.friend, each.names_someone)
                for each in file.wishes
            ],
            headings=[
                NoteHeading(each.lang, each.name, each.text, each.is_checked)
                for each in file.headings
            ],
            phrases=msgspec.to_builtins(self._phrases),
        )

    def _adult(self, adult: AdultRecord, state: ConversationState) -> NoteAdult:
        advice = self._say_it.advice_for(adult)
        source, day = advice.source, advice.source.read_on
        return NoteAdult(
            id=adult.id,
            label=adult.label,
            passes_on=adult.younger if is_younger(state) else adult.passes_on,
            advice=advice.text,
            source=self._phrases.source.format(
                publisher=source.publisher, title=source.title, day=f"{day.day} {day:%B %Y}"
            ),
            caution=adult.caution.text if adult.caution and adult.caution.fits(state) else None,
        )


def _sentence(record: SentenceRecord, *, young: bool) -> NoteSentence:
    own = record.younger if young and record.younger else record.me
    return NoteSentence(record.id, own, record.friend)
