"""What the risk engine takes in and gives out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safeguarding.taxonomy import Severity


@dataclass(frozen=True)
class Turn:
    """One earlier message of the conversation, oldest first in a history."""

    by: str
    """ "user" or "assistant"."""
    text: str


@dataclass(frozen=True)
class Signal:
    """One reason for a severity: which source fired, on which words."""

    source: str
    """Permanent id of a lexicon entry, a combination or a model output."""
    kind: str
    """ "lexicon", "combination", "conversation", "model", "chat" or "button"."""
    version: str
    """Version of the source: a digest of the lexicon files or of the model weights."""
    category: str
    severity: Severity
    start: int
    """First character of the words that fired, in the text as typed."""
    end: int
    """One past the last character; start == end == 0 when the signal has no words of its own."""
    weight: float = 1.0
    """Between 0 and 1: how sure the source is."""
    like: tuple[str, ...] = ()
    """Of a model's signal, our own labelled sentences that stand nearest to the message."""

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary; the severity becomes its label."""
        return {
            "source": self.source,
            "kind": self.kind,
            "version": self.version,
            "category": self.category,
            "severity": self.severity.label,
            "start": self.start,
            "end": self.end,
            "weight": self.weight,
            "like": list(self.like),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Signal:
        """The inverse of `as_record`; reads records that were written before `like`, too."""
        severity, like = Severity.named(record["severity"]), tuple(record.get("like", ()))
        return cls(**{**record, "severity": severity, "like": like})


@dataclass(frozen=True)
class Assessment:
    """The engine's verdict on one message."""

    severity: Severity
    categories: tuple[str, ...]
    """Risk categories, the most severe first; empty when the severity is none."""
    subject: str
    """One of the taxonomy's subjects: self, friend, own_child, other_child, unknown."""
    signals: tuple[Signal, ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary: what `make -s screen` prints and the tracker carries."""
        return {
            "severity": self.severity.label,
            "categories": list(self.categories),
            "subject": self.subject,
            "signals": [signal.as_record() for signal in self.signals],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Assessment:
        """The inverse of `as_record`."""
        return cls(
            severity=Severity.named(record["severity"]),
            categories=tuple(record["categories"]),
            subject=record["subject"],
            signals=tuple(Signal.from_record(signal) for signal in record["signals"]),
        )


NO_RISK = Assessment(severity=Severity.NONE, categories=(), subject="unknown", signals=())


def upgraded(first: Assessment, second: Assessment) -> Assessment:
    """Both assessments of one message as one: the higher severity, each signal once."""
    higher, lower = (first, second) if first.severity >= second.severity else (second, first)
    categories = tuple(dict.fromkeys(higher.categories + lower.categories))
    signals = tuple(dict.fromkeys(higher.signals + lower.signals))
    subject = higher.subject if higher.subject != "unknown" else lower.subject
    return Assessment(higher.severity, categories, subject, signals)
