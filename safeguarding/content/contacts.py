"""The contacts directory: which services can help this person now, and their cards.

The best help comes first, and 999 and Childline are always at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from safeguarding.clock import HoursPhrases, hours_line, in_words
from safeguarding.content.phrases import Phrases
from safeguarding.content.services import (
    ALWAYS_SHOWN,
    ANYTHING,
    ELSEWHERE,
    NATIONS,
    Nation,
    Service,
    ServiceRecord,
    read_services,
)
from safeguarding.messages import ContactCard, Way
from safeguarding.records import read_yaml, sound
from safeguarding.taxonomy import ADULTS, YOUNG_PERSON, taxonomy

ADULT = 18
UNKNOWN_AGES = {YOUNG_PERSON: (5, ADULT - 1)}
"""The ages that a service must accept when the person's age is not known."""
BEST, GOOD, KNOWS, ANY = range(4)
UNSAID = "talk_to_someone"
MOST = 4
"""Services shown before 999 and Childline: more is no help to a person in distress."""


class ContactPhrases(HoursPhrases, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The phrases on a contact card: content/phrases/contacts.yml."""

    near: str
    """The reason why a service is shown, like the next five."""
    knows_most: str
    knows: str
    anything: str
    last_emergency: str
    last_childline: str
    languages: str
    """What to know before a call, like the rest."""
    anonymous: str
    not_anonymous: str
    nations: str
    unconfirmed: str
    last_checked: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        **HoursPhrases.FIELDS,
        "languages": ("languages",),
        "nations": ("nations",),
        "unconfirmed": ("doubt",),
        "last_checked": ("day",),
    }


class ContactDirectory:
    """Every service that a person may be sent to."""

    def __init__(
        self,
        services: Sequence[Service],
        topics: Iterable[str],
        category_of: dict[str, str],
        say: ContactPhrases,
    ) -> None:
        """Take the topics of the articles, and the risk category that each is about."""
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
        """Return who can help and why, open before closed, with 999 and Childline at the end.

        With `knowing`, return only services that know about the need or look after the area.

        `need` is a risk category or a topic. An unknown audience is served as a young person; an
        unknown area or need counts as not given.
        """
        reader = _reader(audience)
        ranked = self._ranked(reader, area, need, age)
        if knowing:
            ranked = [each for each in ranked if self._knows(each.record, need, area)]
        shown = ranked[:MOST] + [s for s in ranked[MOST:] if s.record.areas and s.hours.open_at(at)]
        place = self._place(area)
        cards = [
            self._card(service, reader, place, at, self._why(service.record, need))
            for service in shown
        ]
        cards.sort(key=lambda card: {True: 0, None: 1, False: 2}[card["open_now"]])
        if knowing:
            return cards
        return cards + [
            self._card(self._services[id_], reader, place, at, self._why_last[id_])
            for id_ in ALWAYS_SHOWN
        ]

    def cards(
        self, ids: Iterable[str], *, audience: str | None, area: str | None, at: datetime
    ) -> list[ContactCard]:
        """Return the cards of these services, without those not for this audience or area.

        A council's front door stands for the open ones of the person's own area. While the area is
        unknown, a council's number is shown as it is. Raises KeyError for an unknown id.
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
            self._card(service, reader, self._place(area), at)
            for service in dict.fromkeys(services)
            if _is_for(service.record, reader, None)
        ]

    def _ranked(
        self, reader: str, area: str | None, need: str | None, age: int | None
    ) -> list[Service]:
        """Return every service that fits, the best first, without those that are always shown."""
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
        """Return the card of one service at this moment. Raises KeyError for an unknown id."""
        return self._card(self._current(contact_id), audience or YOUNG_PERSON, ELSEWHERE, at)

    def category_of(self, topic: str) -> str | None:
        """Return the risk category that a topic is about, or None."""
        return self._category_of.get(topic)

    def records(self) -> dict[str, ServiceRecord]:
        """Return the record of every service, by id."""
        return {id_: service.record for id_, service in self._services.items()}

    def suits(self, contact_id: str, audience: str) -> bool:
        """Return whether a person of this audience and unknown age may be sent to this service."""
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
        """Return the need itself and as a risk category."""
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
        """Return whether a service knows about the need, or is the person's own council."""
        if record.areas:
            return area in record.areas
        return bool({*self._asked(need)} & {*record.needs, *record.first_for})

    def _takes(self, record: ServiceRecord, need: str | None) -> bool:
        asked = set(self._asked(need))
        if record.replaced_by is not None or asked & set(record.not_for):
            return False
        return ANYTHING in record.needs or bool(asked & {*record.needs, *record.first_for})

    def _rank(self, record: ServiceRecord, need: str | None, place: str) -> tuple[int | bool, ...]:
        """Return the sort key: England first, then the best fit, then confirmed before doubtful.

        Among services that know the need, a near one goes before a far one.
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

    def _card(
        self, service: Service, reader: str, place: str, at: datetime, why: str = ""
    ) -> ContactCard:
        """Return the card of a service for a reader (an audience) in a place (area or nation)."""
        record = service.record
        card = ContactCard(
            id=record.id,
            name=record.name,
            what=(record.what_for_adults if reader in ADULTS else "") or record.what,
            ways=[
                Way(kind=way.kind, label=way.label)
                if way.href is None
                else Way(kind=way.kind, label=way.label, href=way.href)
                for way in record.ways
            ],
            hours=hours_line(service.hours, at, self._say),
            open_now=service.hours.open_at(at) if record.confirmed else None,
            source=record.source.url,
            checked_on=record.checked_on.isoformat(),
        )
        if card["open_now"] is False and (opens := service.hours.opens_next(at)):
            card["opens_at"] = self._say.opens.format(start=in_words(opens, at))
        if why:
            card["why"] = why
        if note := " ".join(self._notes(record, place, at)):
            card["note"] = note
        return card

    def _notes(self, record: ServiceRecord, place: str, at: datetime) -> Iterable[str]:
        say = self._say
        if record.languages:
            yield say.languages.format(languages=" and ".join(record.languages))
        if record.cost:
            yield record.cost
        if record.trace is not None:
            yield record.trace.words
        if record.anonymous is not None:
            yield say.anonymous if record.anonymous else say.not_anonymous
        near = record.areas and ELSEWHERE not in record.areas
        if len(record.nations) < len(NATIONS) and place == ELSEWHERE and not near:
            nations = [nation.replace("_", " ").title() for nation in record.nations]
            yield say.nations.format(nations=" and ".join(nations))
        if record.note:
            yield record.note
        if not record.confirmed:
            yield say.unconfirmed.format(doubt=record.doubt)
        elif at.date() > record.check_due:
            yield say.last_checked.format(day=f"{record.checked_on:%-d %B %Y}")


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
    """Read the directory of content/contacts. Raises ContentError with all that is wrong."""
    services = read_services(folder, topics)
    document = read_yaml(folder / "needs.yml")
    category_of = document.convert(dict[str, str], "category_of")
    problems = [
        document.problem(f"{topic}: {category}: no such topic or category", "category_of", topic)
        for topic, category in category_of.items()
        if topic not in topics or category not in taxonomy().risk_categories
    ]
    say = phrases.of("contacts", ContactPhrases)
    return sound(ContactDirectory(services, topics, category_of, say), problems)
