"""A service as one person is shown it at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from safeguarding.content.services import NATIONS, Service, ServiceRecord
from safeguarding.messages import ContactCard, Way


def contact_card(
    service: Service, reader: str, place: str, at: datetime, why: str = ""
) -> ContactCard:
    """The card for this reader (an audience) in this place (an area or a nation).

    `why` says in one sentence why this service stands where it does.
    """
    record = service.record
    adult = reader in {"parent", "professional"}
    card = ContactCard(
        id=record.id,
        name=record.name,
        what=(record.what_for_adults if adult else "") or record.what,
        ways=[_way(way.kind, way.label, way.href) for way in record.ways],
        hours=service.hours.line(at),
        open_now=service.hours.open_at(at) if record.confirmed else None,
        source=record.source.url,
        checked_on=record.checked_on.isoformat(),
    )
    if why:
        card["why"] = why
    if note := " ".join(_notes(record, place, at)):
        card["note"] = note
    return card


def _way(kind: str, label: str, href: str | None) -> Way:
    way: Way = {"kind": kind, "label": label}  # type: ignore[typeddict-item]
    if href is not None:
        way["href"] = href
    return way


def _notes(record: ServiceRecord, place: str, at: datetime) -> Iterable[str]:
    if record.languages:
        yield f"Also in {' and '.join(record.languages)}."
    if record.cost:
        yield record.cost
    if record.trace is not None:
        yield record.trace.words
    if record.anonymous is not None:
        name = "do not have to give your name" if record.anonymous else "will be asked who you are"
        yield f"You {name}."
    near = record.areas and "elsewhere" not in record.areas
    if len(record.nations) < len(NATIONS) and place == "elsewhere" and not near:
        nations = [nation.replace("_", " ").title() for nation in record.nations]
        yield f"In {' and '.join(nations)} only."
    if record.note:
        yield record.note
    if not record.confirmed:
        yield f"Not checked by us yet: {record.doubt}"
    elif at.date() > record.check_due:
        yield f"We last checked this on {record.checked_on:%-d %B %Y}."
