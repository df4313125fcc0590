"""The head that every piece of our words has: its sources, its dates, what follows, who helps."""

from __future__ import annotations

from datetime import date

import msgspec

from safeguarding.choices import choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.services import Audience
from safeguarding.records import Document, Problem
from safeguarding.taxonomy import taxonomy

MOST_RELATED = 3
MOST_OFFERED = 2
"""Tools and stories together: more buttons would hide the way to a person."""


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


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for a file that is no piece, and until when."""

    owner: str
    reviewed_on: date
    review_due: date
    approved_by: str | None


class PieceHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The YAML head of a piece: an answer, a story or a tool."""

    id: str
    title: str
    sources: list[SourceHead]
    reviewed_on: date
    review_due: date
    approved_by: str | None
    related: list[str]
    contacts: dict[Audience, list[str]]
    tools: list[str] = []
    """Tools that it offers to use next."""
    stories: list[str] = []
    """Stories that it offers to read next."""

    @property
    def offered(self) -> list[str]:
        """The buttons for its tools and stories."""
        tools = [f"tool_{tool}" for tool in self.tools]
        return tools + [f"story_{story}" for story in self.stories]


def head_problems(
    document: Document, head: PieceHead, stem: str, topic: str | None = None
) -> list[Problem]:
    """What is wrong with a head, but for its contacts.

    `stem` is the name of its file, `topic` the question that it answers, if any.
    """
    problems: list[Problem] = []
    if head.id != stem:
        problems.append(document.problem(f"the file is called {stem}", "id"))
    if not head.sources:
        problems.append(document.problem("no source", "sources"))
    problems += [
        document.problem("the address starts with http", "sources", index, "url")
        for index, source in enumerate(head.sources)
        if not source.url.startswith(("https://", "http://"))
    ]
    if head.review_due <= head.reviewed_on:
        problems.append(document.problem("due before it was reviewed", "review_due"))
    problems += _related_problems(document, head, topic)
    return problems + _offered_problems(document, head)


def _related_problems(document: Document, head: PieceHead, own: str | None) -> list[Problem]:
    problems: list[Problem] = []
    if not 1 <= len(head.related) <= MOST_RELATED or len(set(head.related)) < len(head.related):
        problems.append(document.problem(f"1 to {MOST_RELATED} topics, each once", "related"))
    problems += [
        document.problem(f"{topic!r} is no other topic", "related", index)
        for index, topic in enumerate(head.related)
        if topic not in taxonomy().topics or topic == own
    ]
    return problems


def _offered_problems(document: Document, head: PieceHead) -> list[Problem]:
    problems = [
        document.problem(f"no button {choice_id!r}", _field(choice_id))
        for choice_id in head.offered
        if choice_id not in choices()
    ]
    if len(head.offered) > MOST_OFFERED:
        what = f"at most {MOST_OFFERED} tools and stories together"
        problems.append(document.problem(what, "tools" if head.tools else "stories"))
    return problems


def _field(choice_id: str) -> str:
    return "tools" if choice_id.startswith("tool_") else "stories"


def contact_problems(
    document: Document, head: PieceHead, directory: ContactDirectory
) -> list[Problem]:
    """Contacts that do not exist, or are not for those who are sent there."""
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
