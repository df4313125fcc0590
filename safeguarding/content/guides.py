"""Guides: a few steps, by buttons, through what to do now; one file each in content/guides.

A step is one thing to do, and never asks what happened. People may type at any time. Each button
names the step that it was shown with, so that a button on an old page still works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.items import (
    Block,
    Item,
    Provenance,
    SourceRecord,
    read_by_staff,
    word_count,
    yaml_item,
)
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, Message
from safeguarding.records import Problem, YamlDocument, read_each, read_yaml, sound
from safeguarding.taxonomy import (
    PARENT,
    READERS,
    YOUNG_PERSON,
    SeverityLabel,
    taxonomy,
)

INTENT, ENTITY = "follow_guide", "step"
TOPIC = "guide_"
"""Prefix of the topic of a step's message, before "sextortion/2"."""
STOP = "guide_stop"
MOST_OFFERED = 2
MOST_WORDS, FEWEST_STEPS, MOST_STEPS = 40, 2, 7
_ANY_DANGER = "immediate_danger"
Move = Literal["start", "after", "back", "resume"]


class StepRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to do."""

    id: str
    next: str
    """The label of the button to the next step."""
    young_person: str | None = None
    adult: str | None = None
    ways: list[str] = []
    """The ids of contacts shown with it."""


class EndRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text after the last step."""

    young_person: str | None = None
    adult: str | None = None


class GuideRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/guides/<id>.yml."""

    provenance: Provenance
    id: str
    title: str
    """The label of the button that begins it."""
    needs: list[str]
    categories: list[str]
    topics: list[str]
    """The articles after which it is offered, as it is after the needs and risk categories."""
    words: list[str]
    """Beginnings of words or phrases by which a message is about it."""
    severities: list[SeverityLabel]
    sources: list[SourceRecord]
    steps: list[StepRecord]
    end: EndRecord

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience; the adults' by the level of parents."""
        texts = {
            audience: [text for each in (*self.steps, self.end) if (text := getattr(each, reader))]
            for reader, audience in ((YOUNG_PERSON, YOUNG_PERSON), ("adult", PARENT))
        }
        return {audience: "\n".join(words) for audience, words in texts.items() if words}


class GuidePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of every guide: content/phrases/guides.yml."""

    back: str
    stop: str
    resume: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"resume": ("title",)}


@dataclass(frozen=True)
class GuidePosition:
    """A step of a guide, counted from 0. The end is one past the last step."""

    guide: str
    at: int

    def __str__(self) -> str:
        return f"{self.guide}/{self.at}"


class Guides:
    """Every guide, by id."""

    def __init__(self, records: Mapping[str, GuideRecord], choices: Choices) -> None:
        self._records = records
        self._choices = choices

    def all(self) -> Mapping[str, GuideRecord]:
        """Return every guide by its id."""
        return self._records

    def for_message(
        self, state: ConversationState, categories: Sequence[str], text: str
    ) -> list[str]:
        """Return the guides that fit a message, at most MOST_OFFERED, the best fit first.

        `state` is the state after the message; `categories` are the message's risk categories, the
        likeliest first.
        """
        fits = {id_: _fit(record, state, categories, text) for id_, record in self._records.items()}
        nearest = sorted((id_ for id_ in fits if fits[id_]), key=lambda id_: -fits[id_])
        return [id_ for id_ in nearest if fits[id_] > fits[nearest[0]] - 1][:MOST_OFFERED]

    def is_about(self, guide_id: str, text: str) -> bool:
        """Return whether a message names what the guide is about."""
        return _speaks_of(self._records[guide_id], text)

    def covers(self, guide_id: str, topic: str | None) -> bool:
        """Return whether a guide says the same as the article on a topic."""
        return topic in self._records[guide_id].topics

    def button(self, guide_id: str) -> Choice:
        """Return the button that begins a guide."""
        return self._choices.button(f"{TOPIC}{guide_id}")

    def resume(self, place: str) -> Choice | None:
        """Return the button back to a step that was open; None at the end of the guide."""
        choice = f"{TOPIC}{place.replace('/', '_resume_')}"
        return self._choices.button(choice) if choice in self._choices else None

    def moved(self, step: str, reader: str) -> GuidePosition | None:
        """Return where a button like "sextortion/after/2" leads; None for an unknown one."""
        guide, _, rest = step.partition("/")
        move, _, number = rest.partition("/")
        record = self._records.get(guide)
        if record is None or not number.isdecimal():
            return None
        readable = _readable(record, reader)
        at, end = int(number), len(record.steps)
        if not readable:
            return None
        if move == "after":
            return GuidePosition(guide, next((each for each in readable if each > at), end))
        if move == "back":
            before = [each for each in readable if each < at]
            return GuidePosition(guide, max(before, default=readable[0]))
        return GuidePosition(guide, at if at in readable or at == end else readable[0])

    def message(self, place: GuidePosition, reader: str) -> Message | None:
        """Return a step without contacts; None where it has no text for this reader."""
        record = self._records[place.guide]
        ended = place.at >= len(record.steps)
        text: str | None = getattr(record.end if ended else record.steps[place.at], reader)
        if text is None:
            return None
        return Message(
            kind="prompt",
            topic=f"{TOPIC}{place}",
            title=record.title,
            text=text,
            choices=self._buttons(record, place, reader),
        )

    def contact_ids(self, place: GuidePosition) -> list[str]:
        """Return the contacts shown with a step."""
        steps = self._records[place.guide].steps
        return list(steps[place.at].ways) if place.at < len(steps) else []

    def _buttons(self, record: GuideRecord, place: GuidePosition, reader: str) -> list[Choice]:
        first = _readable(record, reader)[0]
        ids = [f"{TOPIC}{record.id}_after_{place.at}"] if place.at < len(record.steps) else []
        ids += [f"{TOPIC}{record.id}_back_{place.at}"] if place.at > first else []
        ids += ["not_safe_now", STOP]
        return [self._choices.button(each) for each in ids]


def _readable(record: GuideRecord, reader: str) -> list[int]:
    """Return the numbers of the steps that have a text for this reader."""
    return [at for at, each in enumerate(record.steps) if getattr(each, reader)]


def _fit(
    record: GuideRecord, state: ConversationState, categories: Sequence[str], text: str
) -> float:
    """Return how well a guide fits a message; 0 where it does not fit."""
    severe = state.severity.label in record.severities
    speaks = any(getattr(step, state.reader) for step in record.steps)
    if not (severe and speaks and any(map(state.needs, record.needs))):
        return 0.0
    about = _speaks_of(record, text)
    # Immediate danger does not say which danger it is, so the words of the message must.
    ranks = [
        at
        for at, each in enumerate(categories)
        if each in record.categories and (about or each != _ANY_DANGER)
    ]
    if not ranks:
        return 0.0
    # The likeliest category counts most, then the words; of two equal guides, the narrower one.
    return 10.0 - ranks[0] + 3 * about + 1 / len(record.categories)


def _speaks_of(record: GuideRecord, text: str) -> bool:
    spaced = _spaced(text)
    return any(_spaced(each) in spaced for each in record.words)


def _spaced(text: str) -> str:
    """Return the words of a text, each after a space: "isn't home" equals "isn t home"."""
    return "".join(f" {word}" for word in re.findall(r"[^\W_]+", text.casefold()))


def guide_choices(records: Iterable[GuideRecord], phrases: GuidePhrases) -> Iterator[ChoiceRecord]:
    """Yield every button of every guide."""
    for record in records:
        yield _choice(record.id, "start", 0, record.title)
        for at, step in enumerate(record.steps):
            yield _choice(record.id, "after", at, step.next)
            yield _choice(record.id, "resume", at, phrases.resume.format(title=record.title))
        for at in range(1, len(record.steps) + 1):
            yield _choice(record.id, "back", at, phrases.back)
    yield ChoiceRecord(STOP, phrases.stop, "say_something_else")


def _choice(guide: str, move: Move, at: int, label: str) -> ChoiceRecord:
    id_ = f"{TOPIC}{guide}" if move == "start" else f"{TOPIC}{guide}_{move}_{at}"
    step = f"{guide}/{'resume' if move == 'start' else move}/{at}"
    return ChoiceRecord(id_, label, INTENT, {ENTITY: step})


def guide_item(content_id: str, title: str, path: Path) -> Item:
    """Return what is signed of a guide: each step for its readers. Raises ContentError."""
    whole, record = yaml_item(content_id, title, path), read_guide(path)
    blocks = [
        Block(f"{record.title}: {getattr(each, 'id', 'end')}", (text,), audiences)
        for each in (*record.steps, record.end)
        for reader, audiences in READERS.items()
        if (text := getattr(each, reader))
    ]
    fields = msgspec.to_builtins(record)
    rest = {name: fields[name] for name in fields if name not in {"provenance", "end"}}
    blocks.append(read_by_staff("The file", rest))
    return replace(whole, title=record.title, blocks=tuple(blocks))


def read_guide(path: Path) -> GuideRecord:
    """Read one guide. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    record = document.convert(GuideRecord)
    return sound(record, _unsound(document, record))


def read_guides(folder: Path) -> dict[str, GuideRecord]:
    """Read every guide of a folder. Raises ContentError with all that is wrong."""
    return read_each(folder, read_guide)


def _unsound(document: YamlDocument, record: GuideRecord) -> Iterator[Problem]:
    known = taxonomy()
    if record.id != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "id")
    for field, names in (("needs", known.needs), ("categories", known.risk_categories)):
        for index, name in enumerate(getattr(record, field)):
            if name not in names:
                yield document.problem(f"no such word: {name}", field, index)
    if not record.sources:
        yield document.problem("no source", "sources")
    yield from _unsound_steps(document, record)


def _unsound_steps(document: YamlDocument, record: GuideRecord) -> Iterator[Problem]:
    if not FEWEST_STEPS <= len(record.steps) <= MOST_STEPS:
        what = f"{len(record.steps)} steps; {FEWEST_STEPS} to {MOST_STEPS}"
        yield document.problem(what, "steps")
    for index, step in enumerate(record.steps):
        if not (step.young_person or step.adult):
            yield document.problem("says nothing", "steps", index)
        for reader in READERS:
            if word_count(getattr(step, reader) or "") > MOST_WORDS:
                yield document.problem(f"over {MOST_WORDS} words", "steps", index, reader)
    for reader in READERS:
        walks = any(getattr(step, reader) for step in record.steps)
        if walks != bool(getattr(record.end, reader)):
            yield document.problem(f"{reader}: steps and an end, or neither", "end")
