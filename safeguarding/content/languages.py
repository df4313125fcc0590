"""Cards in other languages, and the plain words of each that show a risk: content/languages.

Lantern reads only English. Of another language it knows the words of its file. The card says so in
that language, and leads to people who speak it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from safeguarding.content.items import Item, Provenance, SourceRecord, label, yaml_item
from safeguarding.content.translation import (
    CARDS,
    DANGER,
    SIGNERS,
    NativeSignature,
    card_faults,
    digest_of,
    hash_of,
    names_counting,
    translation_faults,
)
from safeguarding.messages import folded
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import Severity, SeverityLabel, taxonomy

ID = "language_card"
FEWEST_PHRASES = 30
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
    signed_by_native_speakers: list[NativeSignature]
    """Those that count are `signers`."""
    language_leader: str | None
    """The person who answers for the language; null until there is one."""
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
    card_translated_from: str
    """The `hash_of` the English that was translated."""
    urgent_card: str
    """The card after a message that shows risk."""
    urgent_card_in_english: str
    urgent_card_translated_from: str
    immediate_card: str
    """For a person in danger now: 999 before anything else, and what to say there in English."""
    immediate_card_in_english: str
    immediate_card_translated_from: str

    def english(self, field: str) -> str:
        """Return the English of one of CARDS."""
        return str(getattr(self, f"{field}_in_english"))

    def translation(self, field: str) -> str:
        """Return one of CARDS in the language itself."""
        return str(getattr(self, field))

    @property
    def withdrawn(self) -> tuple[str, ...]:
        """The cards whose English has changed since they were translated."""
        return tuple(
            field
            for field in CARDS
            if getattr(self, f"{field}_translated_from") != hash_of(self.english(field))
        )

    @property
    def digest(self) -> str:
        """The digest of the cards, which a native speaker's signature binds."""
        cards = {field: (self.english(field), self.translation(field)) for field in CARDS}
        return digest_of(self.code, cards)

    @property
    def signers(self) -> tuple[str, ...]:
        """The names of the different native speakers who signed the present cards."""
        return names_counting(self.signed_by_native_speakers, self.digest)

    @property
    def is_signed(self) -> bool:
        """Whether enough native speakers have signed the present cards."""
        return len(self.signers) >= SIGNERS

    def shown_for(self, severity: Severity, *, require_approval: bool) -> tuple[str, str | None]:
        """Return the card to show after a message of this severity, and the code of its language.

        The English stands in, without a code, where the card is withdrawn, and where signatures
        are required and two native speakers have not signed.
        """
        field = field_for(severity)
        if field in self.withdrawn or (require_approval and not self.is_signed):
            return self.english(field), None
        return self.translation(field), self.code


def field_for(severity: Severity) -> str:
    """Return which of CARDS is due after a message of this severity."""
    if severity == Severity.IMMEDIATE:
        return DANGER
    return "urgent_card" if severity >= Severity.CONCERN else "card"


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
    return language_card(read_yaml(path))


def language_card(document: YamlDocument) -> LanguageCardRecord:
    """Return the language of a document. Raises ContentError with all that is wrong with it."""
    record = document.convert(LanguageCardRecord)
    return sound(record, _unsound(document, record))


def language_item(content_id: str, title: str, path: Path) -> Item:
    """Return a language as an item, with a notice of its withdrawn cards. Raises ContentError."""
    withdrawn = read_yaml(path).convert(LanguageCardRecord).withdrawn
    item = yaml_item(content_id, title, path)
    return replace(item, notices=tuple(f"withdrawn: {label(field)}" for field in withdrawn))


def _unsound(document: YamlDocument, record: LanguageCardRecord) -> Iterator[Problem]:
    if record.code != document.path.stem:
        yield document.problem(f"the file is called {document.path.stem}", "code")
    yield from _unsound_phrases(document, record)
    for field in CARDS:
        english, text = record.english(field), record.translation(field)
        for fault in card_faults(field, english):
            yield document.problem(fault, f"{field}_in_english")
        # A withdrawn card is not shown, and may lack what its English now has.
        if field not in record.withdrawn:
            for fault in (*card_faults(field, text), *translation_faults(english, text)):
                yield document.problem(fault, field)


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
