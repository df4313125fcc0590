"""Check of the content folder: every problem, then a summary of what the folder holds.

`python -m lantern check-content`
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from safeguarding.clock import LONDON
from safeguarding.content.articles import Article
from safeguarding.content.facts import Facts
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.items import word_count
from safeguarding.content.lint.facts import (
    SourceDomains,
    foreign_contacts,
    foreign_sources,
    number_problems,
)
from safeguarding.content.lint.language import (
    LIMITS,
    MOST_STOCK,
    ease,
    read_language,
    shown_texts,
    too_hard,
    voice,
)
from safeguarding.content.reader import KINDS, ContentKind, Files, Kinds
from safeguarding.content.say_it import unsaid_facts
from safeguarding.records import ContentError, Problem, YamlDocument, read_front_matter, read_yaml
from safeguarding.taxonomy import CONTENT, PARENT, PROFESSIONAL, YOUNG_PERSON

SOON = timedelta(days=90)


class Check:
    """The problems of a content folder on one day."""

    def __init__(self, folder: Path, today: date, kinds: Kinds = KINDS) -> None:
        """Read everything. Raises nothing: what is wrong is in `problems`."""
        self._folder = folder
        self._today = today
        self._kinds = kinds
        self.files = Files(folder, kinds)
        self._lines = list(shown_texts(folder, kinds))
        self.problems: list[Problem] = list(self.files.problems)
        rules = (
            self._overdue,
            self._help_card,
            self._buttons,
            self._numbers,
            self._language,
            self._reading_level,
            self._source_domains,
            self._stock_phrases,
            self._unsaid,
        )
        for rule in rules:
            try:
                self.problems += rule()
            except ContentError as error:
                self.problems += error.problems

    def _each(self) -> Iterator[tuple[ContentKind, Path]]:
        for kind in self._kinds:
            for path in kind.paths(self._folder):
                yield kind, path

    def _record(self, kind: ContentKind, path: Path) -> Any:
        """Return the record that the kind's reader made of a file; None when it could not."""
        return self.files.records[kind.id].get(path.stem)

    def _overdue(self) -> Iterator[Problem]:
        """Yield what is past the review that its front matter or provenance names."""
        for kind, path in self._each():
            if kind.read is not None and self._record(kind, path) is not None:
                yield from self._past_review(kind, path)
        contacts = self.files.contacts
        for id_, record in (contacts.records() if contacts else {}).items():
            if record.check_due < self._today:
                yield Problem(self._folder / "contacts", 1, f"{id_}: past its check")

    def _past_review(self, kind: ContentKind, path: Path) -> Iterator[Problem]:
        document = _document(path)
        where = () if path.suffix == ".md" else ("provenance",)
        facts = document.data.get(where[0], {}) if where else document.data
        due = facts.get("review_due")
        if due is not None and due < self._today:
            after = "withheld until reviewed" if kind.withheld else "still in force, to be reviewed"
            yield document.problem(f"past its review: {after}", *where, "review_due")

    def _help_card(self) -> Iterator[Problem]:
        """Yield contacts of the help card that differ from content/contacts.

        The help card repeats them so that it needs no other file.
        """
        path = self._folder / "help_card.yml"
        cards: HelpCards | None = self.files.records["help_card"].get("help_card")
        contacts = self.files.contacts
        if cards is None or contacts is None:
            return
        records = contacts.records()
        shown = [card for message in cards.messages() for card in message["contacts"]]
        for card in {card["id"]: card for card in shown}.values():
            record = records.get(card["id"])
            known = {(way.kind, way.href) for way in record.ways} if record else set()
            if record is None or record.name != card["name"]:
                yield Problem(path, 1, f"{card['id']}: not the name in content/contacts")
            elif not {(way["kind"], way.get("href")) for way in card["ways"]} <= known:
                yield Problem(path, 1, f"{card['id']}: not the ways in content/contacts")

    def _buttons(self) -> Iterator[Problem]:
        """Yield buttons for a story or tool that does not exist."""
        document = read_yaml(self._folder / "choices.yml")
        for index, choice in enumerate(document.data.get("choices", [])):
            for kind in ("story", "tool"):
                wanted = choice.get("entities", {}).get(kind)
                written = {path.stem for path in self._kinds[kind].paths(self._folder)}
                if wanted and wanted not in written:
                    yield document.problem(f"no {kind} {wanted!r}", "choices", index)

    def _numbers(self) -> Iterator[Problem]:
        contacts = self.files.contacts
        records = contacts.records() if contacts else {}
        yield from number_problems(self._lines, records, self._folder)

    def _language(self) -> Iterator[Problem]:
        """Yield words that may not be used, and exceptions that are not needed."""
        language = read_language(self._folder / "language.yml")
        texts: dict[str, list[str]] = defaultdict(list)
        for line in self._lines:
            file = line.file(self._folder)
            texts[file].append(line.text)
            for fault in language.faults(line.text, file):
                yield Problem(line.path, line.number, fault)
        for file, text in texts.items():
            for id_ in language.needless(file, "\n".join(text)):
                what = f"{id_}: an exception for {file}, which does not need it"
                yield Problem(self._folder / "language.yml", 1, what)

    def _source_domains(self) -> Iterator[Problem]:
        """Yield sources of no listed issuing body: a child may follow any link."""
        domains = read_yaml(self._folder / "source_domains.yml").convert(SourceDomains)
        for kind, path in self._each():
            record = self._record(kind, path)
            front = getattr(record, "front", record)
            sources = list(getattr(front, "sources", ()))
            for each in getattr(record, "replies", ()):
                sources += each.sources
            yield from foreign_sources(path, sources, domains)
        if self.files.contacts is not None:
            yield from foreign_contacts(self._folder, self.files.contacts, domains)

    def _stock_phrases(self) -> Iterator[Problem]:
        """Yield phrases in so many young people's answers that they mean nothing any more."""
        articles = self.files.records["answer"]
        texts = {
            name: article.readings[YOUNG_PERSON]
            for name, article in articles.items()
            if YOUNG_PERSON in article.sections
        }
        for phrase, share in (voice(texts).stock if texts else {}).items():
            if share > MOST_STOCK:
                what = f"{phrase!r} in {share:.0%} of the answers; at most {MOST_STOCK:.0%}"
                yield Problem(self._folder / "articles", 1, what)

    def _unsaid(self) -> Iterator[Problem]:
        """Yield facts that a young person has no sentence for, where no reason is given."""
        facts: Facts | None = self.files.records["facts"].get("facts")
        if facts is not None and "say_it" in self.files.records["say_it"]:
            yield from unsaid_facts(self._folder / "say_it.yml", facts.means)

    def _reading_level(self) -> Iterator[Problem]:
        first = {(line.path, line.audience): line.number for line in reversed(self._lines)}
        for kind, path in self._each():
            readings = getattr(self._record(kind, path), "readings", {})
            for audience, text in readings.items():
                if what := too_hard(text, audience):
                    line = first.get((path, audience)) or _document(path).line(audience)
                    yield Problem(path, line, what)


def _document(path: Path) -> YamlDocument:
    return read_front_matter(path)[0] if path.suffix == ".md" else read_yaml(path)


# ---- summary -------------------------------------------------------------------------------------
def summary(held: Files, now: datetime) -> str:
    """Return the summary: topics, readings and their level, sources, contacts, reviews due."""
    lines = [
        _topics(held),
        f"stories: {len(held.records['story'])}, tools: {len(held.records['tool'])}",
    ]
    lines += _reading(held)
    lines += _voices(held)
    lines += _first_screen(held)
    lines += [_sources(held), *_contacts(held, now), _due(held, now.date())]
    return "\n".join(lines) + "\n"


def _every(held: Files) -> Iterator[tuple[str, Article]]:
    """Yield each article, story and tool with its name in the summary."""
    for kind, before in (("answer", ""), ("story", "story "), ("tool", "tool ")):
        yield from ((before + id_, article) for id_, article in held.records[kind].items())


def _topics(held: Files) -> str:
    articles = held.records["answer"]
    readings = Counter(name for article in articles.values() for name in article.sections)
    each = ", ".join(f"{count} {name}" for name, count in readings.items())
    found = f"{len(articles)} topics"
    return f"answers: {found}, {readings.total()} readings" + (f" ({each})" if each else "")


def _reading(held: Files) -> Iterator[str]:
    for audience, limit in LIMITS.items():
        found = [
            (ease(article.readings[audience]), name)
            for name, article in _every(held)
            if audience in article.sections
        ]
        if not found:
            continue
        mean = sum(each.grade for each, _ in found) / len(found)
        grade, hardest = max((each.grade, name) for each, name in found)
        words, longest = max((each.sentence, name) for each, name in found)
        yield (
            f"reading, {audience}: {len(found)} readings, grade {mean:.1f} on average, "
            f"at most {grade} ({hardest}; limit {limit.grade}), "
            f"sentences of at most {words} words on average ({longest})"
        )


def _voices(held: Files) -> Iterator[str]:
    """Yield how the answers of each audience sound."""
    for audience in (YOUNG_PERSON, PARENT, PROFESSIONAL):
        texts = {
            name: article.readings[audience]
            for name, article in held.records["answer"].items()
            if audience in article.sections
        }
        if not texts:
            continue
        found = voice(texts)
        stock = ", ".join(f"{phrase!r} in {share:.0%}" for phrase, share in found.stock.items())
        yield (
            f"voice, {audience}: {found.contracted:.1f} contractions a full form, sentences of "
            f"{found.words} words, spread {found.spread}; stock phrases: {stock or 'none'}"
        )


def _first_screen(held: Files) -> Iterator[str]:
    """Yield how much a person in need reads before they can do something."""
    help_cards: HelpCards | None = held.records["help_card"].get("help_card")
    if help_cards is None:
        return
    cards = help_cards.messages()
    words = [word_count(card["text"]) for card in cards]
    buttons = max(len(card["choices"]) for card in cards)
    yield (
        f"help cards: {len(cards)}, {sum(words) / len(words):.0f} words on average, at most "
        f"{max(words)}; at most {buttons} buttons"
    )


def _sources(held: Files) -> str:
    sources = [source for _, article in _every(held) for source in article.front.sources]
    dates = sorted(source.published for source in sources if source.published)
    oldest = dates[0] if dates else "no date"
    undated = len(sources) - len(dates)
    return f"sources: {len(sources)}, the oldest of {oldest}, {undated} without a date"


def _contacts(held: Files, now: datetime) -> Iterator[str]:
    records = held.contacts.records() if held.contacts else {}
    unsure = [id_ for id_, record in records.items() if not record.confirmed]
    yield f"contacts: {len(records) - len(unsure)} confirmed, {len(unsure)} not{_names(unsure)}"
    states: dict[bool | None, list[str]] = {True: [], None: [], False: []}
    if held.contacts is not None:
        for id_ in records:
            states[held.contacts.card(id_, now)["open_now"]].append(id_)
    yield (
        f"open now: {len(states[True])}; hours not certain: {len(states[None])}; "
        f"closed: {len(states[False])}{_names(states[False])}"
    )


def _due(held: Files, today: date) -> str:
    records = held.contacts.records() if held.contacts else {}
    soon = sorted(name for name, each in _every(held) if each.front.review_due <= today + SOON)
    checks = sorted(id_ for id_, record in records.items() if record.check_due <= today + SOON)
    return (
        f"due in {SOON.days} days: {len(soon)} reviews{_names(soon)}, "
        f"{len(checks)} contacts{_names(checks)}"
    )


def _names(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids)})" if ids else ""


@click.command()
@click.argument("folder", default=CONTENT, type=click.Path(exists=True, path_type=Path))
def main(folder: Path) -> None:
    """Print every problem of FOLDER (content/), then what there is; 1 if there is a problem."""
    now = datetime.now(LONDON)
    check = Check(folder, now.date())
    problems = sorted(set(check.problems))
    for problem in problems:
        click.echo(problem)
    click.echo(summary(check.files, now), nl=False)
    click.echo(f"problems: {len(problems)}" if problems else "no problem")
    if problems:
        raise SystemExit(1)
