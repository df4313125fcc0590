"""The buttons that a person can be offered, and the short answers that count as pressing one.

The browser sends back only the id of a button. A short typed answer to an open question of
content/questions.yml counts as the button of the same meaning: "no" after "Are you safe right now?"
is the button "I'm not safe"; by itself, "no" means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec

from safeguarding.content.items import Provenance
from safeguarding.messages import Choice, Message, folded_chat
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.risk.assessment import Assessment, assessment_of_choice, upgraded
from safeguarding.taxonomy import TOPIC_PREFIX

KIND = "answer"
"""The kind of the signal that an answer raises."""
SAFE_NOW = "safe_now"
"""The question of content/questions.yml whether the person is safe."""
LONGEST, MOST_WORDS = 120, 8
"""The most characters and words of a short answer."""


class ChoiceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One button: its permanent id, its label, and the Rasa intent it stands for.

    A button with an empty intent is answered by the gateway, and Rasa never sees it.
    """

    id: str
    label: str
    intent: str
    entities: dict[str, str] = {}


class Choices:
    """All buttons: those of content/choices.yml, and those of topics, areas and guides."""

    def __init__(
        self,
        records: list[ChoiceRecord],
        topics: Mapping[str, str],
        areas: Mapping[str, str],
        more: Iterable[ChoiceRecord] = (),
    ) -> None:
        """Take the labels of topics and areas by id, areas in the order of their buttons."""
        self._records = {record.id: record for record in [*records, *more]}
        self._areas = [f"area_{area}" for area in areas]
        for area, label in areas.items():
            button = ChoiceRecord(f"area_{area}", label, "choose_area", {"area": area})
            self._records[button.id] = button
        for topic, label in topics.items():
            intent = TOPIC_PREFIX + topic
            self._records[intent] = ChoiceRecord(intent, label, intent)

    def __contains__(self, choice_id: object) -> bool:
        return choice_id in self._records

    def __getitem__(self, choice_id: str) -> ChoiceRecord:
        return self._records[choice_id]

    def areas(self) -> list[Choice]:
        """Return the buttons that say where a person lives."""
        return [self.button(choice_id) for choice_id in [*self._areas, "area_elsewhere"]]

    def button(self, choice_id: str) -> Choice:
        """Return the button as it is shown. Raises KeyError for an unknown id."""
        return Choice(id=choice_id, label=self._records[choice_id].label)

    def unknown(
        self, document: YamlDocument, ids: Iterable[str], *where: str | int
    ) -> Iterator[Problem]:
        """Yield a problem for each id of the list at `where` that is no button."""
        for index, choice_id in enumerate(ids):
            if choice_id not in self._records:
                yield document.problem(f"no button {choice_id!r}", *where, index)


def read_choices(
    path: Path,
    topics: Mapping[str, str],
    areas: Mapping[str, str],
    more: Iterable[ChoiceRecord] = (),
) -> Choices:
    """Read the buttons of `path`, and add one for each topic and area, and `more`.

    Raises ContentError.
    """
    document = read_yaml(path)
    records = sound(*document.convert_each(ChoiceRecord, "choices"))
    return Choices(records, topics, areas, more)


class AnswerRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to a question, and the ways to type it."""

    choice: str
    """The button with the same meaning."""
    words: list[str]
    """Whole messages that are this answer."""
    near_miss: list[str]
    """Messages that look like this answer and are not."""
    begins: list[str] = []
    """Beginnings of longer messages that are this answer."""
    unless: list[str] = []
    """Words after such a beginning that make it another message."""
    match: list[str] = []
    """Longer messages that are this answer: tests of `begins`."""

    def is_given_by(self, said: str) -> bool:
        """Return whether a folded message is this answer."""
        if said in map(_own_folded, self.words):
            return True
        if len(said.split()) > MOST_WORDS or _holds(said, self.unless):
            return False
        return any(f"{said} ".startswith(f"{_own_folded(each)} ") for each in self.begins)


class QuestionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question."""

    id: str
    answers: list[AnswerRecord]
    """The first that fits counts."""
    put_as: list[str] = []
    """The sentences that ask it. Empty: code decides when the question is open."""

    def answer_given_by(self, text: str) -> AnswerRecord | None:
        """Return the first answer that a message is, or None."""
        said = folded_chat(text)
        return next((each for each in self.answers if each.is_given_by(said)), None)


class PickRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whole messages that pick one of a few buttons by its place."""

    places: list[list[str]]
    """Those for the first button, the second, and so on."""
    last: list[str]
    only: list[str]
    """Those that pick the button where there is only one."""

    def place(self, said: str, buttons: int) -> int | None:
        """Return the place that a folded message picks, from 0, or None."""
        named = [*self.places[:buttons], self.last, *([self.only] if buttons == 1 else [])]
        places = [*range(min(buttons, len(self.places))), buttons - 1, 0]
        picked = (
            at for at, words in zip(places, named, strict=False) if said in map(_own_folded, words)
        )
        return next(picked, None)


class QuestionsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/questions.yml."""

    provenance: Provenance
    picks: PickRecord
    questions: list[QuestionRecord]


class Questions:
    """Every question, by id."""

    def __init__(self, record: QuestionsRecord, version: str) -> None:
        self._by_id = {question.id: question for question in record.questions}
        self._picks = record.picks
        self._version = version

    def open_after(self, shown: Sequence[Message]) -> str | None:
        """Return the id of the question that the last message ending in "?" asks, or None."""
        texts = (message["text"].rstrip() for message in reversed(shown))
        said = folded_chat(next((text for text in texts if text.endswith("?")), ""))
        for question in self._by_id.values():
            if any(f" {said}".endswith(f" {_own_folded(each)}") for each in question.put_as):
                return question.id
        return None

    def answer(self, question_id: str | None, text: str) -> str | None:
        """Return the choice that `text` means as an answer to this question, or None."""
        question = self._by_id.get(question_id or "")
        if question is None or len(text) > LONGEST:
            return None
        given = question.answer_given_by(text)
        return given.choice if given else None

    def picked(self, offered: Sequence[str], text: str) -> str | None:
        """Return which of these buttons `text` picks by its place."""
        if not offered or len(text) > LONGEST:
            return None
        place = self._picks.place(folded_chat(text), len(offered))
        return None if place is None else offered[place]

    def heard(self, question_id: str | None, text: str, assessment: Assessment) -> Assessment:
        """Return the assessment of `text`, raised if it answers this question with a risk."""
        choice = self.answer(question_id, text)
        answered = assessment_of_choice(choice) if choice else None
        if answered is None:
            return assessment
        signals = tuple(
            replace(
                signal,
                source=f"answer-{question_id}-{choice}",
                kind=KIND,
                version=self._version,
                end=len(text),
            )
            for signal in answered.signals
        )
        return upgraded(assessment, replace(answered, signals=signals))


def read_questions(path: Path, choices: Choices) -> Questions:
    """Read the questions of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    record = document.convert(QuestionsRecord)
    problems = [
        problem
        for index, question in enumerate(record.questions)
        for problem in _unsound(document, question, choices, index)
    ]
    ids = [question.id for question in record.questions]
    if len(ids) != len({*ids}):
        problems.append(document.problem("an id stands here twice", "questions"))
    return sound(Questions(record, sha256(path.read_bytes()).hexdigest()[:12]), problems)


def _unsound(
    document: YamlDocument, question: QuestionRecord, choices: Choices, index: int
) -> Iterator[Problem]:
    """Yield unknown buttons, answers that fail their tests, and words that two answers share."""
    for at, answer in enumerate(question.answers):
        where = ("questions", index, "answers", at)
        if answer.choice not in choices:
            yield document.problem(f"no button {answer.choice!r}", *where, "choice")
        if not answer.words or not answer.near_miss:
            yield document.problem("needs words and near misses", *where)
        for field, texts in (("words", answer.words), ("match", answer.match)):
            for line, text in enumerate(texts):
                if (given := question.answer_given_by(text)) is not answer:
                    other = f"is {given.choice}" if given else "is no answer"
                    yield document.problem(f"{text!r} {other}", *where, field, line)
        for line, text in enumerate(answer.near_miss):
            if answer.is_given_by(folded_chat(text)):
                yield document.problem(f"{text!r} is this answer", *where, "near_miss", line)


@cache
def _own_folded(text: str) -> str:
    """Fold words of the content, once for each. Never give it what a person typed: it is kept."""
    return folded_chat(text)


def _holds(said: str, phrases: Sequence[str]) -> bool:
    return any(f" {_own_folded(each)} " in f" {said} " for each in phrases)
