"""The contacts directory: who can help this person, here and now, the best help first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from safeguarding.content.contacts.cards import FILE, ContactPhrases, Enquiry, contact_card
from safeguarding.content.contacts.services import (
    ALWAYS_SHOWN,
    ANYTHING,
    ELSEWHERE,
    NATIONS,
    Nation,
    Service,
    ServiceRecord,
    read_services,
)
from safeguarding.content.phrases import Phrases
from safeguarding.messages import ContactCard
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import YOUNG_PERSON, taxonomy

ADULT = 18
UNKNOWN_AGES = {YOUNG_PERSON: (5, ADULT - 1)}
"""The ages that a service must take when nobody said how old the person is."""
BEST, GOOD, KNOWS, ANY = range(4)
UNSAID = "talk_to_someone"
MOST = 4
"""Services shown before 999 and Childline: more is no help to a person in distress."""


class ContactDirectory:
    """Every service we may send a person to."""

    def __init__(
        self,
        services: Sequence[Service],
        topics: Iterable[str],
        category_of: dict[str, str],
        say: ContactPhrases,
    ) -> None:
        """`topics` can be asked about; `category_of` says which risk category one is about."""
        self._needs = {*taxonomy().risk_categories, *topics}
        self._say = say
        emergency, childline = ALWAYS_SHOWN
        self._why_last = {emergency: say.last_emergency, childline: say.last_childline}
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
        knowing: bool = False,
    ) -> list[ContactCard]:
        """Who can help and why: open before closed, and always 999 and Childline at the end.

        With `knowing` only those who know about the need, or look after the area; not the two that
        help with anything.

        `need` is a risk category or a topic. Whoever has not said who they are is served as a
        young person; an area, need or audience that nobody knows counts as not said.
        """
        reader = _reader(audience)
        ranked = self._ranked(reader, area, need, age)
        if knowing:
            ranked = [each for each in ranked if self._knows(each.record, need, area)]
        shown = ranked[:MOST] + [s for s in ranked[MOST:] if s.record.areas and s.hours.open_at(at)]
        asked = Enquiry(reader, self._place(area), at)
        cards = [
            contact_card(service, asked, self._say, self._why(service.record, need))
            for service in shown
        ]
        cards.sort(key=lambda card: {True: 0, None: 1, False: 2}[card["open_now"]])
        if knowing:
            return cards
        return cards + [
            contact_card(self._services[id_], asked, self._say, self._why_last[id_])
            for id_ in ALWAYS_SHOWN
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
        asked = Enquiry(reader, self._place(area), at)
        return [
            contact_card(service, asked, self._say)
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
        asked = Enquiry(audience or YOUNG_PERSON, self._place(None), at)
        return contact_card(service, asked, self._say)

    def category_of(self, topic: str) -> str | None:
        """The risk category that a topic is about; None of one that is about anything."""
        return self._category_of.get(topic)

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
        if need is None or need not in self._needs:
            need = UNSAID
        return need, self._category_of.get(need, need)

    def _why(self, record: ServiceRecord, need: str | None) -> str:
        asked = set(self._asked(need))
        if record.areas:
            return self._say.near
        if asked & set(record.first_for):
            return self._say.knows_most
        return self._say.knows if asked & set(record.needs) else self._say.anything

    def _knows(self, record: ServiceRecord, need: str | None, area: str | None) -> bool:
        """Whether it knows about the need, or is the person's own council."""
        if record.areas:
            return area in record.areas
        return bool({*self._asked(need)} & {*record.needs, *record.first_for})

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
    return audience if audience in taxonomy().audiences else YOUNG_PERSON


def _is_for(record: ServiceRecord, reader: str, age: int | None) -> bool:
    ages = {str(audience): ages for audience, ages in record.for_whom.items()}.get(reader)
    if ages is None:
        return False
    youngest, oldest = (age, age) if age is not None else UNKNOWN_AGES.get(reader, (ADULT, ADULT))
    if not record.confirmed and (reader == YOUNG_PERSON or youngest < ADULT):
        return False
    return ages.youngest <= youngest and oldest <= ages.to


def read_contacts(folder: Path, phrases: Phrases, topics: Collection[str]) -> ContactDirectory:
    """The directory of content/contacts. Raises ContentError with all that is wrong."""
    services = read_services(folder, topics)
    document = read_yaml(folder / "needs.yml")
    category_of = document.convert(dict[str, str], "category_of")
    problems = [
        document.problem(f"{topic}: {category}: no such topic or category", "category_of", topic)
        for topic, category in category_of.items()
        if topic not in topics or category not in taxonomy().risk_categories
    ]
    if problems:
        raise ContentError(problems)
    return ContactDirectory(services, topics, category_of, phrases.of(FILE, ContactPhrases))
