"""Cards in other languages, and the plain words of each that show a risk: content/languages.

Lantern reads only English. Of another language it knows the words of its file. The card says so in
that language, and leads to people who speak it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from safeguarding.content.items import Provenance, SourceRecord, word_count
from safeguarding.messages import folded
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import Severity, SeverityLabel, taxonomy

ID = "language_card"
MOST_WORDS, FEWEST_PHRASES = 75, 30
_FIRST = 5
"""A card for danger names 999 within so many words."""
_INDEXED = 3
"""Letters of a phrase's first word by which the phrase is looked up."""


class RiskPhraseRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Plain words that show a risk."""

    words: str
    severity: SeverityLabel
    category: str
    means: str
    """The meaning in English, for staff who read the escalation."""


class LanguageCardRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/languages/<code>.yml."""

    provenance: Provenance
    signed_by_native_speaker: str | None
    """The native speaker who checked it; null until one has."""
    code: str
    """ISO 639-1."""
    name: str
    own_name: str
    sources: list[SourceRecord]
    risk_phrases: list[RiskPhraseRecord]
    common_words: list[str]
    """Its commonest words in Latin letters; empty where a dictionary exists."""
    ordinary: list[str]
    """Harmless sentences that must not be taken for risk."""
    card: str
    card_in_english: str
    urgent_card: str
    """The card after a message that shows risk."""
    urgent_card_in_english: str
    immediate_card: str
    """For a person in danger now: 999 before anything else, and what to say there in English."""
    immediate_card_in_english: str

    def card_for(self, severity: Severity) -> str:
        """Return the card to show after a message of this severity."""
        if severity == Severity.IMMEDIATE:
            return self.immediate_card
        return self.urgent_card if severity >= Severity.CONCERN else self.card


@dataclass(frozen=True)
class FoundPhrase:
    """A risk phrase found in a text."""

    language: str
    number: int
    record: RiskPhraseRecord

    @property
    def severity(self) -> Severity:
        """The severity that the phrase shows."""
        return Severity.named(self.record.severity)


class RiskPhrases:
    """The risk phrases of every language, found in a text whatever its accents.

    A word of a phrase matches the beginning of a word, because many of these languages inflect the
    ends of words. One other word may stand between two words of a phrase.
    """

    def __init__(self, cards: Iterable[LanguageCardRecord]) -> None:
        self._phrases: dict[str, list[tuple[re.Pattern[str], FoundPhrase]]] = defaultdict(list)
        for card in cards:
            for number, each in enumerate(card.risk_phrases):
                phrase = (_pattern(each.words), FoundPhrase(card.code, number, each))
                self._phrases[folded(each.words)[:_INDEXED].split()[0]].append(phrase)

    def found(self, text: str) -> list[FoundPhrase]:
        """Return the phrases in `text`, the gravest first."""
        plain = folded(text)
        # Only phrases whose first letters begin a word of the text can be in it.
        begun = {word[:length] for word in plain.split() for length in range(1, _INDEXED + 1)}
        phrases = [
            phrase
            for first in begun & self._phrases.keys()
            for words, phrase in self._phrases[first]
            if words.search(plain)
        ]
        return sorted(phrases, key=lambda each: (-each.severity, each.language, each.number))


def _pattern(words: str) -> re.Pattern[str]:
    """Match the words in order, with at most one other word between two of them."""
    between = r"\S* (?:\S+ )?"
    return re.compile(r"(?:^| )" + between.join(map(re.escape, folded(words).split())))


def read_language_card(path: Path) -> LanguageCardRecord:
    """Read one language. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    record = document.convert(LanguageCardRecord)
    return sound(record, _unsound(document, record))


def _unsound(document: YamlDocument, record: LanguageCardRecord) -> Iterator[Problem]:
    if record.code != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "code")
    yield from _unsound_phrases(document, record)
    if "999" not in folded(record.immediate_card).split()[:_FIRST]:
        yield document.problem("999 comes first", "immediate_card")
    for name in ("card", "urgent_card", "immediate_card"):
        text: str = getattr(record, name)
        if word_count(text) > MOST_WORDS:
            yield document.problem(f"over {MOST_WORDS} words", name)
        for number in ("999", "0800 1111"):
            if number not in text:
                yield document.problem(f"says nothing of {number}", name)


def _unsound_phrases(document: YamlDocument, record: LanguageCardRecord) -> Iterator[Problem]:
    """Yield phrases that are too few, too short, unknown, or match an ordinary sentence."""
    if len(record.risk_phrases) < FEWEST_PHRASES:
        yield document.problem(f"{FEWEST_PHRASES} phrases or more", "risk_phrases")
    for index, phrase in enumerate(record.risk_phrases):
        if phrase.category not in taxonomy().risk_categories:
            yield document.problem(f"no such word: {phrase.category}", "risk_phrases", index)
        if len(folded(phrase.words)) < 5:  # noqa: PLR2004 - anything may hold so short a word
            yield document.problem("too short to tell anything", "risk_phrases", index)
    phrases = RiskPhrases([record])
    for index, text in enumerate(record.ordinary):
        for match in phrases.found(text)[:1]:
            what = f"would be taken for {match.record.means!r}"
            yield document.problem(what, "ordinary", index)
