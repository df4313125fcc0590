"""The number linter: a wrong telephone number is worse than none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from safeguarding.content.services import ServiceRecord, digits
from safeguarding.content.spoken import Line
from safeguarding.records import Problem, read_yaml

NUMBER = re.compile(r"\b0\d{2,4}(?: ?\d){4,8}\b|\b116 ?\d{3}\b|(?<=\bto )\d{5}\b")
"""A telephone number or a code to text to, or nearly one."""
SHORT = {"999", "101", "111", "105", "116000", "116123", "116006", "08001111"}
"""Numbers that have a form of their own: emergency, police, NHS, power, and four helplines."""
FORM = re.compile(r"0(?:1\d{8,9}|2\d{9}|3\d{9}|7[1-9]\d{8}|800\d{6,7}|808\d{7})")
CODE = re.compile(r"\d{5}")
DEAR = re.compile(r"0(?:8[47]|9)\d+|070\d+")
ONE_NUMBER_EACH = {"phone", "text"}
NAMED = (
    r"(?:\s*\([^)]*\))?(?: helpline| line)?(?:,? (?:free|day or night))?(?: on| at|:)?"
    r" (?P<n>[0-9 ]{3,14}\d)"
)
"""A name and, straight after it, a number: "Childline on 0800 1111"."""


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number or address that must not be printed any more."""

    words: str
    why: str


def number_problems(
    lines: Iterable[Line], records: Mapping[str, ServiceRecord], folder: Path
) -> Iterator[Problem]:
    """Whatever is wrong with the numbers of a content folder, in its contacts and in its texts."""
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
            if DEAR.fullmatch(number):
                yield Problem(folder, 1, f"{id_}: {number} costs the caller: find a free number")
            elif not (
                number in SHORT
                or FORM.fullmatch(number)
                or (way.kind == "text" and CODE.fullmatch(number))
            ):
                yield Problem(folder, 1, f"{id_}: {number} has not the form of a number in the UK")


def _twice(records: Mapping[str, ServiceRecord], folder: Path) -> Iterator[Problem]:
    """One service with two numbers: one of them is old, or a slip."""
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


def _unknown(lines: Iterable[Line], records: Mapping[str, ServiceRecord]) -> Iterator[Problem]:
    """A number that is no contact's is a slip, or a contact that nobody checks."""
    known = {digits(way.href) for record in records.values() for way in record.ways if way.href}
    for line in lines:
        for found in NUMBER.findall(line.text):
            if digits(found) not in known:
                what = f"{found} is no number of content/contacts"
                yield Problem(line.path, line.number, what)


def _another_service(
    lines: Iterable[Line], records: Mapping[str, ServiceRecord]
) -> Iterator[Problem]:
    """A name with a number straight after it that is not its own."""
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


def _retired(lines: Iterable[Line], path: Path) -> Iterator[Problem]:
    """Old numbers stay on public pages for years, and come back from there."""
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
