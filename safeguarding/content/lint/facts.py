"""Check of facts: telephone numbers and sources.

A number has the form of a number in the UK, costs the caller nothing extra, and belongs to a
contact. A source is a page of a body on the reviewed list.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.items import SourceRecord
from safeguarding.content.lint.language import ShownText
from safeguarding.content.services import ServiceRecord, digits
from safeguarding.records import Problem, read_yaml

NUMBER = re.compile(r"\b0\d{2,4}(?: ?\d){4,8}\b|\b116 ?\d{3}\b|(?<=\bto )\d{5}\b")
"""A telephone number or a code to text, or nearly one."""
REGION = "GB"
DEAR = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
}
ONE_NUMBER_EACH = {"phone", "text"}
NAMED = (
    r"(?:\s*\([^)]*\))?(?: helpline| line)?(?:,? (?:free|day or night))?(?: on| at|:)?"
    r" (?P<n>[0-9 ]{3,14}\d)"
)
"""A number straight after a name: "Childline on 0800 1111"."""


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number or address that must not be printed any more."""

    words: str
    why: str


def number_problems(
    lines: Iterable[ShownText], records: Mapping[str, ServiceRecord], folder: Path
) -> Iterator[Problem]:
    """Yield what is wrong with the numbers in the contacts and texts of a content folder."""
    lines = list(lines)
    yield from _forms(records, folder / "contacts")
    yield from _twice(records, folder / "contacts")
    if records:
        yield from _unknown(lines, records)
        yield from _another_service(lines, records)
    yield from _retired(lines, folder / "contacts" / "retired.yml")


def _forms(records: Mapping[str, ServiceRecord], folder: Path) -> Iterator[Problem]:
    for id_, record in records.items():
        for way in record.ways:
            if way.kind not in ONE_NUMBER_EACH or not way.href:
                continue
            number = digits(way.href)
            if fault := _fault(number):
                yield Problem(folder, 1, f"{id_}: {number} {fault}")


def _fault(number: str) -> str | None:
    """Return what is wrong with a number, given as digits with its leading 0, or None."""
    parsed = phonenumbers.parse(number, REGION)
    if phonenumbers.is_valid_short_number_for_region(parsed, REGION):
        return None
    written = digits(phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))
    if written != number or not phonenumbers.is_valid_number_for_region(parsed, REGION):
        return "has not the form of a number in the UK"
    if phonenumbers.number_type(parsed) in DEAR:
        return "costs the caller: find a free number"
    return None


def _twice(records: Mapping[str, ServiceRecord], folder: Path) -> Iterator[Problem]:
    """Yield services with two numbers: one of them is old, or a slip."""
    by_name: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for id_, record in records.items():
        for way in record.ways:
            if way.kind in ONE_NUMBER_EACH and way.href and record.replaced_by is None:
                by_name[record.name.casefold(), way.kind].setdefault(digits(way.href), id_)
    for (_, kind), numbers in by_name.items():
        if len(numbers) > 1:
            ids = " and ".join(sorted(set(numbers.values())))
            which = " and ".join(sorted(numbers))
            yield Problem(folder, 1, f"{ids}: the same service with two {kind} numbers: {which}")


def _unknown(lines: Iterable[ShownText], records: Mapping[str, ServiceRecord]) -> Iterator[Problem]:
    """Yield numbers that are no contact's: a slip, or a contact that is never checked."""
    known = {digits(way.href) for record in records.values() for way in record.ways if way.href}
    for line in lines:
        for found in NUMBER.findall(line.text):
            if digits(found) not in known:
                what = f"{found} is no number of content/contacts"
                yield Problem(line.path, line.number, what)


def _another_service(
    lines: Iterable[ShownText], records: Mapping[str, ServiceRecord]
) -> Iterator[Problem]:
    """Yield names followed by a number that is not their own."""
    own: dict[str, set[str]] = defaultdict(set)
    for record in records.values():
        name = re.sub(r" \(.*\)$", "", record.name)
        own[name] |= {digits(way.href) for way in record.ways if way.href}
    patterns = [(name, re.compile(re.escape(name) + NAMED, re.IGNORECASE)) for name in own]
    for line in lines:
        for name, pattern in patterns:
            for match in pattern.finditer(line.text):
                number = digits(match["n"])
                if number not in own[name]:
                    what = f"{match['n'].strip()} is not the number of {name}"
                    yield Problem(line.path, line.number, what)


def _retired(lines: Iterable[ShownText], path: Path) -> Iterator[Problem]:
    """Yield retired numbers: they stay on public pages for years, and come back from there."""
    document = read_yaml(path)
    retired, problems = document.convert_each(Retired, "retired")
    yield from problems
    for line in lines:
        for old in retired:
            if _holds(line.text, old.words):
                yield Problem(line.path, line.number, f"{old.words} is retired: {old.why}")


def _holds(text: str, words: str) -> bool:
    if words[0].isdigit():
        return words.replace(" ", "") in text.replace(" ", "")
    return words in text


# ---- sources -------------------------------------------------------------------------------------
class SourceDomains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reviewed list of bodies whose pages may be a source: content/source_domains.yml."""

    provenance: object
    domains: list[str]

    def holds(self, url: str) -> bool:
        """Return whether an address is of a listed domain or of one below it."""
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        return any(host == domain or host.endswith(f".{domain}") for domain in self.domains)


def foreign_sources(
    path: Path, sources: Iterable[SourceRecord], domains: SourceDomains
) -> Iterator[Problem]:
    """Yield the sources of a file that no listed body has published."""
    foreign = [source for source in sources if not domains.holds(source.url)]
    lines = path.read_text("utf-8").splitlines() if foreign else []
    for source in foreign:
        number = next((at for at, line in enumerate(lines, 1) if source.url in line), 1)
        yield Problem(path, number, f"of no issuing body: {source.url}")


def foreign_contacts(
    folder: Path, contacts: ContactDirectory, domains: SourceDomains
) -> Iterator[Problem]:
    """Yield confirmed contacts whose source is not a page of a listed body."""
    for id_, record in contacts.records().items():
        if record.confirmed and not domains.holds(record.source.url):
            what = f"{id_}: confirmed by nobody who runs it: {record.source.url}"
            yield Problem(folder / "contacts", 1, what)
