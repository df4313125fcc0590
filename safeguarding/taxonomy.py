"""The names that everything shares: severities, audiences, subjects, needs, categories."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"
CORPUS = ROOT / "data" / "risk"
SIGNS = (
    "secrecy", "flattery", "gifts", "moving_apps", "asking_age", "being_alone", "pictures",
    "meeting", "guilt", "threats", "money", "sexual_talk", "isolation", "testing_limits",
    "requests_job",
)  # fmt: skip
"""Signs of grooming or exploitation that a line of a chat may show; none proves it alone."""
TOPIC_PREFIX = "ask_"
"""Prefix of the intent, and of the button, of each topic."""

Audience = Literal["young_person", "parent", "professional"]
YOUNG_PERSON: Final = "young_person"
PARENT: Final = "parent"
PROFESSIONAL: Final = "professional"
YOUNGER: Final = "younger"
"""Children up to YOUNGER_UP_TO years, who read a shorter and plainer text where one exists."""
YOUNGER_UP_TO = 11
ADULTS: frozenset[str] = frozenset({PARENT, PROFESSIONAL})
READERS: dict[str, tuple[Audience, ...]] = {
    YOUNG_PERSON: (YOUNG_PERSON,),
    "adult": (PARENT, PROFESSIONAL),
}
"""The two readers that help cards and guides address, and the audiences of each."""
READING_ORDER: dict[str | None, tuple[Audience, ...]] = {
    YOUNG_PERSON: (YOUNG_PERSON,),
    PARENT: (PARENT, PROFESSIONAL, YOUNG_PERSON),
    PROFESSIONAL: (PROFESSIONAL, PARENT, YOUNG_PERSON),
    None: (YOUNG_PERSON, PARENT),
}
"""The texts that an audience reads, nearest first: the first that exists. None: not known.

A young person is never shown a text for professionals.
"""
SeverityLabel = Literal["none", "concern", "urgent", "immediate"]


def reading_order(audience: str | None) -> tuple[Audience, ...]:
    """Return the texts that this audience reads, nearest first; an unknown one counts as None."""
    return READING_ORDER.get(audience, READING_ORDER[None])


def reader_of(audience: str | None) -> str:
    """Return the reader to address: "adult", or "young_person" also for an unknown audience."""
    return "adult" if audience in ADULTS else YOUNG_PERSON


class Severity(IntEnum):
    """How soon a person must look at a message. Ordered: `max` is the graver."""

    NONE = 0
    CONCERN = 1
    URGENT = 2
    IMMEDIATE = 3

    @property
    def label(self) -> str:
        """The name in content, JSON and the database, such as "none" or "concern"."""
        return self.name.lower()

    @classmethod
    def named(cls, label: str) -> Severity:
        """Return the severity called `label`. Raises KeyError for any other word."""
        return cls[label.upper()]


@dataclass(frozen=True)
class Taxonomy:
    """The names of content/taxonomy.yml. A mapping goes from each name to its meaning."""

    audiences: dict[str, str]
    subjects: tuple[str, ...]
    needs: dict[str, str]
    risk_categories: dict[str, str]
    category_help: dict[str, dict[str, str]]
    """For each risk category, its need, and the topic that a young person and an adult read."""
    small_talk: tuple[str, ...]
    dialogue_acts: dict[str, str]
    """What a person does with a message."""

    def article_on(self, category: str, audience: str | None) -> str:
        """Return the topic of the article on this category. Raises KeyError for any other word."""
        return self.category_help[category][reader_of(audience)]


@cache
def taxonomy(path: Path = CONTENT / "taxonomy.yml") -> Taxonomy:
    """Read the taxonomy once per process."""
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Taxonomy)
