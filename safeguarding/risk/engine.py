"""The risk engine: from a message to a severity, with every reason for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn, upgraded
from safeguarding.risk.chat import pasted_chat
from safeguarding.risk.chat_reading import ChatReader
from safeguarding.risk.chat_weights import read_chat_weights
from safeguarding.risk.classifier import risk_classifier
from safeguarding.risk.judgement import Judge, Weights, read_calibration
from safeguarding.risk.lexicon import Lexicon, read_lexicon
from safeguarding.risk.listener import Heard, Listener
from safeguarding.risk.nearest import nearest_examples
from safeguarding.risk.phrases import PhraseReader, Reading
from safeguarding.settings import miss_cost
from safeguarding.taxonomy import Severity


class RiskEngine:
    """Assesses messages by the lexicon and the classifier. Safe to share between threads."""

    def __init__(
        self,
        lexicon: Lexicon,
        listener: Listener | None = None,
        chats: ChatReader | None = None,
    ) -> None:
        """Without a `listener` the lexicon decides alone; without `chats` a pasted chat is read as
        one message of the person who pasted it."""
        self._lexicon = lexicon
        self._phrases = PhraseReader(lexicon)
        self._listener = listener
        self._chats = chats

    @property
    def version(self) -> str:
        """The digest of the lexicon files, as carried by every signal."""
        return self._lexicon.version

    def assess(self, text: str, history: Sequence[Turn] = ()) -> Assessment:
        """The risk in `text`. Never raises, whatever the text.

        `history` is what was said before, oldest first: its signals may complete a combination
        with those of `text`, but nothing in it lowers what `text` says by itself. What others say
        in a chat that was pasted is read as a chat, and the rest as the person's own words.
        """
        chat = pasted_chat(text) if self._chats else None
        if chat is None or self._chats is None:
            return self._own(text, history)
        said = self._phrases.signals(self._phrases.read(text), ())
        return upgraded(self._own(chat.own_words, history), self._chats.read(chat, said))

    def _own(self, text: str, history: Sequence[Turn]) -> Assessment:
        """The risk in what somebody says in words of their own."""
        reading = self._phrases.read(text)
        signals = self._phrases.signals(reading, history)
        if self._listener is None or not reading.message.tokens:
            return self._assessment(reading, signals, None)
        heard = self._listener.hear(reading.message, signals, history)
        return self._assessment(reading, signals, heard)

    def canonical(self, text: str) -> str:
        """The canonical words of `text` between single spaces: what the encoders read."""
        return " ".join(self._lexicon.normaliser(text).words)

    def weigh(self, text: str, history: Sequence[Turn] = ()) -> Weights | None:
        """How probable each severity is; None without a classifier or a word."""
        reading = self._phrases.read(text)
        if self._listener is None or not reading.message.tokens:
            return None
        signals = self._phrases.signals(reading, history)
        return self._listener.hear(reading.message, signals, history).weights

    def fired(self, text: str) -> set[str]:
        """The ids of all rules and combinations that stand in `text`, cues and idioms included."""
        return self._phrases.fired(text)

    def _assessment(
        self, reading: Reading, phrases: Sequence[Signal], heard: Heard | None
    ) -> Assessment:
        gravest = max((signal.severity for signal in phrases), default=Severity.NONE)
        severity = heard.weights.severity if heard else gravest
        if severity == Severity.NONE:
            return NO_RISK
        signals = sorted([*phrases, *(heard.signals if heard else ())], key=lambda s: -s.severity)
        named = _by_weight(phrases)
        if heard is None:
            return Assessment(severity, named, self._phrases.subject(reading), tuple(signals))
        categories = tuple(dict.fromkeys((*heard.categories, *named)))
        return Assessment(severity, categories, heard.subject, tuple(signals))


def _by_weight(signals: Sequence[Signal]) -> tuple[str, ...]:
    """The categories: the gravest first, of those the one that most signals speak of."""
    gravest: dict[str, Severity] = {}
    for signal in signals:
        known = gravest.get(signal.category, Severity.NONE)
        gravest[signal.category] = max(known, signal.severity)
    often = Counter(signal.category for signal in signals)
    return tuple(sorted(gravest, key=lambda name: (-gravest[name], -often[name])))


@cache
def risk_engine() -> RiskEngine:
    """The engine of this process, loaded once.

    Raises ContentError when the lexicon or the calibration is unsound, WeightsError when the
    classifier's weights or its examples are missing, SettingsError when a setting makes no sense.
    """
    lexicon, classifier = read_lexicon(), risk_classifier()
    judge = Judge(read_calibration(), miss_cost())
    listener = Listener(classifier, judge, lexicon.normaliser, nearest_examples())
    chats = ChatReader(classifier, judge, read_chat_weights(), lexicon.normaliser)
    engine = RiskEngine(lexicon, listener, chats)
    engine.assess("he does not hit me")  # all loads on first need: not while a child waits
    return engine
