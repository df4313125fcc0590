"""Summary of the content, in a few lines for the people who answer for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from safeguarding.content.articles import Article
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.items import word_count
from safeguarding.content.lint.language import LIMITS, ease, voice
from safeguarding.taxonomy import PARENT, PROFESSIONAL, YOUNG_PERSON

SOON = timedelta(days=90)


@dataclass(frozen=True)
class Holdings:
    """The records of a content folder."""

    articles: Mapping[str, Article]
    stories: Mapping[str, Article]
    tools: Mapping[str, Article]
    contacts: ContactDirectory | None
    help_cards: HelpCards | None = None

    def every(self) -> Iterator[tuple[str, Article]]:
        """Yield each article, story and tool with its name in the summary."""
        yield from self.articles.items()
        yield from ((f"story {id_}", story) for id_, story in self.stories.items())
        yield from ((f"tool {id_}", tool) for id_, tool in self.tools.items())


def summary(held: Holdings, now: datetime) -> str:
    """Return the summary: topics, readings and their level, sources, contacts, reviews due."""
    lines = [_topics(held), f"stories: {len(held.stories)}, tools: {len(held.tools)}"]
    lines += _reading(held)
    lines += _voices(held)
    lines += _first_screen(held)
    lines += [_sources(held), *_contacts(held, now), _due(held, now.date())]
    return "\n".join(lines) + "\n"


def _topics(held: Holdings) -> str:
    readings = Counter(name for article in held.articles.values() for name in article.sections)
    each = ", ".join(f"{count} {name}" for name, count in readings.items())
    found = f"{len(held.articles)} topics"
    return f"answers: {found}, {readings.total()} readings" + (f" ({each})" if each else "")


def _reading(held: Holdings) -> Iterator[str]:
    for audience, limit in LIMITS.items():
        found = [
            (ease(article.readings[audience]), name)
            for name, article in held.every()
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


def _voices(held: Holdings) -> Iterator[str]:
    """Yield how the answers of each audience sound."""
    for audience in (YOUNG_PERSON, PARENT, PROFESSIONAL):
        texts = {
            name: article.readings[audience]
            for name, article in held.articles.items()
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


def _first_screen(held: Holdings) -> Iterator[str]:
    """Yield how much a person in need reads before they can do something."""
    if held.help_cards is None:
        return
    cards = held.help_cards.messages()
    words = [word_count(card["text"]) for card in cards]
    buttons = max(len(card["choices"]) for card in cards)
    yield (
        f"help cards: {len(cards)}, {sum(words) / len(words):.0f} words on average, at most "
        f"{max(words)}; at most {buttons} buttons"
    )


def _sources(held: Holdings) -> str:
    sources = [source for _, article in held.every() for source in article.front.sources]
    dates = sorted(source.published for source in sources if source.published)
    oldest = dates[0] if dates else "no date"
    undated = len(sources) - len(dates)
    return f"sources: {len(sources)}, the oldest of {oldest}, {undated} without a date"


def _contacts(held: Holdings, now: datetime) -> Iterator[str]:
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


def _due(held: Holdings, today: date) -> str:
    records = held.contacts.records() if held.contacts else {}
    soon = sorted(name for name, each in held.every() if each.front.review_due <= today + SOON)
    checks = sorted(id_ for id_, record in records.items() if record.check_due <= today + SOON)
    return (
        f"due in {SOON.days} days: {len(soon)} reviews{_names(soon)}, "
        f"{len(checks)} contacts{_names(checks)}"
    )


def _names(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids)})" if ids else ""
