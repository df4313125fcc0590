"""The answers: one Markdown file a topic, one section an audience, shown only while in date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from safeguarding.choices import choices
from safeguarding.content.answer import Answer, Head, SourceHead, read_answer
from safeguarding.content.contacts import contact_directory
from safeguarding.content.sections import Section
from safeguarding.messages import Message, Source
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import CONTENT

FALLBACKS: Mapping[str | None, tuple[str, ...]] = {
    "young_person": ("young_person",),
    "parent": ("parent", "professional", "young_person"),
    "professional": ("professional", "parent", "young_person"),
    None: ("young_person", "parent"),
}
"""Whose words are shown to whom. What is for professionals is never shown to a child."""
ANOTHER_WAY = "speak_to_someone"


class Answers:
    """Every answer there is."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    def message(
        self,
        topic: str,
        audience: str | None,
        *,
        today: date,
        require_approval: bool = False,
    ) -> Message | None:
        """The answer in the words for this audience, without contacts.

        None when it is withheld: no such answer, none for this audience, past its review, or not
        signed where signatures are required.
        """
        answer = self._answers.get(topic)
        section = self._section(topic, audience)
        if answer is None or section is None or today > answer.head.review_due:
            return None
        if require_approval and answer.head.approved_by is None:
            return None
        return _message(answer.head, section)

    def contact_ids(self, topic: str, audience: str | None) -> list[str]:
        """The contacts named for this topic and audience; empty when there are none."""
        answer = self._answers.get(topic)
        if answer is None:
            return []
        readers = FALLBACKS.get(audience, FALLBACKS[None])
        named = {str(reader): ids for reader, ids in answer.head.contacts.items()}
        return next((list(named[reader]) for reader in readers if reader in named), [])

    def all(self) -> Mapping[str, Answer]:
        """The answers by topic."""
        return self._answers

    def _section(self, topic: str, audience: str | None) -> Section | None:
        answer = self._answers.get(topic)
        sections = answer.sections if answer else {}
        readers = FALLBACKS.get(audience, FALLBACKS[None])
        return next((sections[reader] for reader in readers if reader in sections), None)


@cache
def answers(folder: Path = CONTENT / "answers") -> Answers:
    """Read the answers once per process. Raises ContentError with all that is wrong."""
    found: dict[str, Answer] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.md")):
        try:
            found[path.stem] = read_answer(path, contact_directory())
        except ContentError as error:
            problems += error.problems
    if problems:
        raise ContentError(problems)
    return Answers(found)


def _message(head: Head, section: Section) -> Message:
    return Message(
        kind="answer",
        topic=head.id,
        title=head.title,
        text=section.text,
        steps=list(section.steps),
        sources=[_source(source) for source in head.sources],
        reviewed_on=head.reviewed_on.isoformat(),
        review_due=head.review_due.isoformat(),
        approved=head.approved_by is not None,
        choices=[choices().button(choice_id) for choice_id in _follow_ups(head)],
    )


def _follow_ups(head: Head) -> list[str]:
    ids = [f"ask_{topic}" for topic in head.related]
    talks = {choices()[choice_id].intent for choice_id in [*ids, f"ask_{head.id}"]}
    return ids if choices()[ANOTHER_WAY].intent in talks else [*ids, ANOTHER_WAY]


def _source(source: SourceHead) -> Source:
    return Source(
        title=source.title,
        publisher=source.publisher,
        url=source.url,
        date=source.published or "",
    )
