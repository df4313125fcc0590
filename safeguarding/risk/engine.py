"""The risk engine: assesses a message, with every reason for its severity.

In order: text (normalise), lexicon (phrases), pasted chats (chat), encoder, second witness and
second reader (prediction), thresholds, earlier messages (conversation).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from threadpoolctl import threadpool_limits

from safeguarding.risk.assessment import (
    CONVERSATION,
    NO_RISK,
    Analysis,
    Assessment,
    Signal,
    Turn,
    read_in_part,
    upgraded,
)
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import ChatReader, reads_whole
from safeguarding.risk.encoder.classifier import EXAMPLES, RiskClassifier, made_from, read_nearest
from safeguarding.risk.encoder.in_place import (
    context_of,
    loaded_encoder,
    read_second_reader,
)
from safeguarding.risk.encoder.vectors import Encoded, Floats, SentenceEncoder, read_adapter
from safeguarding.risk.lexicon.phrases import PhraseReader, PhraseReading
from safeguarding.risk.lexicon.reader import Lexicon, read_lexicon
from safeguarding.risk.passages import WHOLE_MOST
from safeguarding.risk.prediction import Prediction, Predictor
from safeguarding.risk.text.normalise import MOST_READ, excerpt
from safeguarding.risk.thresholds import (
    Probabilities,
    Thresholds,
    read_calibration,
    read_chat_thresholds,
)
from safeguarding.risk.witness import read_witness
from safeguarding.taxonomy import Severity

_OF_TURN = 400
"""Number of characters of an earlier turn of which the context is made."""
_OF_THE_TOPIC = 10_000
"""Number of characters of a text of which the vector is made; the encoder stops long before."""
logger = logging.getLogger(__name__)
Vectors: TypeAlias = Mapping[str, Floats]
"""Sentence vectors by the canonical words of a text."""


class RiskEngine:
    """Assesses messages by the lexicon and the classifier. Safe to share between threads."""

    def __init__(
        self,
        lexicon: Lexicon,
        predictor: Predictor | None = None,
        chats: ChatReader | None = None,
        encode: Callable[[str], Encoded] | None = None,
    ) -> None:
        """`predictor`, `chats` and `encode` may be left out.

        The lexicon then decides alone, a pasted chat is read as the person's own message, and there
        is no vector.
        """
        self._lexicon = lexicon
        self._phrases = PhraseReader(lexicon)
        self._predictor = predictor
        self._chats = chats
        self._encode = encode

    def assess(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Assessment:
        """Assess `text`. Never raises, whatever the text.

        The lexicon and the second witness read all of it, the encoder the passages that these two
        point at; a text too long to be read whole by all three is at least a concern. `history` are
        the earlier messages, oldest first: their signals may complete a combination with those of
        `text`, but never lower its severity. A pasted chat is read as a chat, and the rest as the
        person's own words. `context` is what the second reader reads before it, as `context_of`
        returns it; None makes it from the last turns.
        """
        return self._assess(text, history, context)[0]

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        """Return the assessment of `text` with its words and vector; no text is encoded twice.

        The arguments are those of `assess`. As `assess`, it never raises.
        """
        assessment, vectors = self._assess(text, history, context)
        words, vector = "", None
        try:
            words = self.canonical(text)
            vector = self._vector(words, vectors)
        except Exception as error:  # noqa: BLE001 - the assessment must not be lost with them
            logger.error("no_vector kind=%s", type(error).__name__)  # noqa: TRY400 - words in it
        return Analysis(assessment, words, vector)

    def _assess(
        self, text: str, history: Sequence[Turn], context: str | None
    ) -> tuple[Assessment, Vectors]:
        if context is None:
            context = self._context(history)
        is_cut = len(text) > MOST_READ
        text = excerpt(text)
        reading = self._phrases.read(text)
        chat = pasted_chat(text) if self._chats else None
        if chat is None or self._chats is None:
            found, vectors, is_whole = self._own(reading, history, context)
        else:
            words = reading if chat.own_words == text else self._phrases.read(chat.own_words)
            own, vectors, is_whole = self._own(words, history, context)
            found = upgraded(own, self._chats.read(chat, self._phrases.signals(reading, ())))
            is_whole = is_whole and reads_whole(chat)
        return (found if is_whole and not is_cut else read_in_part(found)), vectors

    def _context(self, history: Sequence[Turn]) -> str:
        """Return the words before and what was answered, as the second reader reads them."""
        if not history:
            return ""
        before = next((turn.text for turn in reversed(history) if turn.by == "user"), "")
        said = history[-1].text if history[-1].by == "assistant" else ""
        try:
            return context_of(self.canonical(before[-_OF_TURN:]), self.canonical(said[:_OF_TURN]))
        except Exception as error:  # noqa: BLE001 - the message is assessed without it
            logger.error("no_context kind=%s", type(error).__name__)  # noqa: TRY400
            return ""

    def _own(
        self, reading: PhraseReading, history: Sequence[Turn], context: str
    ) -> tuple[Assessment, Vectors, bool]:
        """Return the risk in the person's own words, the vectors made, and whether all was read."""
        signals = self._phrases.signals(reading, history)
        prediction = self._prediction(reading, signals, history, context)
        found = self._assessment(reading, signals, prediction)
        if prediction is None:
            return found, {}, True
        return found, prediction.vectors, prediction.read_whole

    def _prediction(
        self,
        reading: PhraseReading,
        signals: Sequence[Signal],
        history: Sequence[Turn],
        context: str,
    ) -> Prediction | None:
        """Return the prediction; None without a predictor or a word."""
        if self._predictor is None or not reading.message.tokens:
            return None
        alarming = reading.alarming()
        return self._predictor.predict(reading.message, signals, history, alarming, context)

    def _vector(self, words: str, made: Vectors) -> Floats | None:
        """Return the vector of the first canonical words, reused if they were read as a passage."""
        beginning = " ".join(words.split(" ", WHOLE_MOST)[:WHOLE_MOST])
        if beginning in made or self._encode is None:
            return made.get(beginning)
        return self._encode(beginning).vector

    def canonical(self, text: str) -> str:
        """Return the canonical words of `text` between single spaces, as the encoder reads them."""
        return " ".join(self._lexicon.normaliser(text).words)

    def vector(self, text: str) -> Floats:
        """Return the unit-length vector of `text`, shape (768,), from which its topic is read.

        Of a long text it is the vector of its beginning. Raises RuntimeError without an encoder.
        """
        found = self._vector(self.canonical(text[:_OF_THE_TOPIC]), {})
        if found is None:
            raise RuntimeError("this engine was built without an encoder")
        return found

    def probabilities(self, text: str, history: Sequence[Turn] = ()) -> Probabilities | None:
        """Return the probability of each severity; None without a classifier or a word."""
        reading = self._phrases.read(text)
        signals = self._phrases.signals(reading, history)
        prediction = self._prediction(reading, signals, history, self._context(history))
        return prediction.probabilities if prediction else None

    def phrased(self, text: str) -> Severity:
        """Return the severity that the reviewed phrases of `text` give it at least, by themselves.

        It takes half a millisecond for a sentence; no model is asked.
        """
        return self._phrases.floor(self._phrases.signals(self._phrases.read(text), ()))

    def fired(self, text: str) -> set[str]:
        """Return the ids of all rules and combinations in `text`, cues and idioms included."""
        return self._phrases.fired(text)

    def _assessment(
        self, reading: PhraseReading, phrases: Sequence[Signal], prediction: Prediction | None
    ) -> Assessment:
        gravest = max((signal.severity for signal in phrases), default=Severity.NONE)
        floor = self._floor(phrases, prediction.possible) if prediction else gravest
        severity = max(floor, prediction.probabilities.severity) if prediction else gravest
        if severity == Severity.NONE:
            return NO_RISK
        signals = sorted(
            [*phrases, *(prediction.signals if prediction else ())], key=lambda s: -s.severity
        )
        named = _by_weight(phrases)
        if prediction is None or prediction.probabilities.severity < floor:
            # The models misjudged the message, so their subject does not count either.
            return Assessment(severity, named, self._phrases.subject(reading), tuple(signals))
        categories = tuple(dict.fromkeys((*prediction.categories, *named)))
        subject = self._phrases.subject_by_words(reading, prediction.subject)
        return Assessment(severity, categories, subject, tuple(signals))

    def _floor(self, phrases: Sequence[Signal], possible: Severity) -> Severity:
        """Return the lowest severity of a message with these phrases.

        A phrase in this message raises it to no severity that the models rule out together
        (`possible`). A phrase that needs earlier messages always counts: the models read these less
        well.
        """
        here = [signal for signal in phrases if signal.kind != CONVERSATION]
        over_messages = [signal for signal in phrases if signal.kind == CONVERSATION]
        return max(self._phrases.floor(over_messages), min(self._phrases.floor(here), possible))


def _by_weight(signals: Sequence[Signal]) -> tuple[str, ...]:
    """Return the categories, the most severe first, then the one with the most signals."""
    gravest: dict[str, Severity] = {}
    for signal in signals:
        known = gravest.get(signal.category, Severity.NONE)
        gravest[signal.category] = max(known, signal.severity)
    often = Counter(signal.category for signal in signals)
    return tuple(sorted(gravest, key=lambda name: (-gravest[name], -often[name])))


def build_engine(
    *,
    miss_cost: float | None = None,
    encode_in_place: Callable[[str], Encoded] | None = None,
    reads_twice: bool = True,
    second_reader: Path | None = None,
) -> RiskEngine:
    """Build an engine and load everything that it reads (seconds). One per process is enough.

    `miss_cost` replaces the calibration's cost of a missed urgent message. `encode_in_place` is the
    dialogue's encoder, where it is loaded already. Without `reads_twice` there is no second reader;
    `second_reader` is the file of another one than the artifact.

    Raises ContentError if the lexicon, the calibration or another artifact is unsound, WeightsError
    if the weights or the examples are missing or out of date.
    """
    # Between messages OpenBLAS' threads spin: one is as quick and takes half the processor.
    threadpool_limits(limits=1, user_api="blas")
    lexicon, adapter = read_lexicon(), read_adapter()
    encoder = SentenceEncoder(adapter.version)
    classifier = RiskClassifier(adapter, encoder.encode, encoder.encode_batch)
    thresholds = Thresholds(read_calibration(), miss_cost)
    nearest = read_nearest(EXAMPLES, made_from(adapter.version))
    witness = read_witness()
    second = None
    if reads_twice:
        second = read_second_reader(encode_in_place or loaded_encoder(), second_reader)
    predictor = Predictor(classifier, witness, thresholds, lexicon.normaliser, nearest, second)
    chats = ChatReader(classifier, witness, thresholds, read_chat_thresholds(), lexicon.normaliser)
    engine = RiskEngine(lexicon, predictor, chats, encoder.encode)
    engine.assess("he does not hit me")  # loads the parser too, before a child waits for it
    return engine
