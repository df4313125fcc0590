"""The public sets on which Lantern and its peers are compared: disclosures and harmless messages.

None of them is a test set. They are parts of the development part of data/risk, sets of other
authors beside the checkout (LANTERN_EVAL_DIR), and harmless everyday text (LANTERN_BACKGROUND).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.evaluation.everyday import BANDS, band
from lab.evaluation.messages import CHATTER, JsonRow
from safeguarding.corpus import Example
from safeguarding.taxonomy import Severity

WRITERS = {"d02": "natural mix (d02)", "d03": "hard (d03)", "d04": "plain words (d04)"}
"""Writers of the development part whose messages are sets of their own (data/risk/writers.yml)."""
_RISK = "risk"
_HARMLESS = {"none", "weak_none", CHATTER}
"""Expectations that count as harmless. `soft` is between the two, and the others are no labels."""


@dataclass(frozen=True)
class PeerSet:
    """A set of messages; both kinds may be empty."""

    name: str
    urgent: tuple[str, ...]
    """Disclosures that are labelled at least urgent; in other people's sets, as a risk."""
    harmless: tuple[str, ...]


def development_sets(examples: Iterable[Example]) -> list[PeerSet]:
    """Return a set for each of WRITERS. Concerns are in none of them."""
    listed = list(examples)
    return [
        PeerSet(
            name,
            tuple(e.text for e in listed if e.writer == writer and e.severity >= Severity.URGENT),
            tuple(e.text for e in listed if e.writer == writer and e.severity == Severity.NONE),
        )
        for writer, name in WRITERS.items()
    ]


def harmless_of_development(examples: Iterable[Example]) -> list[str]:
    """Return the harmless messages of the whole development part, on which thresholds are set."""
    return [e.text for e in examples if e.part == "development" and e.severity == Severity.NONE]


def outside_peer_sets(sets: Mapping[str, list[JsonRow]]) -> list[PeerSet]:
    """Return the sets that have labels, of those that `outside_sets` read."""
    found = [
        PeerSet(
            name,
            tuple(row["text"] for row in rows if row["expect"] == _RISK),
            tuple(row["text"] for row in rows if row["expect"] in _HARMLESS),
        )
        for name, rows in sets.items()
    ]
    return [each for each in found if each.urgent or each.harmless]


def background_bands(texts: Iterable[str]) -> list[PeerSet]:
    """Return a set for each band of length that has texts."""
    listed = list(texts)
    found = [
        PeerSet(f"background, {name}", (), tuple(text for text in listed if band(text) == name))
        for name in BANDS
    ]
    return [each for each in found if each.harmless]
