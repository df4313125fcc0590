"""Texts that programs show by themselves: phrases (content/phrases), the opening and the pledge.

A room declares the phrases that it shows as a msgspec Struct with one `str` field each, and asks
for them at its start with `Phrases.of`: a phrase that is missing, unknown or has other fields in
braces than the Struct's FIELDS stops the start. Templates take `Phrases.group`, a plain mapping;
scripts of the browser get the same mapping from the page that the gateway renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeVar, cast

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.content.items import read_provenance, word_count
from safeguarding.messages import Choice, Message
from safeguarding.records import ContentError, Problem, YamlDocument, read_each, read_yaml, sound
from safeguarding.taxonomy import PARENT, PROFESSIONAL, YOUNG_PERSON, Audience

T = TypeVar("T", bound=msgspec.Struct)
MOST_WORDS = 60
"""Words of one message of the opening."""
FIELDS = "FIELDS"
"""The class attribute by which a Struct names the fields in braces of its phrases."""


class PhraseFile:
    """The phrases of one file."""

    def __init__(
        self, document: YamlDocument, reader: Audience, phrases: Mapping[str, str]
    ) -> None:
        self._document = document
        self._reader = reader
        self.phrases = phrases

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text, by the audience whose reading level it keeps to."""
        return {self._reader: "\n".join(self.phrases.values())}

    def of(self, kind: type[T]) -> T:
        """Return the phrases as a `kind`. Raises ContentError when they do not match its fields."""
        read = self._document.convert(kind, "phrases")
        allowed: Mapping[str, tuple[str, ...]] = getattr(kind, FIELDS, {})
        problems = [
            self._document.problem(f"{name}: {what}", "phrases", name)
            for name, text in self.phrases.items()
            for what in _misformatted(text, allowed.get(name, ()))
        ]
        return sound(read, problems)


class Phrases:
    """Every phrase, by file."""

    def __init__(self, folder: Path, files: Mapping[str, PhraseFile]) -> None:
        self._folder = folder
        self._files = files

    def of(self, file: str, kind: type[T]) -> T:
        """Return the phrases of a file as a `kind`.

        Raises ContentError: no such file, a phrase missing or unknown, other fields in braces.
        """
        return self._file(file).of(kind)

    def group(self, file: str) -> Mapping[str, str]:
        """Return the phrases of a file by name. Raises ContentError for an unknown file."""
        return dict(self._file(file).phrases)

    def _file(self, name: str) -> PhraseFile:
        if name not in self._files:
            raise ContentError([Problem(self._folder / f"{name}.yml", 1, "no such phrases")])
        return self._files[name]


def read_phrase_file(path: Path) -> PhraseFile:
    """Read one file of phrases. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    read_provenance(document)
    record = document.convert(_PhraseRecord)
    problems = [
        document.problem(f"{name} is empty", "phrases", name)
        for name, text in record.phrases.items()
        if not text.strip()
    ]
    return sound(PhraseFile(document, record.reader, record.phrases), problems)


def read_phrases(folder: Path) -> Phrases:
    """Read every phrase of content/phrases. Raises ContentError with all that is wrong."""
    return Phrases(folder, read_each(folder, read_phrase_file))


class _PhraseRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provenance: object
    phrases: dict[str, str]
    reader: Audience = YOUNG_PERSON


def _misformatted(text: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the fields in braces of `text`."""
    try:
        named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        yield str(error)
        return
    if named != set(allowed):
        yield f"{sorted(allowed)} stand in braces, not {sorted(named)}"


# ---- the opening --------------------------------------------------------------------------------
class OpeningRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of content/opening.yml, in the form in which it is shown."""

    kind: Literal["text", "prompt"]
    text: str
    choices: list[Choice] = []


def read_opening(path: Path, choices: Choices) -> list[Message]:
    """Read the first messages of every conversation. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    records, problems = document.convert_each(OpeningRecord, "messages")
    for index, record in enumerate(records if not problems else []):
        where = ("messages", index)
        problems += [
            document.problem(f"no button {button['id']!r} with this label", *where, "choices", at)
            for at, button in enumerate(record.choices)
            if button["id"] not in choices or choices.button(button["id"]) != button
        ]
        if (length := word_count(record.text)) > MOST_WORDS:
            what = f"{length} words; at most {MOST_WORDS}"
            problems.append(document.problem(what, *where, "text"))
    return sound(cast("list[Message]", document.data["messages"]), problems)


# ---- the pledge ---------------------------------------------------------------------------------
PLEDGE_FIELDS = {
    "taken": ("words",),
    "taken_before": ("words",),
    "not_counted": ("words",),
    "course": ("verified_on",),
    "tell": ("link",),
}
"""The fields in braces that each step's text may use."""


class PledgeCourse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The online course, and when a person last checked its link."""

    title: str
    publisher: str
    url: str | None
    verified_on: date | None


class PledgeSteps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of each step."""

    start: str
    taken: str
    taken_before: str
    not_counted: str
    find_out: str
    course: str
    no_course: str
    tell: str


class PledgeReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of articles to read, by audience."""

    young_person: list[str]
    parent: list[str]
    professional: list[str]


class PledgeButtons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buttons of each step."""

    start: list[str]
    taken: list[str]
    find_out: PledgeReading
    course: list[str]
    tell: list[str]


class PledgeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/pledge.yml."""

    words: str
    """The pledge itself."""
    course: PledgeCourse
    steps: PledgeSteps
    offered: PledgeButtons


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
        *_unsound_pledge(document, record),
    ]
    return sound(Pledge(record, choices), problems)


def _unknown_buttons(
    document: YamlDocument, offered: PledgeButtons, choices: Choices
) -> Iterable[Problem]:
    lists: dict[str, Any] = msgspec.to_builtins(offered)
    for audience, ids in lists.pop("find_out").items():
        yield from choices.unknown(document, ids, "offered", "find_out", audience)
    for step, ids in lists.items():
        yield from choices.unknown(document, ids, "offered", step)


def _unsound_pledge(document: YamlDocument, read: PledgeRecord) -> Iterable[Problem]:
    if (read.course.url is None) != (read.course.verified_on is None):
        yield document.problem("a link and the day it was checked, or neither", "course")
    for step, fields in PLEDGE_FIELDS.items():
        text = getattr(read.steps, step)
        try:
            text.format(**dict.fromkeys(fields, ""))
        except (KeyError, IndexError, ValueError):
            yield document.problem(f"only {fields} may stand in braces", "steps", step)
