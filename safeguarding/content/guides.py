"""Guides: a few steps by buttons through what to do now, from content/guides, a file each.

A step is one thing to do. Nothing is asked about what happened, people may type at any time, and
each button names the step that it leads on from, so that an old page cannot leave the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.items import Provenance, SourceRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import (
    PARENT,
    YOUNG_PERSON,
    SeverityLabel,
)

ID, TITLE = "guide", "Guides, step by step"
INTENT, ENTITY = "follow_guide", "step"
TOPIC = "guide_"
"""What the topic of a step's message begins with; then "sextortion/2"."""
STOP = "guide_stop"
MOST_OFFERED = 2
_ANY_DANGER = "immediate_danger"
Move = Literal["start", "after", "back", "resume"]


class StepRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to do."""

    id: str
    next: str
    """The button that goes on."""
    young_person: str | None = None
    adult: str | None = None
    ways: list[str] = []
    """Contacts shown with it."""


class EndRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last words."""

    young_person: str | None = None
    adult: str | None = None


class GuideRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/guides/<id>.yml."""

    provenance: Provenance
    id: str
    title: str
    """The button that begins it says this."""
    needs: list[str]
    categories: list[str]
    topics: list[str]
    """After which needs and risk categories told, or articles read, it is offered."""
    words: list[str]
    """Beginnings of words or phrases that speak of it in a message."""
    severities: list[SeverityLabel]
    sources: list[SourceRecord]
    steps: list[StepRecord]
    end: EndRecord

    @property
    def readings(self) -> Mapping[str, str]:
        """All that each reader reads."""
        said: dict[str, list[str]] = {YOUNG_PERSON: [], "adult": []}
        for each in (*self.steps, self.end):
            for reader, words in said.items():
                if text := getattr(each, reader):
                    words.append(text)
        names = {YOUNG_PERSON: YOUNG_PERSON, "adult": PARENT}
        return {names[reader]: "\n".join(words) for reader, words in said.items() if words}


class GuidePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of every guide: content/phrases/guides.yml."""

    back: str
    stop: str
    resume: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"resume": ("title",)}


@dataclass(frozen=True)
class GuidePosition:
    """A step of a guide, counted from 0; the end is one past the last step."""

    guide: str
    at: int

    def __str__(self) -> str:
        return f"{self.guide}/{self.at}"

    @classmethod
    def named(cls, text: str) -> GuidePosition:
        """The inverse of `str`. Raises ValueError."""
        guide, _, at = text.partition("/")
        return cls(guide, int(at))


class Guides:
    """Every guide, by id."""

    def __init__(self, records: Mapping[str, GuideRecord], choices: Choices) -> None:
        self._records = records
        self._choices = choices

    def all(self) -> Mapping[str, GuideRecord]:
        """Every guide by its id."""
        return self._records

    def for_message(
        self, state: ConversationState, categories: Sequence[str], text: str
    ) -> list[str]:
        """The guides that fit what a message tells, at most two, the nearest first.

        `state` with the message, and its risk categories, the likeliest first.
        """
        fits = {id_: _fit(record, state, categories, text) for id_, record in self._records.items()}
        nearest = sorted((id_ for id_ in fits if fits[id_]), key=lambda id_: -fits[id_])
        return [id_ for id_ in nearest if fits[id_] > fits[nearest[0]] - 1][:MOST_OFFERED]

    def is_about(self, guide_id: str, text: str) -> bool:
        """Whether words of a message speak of it."""
        return _speaks_of(self._records[guide_id], text)

    def covers(self, guide_id: str, topic: str | None) -> bool:
        """Whether a guide says what the article on a topic says."""
        return topic in self._records[guide_id].topics

    def button(self, guide_id: str) -> Choice:
        """The button that begins a guide."""
        return self._choices.button(f"{TOPIC}{guide_id}")

    def resume(self, place: str) -> Choice | None:
        """The button back to a step that was open; None at the end of the guide."""
        choice = f"{TOPIC}{place.replace('/', '_resume_')}"
        return self._choices.button(choice) if choice in self._choices else None

    def moved(self, step: str, reader: str) -> GuidePosition | None:
        """Where a button leads this reader: "sextortion/after/2". None for what is not there."""
        guide, _, rest = step.partition("/")
        move, _, number = rest.partition("/")
        record = self._records.get(guide)
        if record is None or not number.isdecimal():
            return None
        mine = [at for at, each in enumerate(record.steps) if getattr(each, reader)]
        at, end = int(number), len(record.steps)
        if not mine:
            return None
        if move == "after":
            return GuidePosition(guide, next((each for each in mine if each > at), end))
        if move == "back":
            return GuidePosition(guide, max((each for each in mine if each < at), default=mine[0]))
        return GuidePosition(guide, at if at in mine or at == end else mine[0])

    def message(self, place: GuidePosition, reader: str) -> Message | None:
        """A step as it is shown, without contacts; None where it says nothing to this reader."""
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
        """The contacts shown with a step."""
        steps = self._records[place.guide].steps
        return list(steps[place.at].ways) if place.at < len(steps) else []

    def _buttons(self, record: GuideRecord, place: GuidePosition, reader: str) -> list[Choice]:
        mine = [at for at, each in enumerate(record.steps) if getattr(each, reader)]
        ids = [f"{TOPIC}{record.id}_after_{place.at}"] if place.at < len(record.steps) else []
        ids += [f"{TOPIC}{record.id}_back_{place.at}"] if place.at > mine[0] else []
        ids += ["not_safe_now", STOP]
        return [self._choices.button(each) for each in ids]


def _fit(
    record: GuideRecord, state: ConversationState, categories: Sequence[str], text: str
) -> float:
    """How near a guide is to what a message tells; 0 where it does not fit."""
    severe = state.severity.label in record.severities
    speaks = any(getattr(step, state.reader) for step in record.steps)
    if not (severe and speaks and any(map(state.needs, record.needs))):
        return 0.0
    about = _speaks_of(record, text)
    # Danger alone says nothing of which: then the words must.
    told = [
        at
        for at, each in enumerate(categories)
        if each in record.categories and (about or each != _ANY_DANGER)
    ]
    if not told:
        return 0.0
    # What is likeliest counts most, then the words; of two alike, the narrower one.
    return 10.0 - told[0] + 3 * about + 1 / len(record.categories)


def _speaks_of(record: GuideRecord, text: str) -> bool:
    said = _spaced(text)
    return any(_spaced(each) in said for each in record.words)


def _spaced(text: str) -> str:
    """The words of a text, each with a space before it: "isn't home" and "isn t home" are one."""
    return "".join(f" {word}" for word in re.findall(r"[^\W_]+", text.casefold()))


def guide_choices(records: Iterable[GuideRecord], phrases: GuidePhrases) -> Iterator[ChoiceRecord]:
    """Every button of every guide."""
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
