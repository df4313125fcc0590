"""All articles, stories or tools: which text whom, with which buttons, sources and dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from safeguarding.content.articles.article import FORMS, Article, ArticleKind
from safeguarding.content.articles.sections import Section
from safeguarding.content.choices import Choices
from safeguarding.content.items import Approved, Item, SourceRecord, nothing_approved
from safeguarding.messages import Choice, Message, Source
from safeguarding.records import Problem

ANOTHER_WAY = "speak_to_someone"
"""The button that leads to a person."""


@dataclass(frozen=True)
class Showing:
    """On which day something is to be shown, and by whose signatures."""

    today: date
    approved: Approved = nothing_approved
    require_approval: bool = False
    """Whether what is not signed is withheld."""

    def signed(self, item: Item) -> bool | None:
        """Whether its words are signed; None when they are withheld.

        Withheld: past their review, or not signed where signatures are required.
        """
        if item.review_due is not None and self.today > item.review_due:
            return None
        signed = self.approved(item.id, item.digest)
        return None if self.require_approval and not signed else signed


@dataclass(frozen=True)
class Text:
    """What one reader is shown of something."""

    topic: str
    title: str
    section: Section
    sources: Iterable[SourceRecord]
    choices: list[Choice]


def reviewed_message(item: Item, text: Text, showing: Showing) -> Message | None:
    """The text as a message with its sources and dates, without contacts; None when withheld."""
    signed = showing.signed(item)
    if signed is None or item.reviewed_on is None or item.review_due is None:
        return None
    return Message(
        kind="answer",
        topic=text.topic,
        title=text.title,
        text=text.section.text,
        steps=list(text.section.steps),
        sources=[_source(source) for source in text.sources],
        reviewed_on=item.reviewed_on.isoformat(),
        review_due=item.review_due.isoformat(),
        approved=signed,
        choices=text.choices,
    )


def _source(source: SourceRecord) -> Source:
    return Source(
        title=source.title,
        publisher=source.publisher,
        url=source.url,
        date=source.published or "",
    )


MOST_FOLLOW_UPS = 3


class Articles:
    """Everything of one kind, by id."""

    def __init__(
        self, kind: ArticleKind, articles: Mapping[str, Article], choices: Choices
    ) -> None:
        self.kind: ArticleKind = kind
        self._articles = articles
        self._choices = choices

    def __contains__(self, article_id: object) -> bool:
        return article_id in self._articles

    def all(self) -> Mapping[str, Article]:
        """Everything of this kind by id."""
        return self._articles

    def message(
        self,
        article_id: str,
        audience: str | None,
        *,
        today: date,
        approved: Approved = nothing_approved,
        require_approval: bool = False,
        age: int | None = None,
    ) -> Message | None:
        """The text for this audience and, where it is known, this age in years, without contacts.

        None when it is withheld: no such article, none for this audience, past its review, or not
        signed where signatures are required.
        """
        article = self._articles.get(article_id)
        section = article.section_for(audience, age) if article else None
        if article is None or section is None:
            return None
        topical = FORMS[self.kind].topic
        text = Text(
            topic=article_id if topical else f"{self.kind}_{article_id}",
            title=article.front.title,
            section=section,
            sources=article.front.sources,
            choices=[self._choices.button(id_) for id_ in self._offered(article)],
        )
        return reviewed_message(article.item, text, Showing(today, approved, require_approval))

    def contact_ids(self, article_id: str, audience: str | None) -> list[str]:
        """The contacts named for this article and audience; empty when there are none."""
        article = self._articles.get(article_id)
        return article.contacts_for(audience) if article else []

    def buttons(self, audience: str | None) -> list[Choice]:
        """The stories or tools to choose from; whoever has not said who they are sees all."""
        return [
            self._choices.button(f"{self.kind}_{article_id}")
            for article_id, article in self._articles.items()
            if article.front.part_of is None
            and (audience is None or audience in (article.front.audiences or ()))
        ]

    def leads_to(self, article_id: str) -> str:
        """The one by which this one is offered: itself, or what it is a part of."""
        return self._articles[article_id].front.part_of or article_id

    def _offered(self, article: Article) -> list[str]:
        """The buttons below it: always a way to a person, once."""
        if parts := self._parts(article.front.id):
            return [*parts, ANOTHER_WAY]
        front = article.front
        ids = [*front.offered, *(f"ask_{topic}" for topic in front.related)][:MOST_FOLLOW_UPS]
        own = f"ask_{front.id}" if FORMS[self.kind].topic else f"{self.kind}_{front.id}"
        lead_to = {self._choices[choice_id].intent for choice_id in [*ids, own]}
        return ids if self._choices[ANOTHER_WAY].intent in lead_to else [*ids, ANOTHER_WAY]

    def _parts(self, whole: str) -> list[str]:
        return [
            f"{self.kind}_{article_id}"
            for article_id, article in self._articles.items()
            if article.front.part_of == whole
        ]


def part_problems(articles: Mapping[str, Article], folder: Path) -> Iterator[Problem]:
    """Parts of what is not there."""
    for article_id, article in articles.items():
        whole = article.front.part_of
        if whole is not None and whole not in articles:
            yield Problem(folder / f"{article_id}.md", 1, f"part of {whole!r}, which is not here")
