"""Articles, stories and tools: texts with sources, one section an audience, and who is shown which.

The three are one form of file with a kind; content/article_file.py reads them strictly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

import msgspec

from safeguarding.content.choices import Choices
from safeguarding.content.items import Block, Item, Showing, SourceRecord, lines
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import (
    ADULTS,
    TOPIC_PREFIX,
    YOUNG_PERSON,
    YOUNGER,
    YOUNGER_UP_TO,
    Audience,
    reading_order,
    taxonomy,
)

ArticleKind = Literal["answer", "story", "tool"]
"""Signatures bind these names, so an article keeps the kind "answer"."""
ANOTHER_WAY = "speak_to_someone"
"""The button that leads to a person."""
MOST_FOLLOW_UPS = 3
SIGNED = ("as_of", "audiences", "part_of", "words")
"""Fields of the front matter that only some kinds have and a reader could notice."""


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
    """Of an answer: the question that it answers, in a line that only staff read."""
    as_of: str | None = None
    """Of an answer: the year of its figures, which the text must name."""
    audiences: list[Audience] | None = None
    """Of a story or tool: who is offered it."""
    words: list[str] | None = None
    """Of a story or tool: how people name what it is about, in lower case."""
    part_of: str | None = None
    """Of a story or tool: the one that leads to it, when it is not offered by itself."""

    @property
    def offered(self) -> list[str]:
        """The buttons of its tools and stories."""
        tools = [f"tool_{tool}" for tool in self.tools]
        return tools + [f"story_{story}" for story in self.stories]


@dataclass(frozen=True)
class Section:
    """The text that one audience reads."""

    text: str
    """Paragraphs with an empty line between them."""
    steps: tuple[str, ...]

    @property
    def all(self) -> str:
        """Text and steps together."""
        return "\n".join([self.text, *self.steps])


@dataclass(frozen=True)
class Article:
    """One article, story or tool."""

    kind: ArticleKind
    front: FrontMatter
    sections: Mapping[str, Section]
    """By audience."""

    @property
    def topic(self) -> str:
        """The topic of its message: an article's own id, a story's or tool's with its kind."""
        return self.front.id if self.kind == "answer" else f"{self.kind}_{self.front.id}"

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience."""
        return {audience: section.all for audience, section in self.sections.items()}

    def section_for(self, audience: str | None, age: int | None = None) -> Section | None:
        """Return the section that this audience reads; None when it has none.

        A child of up to YOUNGER_UP_TO years (`age`) reads the `younger` one where it exists.
        """
        young = audience not in ADULTS and age is not None and age <= YOUNGER_UP_TO
        if young and YOUNGER in self.sections:
            return self.sections[YOUNGER]
        readers = reading_order(audience)
        return next((self.sections[each] for each in readers if each in self.sections), None)

    def contacts_for(self, audience: str | None) -> list[str]:
        """Return the ids of the contacts named for this audience."""
        named = self.front.contacts
        return next((list(named[each]) for each in reading_order(audience) if each in named), [])

    @cached_property
    def item(self) -> Item:
        """What is signed: all that any reader reads. The same digest in every process."""
        return Item(
            id=f"{self.kind}:{self.front.id}",
            title=self.front.title,
            blocks=tuple(_blocks(self.front, self.sections)),
            reviewed_on=self.front.reviewed_on,
            review_due=self.front.review_due,
            signed_on_paper=self.front.approved_by,
        )


class Articles:
    """All articles, all stories or all tools, by id."""

    def __init__(
        self, kind: ArticleKind, articles: Mapping[str, Article], choices: Choices
    ) -> None:
        self.kind: ArticleKind = kind
        self._articles = articles
        self._choices = choices

    def __contains__(self, article_id: object) -> bool:
        return article_id in self._articles

    def all(self) -> Mapping[str, Article]:
        """Return everything of this kind by id."""
        return self._articles

    def message(
        self, article_id: str, audience: str | None, showing: Showing, age: int | None = None
    ) -> Message | None:
        """Return the text for this audience and age in years, without contacts.

        None when there is no such article, none for this audience, or it is withheld.
        """
        article = self._articles.get(article_id)
        section = article.section_for(audience, age) if article else None
        if article is None or section is None:
            return None
        return showing.message(
            article.item,
            topic=article.topic,
            title=article.front.title,
            text=section.text,
            steps=section.steps,
            sources=article.front.sources,
            choices=[self._choices.button(id_) for id_ in self._offered(article)],
        )

    def contact_ids(self, article_id: str, audience: str | None) -> list[str]:
        """Return the contacts named for this article and audience."""
        article = self._articles.get(article_id)
        return article.contacts_for(audience) if article else []

    def buttons(self, audience: str | None) -> list[Choice]:
        """Return the buttons of the stories or tools for this audience; all for an unknown one."""
        return [
            self._choices.button(f"{self.kind}_{article_id}")
            for article_id, article in self._articles.items()
            if article.front.part_of is None
            and (audience is None or audience in (article.front.audiences or ()))
        ]

    def leads_to(self, article_id: str) -> str:
        """Return the article that offers this one: itself, or the one it is a part of."""
        return self._articles[article_id].front.part_of or article_id

    def _offered(self, article: Article) -> list[str]:
        """Return the ids of the buttons below an article: one always leads to a person."""
        if parts := self._parts(article.front.id):
            return [*parts, ANOTHER_WAY]
        front = article.front
        ids = [*front.offered, *(TOPIC_PREFIX + topic for topic in front.related)][:MOST_FOLLOW_UPS]
        own = f"{TOPIC_PREFIX if self.kind == 'answer' else ''}{article.topic}"
        lead_to = {self._choices[choice_id].intent for choice_id in [*ids, own]}
        return ids if self._choices[ANOTHER_WAY].intent in lead_to else [*ids, ANOTHER_WAY]

    def _parts(self, whole: str) -> list[str]:
        return [
            f"{self.kind}_{article_id}"
            for article_id, article in self._articles.items()
            if article.front.part_of == whole
        ]


def _blocks(front: FrontMatter, sections: Mapping[str, Section]) -> Iterator[Block]:
    contacts = {str(reader): ids for reader, ids in front.contacts.items()}
    for audience in (*taxonomy().audiences, YOUNGER):
        if section := sections.get(audience):
            text_lines = tuple(line for line in section.text.split("\n") if line)
            younger = audience == YOUNGER
            readers = (YOUNG_PERSON if younger else audience,)
            to_whom = " (8 to 11 years)" if younger else ""
            yield Block(f"What is said{to_whom}", text_lines, readers)
            if section.steps:
                yield Block(f"What you can do{to_whom}", section.steps, readers)
        if named := contacts.get(audience):
            yield Block("Contacts shown", tuple(named), (audience,))
    yield Block("Offered next", (*front.offered, *(f"ask_{topic}" for topic in front.related)))
    yield Block("Sources", tuple(map(_source_line, front.sources)))
    dates = (
        f"Reviewed on {front.reviewed_on.isoformat()}",
        f"Review due {front.review_due.isoformat()}",
    )
    yield Block("Dates", dates)
    facts: dict[str, Any] = msgspec.to_builtins(
        {name: value for name in sorted(SIGNED) if (value := getattr(front, name)) is not None}
    )
    if facts:
        yield Block("Also in the file", tuple(lines(facts)))


def _source_line(source: SourceRecord) -> str:
    published = source.published or "no date"
    read = source.read_on.isoformat()
    return f"{source.title} ({source.publisher}), {published}, read on {read}: {source.url}"
