"""Follow-ups: short questions that make sense only after something else, and their answers.

"should i pay the rest" makes sense only after a message about blackmail. So each follow-up of
content/follow_ups/<theme>.yml names the needs and risk categories, or the articles, after which it
counts, and the ways to ask it. bot/next_question.py compares messages with those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from safeguarding.content.choices import Choices
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
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Message
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import TOPIC_PREFIX, reading_order, taxonomy

ID = "follow_up"
INTENT, ENTITY = "ask_next", "follow_up"
FEWEST_ASKED, MOST_WORDS = 8, 75


class FollowUpRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question that is asked next, and its answer for each reader."""

    id: str
    asked: list[str]
    needs: list[str] = []
    categories: list[str] = []
    topics: list[str] = []
    young_person: str | None = None
    parent: str | None = None
    professional: str | None = None
    topic: str | None = None
    """The topic of the article that says more."""
    sources: list[SourceRecord] = []

    def counts_after(self, state: ConversationState) -> bool:
        """Return whether it makes sense in a conversation of this state."""
        if state.need is None:
            return state.topic in self.topics
        if DANGER_NOW in self.needs and state.needs(DANGER_NOW):
            return True  # in danger, the category is often unknown
        by_need = any(map(state.needs, self.needs)) or not self.needs
        by_category = not {*state.categories}.isdisjoint(self.categories) or not self.categories
        return by_need and by_category and bool(self.needs or self.categories)

    def text_for(self, audience: str | None) -> str | None:
        """Return the answer for this audience, or None."""
        order: Sequence[str] = reading_order(audience)
        return next((text for each in order if (text := getattr(self, each))), None)


class FollowUpFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/follow_ups/<theme>.yml."""

    provenance: Provenance
    follow_ups: list[FollowUpRecord]

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience."""
        texts = {
            audience: "\n".join(t for each in self.follow_ups if (t := getattr(each, audience)))
            for audience in taxonomy().audiences
        }
        return {audience: text for audience, text in texts.items() if text}


class FollowUps:
    """Every follow-up, by id."""

    def __init__(
        self, files: Mapping[str, FollowUpFile], items: Mapping[str, Item], choices: Choices
    ) -> None:
        """Take the files, and the item that is signed for each, by name."""
        self._choices = choices
        self._items = items
        self._file_of = {each.id: name for name, file in files.items() for each in file.follow_ups}
        self._records = {each.id: each for file in files.values() for each in file.follow_ups}

    def all(self) -> Mapping[str, FollowUpRecord]:
        """Return every follow-up by its id."""
        return self._records

    def message(self, id_: str, audience: str | None, showing: Showing) -> Message | None:
        """Return the answer for this audience; None when it has none or it is withheld."""
        record = self._records.get(id_)
        text = record.text_for(audience) if record else None
        if record is None or text is None:
            return None
        choices = [f"{TOPIC_PREFIX}{record.topic}"] if record.topic else []
        return showing.message(
            self._items[self._file_of[id_]],
            topic=f"{ID}_{id_}",
            title="",
            text=text,
            sources=record.sources,
            choices=[self._choices.button(each) for each in [*choices, "not_safe_now"]],
        )


def follow_up_item(content_id: str, title: str, path: Path) -> Item:
    """Return what is signed of a file: each answer for its reader. Raises ContentError."""
    whole = yaml_item(content_id, title, path)
    records = sound(*read_yaml(path).convert_each(FollowUpRecord, "follow_ups"))
    audiences = taxonomy().audiences
    blocks = [
        Block(each.id, (text,), (audience,))
        for each in records
        for audience in audiences
        if (text := getattr(each, audience))
    ]
    rest = []
    for each in records:
        fields = msgspec.to_builtins(each)
        facts = {name: fields[name] for name in fields if name not in audiences}
        rest.append(read_by_staff(f"{each.id}: asked by, after what, sources", facts))
    return replace(whole, blocks=(*blocks, *rest))


def read_follow_ups(path: Path, choices: Choices) -> FollowUpFile:
    """Read one file. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    record = document.convert(FollowUpFile)
    problems = [
        problem
        for index, each in enumerate(record.follow_ups)
        for problem in _unsound(document, each, choices, index)
    ]
    return sound(record, problems)


def _unsound(
    document: YamlDocument, record: FollowUpRecord, choices: Choices, index: int
) -> Iterator[Problem]:
    where, known = ("follow_ups", index), taxonomy()
    names = [(record.needs, known.needs), (record.categories, known.risk_categories)]
    for used, allowed in names:
        for name in used:
            if name not in allowed:
                yield document.problem(f"no such word: {name}", *where)
    for topic in [*record.topics, *([record.topic] if record.topic else [])]:
        if f"{TOPIC_PREFIX}{topic}" not in choices:
            yield document.problem(f"no such topic: {topic}", *where)
    if not (record.needs or record.categories or record.topics):
        yield document.problem("after what is it asked?", *where)
    if len({text.casefold() for text in record.asked}) < max(FEWEST_ASKED, len(record.asked)):
        yield document.problem(f"{FEWEST_ASKED} ways to ask it or more, none twice", *where)
    yield from _unsound_words(document, record, index)


def _unsound_words(document: YamlDocument, record: FollowUpRecord, index: int) -> Iterator[Problem]:
    where, audiences = ("follow_ups", index), taxonomy().audiences
    if not any(getattr(record, audience) for audience in audiences):
        yield document.problem("says nothing", *where)
    for audience in audiences:
        if word_count(getattr(record, audience) or "") > MOST_WORDS:
            yield document.problem(f"{audience}: over {MOST_WORDS} words", *where)
