"""The bank of short reviewed replies: content/replies/<theme>.yml.

A reply answers one kind of message in one place: "should i pay the rest" makes sense only after a
message about blackmail. So each names the dialogue acts that it answers, the needs, risk categories
or articles after which it counts, the facts that it needs, and ways to say what it answers.
`safeguarding.dialogue` chooses between them (ADR 41). Its label is the button that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.items import (
    Block,
    Item,
    Provenance,
    Showing,
    SourceRecord,
    read_by_staff,
    word_count,
    yaml_item,
)
from safeguarding.content.who import contradicts
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Choice, Message, folded_chat
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import (
    ADULTS,
    PARENT,
    PROFESSIONAL,
    TOPIC_PREFIX,
    YOUNG_PERSON,
    YOUNGER,
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
_OF_PARENTS, _OF_STAFF = ("parent_", "first_parent_"), ("staff_", "first_staff_")
"""Beginnings of the ids of replies to what a parent or carer says, and to what staff say."""
FEWEST_ASKED, MOST_WORDS, MOST_WORDS_YOUNGER = 8, 78, 45


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
    by: list[str] = []
    """The people who may have done it (content/facts.yml, `who`); none for anybody. Like `to`, it
    binds the words for young readers: an adult's words are about a child."""
    to: list[str] = []
    """The people to whom it may have happened; none for anybody."""
    after: list[str] = []
    """Replies that it often follows."""
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

    def suiting(self, state: ConversationState) -> dict[str, ReplyRecord]:
        """Return the replies that have words for this reader and agree with the facts, by id."""
        return {id_: each for id_, each in self._records.items() if each.suits(state)}

    def asked_by(self, text: str) -> frozenset[str]:
        """Return the ids of the replies of which `text` is a phrasing, spelling aside."""
        return frozenset(self._asked.get(folded_chat(text), ()))

    def contact_ids(self, id_: str) -> Sequence[str]:
        """Return the ids of the contacts that are shown with a reply."""
        return self._records[id_].contacts

    def button(self, id_: str) -> Choice:
        """Return the button that asks for a reply. Raises KeyError for an unknown id."""
        return self._choices.button(PREFIX + id_)

    def message(self, id_: str, state: ConversationState, showing: Showing) -> Message | None:
        """Return the answer for the reader of this state; None without one, or while withheld.

        After a disclosure, the button "I'm not safe" stays below every answer.
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


def reply_choices(folder: Path) -> list[ChoiceRecord]:
    """Return the button of every reply in `folder`; of a file that is unsound, none."""
    return [
        ChoiceRecord(PREFIX + each.id, each.label, INTENT, {ENTITY: each.id})
        for path in sorted(folder.glob("*.yml"))
        for each in read_yaml(path).convert_each(ReplyRecord, "replies")[0]
    ]


def reply_item(content_id: str, title: str, path: Path) -> Item:
    """Return what is signed of a file: each answer for its reader. Raises ContentError."""
    whole = yaml_item(content_id, title, path)
    records = sound(*read_yaml(path).convert_each(ReplyRecord, "replies"))
    readers = (*taxonomy().audiences, YOUNGER)
    blocks = [
        Block(each.id, (text,), (reader,))
        for each in records
        for reader in readers
        if (text := getattr(each, reader))
    ]
    rest = []
    for each in records:
        fields = msgspec.to_builtins(each)
        others = {name: fields[name] for name in fields if name not in readers}
        rest.append(read_by_staff(f"{each.id}: asked by, after what, sources", others))
    return replace(whole, blocks=(*blocks, *rest))


def read_replies(
    path: Path, choices: Choices, contacts: ContactDirectory | None = None
) -> ReplyFile:
    """Read one file. Raises ContentError with all that is wrong with it.

    Without `contacts` the ids of contacts are not checked.
    """
    document = read_yaml(path)
    record = document.convert(ReplyFile)
    problems = [
        problem
        for index, each in enumerate(record.replies)
        for problem in _unsound(document, each, choices, contacts, index)
    ]
    return sound(record, problems)


def _unsound(
    document: YamlDocument,
    record: ReplyRecord,
    choices: Choices,
    contacts: ContactDirectory | None,
    index: int,
) -> Iterator[Problem]:
    where, known = ("replies", index), taxonomy()
    names = [
        (record.needs, known.needs),
        (record.categories, known.risk_categories),
        (record.acts, known.dialogue_acts),
    ]
    for used, allowed in names:
        for name in used:
            if name not in allowed:
                yield document.problem(f"no such word: {name}", *where)
    for topic in [*record.topics, *([record.topic] if record.topic else [])]:
        if f"{TOPIC_PREFIX}{topic}" not in choices:
            yield document.problem(f"no such topic: {topic}", *where)
    yield from choices.unknown(document, record.choices, *where, "choices")
    for contact in record.contacts:
        if contacts is not None and contact not in contacts.records():
            yield document.problem(f"no such contact: {contact}", *where)
    if not record.acts:
        yield document.problem("names no dialogue act", *where)
    if len({text.casefold() for text in record.asked}) < max(FEWEST_ASKED, len(record.asked)):
        yield document.problem(f"{FEWEST_ASKED} ways to ask it or more, none twice", *where)
    yield from _unsound_words(document, record, index)


def _unsound_words(document: YamlDocument, record: ReplyRecord, index: int) -> Iterator[Problem]:
    where, audiences = ("replies", index), taxonomy().audiences
    if not any(getattr(record, audience) for audience in audiences):
        yield document.problem("says nothing", *where)
    for reader in (*audiences, YOUNGER):
        most = MOST_WORDS_YOUNGER if reader == YOUNGER else MOST_WORDS
        if word_count(getattr(record, reader) or "") > most:
            yield document.problem(f"{reader}: over {most} words", *where)
