"""The contacts directory: who can help this person, here and now, the best help first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from safeguarding.content.areas import ELSEWHERE, Nation
from safeguarding.content.cards import contact_card
from safeguarding.content.services import (
    ALWAYS_SHOWN,
    ANYTHING,
    NATIONS,
    Service,
    ServiceRecord,
    read_services,
)
from safeguarding.messages import ContactCard
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import CONTENT, taxonomy

ADULT = 18
UNKNOWN_AGES = {"young_person": (5, ADULT - 1)}
"""The ages that a service must take when nobody said how old the person is."""
BEST, GOOD, KNOWS, ANY = range(4)
UNSAID = "talk_to_someone"
MOST = 4
LAST_RESORTS = {
    "emergency_999": "For danger now, at any hour.",
    "childline": "For anyone under 19, about anything, at any hour.",
}
"""Why these two stand last, whatever was asked."""
"""Services shown before 999 and Childline: more is no help to a person in distress."""


class ContactDirectory:
    """Every service we may send a person to."""

    def __init__(self, services: Sequence[Service], category_of: dict[str, str]) -> None:
        """`category_of` says which risk category a topic is about."""
        self._services = {service.record.id: service for service in services}
        self._category_of = category_of
        records = [service.record for service in services]
        self._nation_of: dict[str, Nation] = {
            area: record.nations[0]
            for record in records
            for area in record.areas
            if area != ELSEWHERE
        }
        self._places = {*self._nation_of, ELSEWHERE, *NATIONS}

    def for_person(
        self,
        *,
        audience: str | None,
        area: str | None,
        need: str | None,
        at: datetime,
        age: int | None = None,
    ) -> list[ContactCard]:
        """Who can help and why: open before closed, and always 999 and Childline at the end.

        `need` is a risk category or a topic. Whoever has not said who they are is served as a
        young person; an area, need or audience that nobody knows counts as not said.
        """
        reader = _reader(audience)
        ranked = self._ranked(reader, area, need, age)
        shown = ranked[:MOST] + [s for s in ranked[MOST:] if s.record.areas and s.hours.open_at(at)]
        place = self._place(area)
        cards = [
            contact_card(service, reader, place, at, self._why(service.record, need))
            for service in shown
        ]
        cards.sort(key=lambda card: {True: 0, None: 1, False: 2}[card["open_now"]])
        last = (self._services[id_] for id_ in ALWAYS_SHOWN)
        return cards + [
            contact_card(service, reader, place, at, LAST_RESORTS[service.record.id])
            for service in last
        ]

    def cards(
        self, ids: Iterable[str], *, audience: str | None, area: str | None, at: datetime
    ) -> list[ContactCard]:
        """These services; for a council's front door, the ones of the person's own area now open.

        Left out: services that are not for this audience or area. Raises KeyError for an unknown
        id. While the area is not known, a council's number is shown as it is named.
        """
        reader = _reader(audience)
        services: list[Service] = []
        for service in map(self._current, ids):
            place = area if area in self._places else (*service.record.areas, ELSEWHERE)[0]
            if service.front_door:
                services += self._front_doors(place, reader, at)
            elif area not in self._places or self._serves(service.record, place):
                services.append(service)
        return [
            contact_card(service, reader, self._place(area), at)
            for service in dict.fromkeys(services)
            if _is_for(service.record, reader, None)
        ]

    def _ranked(
        self, reader: str, area: str | None, need: str | None, age: int | None
    ) -> list[Service]:
        """Every service that fits, the best first, but for those that are always shown."""
        place = self._place(area)
        fitting = (
            service
            for service in self._services.values()
            if service.record.id not in ALWAYS_SHOWN
            and self._takes(service.record, need)
            and _is_for(service.record, reader, age)
            and self._serves(service.record, place)
            and (area in self._places or "england" in service.record.nations)
        )
        return sorted(fitting, key=lambda service: self._rank(service.record, need, place))

    def _front_doors(self, place: str, reader: str, at: datetime) -> list[Service]:
        doors = [
            service
            for service in self._services.values()
            if service.front_door
            and self._serves(service.record, place)
            and _is_for(service.record, reader, None)
        ]
        return [door for door in doors if door.hours.open_at(at) is not False] or doors

    def card(self, contact_id: str, at: datetime, audience: str | None = None) -> ContactCard:
        """One service as shown at this moment. Raises KeyError for an unknown id."""
        service = self._current(contact_id)
        return contact_card(service, audience or "young_person", self._place(None), at)

    def records(self) -> dict[str, ServiceRecord]:
        """What is written of every service, by id."""
        return {id_: service.record for id_, service in self._services.items()}

    def suits(self, contact_id: str, audience: str) -> bool:
        """Whether someone of this audience, of unknown age, may be sent to this service."""
        return _is_for(self._current(contact_id).record, audience, None)

    def _current(self, contact_id: str) -> Service:
        service = self._services[contact_id]
        while service.record.replaced_by is not None:
            service = self._services[service.record.replaced_by]
        return service

    def _place(self, area: str | None) -> str:
        return area if area in self._places and area is not None else ELSEWHERE

    def _serves(self, record: ServiceRecord, place: str) -> bool:
        nation = self._nation_of.get(place, place)
        if nation in NATIONS and nation not in record.nations:
            return False
        local = ELSEWHERE if place in NATIONS else place
        return not record.areas or local in record.areas

    def _asked(self, need: str | None) -> tuple[str, str]:
        """The need in its own words and as a risk category."""
        tax = taxonomy()
        if need is None or (need not in tax.risk_categories and need not in tax.topics):
            need = UNSAID
        return need, self._category_of.get(need, need)

    def _why(self, record: ServiceRecord, need: str | None) -> str:
        asked = set(self._asked(need))
        if record.areas:
            return "They look after people where you live."
        if asked & set(record.first_for):
            return "They know most about this."
        return "They know about this." if asked & set(record.needs) else "They help with anything."

    def _takes(self, record: ServiceRecord, need: str | None) -> bool:
        asked = set(self._asked(need))
        if record.replaced_by is not None or asked & set(record.not_for):
            return False
        return ANYTHING in record.needs or bool(asked & {*record.needs, *record.first_for})

    def _rank(self, record: ServiceRecord, need: str | None, place: str) -> tuple[int | bool, ...]:
        """England before other nations, the best first, the sure before the doubtful.

        Among those who know the need, who is near goes before who is far.
        """
        exact, category = self._asked(need)
        if exact in record.first_for:
            fit = BEST
        elif category in record.first_for:
            fit = GOOD
        else:
            fit = KNOWS if {exact, category} & set(record.needs) else ANY
        abroad = place not in record.nations and "england" not in record.nations
        doubtful = not record.confirmed
        return abroad, fit + doubtful, doubtful, fit < ANY and not record.areas


def _reader(audience: str | None) -> str:
    return audience if audience in taxonomy().audiences else "young_person"


def _is_for(record: ServiceRecord, reader: str, age: int | None) -> bool:
    ages = {str(audience): ages for audience, ages in record.for_whom.items()}.get(reader)
    if ages is None:
        return False
    youngest, oldest = (age, age) if age is not None else UNKNOWN_AGES.get(reader, (ADULT, ADULT))
    if not record.confirmed and (reader == "young_person" or youngest < ADULT):
        return False
    return ages.youngest <= youngest and oldest <= ages.to


@cache
def contact_directory(folder: Path = CONTENT / "contacts") -> ContactDirectory:
    """Read the directory once per process. Raises ContentError with all that is wrong."""
    services = read_services(folder)
    document = read_yaml(folder / "needs.yml")
    category_of = document.convert(dict[str, str], "category_of")
    tax = taxonomy()
    problems = [
        document.problem(f"{topic}: {category}: no such topic or category", "category_of", topic)
        for topic, category in category_of.items()
        if topic not in tax.topics or category not in tax.risk_categories
    ]
    if problems:
        raise ContentError(problems)
    return ContactDirectory(services, category_of)
