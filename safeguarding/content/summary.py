"""What the content holds, in a few lines for the people who answer for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from safeguarding.content.answer import Answer
from safeguarding.content.contacts import ContactDirectory
from safeguarding.taxonomy import taxonomy

SOON = timedelta(days=90)


def summary(answers: Mapping[str, Answer], directory: ContactDirectory | None, today: date) -> str:
    """Answers and their readings, sources and their age, contacts, reviews due, approvals."""
    heads = [answer.head for answer in answers.values()]
    readings = sum(len(answer.sections) for answer in answers.values())
    sources = [source for head in heads for source in head.sources]
    dates = sorted(source.published for source in sources if source.published)
    records = list(directory.records().values()) if directory else []
    unconfirmed = [record.id for record in records if not record.confirmed]
    soon = sorted(head.id for head in heads if head.review_due <= today + SOON)
    checks = sorted(record.id for record in records if record.check_due <= today + SOON)
    signed = sum(head.approved_by is not None for head in heads)
    lines = [
        f"answers: {len(heads)} of {len(taxonomy().topics)} topics, {readings} readings",
        f"sources: {len(sources)}, the oldest of {dates[0] if dates else 'no date'}, "
        f"{len(sources) - len(dates)} without a date",
        f"contacts: {len(records) - len(unconfirmed)} confirmed, {len(unconfirmed)} not"
        + _names(unconfirmed),
        f"due in {SOON.days} days: {len(soon)} answers{_names(soon)}, "
        f"{len(checks)} contacts{_names(checks)}",
        f"approved: {signed} of {len(heads)} answers",
    ]
    return "\n".join(lines) + "\n"


def _names(ids: list[str]) -> str:
    return f" ({', '.join(ids)})" if ids else ""
