"""The answers: one Markdown file a topic, one section an audience, shown only while in date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from safeguarding.choices import choices
from safeguarding.content.answer import Answer, read_answer
from safeguarding.content.contacts import contact_directory
from safeguarding.content.head import PieceHead, SourceHead
from safeguarding.content.items import Approved, nothing_approved
from safeguarding.content.piece_item import piece_item
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
MOST_FOLLOW_UPS = 3


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
        approved: Approved = nothing_approved,
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
        item = piece_item("answer", answer.head, answer.sections)
        signed = approved(item.id, item.digest)
        if require_approval and not signed:
            return None
        follow_ups = [f"ask_{related}" for related in answer.head.related]
        return message_of(topic, f"ask_{topic}", answer.head, section, follow_ups, approved=signed)

    def contact_ids(self, topic: str, audience: str | None) -> list[str]:
        """The contacts named for this topic and audience; empty when there are none."""
        answer = self._answers.get(topic)
        return contacts_named(answer.head, audience) if answer else []

    def all(self) -> Mapping[str, Answer]:
        """The answers by topic."""
        return self._answers

    def _section(self, topic: str, audience: str | None) -> Section | None:
        answer = self._answers.get(topic)
        return section_for(answer.sections, audience) if answer else None


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


def section_for(sections: Mapping[str, Section], audience: str | None) -> Section | None:
    """The words that this audience reads, or None where there are none for it."""
    readers = FALLBACKS.get(audience, FALLBACKS[None])
    return next((sections[reader] for reader in readers if reader in sections), None)


def contacts_named(head: PieceHead, audience: str | None) -> list[str]:
    """The contacts that a head names for this audience; empty when there are none."""
    readers = FALLBACKS.get(audience, FALLBACKS[None])
    named = {str(reader): ids for reader, ids in head.contacts.items()}
    return next((list(named[reader]) for reader in readers if reader in named), [])


def message_of(
    topic: str,
    own: str,
    head: PieceHead,
    section: Section,
    follow_ups: list[str],
    *,
    approved: bool,
) -> Message:
    """A piece as a person is shown it. `own` is the button that leads to it."""
    return Message(
        kind="answer",
        topic=topic,
        title=head.title,
        text=section.text,
        steps=list(section.steps),
        sources=[_source(source) for source in head.sources],
        reviewed_on=head.reviewed_on.isoformat(),
        review_due=head.review_due.isoformat(),
        approved=approved,
        choices=[choices().button(id_) for id_ in _with_a_person(own, head, follow_ups)],
    )


def _with_a_person(own: str, head: PieceHead, follow_ups: list[str]) -> list[str]:
    """Tools and stories first, then what else to ask; always a way to a person."""
    ids = [*head.offered, *follow_ups][:MOST_FOLLOW_UPS]
    talks = {choices()[choice_id].intent for choice_id in [*ids, own]}
    return ids if choices()[ANOTHER_WAY].intent in talks else [*ids, ANOTHER_WAY]


def _source(source: SourceHead) -> Source:
    return Source(
        title=source.title,
        publisher=source.publisher,
        url=source.url,
        date=source.published or "",
    )
