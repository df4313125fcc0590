"""The systems of `make peers`: Lantern, Sentinel's method, keyword lists, the second witness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.evaluation.assessing import TimedMessage, assess_all
from lab.evaluation.keyword_lists import KeywordList
from lab.evaluation.sentinel import ALARM, MOST_EXAMPLES, Encode, build_index
from safeguarding.corpus import Example
from safeguarding.risk.witness import read_witness
from safeguarding.taxonomy import Severity


@dataclass(frozen=True)
class PeerSystem:
    """A system, its score of each text, and the texts at which it alarms by its own rule."""

    name: str
    about: str
    scores: Mapping[str, float]
    """Higher is graver. Scores of different systems have different units."""
    alarms: frozenset[str] | None = None
    """None for a system that has no rule of its own."""


def lantern(texts: Iterable[str]) -> PeerSystem:
    """Assess the texts by Lantern, on all cores."""
    results = assess_all(map(TimedMessage, texts))
    found = {message.text: result for message, result in results.items()}
    return PeerSystem(
        "Lantern",
        "its probability of at least urgent; alarms where its assessment is at least urgent",
        {text: each.scores[1] if each.scores else 0.0 for text, each in found.items()},
        frozenset(text for text, each in found.items() if each.severity >= Severity.URGENT),
    )


def sentinel(
    training: Iterable[Example], texts: Sequence[str], encode: Encode, most: int = MOST_EXAMPLES
) -> PeerSystem:
    """Score the texts by the method of Roblox Sentinel, with at most `most` examples.

    `encode` returns vectors at unit length, shape (texts, width). Raises ValueError where the
    training part has no harmful or no harmless examples.
    """
    index = build_index(training, encode, most)
    scores = dict(zip(texts, map(float, index.scores(encode(texts))), strict=True))
    return PeerSystem(
        "Sentinel's method",
        f"nearest of {len(index.harmful):,} harmful and {len(index.harmless):,} harmless examples "
        f"of the training part, by MiniLM; alarms from {ALARM}, the smallest score that it counts",
        scores,
        frozenset(text for text, score in scores.items() if score >= ALARM),
    )


def keyword_system(keywords: KeywordList, texts: Iterable[str]) -> PeerSystem:
    """Count the entries of a published keyword list in the texts."""
    count = keywords.counter()
    scores = {text: float(count(text)) for text in texts}
    return PeerSystem(
        keywords.name,
        f"{keywords.about} ({keywords.licence}; {keywords.source}); alarms at one entry",
        scores,
        frozenset(text for text, score in scores.items() if score),
    )


def letters_only(texts: Iterable[str]) -> PeerSystem:
    """Score the texts by the second witness alone: log-odds, before calibration."""
    witness = read_witness()
    return PeerSystem(
        "Letters-only witness",
        "Lantern's second witness alone, a linear model of letters and words as typed",
        {text: witness.urgent(text) for text in texts},
    )
