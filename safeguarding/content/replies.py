"""The bank of short reviewed replies: content/replies/<theme>.yml.

A reply answers one kind of message in one place: "should i pay the rest" makes sense only after a
message about blackmail. So each names the dialogue acts that it answers, the needs, risk categories
or articles after which it counts, the facts that it needs, and ways to say what it answers.
`safeguarding.dialogue` chooses between them (ADR 41). Its label is the button that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.content.items import (
    Item,
    Provenance,
    Showing,
    SourceRecord,
)
from safeguarding.content.who import contradicts
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Choice, Message, folded_chat
from safeguarding.taxonomy import (
    ADULTS,
    PARENT,
    PROFESSIONAL,
    TOPIC_PREFIX,
    YOUNG_PERSON,
    YOUNGER_UP_TO,
    Severity,
    reading_order,
    taxonomy,
)

ID = ENTITY = "reply"
"""The kind of content, and the entity that names a reply."""
PREFIX = f"{ID}_"
"""Beginning of the topic of each reply, and of the id of its button."""
INTENT = "ask_next"
ASK_WHICH = "ask_which"
"""The intent, and the topic of the message, that asks which of a few replies was meant."""
ASKS_IF_SAFE = "asks_if_safe"
"""The entity that says that the reply ends with the question if the person is safe."""
OWNS_UP = "owns_up"
"""The entity that says that the reply begins with an apology for what was understood wrongly."""
NOT_SAFE = "not_safe_now"
"""The id of the button "I'm not safe"."""
CALL_BACK = "leave_wish"
"""The id of the button that asks for a call-back, which needs a hand-off to belong to."""
SAY_IT = "say_it"
"""The id of the button that makes a note in a young person's words."""
FIRST = "first_"
"""Beginning of the ids of the replies to a first disclosure."""
FIRST_TOPIC = PREFIX + FIRST
"""Beginning of their topics."""
HEARD = "heard_"
"""Beginning of the ids of the replies that take up a message and ask nothing."""
OF_EVERY_DAY = ("chat_", "good_ordinary", "grief_", "lantern_what_can_you_do", "worry_")
"""Beginnings of the ids of replies that would hurt most where something was disclosed."""
_OF_PARENTS, _OF_STAFF = ("parent_", "first_parent_"), ("staff_", "first_staff_")
"""Beginnings of the ids of replies to what a parent or carer says, and to what staff say."""
_AROUND = frozenset(
    {
        "actually", "alright", "and", "anyway", "bro", "btw", "but", "cos", "erm", "haha", "hmm",
        "idk", "just", "like", "lol", "man", "mate", "ngl", "nah", "ok", "okay", "omg", "please",
        "pls", "plz", "right", "so", "tbh", "tho", "though", "um", "well", "yeah", "yh",
    }
)  # fmt: skip
"""Words around a phrasing that change nothing: "ok so wish me luck for monday tho"."""
_FEWEST_LEFT = 3
"""How many words must be left without these."""


class ReplyRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of message, and the answer to it for each reader."""

    id: str
    label: str
    """Words of the button that asks for it."""
    acts: list[str]
    """The dialogue acts that it answers."""
    asked: list[str]
    """Ways to say what it answers."""
    needs: list[str] = []
    """The needs in hand after which it counts; none for any."""
    categories: list[str] = []
    """The risk categories of the conversation after which it counts; none for any."""
    topics: list[str] = []
    """The articles after which it counts too."""
    facts: list[str] = []
    """Facts that the person must have said (content/facts.yml)."""
    not_facts: list[str] = []
    """Facts that forbid it."""
    when_said: list[str] = []
    """Facts of a message that it answers, where no reply is likely enough."""
    goes_on: bool = False
    """Whether it takes a person a step on who adds a detail that no reply fits, in place of a word
    that only takes up what was said."""
    by: list[str] = []
    """The people who may have done it (content/facts.yml, `who`); none for anybody. Like `to`, it
    binds the words for young readers: an adult's words are about a child."""
    to: list[str] = []
    """The people to whom it may have happened; none for anybody."""
    after: list[str] = []
    """Replies that it often follows."""
    everyday: bool = False
    """Whether it answers ordinary life, in which no harm is told. Replies whose ids begin with one
    of OF_EVERY_DAY do so without it."""
    only_calm: bool = False
    """Whether it makes sense only where nothing that was disclosed is in hand."""
    young_person: str | None = None
    younger: str | None = None
    """For children up to YOUNGER_UP_TO years."""
    parent: str | None = None
    professional: str | None = None
    topic: str | None = None
    """The topic of the article that says more."""
    choices: list[str] = []
    """The buttons that its words speak of."""
    contacts: list[str] = []
    """The contacts that its words speak of, shown with it."""
    sources: list[SourceRecord] = []

    @property
    def is_everyday(self) -> bool:
        """Whether it answers ordinary life, in which no harm is told."""
        return self.everyday or self.id.startswith(OF_EVERY_DAY)

    @property
    def is_general(self) -> bool:
        """Whether it makes sense in every conversation."""
        return not (self.needs or self.categories or self.topics)

    def suits(self, state: ConversationState) -> bool:
        """Return whether it has words for the reader, and what was said allows it."""
        said = {*state.facts}
        allowed = said.issuperset(self.facts) and not said & {*self.not_facts}
        if state.reader == YOUNG_PERSON:
            allowed = allowed and not contradicts(said, self.by, self.to)
        in_time = not (self.only_calm and state.in_hand)
        return allowed and in_time and self._is_for(state) and self.text_in(state) is not None

    def _is_for(self, state: ConversationState) -> bool:
        """Return whether it answers this reader, and not another who may read its words too.

        A parent at work is not told what to do about their own child, nor a parent at home what
        staff do; and no adult who tells of a child is answered as if they were that child.
        """
        of_a_child = self.parent is None and self.professional is None
        if state.reader == "adult" and of_a_child and self.id.startswith(FIRST):
            return False
        if state.audience == PROFESSIONAL:
            return self.professional is not None or not self.id.startswith(_OF_PARENTS)
        if state.audience == PARENT:
            return self.parent is not None or not self.id.startswith(_OF_STAFF)
        return True

    def counts_after(self, state: ConversationState) -> bool:
        """Return whether it makes sense in a conversation of this state."""
        if self.is_general or (state.topic is not None and state.topic in self.topics):
            return True
        if state.need is None:
            return False
        if DANGER_NOW in self.needs and state.needs(DANGER_NOW):
            return True  # in danger, the category is often unknown
        by_need = any(map(state.needs, self.needs)) or not self.needs
        by_category = not {*state.categories}.isdisjoint(self.categories) or not self.categories
        return by_need and by_category and bool(self.needs or self.categories)

    def text_in(self, state: ConversationState) -> str | None:
        """Return the words for the reader of this state, or None."""
        adult = PARENT if state.reader == "adult" else None
        return self.text_for(state.audience or adult, state.age)

    def text_for(self, audience: str | None, age: int | None = None) -> str | None:
        """Return the words for this audience and age, or None.

        A young person, and a person of unknown audience, never reads the words for adults.
        """
        if audience not in ADULTS:
            young = age is not None and age <= YOUNGER_UP_TO
            return (self.younger if young else None) or self.young_person
        order: Sequence[str] = reading_order(audience)
        return next((text for each in order if (text := getattr(self, each))), None)


class ReplyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/replies/<theme>.yml."""

    provenance: Provenance
    replies: list[ReplyRecord]

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience."""
        texts = {
            audience: "\n".join(t for each in self.replies if (t := getattr(each, audience)))
            for audience in taxonomy().audiences
        }
        return {audience: text for audience, text in texts.items() if text}


class Replies:
    """Every reply, by id."""

    def __init__(
        self, files: Mapping[str, ReplyFile], items: Mapping[str, Item], choices: Choices
    ) -> None:
        """Take the files, and the item that is signed for each, by name."""
        self._choices = choices
        self._items = items
        self._file_of = {each.id: name for name, file in files.items() for each in file.replies}
        self._records = {each.id: each for file in files.values() for each in file.replies}
        self._asked: dict[str, set[str]] = {}
        for record in self._records.values():
            for text in record.asked:
                self._asked.setdefault(folded_chat(text), set()).add(record.id)

    def all(self) -> Mapping[str, ReplyRecord]:
        """Return every reply by its id."""
        return self._records

    def is_everyday(self, id_: str) -> bool:
        """Return whether this is a reply, and one to ordinary life in which no harm is told."""
        return id_ in self._records and self._records[id_].is_everyday

    def in_themes(self, weights: Mapping[str, float]) -> Mapping[str, float]:
        """Return for each reply the weight of its theme: the sum of its file's replies.

        Replies of themes without a weight are left out, and so are weights of unknown replies.
        """
        themes: dict[str, float] = {}
        for id_, weight in weights.items():
            if theme := self._file_of.get(id_):
                themes[theme] = themes.get(theme, 0.0) + weight
        return {id_: themes[file] for id_, file in self._file_of.items() if file in themes}

    def suiting(self, state: ConversationState) -> dict[str, ReplyRecord]:
        """Return the replies that have words for this reader and agree with the facts, by id."""
        return {id_: each for id_, each in self._records.items() if each.suits(state)}

    def asked_by(self, text: str) -> frozenset[str]:
        """Return the ids of the replies of which `text` is a phrasing.

        Spelling does not count, nor do words around it that say nothing.
        """
        said = folded_chat(text)
        return frozenset(self._asked.get(said) or self._asked.get(_core(said)) or ())

    def contact_ids(self, id_: str) -> Sequence[str]:
        """Return the ids of the contacts that are shown with a reply."""
        return self._records[id_].contacts

    def button(self, id_: str) -> Choice:
        """Return the button that asks for a reply. Raises KeyError for an unknown id."""
        return self._choices.button(PREFIX + id_)

    def message(
        self, id_: str, state: ConversationState, showing: Showing, below: Sequence[str] = ()
    ) -> Message | None:
        """Return the answer for the reader of this state; None without one, or while withheld.

        `below` are the ids of other replies that are offered by buttons. After a disclosure, the
        button "I'm not safe" stays below every answer.
        """
        record = self._records.get(id_)
        text = record.text_in(state) if record else None
        if record is None or text is None:
            return None
        told, young = state.severity >= Severity.CONCERN, state.reader == YOUNG_PERSON
        needless = {CALL_BACK: not told, SAY_IT: not young}
        choices = [each for each in record.choices if not needless.get(each)]
        if record.topic:
            choices.append(f"{TOPIC_PREFIX}{record.topic}")
        choices += [PREFIX + each for each in below if self.message(each, state, showing)]
        if state.in_hand:
            choices.append(NOT_SAFE)
        return showing.message(
            self._items[self._file_of[id_]],
            topic=PREFIX + id_,
            title="",
            text=text,
            sources=record.sources,
            choices=[self._choices.button(each) for each in choices],
        )


def _core(said: str) -> str:
    """Return folded words without those around them that say nothing; all if few are left."""
    words = said.split()
    inner = [at for at, word in enumerate(words) if word not in _AROUND]
    core = words[inner[0] : inner[-1] + 1] if inner else []
    return " ".join(core) if len(core) >= _FEWEST_LEFT else said
