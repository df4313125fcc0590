"""Strict reading of the files of articles, stories and tools: front matter and sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safeguarding.content.articles import Article, ArticleKind, FrontMatter, Section
from safeguarding.content.choices import Choices
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.items import word_count
from safeguarding.records import ContentError, Problem, YamlDocument, read_front_matter, sound
from safeguarding.taxonomy import (
    PARENT,
    PROFESSIONAL,
    TOPIC_PREFIX,
    YOUNG_PERSON,
    YOUNGER,
    taxonomy,
)

MOST_RELATED = 3
MOST_OFFERED = 2
"""Tools and stories together: more buttons would hide the way to a person."""
HEADING = re.compile(r"^## *(?P<name>.*?) *$")
STEPS = re.compile(r"^What (?:you can|to) do:$")
MARKUP = re.compile(r"\*\*|__|\]\(|`|^#", re.MULTILINE)
OF_ANSWERS = ("about", "as_of")
OF_OTHERS = ("audiences", "part_of", "words")

NumberedLine = tuple[int, str]
"""A line of the file and its number."""


@dataclass(frozen=True)
class References:
    """The buttons and contacts that a file of content may name."""

    choices: Choices
    contacts: ContactDirectory | None = None
    """None: contacts are not looked up, because they could not be read."""


@dataclass(frozen=True)
class Form:
    """What a kind demands of its files."""

    words: Mapping[str, int]
    """The most words of a section's text, by audience."""
    fewest_steps: int = 2
    most_steps: int = 4
    turns: tuple[str, ...] = ()
    """Beginnings of paragraphs that every section has."""


def _words(young_person: int, adult: int) -> Mapping[str, int]:
    return {YOUNG_PERSON: young_person, YOUNGER: 70, PARENT: adult, PROFESSIONAL: adult}


FORMS: Mapping[ArticleKind, Form] = {
    "answer": Form(_words(150, 180), fewest_steps=0),
    "story": Form(_words(290, 290), turns=("What was going on:", "How it ended:")),
    "tool": Form(_words(120, 140), most_steps=8),
}
"""A story must name its pattern and leave no one in danger, so it has two turns."""


def topics_of(folder: Path) -> dict[str, str]:
    """Return the title of each article of `folder`, the label of its button, by topic.

    Raises nothing: where a title cannot be read, the name of the file stands in for it, and
    `read_article` reports what is wrong.
    """
    topics: dict[str, str] = {}
    for path in sorted(folder.glob("*.md")):
        try:
            topics[path.stem] = read_front_matter(path)[0].convert(str, "title")
        except (ContentError, KeyError, TypeError):
            topics[path.stem] = path.stem.replace("_", " ").capitalize()
    return topics


def read_article(kind: ArticleKind, path: Path, references: References | None) -> Article:
    """Read one file. Raises ContentError with all that is wrong with it.

    Without references the buttons and contacts that it names are not looked up. An article past
    its review is read: it is withheld when it is asked for, and the check reports it.
    """
    document, body = read_front_matter(path)
    front = document.convert(FrontMatter)
    sections, problems = read_sections(path, body, FORMS[kind])
    article = Article(kind, front, sections)
    problems += _front_matter_problems(document, article, references)
    problems += _problems_of_kind(document, article)
    if references is not None and kind != "answer" and article.topic not in references.choices:
        problems.append(document.problem(f"no button {article.topic} in choices.yml", "id"))
    return sound(article, problems)


def part_problems(articles: Mapping[str, Article], folder: Path) -> Iterator[Problem]:
    """Yield a problem for each part of an article that does not exist."""
    for article_id, article in articles.items():
        whole = article.front.part_of
        if whole is not None and whole not in articles:
            yield Problem(folder / f"{article_id}.md", 1, f"part of {whole!r}, which is not here")


# ---- front matter --------------------------------------------------------------------------------
def _front_matter_problems(
    document: YamlDocument, article: Article, references: References | None
) -> Iterator[Problem]:
    front = article.front
    if front.id != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "id")
    if not front.sources:
        yield document.problem("no source", "sources")
    for index, source in enumerate(front.sources):
        if not source.url.startswith(("https://", "http://")):
            yield document.problem("the address starts with http", "sources", index, "url")
    if front.review_due <= front.reviewed_on:
        yield document.problem("due before it was reviewed", "review_due")
    yield from _related_problems(document, article, references)
    if references is not None:
        yield from _offered_problems(document, front, references.choices)
    if references is not None and references.contacts is not None:
        yield from _contact_problems(document, front, references.contacts)


def _related_problems(
    document: YamlDocument, article: Article, references: References | None
) -> Iterator[Problem]:
    related = article.front.related
    if not 1 <= len(related) <= MOST_RELATED or len(set(related)) < len(related):
        yield document.problem(f"1 to {MOST_RELATED} topics, each once", "related")
    for index, topic in enumerate(related):
        unknown = references is not None and f"{TOPIC_PREFIX}{topic}" not in references.choices
        if unknown or topic == article.topic:
            yield document.problem(f"{topic!r} is no other topic", "related", index)


def _offered_problems(
    document: YamlDocument, front: FrontMatter, choices: Choices
) -> Iterator[Problem]:
    for choice_id in front.offered:
        if choice_id not in choices:
            field = "tools" if choice_id.startswith("tool_") else "stories"
            yield document.problem(f"no button {choice_id!r}", field)
    if len(front.offered) > MOST_OFFERED:
        what = f"at most {MOST_OFFERED} tools and stories together"
        yield document.problem(what, "tools" if front.tools else "stories")


def _contact_problems(
    document: YamlDocument, front: FrontMatter, directory: ContactDirectory
) -> Iterator[Problem]:
    """Yield contacts that do not exist, or are not for the audience that is sent there."""
    records = directory.records()
    for audience, ids in front.contacts.items():
        for index, contact_id in enumerate(ids):
            where = ("contacts", audience, index)
            if contact_id not in records:
                yield document.problem(f"no contact {contact_id!r}", *where)
            elif not directory.suits(contact_id, audience):
                yield document.problem(f"{contact_id} is not for a {audience}", *where)


def _problems_of_kind(document: YamlDocument, article: Article) -> Iterator[Problem]:
    """Yield fields of another kind, missing fields of this kind, and missing turns."""
    is_answer = article.kind == "answer"
    for name in OF_OTHERS if is_answer else OF_ANSWERS:
        if getattr(article.front, name) is not None:
            yield document.problem(f"`{name}` says nothing in this kind of file", name)
    yield from (_answer_problems if is_answer else _button_problems)(document, article)
    for audience, section in article.sections.items():
        for turn in FORMS[article.kind].turns:
            if f"\n\n{turn} " not in section.text:
                what = f"{audience}: no paragraph begins with {turn!r}"
                yield Problem(document.path, 1, what)


def _answer_problems(document: YamlDocument, article: Article) -> Iterator[Problem]:
    front = article.front
    if not front.about:
        yield document.problem("`about` is missing: what question does it answer?")
    if front.as_of is not None and not any(front.as_of in t for t in article.readings.values()):
        yield document.problem(f"no text says {front.as_of}", "as_of")


def _button_problems(document: YamlDocument, article: Article) -> Iterator[Problem]:
    front = article.front
    if front.words is None:
        yield document.problem("`words` is missing: how do people name it?")
    if not front.audiences:
        yield document.problem("for nobody", "audiences")
    for index, audience in enumerate(front.audiences or ()):
        if article.section_for(audience) is None:
            yield document.problem(f"no words for a {audience}", "audiences", index)


# ---- sections ------------------------------------------------------------------------------------
def read_sections(path: Path, body: str, form: Form) -> tuple[dict[str, Section], list[Problem]]:
    """Return the sections by audience, and everything that is wrong with them."""
    sections: dict[str, Section] = {}
    problems: list[Problem] = []
    for (number, name), lines in split_sections(path, body):
        if name not in {*taxonomy().audiences, YOUNGER}:
            words = "text above the first section" if not name else f"{name!r} is no audience"
            if name or any(line for _, line in lines):
                problems.append(Problem(path, number, words))
            continue
        if name in sections:
            problems.append(Problem(path, number, f"{name} stands here twice"))
        sections[name], faults = _section(lines)
        faults += _faults(name, sections[name], form)
        problems += [Problem(path, line or number, what) for line, what in faults]
    if not sections:
        problems.append(Problem(path, 1, "no section"))
    return sections, problems


def split_sections(path: Path, body: str) -> Iterator[tuple[NumberedLine, list[NumberedLine]]]:
    """Yield each heading with the lines under it; the first, unnamed one has the lines above."""
    first = path.read_text(encoding="utf-8").count("\n") - body.count("\n") + 1
    heading: NumberedLine = (first, "")
    lines: list[NumberedLine] = []
    for number, line in enumerate(body.splitlines(), first):
        if match := HEADING.match(line):
            yield heading, lines
            heading, lines = (number, match["name"]), []
        else:
            lines.append((number, line.strip()))
    yield heading, lines


def _section(lines: list[NumberedLine]) -> tuple[Section, list[NumberedLine]]:
    """Return the section, and its faults with the line of each."""
    cut = next((n for n, (_, line) in enumerate(lines) if STEPS.match(line)), len(lines))
    steps: list[str] = []
    faults: list[NumberedLine] = []
    for number, line in lines[cut + 1 :]:
        if line.startswith("- "):
            steps.append(line[2:].strip())
        elif line:
            faults.append((number, "after the steps there is nothing but steps"))
    paragraphs = re.split(r"\n{2,}", "\n".join(line for _, line in lines[:cut]).strip())
    # Paragraphs are unwrapped; a line of a list stays a line.
    text = "\n\n".join(re.sub(r"\n(?!- )", " ", paragraph) for paragraph in paragraphs)
    return Section(text, tuple(steps)), faults


def _faults(name: str, section: Section, form: Form) -> Iterator[NumberedLine]:
    if not section.text:
        yield 0, f"{name} is empty"
    if (length := word_count(section.text)) > form.words[name]:
        yield 0, f"{name}: {length} words; at most {form.words[name]}"
    if not form.fewest_steps <= len(section.steps) <= form.most_steps:
        yield 0, f"{name}: {len(section.steps)} steps; {form.fewest_steps} to {form.most_steps}"
    if MARKUP.search(section.all):
        yield 0, f"{name}: shown as plain text, so no markup"
