"""One answer's file: its head and its sections, read strictly."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.sections import Section, read_sections
from safeguarding.content.services import Audience
from safeguarding.records import ContentError, Document, Problem, read_front_matter
from safeguarding.taxonomy import taxonomy

MOST_RELATED = 3


class SourceHead(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"published": "date"}
):
    """Where a statement comes from."""

    title: str
    publisher: str
    url: str
    published: str | None
    """As the page says it; None when it shows no date."""
    read_on: date


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The YAML head of an answer."""

    id: str
    title: str
    sources: list[SourceHead]
    reviewed_on: date
    review_due: date
    approved_by: str | None
    related: list[str]
    contacts: dict[Audience, list[str]]
    as_of: str | None = None
    """The year of the figures in it, which the text must name."""


class Answer(msgspec.Struct, frozen=True):
    """One topic, ready to show."""

    head: Head
    sections: dict[str, Section]


def read_answer(path: Path, directory: ContactDirectory | None) -> Answer:
    """One answer. Raises ContentError with all that is wrong with it.

    Without a directory the contacts it names are not looked up.
    Being past its review is not wrong here: such an answer is withheld, and the check reports it.
    """
    document, body = read_front_matter(path)
    head = document.convert(Head)
    sections, problems = read_sections(path, body)
    problems += _problems(document, head, path.stem)
    if directory is not None:
        problems += _contact_problems(document, head, directory)
    if head.as_of is not None and not any(head.as_of in s.words for s in sections.values()):
        problems.append(document.problem(f"no text says {head.as_of}", "as_of"))
    if problems:
        raise ContentError(problems)
    return Answer(head, sections)


def _problems(document: Document, head: Head, stem: str) -> list[Problem]:
    problems: list[Problem] = []
    if head.id != stem:
        problems.append(document.problem(f"the file is called {stem}", "id"))
    if head.id not in taxonomy().topics:
        problems.append(document.problem(f"{head.id!r} is no topic", "id"))
    if not head.sources:
        problems.append(document.problem("no source", "sources"))
    problems += [
        document.problem("the address starts with http", "sources", index, "url")
        for index, source in enumerate(head.sources)
        if not source.url.startswith(("https://", "http://"))
    ]
    if head.review_due <= head.reviewed_on:
        problems.append(document.problem("due before it was reviewed", "review_due"))
    if not 1 <= len(head.related) <= MOST_RELATED or len(set(head.related)) < len(head.related):
        problems.append(document.problem(f"1 to {MOST_RELATED} topics, each once", "related"))
    problems += [
        document.problem(f"{topic!r} is no other topic", "related", index)
        for index, topic in enumerate(head.related)
        if topic not in taxonomy().topics or topic == head.id
    ]
    return problems


def _contact_problems(document: Document, head: Head, directory: ContactDirectory) -> list[Problem]:
    problems: list[Problem] = []
    records = directory.records()
    for audience, ids in head.contacts.items():
        for index, contact_id in enumerate(ids):
            where = ("contacts", audience, index)
            record = records.get(contact_id)
            if record is None:
                problems.append(document.problem(f"no contact {contact_id!r}", *where))
            elif not directory.suits(contact_id, audience):
                problems.append(document.problem(f"{contact_id} is not for a {audience}", *where))
    return problems
