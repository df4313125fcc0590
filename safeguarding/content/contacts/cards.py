"""A service as one person is shown it at one moment, and the phrases of such a card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import ClassVar

import msgspec

from safeguarding.clock import LONDON
from safeguarding.content.contacts.hours import DAYS, OpeningHours
from safeguarding.content.contacts.services import ELSEWHERE, NATIONS, Service, ServiceRecord
from safeguarding.messages import ContactCard, Way
from safeguarding.taxonomy import ADULTS

FILE = "contacts"
CLOSING_SOON = timedelta(minutes=30)
"""From then on a service may not take a new call: the card says so."""
NOON = time(12)


class ContactPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said with a contact."""

    near: str
    """Why it is shown, as the five below."""
    knows_most: str
    knows: str
    anything: str
    last_emergency: str
    last_childline: str
    always_open: str
    """When it can be reached, as the five below."""
    open_until: str
    closes_soon: str
    closed: str
    closed_until: str
    opens: str
    languages: str
    """What to know before a call, as the rest."""
    anonymous: str
    not_anonymous: str
    nations: str
    unconfirmed: str
    last_checked: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "open_until": ("end",),
        "closes_soon": ("end",),
        "closed_until": ("start",),
        "opens": ("start",),
        "languages": ("languages",),
        "nations": ("nations",),
        "unconfirmed": ("doubt",),
        "last_checked": ("day",),
    }


@dataclass(frozen=True)
class Enquiry:
    """Who asks, where and when."""

    reader: str
    """An audience."""
    place: str
    """An area or a nation."""
    at: datetime


def contact_card(
    service: Service, asked: Enquiry, say: ContactPhrases, why: str = ""
) -> ContactCard:
    """The card of a service. `why` says in one sentence why it stands where it does."""
    record, at = service.record, asked.at
    adult = asked.reader in ADULTS
    card = ContactCard(
        id=record.id,
        name=record.name,
        what=(record.what_for_adults if adult else "") or record.what,
        ways=[_way(way.kind, way.label, way.href) for way in record.ways],
        hours=hours_line(service.hours, at, say),
        open_now=service.hours.open_at(at) if record.confirmed else None,
        source=record.source.url,
        checked_on=record.checked_on.isoformat(),
    )
    if card["open_now"] is False and (opens := service.hours.opens_next(at)):
        card["opens_at"] = say.opens.format(start=_when(opens, at))
    if why:
        card["why"] = why
    if note := " ".join(_notes(record, asked, say)):
        card["note"] = note
    return card


def hours_line(hours: OpeningHours, at: datetime, say: ContactPhrases) -> str:
    """The hours as seen from `at`: "Open now until 5pm", "Closed now. Opens Monday 8.45am"."""
    if hours.words or hours.always:
        return hours.words or say.always_open
    span = hours.span_at(at)
    if span is None:
        opens = hours.opens_next(at)
        return say.closed_until.format(start=_when(opens, at)) if opens else say.closed
    if span[1] - at > timedelta(days=7):
        return say.always_open
    closing = span[1] - at <= CLOSING_SOON
    sentence = say.closes_soon if closing else say.open_until
    return sentence.format(end=_when(span[1], at, ends=True))


def _way(kind: str, label: str, href: str | None) -> Way:
    way: Way = {"kind": kind, "label": label}  # type: ignore[typeddict-item]
    if href is not None:
        way["href"] = href
    return way


def _notes(record: ServiceRecord, asked: Enquiry, say: ContactPhrases) -> Iterable[str]:
    if record.languages:
        yield say.languages.format(languages=" and ".join(record.languages))
    if record.cost:
        yield record.cost
    if record.trace is not None:
        yield record.trace.words
    if record.anonymous is not None:
        yield say.anonymous if record.anonymous else say.not_anonymous
    near = record.areas and ELSEWHERE not in record.areas
    if len(record.nations) < len(NATIONS) and asked.place == ELSEWHERE and not near:
        nations = [nation.replace("_", " ").title() for nation in record.nations]
        yield say.nations.format(nations=" and ".join(nations))
    if record.note:
        yield record.note
    if not record.confirmed:
        yield say.unconfirmed.format(doubt=record.doubt)
    elif asked.at.date() > record.check_due:
        yield say.last_checked.format(day=f"{record.checked_on:%-d %B %Y}")


def _when(moment: datetime, at: datetime, *, ends: bool = False) -> str:
    """A moment as a person says it, seen from `at`. Midnight belongs to the day before it."""
    local, today = moment.astimezone(LONDON), at.astimezone(LONDON).date()
    midnight = local.time() == time(0)
    day = local.date() - timedelta(days=1) if midnight else local.date()
    clock = "midnight" if midnight else _clock(local)
    days = (day - today).days
    if days == 0:
        return clock if ends else f"today {clock}"
    name = f"{day:%A}" if days < len(DAYS) else f"{day:%A} {day.day} {day:%B}"
    name = "tomorrow" if days == 1 else f"on {name}" if ends else name
    return f"{clock} {name}" if ends else f"{name} {clock}"


def _clock(local: datetime) -> str:
    if local.time() == NOON:
        return "midday"
    minutes = f".{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.time() < NOON else 'pm'}"
