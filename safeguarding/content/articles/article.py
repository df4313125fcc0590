"""One article, story or tool, read strictly. The three are one form with a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from safeguarding.content.articles.front_matter import (
    FrontMatter,
    References,
    front_matter_problems,
)
from safeguarding.content.articles.sections import Section, SectionLimits, read_sections
from safeguarding.content.items import Block, Item, SourceRecord
from safeguarding.content.yaml_items import lines
from safeguarding.records import ContentError, Problem, YamlDocument, read_front_matter
from safeguarding.taxonomy import (
    ADULTS,
    PARENT,
    PROFESSIONAL,
    YOUNG_PERSON,
    YOUNGER,
    YOUNGER_UP_TO,
    reading_order,
    taxonomy,
)

ArticleKind = Literal["answer", "story", "tool"]
"""An article answers a topic; its kind keeps the name that its signatures bind: "answer"."""


@dataclass(frozen=True)
class Form:
    """What a kind demands of its files."""

    limits: SectionLimits
    topic: bool = False
    """Whether its id is a topic; otherwise it is offered by a button of its own."""
    turns: tuple[str, ...] = ()
    """Beginnings of paragraphs that every section has."""


def _limits(
    young_person: int, adult: int, fewest_steps: int = 2, most_steps: int = 4
) -> SectionLimits:
    words = {YOUNG_PERSON: young_person, YOUNGER: 70, PARENT: adult, PROFESSIONAL: adult}
    return SectionLimits(words, fewest_steps, most_steps)


FORMS: Mapping[ArticleKind, Form] = {
    "answer": Form(_limits(150, 180, fewest_steps=0), topic=True),
    "story": Form(_limits(290, 290), turns=("What was going on:", "How it ended:")),
    "tool": Form(_limits(120, 140, most_steps=8)),
}
"""A story names its pattern and leaves nobody in danger: hence its two turns."""
OF_ANSWERS = ("about", "as_of")
OF_OTHERS = ("audiences", "part_of", "words")
SIGNED = ("as_of", *OF_OTHERS)
"""What only some kinds say and a reader could notice: `about` nobody reads."""


@dataclass(frozen=True)
class Article:
    """An article, a story or a tool."""

    kind: ArticleKind
    front: FrontMatter
    sections: Mapping[str, Section]
    """By audience."""

    @property
    def readings(self) -> Mapping[str, str]:
        """All that an audience reads, by audience."""
        return {audience: section.all for audience, section in self.sections.items()}

    def section_for(self, audience: str | None, age: int | None = None) -> Section | None:
        """The section that this audience reads, or None where there is none for it.

        A child of up to YOUNGER_UP_TO years (`age`) reads the `younger` one where it exists.
        """
        young = audience not in ADULTS and age is not None and age <= YOUNGER_UP_TO
        if young and YOUNGER in self.sections:
            return self.sections[YOUNGER]
        readers = reading_order(audience)
        return next((self.sections[each] for each in readers if each in self.sections), None)

    def contacts_for(self, audience: str | None) -> list[str]:
        """The ids of the contacts named for this audience; empty when there are none."""
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


def read_article(kind: ArticleKind, path: Path, references: References | None) -> Article:
    """One file. Raises ContentError with all that is wrong with it.

    Without references the buttons and contacts that it names are not looked up. An article past
    its review is read: it is withheld when it is asked for, and the check reports it.
    """
    document, body = read_front_matter(path)
    front = document.convert(FrontMatter)
    form = FORMS[kind]
    sections, problems = read_sections(path, body, form.limits)
    article = Article(kind, front, sections)
    topic = front.id if form.topic else None
    problems += front_matter_problems(document, front, references, topic=topic)
    problems += _of_its_kind(document, article, form)
    button = f"{kind}_{front.id}"
    if references is not None and not form.topic and button not in references.choices:
        problems.append(document.problem(f"no button {button} in choices.yml", "id"))
    if problems:
        raise ContentError(problems)
    return article


def _of_its_kind(document: YamlDocument, article: Article, form: Form) -> Iterator[Problem]:
    for name in OF_OTHERS if form.topic else OF_ANSWERS:
        if getattr(article.front, name) is not None:
            yield document.problem(f"`{name}` says nothing in this kind of file", name)
    yield from (_of_a_topic if form.topic else _of_a_button)(document, article)
    for audience, section in article.sections.items():
        for turn in form.turns:
            if f"\n\n{turn} " not in section.text:
                what = f"{audience}: no paragraph begins with {turn!r}"
                yield Problem(document.path, 1, what)


def _of_a_topic(document: YamlDocument, article: Article) -> Iterator[Problem]:
    front = article.front
    if not front.about:
        yield document.problem("`about` is missing: what question does it answer?")
    if front.as_of is not None and not any(front.as_of in t for t in article.readings.values()):
        yield document.problem(f"no text says {front.as_of}", "as_of")


def _of_a_button(document: YamlDocument, article: Article) -> Iterator[Problem]:
    front = article.front
    if front.words is None:
        yield document.problem("`words` is missing: how do people name it?")
    if not front.audiences:
        yield document.problem("for nobody", "audiences")
    for index, audience in enumerate(front.audiences or ()):
        if article.section_for(audience) is None:
            yield document.problem(f"no words for a {audience}", "audiences", index)


def _blocks(front: FrontMatter, sections: Mapping[str, Section]) -> Iterator[Block]:
    contacts = {str(reader): ids for reader, ids in front.contacts.items()}
    for audience in (*taxonomy().audiences, YOUNGER):
        if section := sections.get(audience):
            said = tuple(line for line in section.text.split("\n") if line)
            younger = audience == YOUNGER
            readers = (YOUNG_PERSON if younger else audience,)
            to_whom = " (8 to 11 years)" if younger else ""
            yield Block(f"What is said{to_whom}", said, readers)
            if section.steps:
                yield Block(f"What you can do{to_whom}", section.steps, readers)
        if named := contacts.get(audience):
            yield Block("Contacts shown", tuple(named), (audience,))
    yield Block("Offered next", (*front.offered, *(f"ask_{topic}" for topic in front.related)))
    yield Block("Sources", tuple(map(_source, front.sources)))
    dates = (
        f"Reviewed on {front.reviewed_on.isoformat()}",
        f"Review due {front.review_due.isoformat()}",
    )
    yield Block("Dates", dates)
    if more := _more(front):
        yield Block("Also in the file", tuple(lines(more)))


def _source(source: SourceRecord) -> str:
    published = source.published or "no date"
    read = source.read_on.isoformat()
    return f"{source.title} ({source.publisher}), {published}, read on {read}: {source.url}"


def _more(front: FrontMatter) -> dict[str, Any]:
    """What only some kinds say; what is not said is left out."""
    facts = {name: getattr(front, name) for name in sorted(SIGNED)}
    said: dict[str, Any] = msgspec.to_builtins({k: v for k, v in facts.items() if v is not None})
    return said
