"""Compares the known weaknesses of security/advisories.toml with the three locks.

It asks no vulnerability database: people write the list where they can reach one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import tomllib
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from safeguarding.taxonomy import ROOT

FILE = ROOT / "security" / "advisories.toml"
Locked = Mapping[tuple[str, str], Set[str]]
"""The locked versions, by ecosystem and package."""


class AdvisoryError(Exception):
    """The list cannot be read. Says what is wrong."""


class LivedWith(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception: why a weakness is accepted, and until when."""

    reason: str
    given_on: date
    until: date


class Advisory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One weakness, or several of one package that the same release fixes."""

    package: str
    ecosystem: Literal["pypi", "npm"]
    affected: str
    """Versions, as a specifier of PEP 440: "<3.13.4"."""
    ids: list[str]
    title: str
    source: str
    """Where the weakness is published."""
    verified: bool
    """Whether the range was read there; otherwise it is inferred, and may be wrong."""
    exposure: str
    """What it could do to Lantern."""
    exception: LivedWith | None = None


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    looked_on: date
    advisory: list[Advisory]


@dataclass(frozen=True)
class Advisories:
    """The list and the locked versions."""

    looked_on: date
    """When a person last looked for new ones."""
    advisories: tuple[Advisory, ...]
    locked: Locked

    @classmethod
    def read(cls, path: Path = FILE, locked: Locked | None = None) -> Advisories:
        """Read the list. Raises AdvisoryError."""
        try:
            found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _List)
            for each in found.advisory:
                SpecifierSet(each.affected)
        except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise AdvisoryError(f"{path.name}: {error}") from None
        except InvalidSpecifier as error:
            raise AdvisoryError(f"{path.name}: {error}") from None
        return cls(
            found.looked_on, tuple(found.advisory), read_locks() if locked is None else locked
        )

    @property
    def excepted(self) -> int:
        """How many have an exception."""
        return sum(each.exception is not None for each in self.advisories)

    def problems(self, today: date) -> list[str]:
        """Return weaknesses without an exception, and exceptions that expired or are not needed."""
        return [problem for each in self.advisories for problem in self._problems(each, today)]

    def _problems(self, advisory: Advisory, today: date) -> Iterator[str]:
        named = f"{advisory.package} {', '.join(advisory.ids)}"
        versions = self.locked.get((advisory.ecosystem, advisory.package), frozenset())
        affected = SpecifierSet(advisory.affected)
        hit = sorted(each for each in versions if affected.contains(each, prereleases=True))
        allowed = advisory.exception
        if hit and allowed is None:
            yield f"{named}: {hit[0]} is locked and affected, without an exception"
        elif hit and allowed is not None and allowed.until < today:
            yield f"{named}: the exception ended on {allowed.until.isoformat()}"
        elif not hit and allowed is not None:
            yield f"{named}: nothing affected is locked; the exception is not needed any more"


def read_locks(root: Path = ROOT) -> Locked:
    """Return every version that the locks hold: uv.lock, the lab's and package-lock.json.

    An installation has no lab.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for lock in filter(Path.is_file, (root / "uv.lock", root / "lab" / "uv.lock")):
        for package in tomllib.loads(lock.read_text("utf-8"))["package"]:
            if "version" in package:
                found["pypi", package["name"]].add(package["version"])
    for path, record in json.loads((root / "package-lock.json").read_text("utf-8"))[
        "packages"
    ].items():
        if path:
            found["npm", path.rpartition("node_modules/")[2]].add(record["version"])
    return found
