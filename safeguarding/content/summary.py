"""What the content holds, in a few lines for the people who answer for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from safeguarding.content.answer import Answer
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.pieces import Piece
from safeguarding.content.reading import LIMITS, ease, measurable
from safeguarding.taxonomy import taxonomy

SOON = timedelta(days=90)


@dataclass(frozen=True)
class Holdings:
    """What a content folder holds."""

    answers: Mapping[str, Answer]
    stories: Mapping[str, Piece]
    tools: Mapping[str, Piece]
    directory: ContactDirectory | None

    def every(self) -> Iterator[tuple[str, Answer | Piece]]:
        """Each answer, story and tool with the name that the summary gives it."""
        yield from self.answers.items()
        yield from ((f"story {id_}", story) for id_, story in self.stories.items())
        yield from ((f"tool {id_}", tool) for id_, tool in self.tools.items())


def summary(held: Holdings, now: datetime) -> str:
    """Topics and readings, how hard they are, sources, contacts open now, reviews due."""
    lines = [_topics(held), f"stories: {len(held.stories)}, tools: {len(held.tools)}"]
    lines += _reading(held)
    lines += [_sources(held), *_contacts(held, now), _due(held, now.date())]
    return "\n".join(lines) + "\n"


def _topics(held: Holdings) -> str:
    readings = Counter(name for answer in held.answers.values() for name in answer.sections)
    each = ", ".join(f"{count} {name}" for name, count in readings.items())
    found = f"{len(held.answers)} of {len(taxonomy().topics)} topics"
    return f"answers: {found}, {readings.total()} readings" + (f" ({each})" if each else "")


def _reading(held: Holdings) -> Iterator[str]:
    if not measurable():
        yield "reading: not measured here, textstat is not installed"
        return
    for audience, limit in LIMITS.items():
        found = [
            (ease(piece.sections[audience].words), name)
            for name, piece in held.every()
            if audience in piece.sections
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


def _sources(held: Holdings) -> str:
    sources = [source for _, piece in held.every() for source in piece.head.sources]
    dates = sorted(source.published for source in sources if source.published)
    oldest = dates[0] if dates else "no date"
    undated = len(sources) - len(dates)
    return f"sources: {len(sources)}, the oldest of {oldest}, {undated} without a date"


def _contacts(held: Holdings, now: datetime) -> Iterator[str]:
    records = held.directory.records() if held.directory else {}
    unsure = [id_ for id_, record in records.items() if not record.confirmed]
    yield f"contacts: {len(records) - len(unsure)} confirmed, {len(unsure)} not{_names(unsure)}"
    states: dict[bool | None, list[str]] = {True: [], None: [], False: []}
    if held.directory is not None:
        for id_ in records:
            states[held.directory.card(id_, now)["open_now"]].append(id_)
    yield (
        f"open now: {len(states[True])}; hours not certain: {len(states[None])}; "
        f"closed: {len(states[False])}{_names(states[False])}"
    )


def _due(held: Holdings, today: date) -> str:
    records = held.directory.records() if held.directory else {}
    soon = sorted(name for name, each in held.every() if each.head.review_due <= today + SOON)
    checks = sorted(id_ for id_, record in records.items() if record.check_due <= today + SOON)
    return (
        f"due in {SOON.days} days: {len(soon)} reviews{_names(soon)}, "
        f"{len(checks)} contacts{_names(checks)}"
    )


def _names(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids)})" if ids else ""
