"""The front matter of an article, a story or a tool: sources, dates, what follows, who helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.content.contacts.directory import ContactDirectory
from safeguarding.content.items import SourceRecord
from safeguarding.records import ContentError, Problem, YamlDocument, read_front_matter
from safeguarding.taxonomy import TOPIC_PREFIX, Audience

MOST_RELATED = 3
MOST_OFFERED = 2
"""Tools and stories together: more buttons would hide the way to a person."""


@dataclass(frozen=True)
class References:
    """What a file of content may name."""

    choices: Choices
    contacts: ContactDirectory | None = None
    """None: contacts are not looked up, because they could not be read."""


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The YAML between the two lines of --- at the start of the file."""

    id: str
    title: str
    sources: list[SourceRecord]
    reviewed_on: date
    review_due: date
    approved_by: str | None
    related: list[str]
    contacts: dict[Audience, list[str]]
    tools: list[str] = []
    """Tools that it offers to use next."""
    stories: list[str] = []
    """Stories that it offers to read next."""
    about: str | None = None
    """Of an answer: in a line, for us, what question it answers."""
    as_of: str | None = None
    """Of an answer: the year of the figures in it, which the text must name."""
    audiences: list[Audience] | None = None
    """Of a story or tool: who is offered it."""
    words: list[str] | None = None
    """Of a story or tool: how people name what it is about, in small letters."""
    part_of: str | None = None
    """Of a story or tool: the one that leads to it, when it is not offered by itself."""

    @property
    def offered(self) -> list[str]:
        """The buttons for its tools and stories."""
        tools = [f"tool_{tool}" for tool in self.tools]
        return tools + [f"story_{story}" for story in self.stories]


def topics_of(folder: Path) -> dict[str, str]:
    """The title of each article of `folder`, which its button says, by its topic: the file's name.

    Raises nothing: whoever reads the articles whole says what is wrong with them, and until then
    the name of a topic stands for a title that cannot be read.
    """
    topics: dict[str, str] = {}
    for path in sorted(folder.glob("*.md")):
        try:
            topics[path.stem] = read_front_matter(path)[0].convert(str, "title")
        except (ContentError, KeyError, TypeError):
            topics[path.stem] = path.stem.replace("_", " ").capitalize()
    return topics


def front_matter_problems(
    document: YamlDocument, front: FrontMatter, references: References | None, *, topic: str | None
) -> Iterator[Problem]:
    """What is wrong with it, whatever its kind. `topic`: the question that it answers, if any.

    Without references the buttons and contacts that it names are not looked up.
    """
    if front.id != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "id")
    if not front.sources:
        yield document.problem("no source", "sources")
    for index, source in enumerate(front.sources):
        if not source.url.startswith(("https://", "http://")):
            yield document.problem("the address starts with http", "sources", index, "url")
    if front.review_due <= front.reviewed_on:
        yield document.problem("due before it was reviewed", "review_due")
    yield from _related(document, front, references, topic)
    if references is not None:
        yield from _offered(document, front, references.choices)
    if references is not None and references.contacts is not None:
        yield from _contacts(document, front, references.contacts)


def _related(
    document: YamlDocument, front: FrontMatter, references: References | None, own: str | None
) -> Iterator[Problem]:
    related = front.related
    if not 1 <= len(related) <= MOST_RELATED or len(set(related)) < len(related):
        yield document.problem(f"1 to {MOST_RELATED} topics, each once", "related")
    for index, topic in enumerate(related):
        unknown = references is not None and f"{TOPIC_PREFIX}{topic}" not in references.choices
        if unknown or topic == own:
            yield document.problem(f"{topic!r} is no other topic", "related", index)


def _offered(document: YamlDocument, front: FrontMatter, choices: Choices) -> Iterator[Problem]:
    for choice_id in front.offered:
        if choice_id not in choices:
            field = "tools" if choice_id.startswith("tool_") else "stories"
            yield document.problem(f"no button {choice_id!r}", field)
    if len(front.offered) > MOST_OFFERED:
        what = f"at most {MOST_OFFERED} tools and stories together"
        yield document.problem(what, "tools" if front.tools else "stories")


def _contacts(
    document: YamlDocument, front: FrontMatter, directory: ContactDirectory
) -> Iterator[Problem]:
    """Contacts that do not exist, or are not for those who are sent there."""
    records = directory.records()
    for audience, ids in front.contacts.items():
        for index, contact_id in enumerate(ids):
            where = ("contacts", audience, index)
            if contact_id not in records:
                yield document.problem(f"no contact {contact_id!r}", *where)
            elif not directory.suits(contact_id, audience):
                yield document.problem(f"{contact_id} is not for a {audience}", *where)
