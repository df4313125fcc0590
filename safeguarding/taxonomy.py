"""The names everything shares: severities, audiences, subjects, categories, topics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"


class Severity(IntEnum):
    """How soon a person must look. Ordered, so that the higher of two is `max`."""

    NONE = 0
    CONCERN = 1
    URGENT = 2
    IMMEDIATE = 3

    @property
    def label(self) -> str:
        """The name in content, JSON and the database: "none", "concern", …"""
        return self.name.lower()

    @classmethod
    def named(cls, label: str) -> Severity:
        """The severity called `label`. Raises KeyError for any other word."""
        return cls[label.upper()]


@dataclass(frozen=True)
class Taxonomy:
    """Each mapping goes from a name to the sentence that says what it means."""

    severities: dict[str, str]
    audiences: dict[str, str]
    subjects: tuple[str, ...]
    risk_categories: dict[str, str]
    topics: dict[str, str]
    small_talk: tuple[str, ...]


@cache
def taxonomy(path: Path = CONTENT / "taxonomy.yml") -> Taxonomy:
    """Read the taxonomy once per process."""
    record = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Taxonomy(
        severities=record["severities"],
        audiences=record["audiences"],
        subjects=tuple(record["subjects"]),
        risk_categories=record["risk_categories"],
        topics=record["topics"],
        small_talk=tuple(record["small_talk"]),
    )
