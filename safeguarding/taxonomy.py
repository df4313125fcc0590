"""The names everything shares: severities, audiences, subjects, needs, categories."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Final, Literal

import yaml

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "content"
CORPUS = ROOT / "data" / "risk"
SIGNS = (
    "secrecy", "flattery", "gifts", "moving_apps", "asking_age", "being_alone", "pictures",
    "meeting", "guilt", "threats", "money", "sexual_talk", "isolation", "testing_limits",
    "requests_job",
)  # fmt: skip
"""What a line of a chat may show of grooming or exploitation; alone, none of them proves it."""
TOPIC_PREFIX = "ask_"
"""What the intent, and the button, of each topic begins with."""

Audience = Literal["young_person", "parent", "professional"]
YOUNG_PERSON: Final = "young_person"
PARENT: Final = "parent"
PROFESSIONAL: Final = "professional"
YOUNGER: Final = "younger"
"""Children up to YOUNGER_UP_TO: a young person's words, shorter and plainer where they exist."""
YOUNGER_UP_TO = 11
ADULTS: frozenset[str] = frozenset({PARENT, PROFESSIONAL})
READING_ORDER: dict[str | None, tuple[Audience, ...]] = {
    YOUNG_PERSON: (YOUNG_PERSON,),
    PARENT: (PARENT, PROFESSIONAL, YOUNG_PERSON),
    PROFESSIONAL: (PROFESSIONAL, PARENT, YOUNG_PERSON),
    None: (YOUNG_PERSON, PARENT),
}
"""Whose words an audience reads, the first that exist. None: who is asking is not known.

What is written for professionals is never shown to a young person.
"""
SeverityLabel = Literal["none", "concern", "urgent", "immediate"]


def reading_order(audience: str | None) -> tuple[Audience, ...]:
    """Whose words this audience reads, nearest first; an unknown audience counts as None."""
    return READING_ORDER.get(audience, READING_ORDER[None])


def reader_of(audience: str | None) -> str:
    """Whose words a help card has: "adult", or "young_person" also for who has not said it."""
    return "adult" if audience in ADULTS else YOUNG_PERSON


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
    needs: dict[str, str]
    risk_categories: dict[str, str]
    category_help: dict[str, dict[str, str]]
    """For each risk category, its need, and the topic that a young person and an adult read."""
    small_talk: tuple[str, ...]

    def article_on(self, category: str, audience: str | None) -> str:
        """The topic of the article on this risk category. Raises KeyError for any other word."""
        reader = "adult" if audience in {"parent", "professional"} else "young_person"
        return self.category_help[category][reader]


@cache
def taxonomy(path: Path = CONTENT / "taxonomy.yml") -> Taxonomy:
    """Read the taxonomy once per process."""
    record = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Taxonomy(
        severities=record["severities"],
        audiences=record["audiences"],
        subjects=tuple(record["subjects"]),
        needs=record["needs"],
        risk_categories=record["risk_categories"],
        category_help=record["category_help"],
        small_talk=tuple(record["small_talk"]),
    )
