"""Strict reading of content/contacts: services, and the areas that they serve."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.clock import HoursError, HoursRecord, OpeningHours
from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import Audience, taxonomy

Nation = Literal["england", "wales", "scotland", "northern_ireland"]
NATIONAL = "national"
ELSEWHERE = "elsewhere"
HOME = "wiltshire"
NOT_SERVICES = frozenset({"needs", "retired"})
"""Files of the folder that hold no services."""


class AreaRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `area` of a file of services. The name of the file is the area's id."""

    label: str
    """The label of its button."""
    nation: Nation
    words: list[str]
    """How people name it and the places in it, in lower case."""


def service_files(folder: Path) -> list[Path]:
    """Return the files that hold services: the national one first, then one for each area."""
    found = [path for path in folder.glob("*.yml") if path.stem not in {*NOT_SERVICES, NATIONAL}]
    found.sort(key=lambda path: (path.stem != HOME, path.stem))
    return [folder / f"{NATIONAL}.yml", *found]


def read_areas(folder: Path) -> dict[str, AreaRecord]:
    """Read the areas by id. Raises ContentError with all that is wrong with them."""
    found: dict[str, AreaRecord] = {}
    problems: list[Problem] = []
    for path in service_files(folder)[1:]:
        try:
            document = read_yaml(path)
            if not isinstance(document.data, dict) or "area" not in document.data:
                problems.append(document.problem("no `area`: its label, nation and words"))
                continue
            found[path.stem] = document.convert(AreaRecord, "area")
        except ContentError as error:
            problems += error.problems
    return sound(found, problems)


NATIONS: tuple[Nation, ...] = ("england", "wales", "scotland", "northern_ireland")
ANYTHING = "anything"
ALWAYS_SHOWN = ("emergency_999", "childline")
SCHEMES = {"phone": "tel:", "text": "sms:", "email": "mailto:"}


class Ages(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"youngest": "from"}):
    """The ages at which people may ask for themselves: `{from: 16, to: 25}`, both included."""

    youngest: int = 0
    to: int = 120


class WayRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to reach the service."""

    kind: Literal["phone", "text", "chat", "email", "web", "bsl", "letter"]
    label: str
    href: str | None = None


class TraceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a call leaves a trace, for example on a bill, as a source says."""

    words: str
    source: str


class PageRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"published": "date"}
):
    """The service's own page that confirms the record."""

    title: str
    url: str
    published: str | None
    """As the page says it, "2024-11" or "2025-03-01"; None when it shows none."""
    read_on: date


class ServiceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One service as the file has it."""

    id: str
    name: str
    what: str
    for_whom: dict[Audience, Ages]
    needs: list[str]
    """Risk categories and topics that it takes, or "anything"."""
    hours: HoursRecord
    ways: list[WayRecord]
    source: PageRecord
    checked_on: date
    check_due: date
    confirmed: bool
    first_for: list[str] = []
    """Needs for which it is the best service."""
    not_for: list[str] = []
    what_for_adults: str = ""
    nations: tuple[Nation, ...] = NATIONS
    areas: list[str] = []
    """The areas where it works; empty for everywhere."""
    languages: list[str] = []
    """Languages other than English in which it helps, as the service itself says."""
    cost: str = ""
    trace: TraceRecord | None = None
    anonymous: bool | None = None
    note: str = ""
    doubt: str = ""
    replaced_by: str | None = None
    tried_on: date | None = None
    """When a person last tried each way to reach it; None when it was never tried."""
    tried_by: str = ""
    """The person who tried it."""


@dataclass(frozen=True, eq=False)
class Service:
    """A record together with its opening hours."""

    record: ServiceRecord
    hours: OpeningHours

    @property
    def front_door(self) -> bool:
        """Whether it is the place where a council takes any concern about a child."""
        return bool(self.record.areas) and ANYTHING in self.record.needs


def read_services(folder: Path, topics: Collection[str]) -> list[Service]:
    """Read every service, in the order of the files. Raises ContentError with all that is wrong.

    A service's needs are risk categories or any of `topics`.
    """
    needs = {*taxonomy().risk_categories, *topics}
    services: list[Service] = []
    problems: list[Problem] = []
    known = {path.stem for path in service_files(folder)[1:]} | {ELSEWHERE}
    for path in service_files(folder):
        try:
            document = read_yaml(path)
        except ContentError as error:
            problems += error.problems
            continue
        records, found = document.convert_each(ServiceRecord, "services")
        problems += found
        for record in records:
            where = ("services", _index(document, record))
            found = _problems(document, record, needs, where) + [
                document.problem(f"{area!r} is no file of this folder", *where, "areas")
                for area in set(record.areas) - known
            ]
            try:
                services.append(Service(record, OpeningHours(record.hours)))
            except HoursError as error:
                found.append(document.problem(str(error), *where, "hours"))
            problems += found
    try:
        read_areas(folder)
    except ContentError as error:
        problems += error.problems
    problems += _problems_together(services, folder)
    return sound(services, problems)


def _index(document: YamlDocument, record: ServiceRecord) -> int:
    return [entry.get("id") for entry in document.data["services"]].index(record.id)


def _problems(
    document: YamlDocument,
    record: ServiceRecord,
    known: Container[str],
    where: tuple[str | int, ...],
) -> list[Problem]:
    found = [
        document.problem(f"{need!r} is no risk category and no topic", *where, field)
        for field in ("needs", "first_for", "not_for")
        for need in getattr(record, field)
        if need not in known and not (field == "needs" and need == ANYTHING)
    ]
    if not record.confirmed and not record.doubt:
        found.append(document.problem("not confirmed: say what is in doubt", *where, "doubt"))
    if (record.tried_on is None) != (not record.tried_by):
        found.append(document.problem("tried: say when and by whom", *where, "tried_on"))
    if not record.check_due > record.checked_on:
        found.append(document.problem("due before it was checked", *where, "check_due"))
    for number, way in enumerate(record.ways):
        found += [document.problem(what, *where, "ways", number) for what in _faults(way)]
    return found


def _faults(way: WayRecord) -> Iterable[str]:
    scheme = SCHEMES.get(way.kind, "https://")
    if way.href is None:
        if way.kind != "letter":
            yield "no href"
    elif not way.href.startswith(scheme):
        yield f"a {way.kind} address starts with {scheme}"
    elif way.kind in {"phone", "text"} and digits(way.href) not in digits(way.label):
        yield "the number shown is not the number called"


def _problems_together(services: Sequence[Service], folder: Path) -> list[Problem]:
    records = {service.record.id: service.record for service in services}
    what: list[str] = []
    if len(records) < len(services):
        ids = [service.record.id for service in services]
        what += sorted({f"{id_!r} stands here twice" for id_ in ids if ids.count(id_) > 1})
    for id_ in ALWAYS_SHOWN:
        record = records.get(id_)
        if record is None or not (record.confirmed and record.hours.always):
            what.append(f"{id_!r} must be here, confirmed and always open")
    what += [
        f"{record.id!r} is replaced by {record.replaced_by!r}, which is not here"
        for record in records.values()
        if record.replaced_by is not None and record.replaced_by not in records
    ]
    national = [record for record in records.values() if not record.areas]
    everyones = {number for record in national for number in _numbers(record)}
    what += [
        f"{one.id!r} and {other.id!r} serve different areas on the same number"
        for one, other in combinations(records.values(), 2)
        if one.areas and other.areas and not set(one.areas) & set(other.areas)
        if (_numbers(one) & _numbers(other)) - everyones
    ]
    return [Problem(folder, 1, text) for text in what]


def _numbers(record: ServiceRecord) -> set[str]:
    return {digits(way.href) for way in record.ways if way.href and way.kind in {"phone", "text"}}


def digits(text: str) -> str:
    """Return only the digits of `text`."""
    return re.sub(r"\D", "", text)
