"""The pledge: its words, and the steps to it by buttons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.messages import Message
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import PARENT, PROFESSIONAL


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The online course, and when a person last checked its link."""

    title: str
    publisher: str
    url: str | None
    verified_on: date | None


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of each step."""

    start: str
    taken: str
    taken_before: str
    not_counted: str
    find_out: str
    course: str
    no_course: str
    tell: str


class FindOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of articles to read, by audience."""

    young_person: list[str]
    parent: list[str]
    professional: list[str]


class Offered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of each step."""

    start: list[str]
    taken: list[str]
    find_out: FindOut
    course: list[str]
    tell: list[str]


class PledgeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/pledge.yml."""

    words: str
    """The pledge itself."""
    course: Course
    steps: Steps
    offered: Offered


class Pledge:
    """The steps of the pledge, ready to show."""

    def __init__(self, record: PledgeRecord, choices: Choices) -> None:
        self._choices = choices
        self.words = record.words
        self.course = record.course
        self.steps = record.steps
        self.offered = record.offered

    def start(self) -> Message:
        """Return the first step: what the pledge asks, and its parts to choose from."""
        return self._prompt(self.steps.start, self.offered.start)

    def taken(self, *, before: bool, counted: bool) -> Message:
        """Return the words of the pledge. `before`: already taken in this conversation."""
        first = self.steps.taken if counted else self.steps.not_counted
        text = self.steps.taken_before if before else first
        return self._prompt(text.format(words=self.words), self.offered.taken)

    def find_out(self, audience: str | None) -> Message:
        """Return what to read; an unknown audience is treated as a young person."""
        reads = self.offered.find_out
        ids = {PARENT: reads.parent, PROFESSIONAL: reads.professional}
        return self._prompt(self.steps.find_out, ids.get(audience or "", reads.young_person))

    def learn(self) -> Message:
        """Return the course, or that its link was not checked."""
        course = self.course
        if course.url is None or course.verified_on is None:
            return self._prompt(self.steps.no_course, self.offered.course)
        text = self.steps.course.format(verified_on=f"{course.verified_on:%-d %B %Y}")
        message = self._prompt(text, self.offered.course)
        message["sources"] = [
            {"title": course.title, "publisher": course.publisher, "url": course.url, "date": ""}
        ]
        return message

    def tell(self, link: str) -> Message:
        """Return a link to share: the public address and nothing else."""
        return self._prompt(self.steps.tell.format(link=link), self.offered.tell)

    def _prompt(self, text: str, ids: Iterable[str]) -> Message:
        buttons = [self._choices.button(choice_id) for choice_id in ids]
        return {"kind": "prompt", "text": text, "choices": buttons}


def read_pledge(path: Path, choices: Choices) -> Pledge:
    """Read the pledge of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    record = document.convert(PledgeRecord)
    problems = [
        *_unknown_buttons(document, record.offered, choices),
        *_misread(document, record),
    ]
    return sound(Pledge(record, choices), problems)


def _unknown_buttons(
    document: YamlDocument, offered: Offered, choices: Choices
) -> Iterable[Problem]:
    lists: dict[str, Any] = msgspec.to_builtins(offered)
    for audience, ids in lists.pop("find_out").items():
        yield from choices.unknown(document, ids, "offered", "find_out", audience)
    for step, ids in lists.items():
        yield from choices.unknown(document, ids, "offered", step)


def _misread(document: YamlDocument, read: PledgeRecord) -> Iterable[Problem]:
    if (read.course.url is None) != (read.course.verified_on is None):
        yield document.problem("a link and the day it was checked, or neither", "course")
    for step, fields in FIELDS.items():
        text = getattr(read.steps, step)
        try:
            text.format(**dict.fromkeys(fields, ""))
        except (KeyError, IndexError, ValueError):
            yield document.problem(f"only {fields} may stand in braces", "steps", step)


FIELDS = {
    "taken": ("words",),
    "taken_before": ("words",),
    "not_counted": ("words",),
    "course": ("verified_on",),
    "tell": ("link",),
}
"""The fields in braces that each step's text may use."""
