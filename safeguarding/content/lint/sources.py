"""Whose pages our statements rest on: only bodies that content/source_domains.yml lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from safeguarding.content.contacts.directory import ContactDirectory
from safeguarding.content.items import SourceRecord
from safeguarding.records import Problem, read_yaml


class SourceDomains:
    """The reviewed list of issuing bodies."""

    def __init__(self, domains: Iterable[str]) -> None:
        self._domains = tuple(domains)

    def holds(self, url: str) -> bool:
        """Whether an address is of a listed domain or of one below it."""
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        return any(host == domain or host.endswith(f".{domain}") for domain in self._domains)


class _SourcesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provenance: object
    domains: list[str]


def read_source_domains(path: Path) -> SourceDomains:
    """The list of `path`. Raises ContentError."""
    return SourceDomains(read_yaml(path).convert(_SourcesFile).domains)


def foreign_sources(
    path: Path, sources: Iterable[SourceRecord], domains: SourceDomains
) -> Iterator[Problem]:
    """Sources of a file that no issuing body has published."""
    foreign = [source for source in sources if not domains.holds(source.url)]
    lines = path.read_text("utf-8").splitlines() if foreign else []
    for source in foreign:
        number = next((at for at, line in enumerate(lines, 1) if source.url in line), 1)
        yield Problem(path, number, f"of no issuing body: {source.url}")


def foreign_contacts(
    folder: Path, contacts: ContactDirectory, domains: SourceDomains
) -> Iterator[Problem]:
    """Contacts that are called confirmed and rest on the page of somebody else."""
    for id_, record in contacts.records().items():
        if record.confirmed and not domains.holds(record.source.url):
            what = f"{id_}: confirmed by nobody who runs it: {record.source.url}"
            yield Problem(folder / "contacts", 1, what)
