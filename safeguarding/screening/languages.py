"""Recognises messages in other languages, and the risk phrases in them.

Lantern understands English. For each language of content/languages it has cards and a list of plain
risk phrases: enough to answer in the language, to record, and to name services that speak it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from safeguarding.content.languages import FoundPhrase, LanguageCardRecord, RiskPhrases
from safeguarding.messages import folded
from safeguarding.risk.assessment import Assessment, Signal, upgraded
from safeguarding.risk.text.words import is_word
from safeguarding.taxonomy import Severity

_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {"ar": ("\u0600", "\u06ff"), "bn": ("\u0980", "\u09ff"), "pa": ("\u0a00", "\u0a7f"),
            "uk": ("\u0400", "\u04ff")}  # fmt: skip
_OF_URDU = frozenset("ٹڈڑےںہگچپ")
"""Letters of Urdu that Arabic does not have."""
_IDENTIFIED = frozenset({"pl", "cy", "ro", "pt"})
"""Languages in Latin letters that py3langid knows; it does not know Somali."""
_OTHERS = ("en", "es", "fr", "it", "de", "nl", "sk", "cs", "tr", "sw")
"""Languages without a card that a message may be in."""
_SURE = 0.9
"""The least probability that counts. With it, none of the 6,471 English messages of the development
part is taken for another language; 61 of 75 in Polish, Romanian and Portuguese are recognised."""
_ENGLISH = 0.7
"""A text is English from this share of words that an English dictionary knows."""
_COMMON, _FEWEST = 0.4, 3
"""The least share, and number, of words from a language's list of common words."""
_MOST_READ = 2_000
"""Characters of a message that are read."""


class LanguageDetector:
    """Recognises the languages that there are cards for."""

    def __init__(self, cards: Mapping[str, LanguageCardRecord]) -> None:
        self._cards = cards
        self._phrases = RiskPhrases(cards.values())
        latin = [code for code in cards if code in _IDENTIFIED]
        self._identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages([*latin, *_OTHERS])
        self._common = {
            code: frozenset(map(folded, card.common_words)) for code, card in cards.items()
        }

    def read(
        self, text: str, canonical: str, assessment: Assessment
    ) -> tuple[str | None, Assessment]:
        """Return the code of the language, and the assessment raised by its risk phrases.

        The code is None for English and for a language without a card. `canonical` is the text as
        the encoder reads it: "hes" and "im" are English words there.
        """
        text = text[:_MOST_READ]
        words = _WORD.findall(text.casefold())
        english = _share(_WORD.findall(canonical[:_MOST_READ]), is_word)
        # Short phrases of other languages can be English words too: "tata ma bate".
        found = [
            phrase
            for phrase in self._phrases.found(text)
            if english < _ENGLISH or len(folded(phrase.record.words).split()) >= _FEWEST
        ]
        if english >= _ENGLISH and not found:
            return None, assessment
        code = found[0].language if found else self._code(text, words, english)
        if code is None or code not in self._cards:
            return None, assessment
        for phrase in found:
            if phrase.language == code:
                assessment = upgraded(assessment, _assessment(phrase))
        return code, _named(assessment, code)

    def _code(self, text: str, words: list[str], english: float) -> str | None:
        if script := _script(text):
            return "ur" if script == "ar" and _OF_URDU & set(text) else script
        if len(words) < _FEWEST - 1:
            return None
        code, probability = self._identifier.classify(text)
        if probability >= _SURE and code in self._cards:
            return str(code)
        plain = folded(text).split()
        common = {
            code: (sum(word in listed for word in plain), code)
            for code, listed in self._common.items()
        }
        count, code = max(common.values(), default=(0, ""))
        fits = count >= _FEWEST and count >= _COMMON * len(plain) and english <= 1 - _COMMON
        return code if fits else None


def _assessment(phrase: FoundPhrase) -> Assessment:
    category, source = phrase.record.category, f"language-{phrase.language}-{phrase.number}"
    signal = Signal(source, "language", "1", category, phrase.severity, start=0, end=0)
    return Assessment(phrase.severity, (category,), "unknown", (signal,))


def _named(assessment: Assessment, code: str) -> Assessment:
    """Add a signal that names the language, if the message shows a risk and no signal does yet."""
    if assessment.severity == Severity.NONE or any(
        signal.source.startswith(f"language-{code}") for signal in assessment.signals
    ):
        return assessment
    category = next(iter(assessment.categories), "distress")
    named = Signal(f"language-{code}", "language", "1", category, assessment.severity, 0, 0)
    return replace(assessment, signals=(*assessment.signals, named))


def _script(text: str) -> str | None:
    """Return the language in whose script most of the text is, or None."""
    letters = [char for char in text if char.isalpha()]
    for code, (first, last) in _SCRIPTS.items():
        if letters and sum(first <= char <= last for char in letters) > len(letters) / 2:
            return code
    return None


def _share(words: Sequence[str], known: Callable[[str], bool]) -> float:
    return sum(map(known, words)) / len(words) if words else 0.0
