"""Predicts the severity of a message from its gravest passage and the conversation before it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from safeguarding.risk.assessment import (
    CONVERSATION,
    MODEL,
    Signal,
    Turn,
    categories_of,
    subjects_of,
)
from safeguarding.risk.encoder.classifier import (
    URGENT,
    NearestExamples,
    RememberedScores,
    RiskClassifier,
    Scores,
)
from safeguarding.risk.encoder.in_place import SecondReader
from safeguarding.risk.passages import Passage, passages, read_whole, without_repeats
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Evidence, Probabilities, Steps, Thresholds, confirmed
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

logger = logging.getLogger(__name__)
SOURCE = "classifier"
_LEAST_LOG_ODDS, _MOST_NAMED = -2.0, 3
"""A category is named from these log-odds on (one in eight: two dozen share a message's odds); at
most three are named, and always the most likely one."""
_TURNS, _EARLIER_CHARACTERS = 4, 1_000
"""Number of earlier messages that are read with this one, and of characters of each."""
_WORDS = 60
"""Number of words of all of them together."""
_SHORT_ANSWER, _QUESTION_CHARACTERS, _QUESTION_WORDS = 5, 200, 10
"""Number of words of an answer that is read with its question; characters of the question; words
up to which the sentences before the question are read with it."""
_UNCLEAR, _SUICIDE = "unclear", "suicide"
_CHILDREN = frozenset({"own_child", "other_child"})
_READ_TWICE = 4
"""Largest number of passages of a message that are read a second time."""
_CLEAR = 0.02
"""Texts whose probability of a concern is below this are not read a second time."""
_QUIET = 0.1
"""Messages whose probability of a concern is below this are not joined. On the development part,
the quietest conversation that is rightly a worry has a message of 0.23."""


def _last(words: Sequence[str]) -> str:
    return " ".join(words[-_WORDS:])


def _question(message: Canonical) -> list[str]:
    """Return the question at the end of the assistant's message.

    The sentences before it, such as a joke or an offer of help, are no part of what the user says.
    """
    starts = sorted({0, *message.breaks})
    words = message.words
    return words[next((at for at in starts if len(words) - at <= _QUESTION_WORDS), starts[-1]) :]


@dataclass(frozen=True)
class Prediction:
    """The prediction for one message by classifier, witness, lexicon and second reader together."""

    probabilities: Probabilities
    signals: tuple[Signal, ...]
    """The signals of the classifier."""
    categories: tuple[str, ...]
    subject: str
    possible: Severity = Severity.IMMEDIATE
    """The highest severity that classifier, witness and second reader do not rule out together."""
    read_whole: bool = True
    """Whether the encoder read every word of the message."""
    vectors: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict, compare=False)
    """The sentence vectors of the passages that were read, by their canonical words."""


class _ReadPassage(NamedTuple):
    passage: Passage
    scores: Scores
    evidence: Evidence
    need: str | None
    """The need that the second reader found, if it read the passage."""


class Predictor:
    """Applies classifier, witness, second reader and thresholds.

    Of messages it remembers the scores alone. Threads may share it.
    """

    def __init__(
        self,
        classifier: RiskClassifier,
        witness: Witness,
        thresholds: Thresholds,
        canonical: Callable[[str], Canonical],
        nearest: NearestExamples | None = None,
        second: SecondReader | None = None,
    ) -> None:
        self._classifier = classifier
        self._witness = witness
        self._thresholds = thresholds
        self._canonical = canonical
        self._nearest = nearest
        self._second = second
        self._read_before = RememberedScores()

    def predict(
        self,
        message: Canonical,
        phrases: Sequence[Signal],
        history: Sequence[Turn],
        alarming: Sequence[int] = (),
        context: str = "",
    ) -> Prediction:
        """Predict the severity of a message of at least one word.

        `phrases` are the lexicon's signals. `alarming` are the indices of words at which the
        message may be grave. The encoder cannot read all of a long message: it reads the passages
        around these words, and those that the second witness, which reads everything, finds
        gravest. `context` is what came before, as the second reader reads it.
        """
        hears = cache(self._witness.scores)
        parts = passages(message, alarming, lambda typed: hears(typed)[URGENT])
        phrased = _in_this_message(phrases)
        read = [
            self._read(each, hears(each.as_typed(message)), phrases)
            for each in without_repeats(message, parts)
        ]
        gravest = self._gravest(read, phrased, context)
        probabilities = self._severity(gravest.evidence, phrased)
        alone = self._severity(_unphrased(gravest.evidence), phrased)
        passage, scores, need = gravest.passage, gravest.scores, gravest.need
        own, own_need = self._out_of_place(gravest, alone, phrased, context)
        signals = []
        if own.severity > Severity.NONE:
            signals.append(self._signal(SOURCE, MODEL, own, passage, scores, own_need))
        concern = max(
            self._thresholds.probabilities(_unphrased(each.evidence)).concern for each in read
        )
        joined = self._together(message, concern, history, phrased, context) if history else None
        if joined is not None and joined[0].severity > probabilities.severity:
            probabilities, joint, need = joined
            # Whom a message is about, it says itself where it tells something.
            subjects = scores.subjects if alone.severity > Severity.NONE else joint.subjects
            scores = replace(joint, subjects=subjects)
            signals.append(self._in_conversation(probabilities, scores, need))
        elif alone.severity > own.severity:
            signals.append(self._in_conversation(alone, scores, need))
        vectors = {each.passage.text: each.scores.encoded.vector for each in read}
        is_whole = read_whole(message, parts)
        return Prediction(
            probabilities,
            tuple(signals),
            _categories(scores, need),
            _subject(scores, need),
            self._possible(read) if is_whole else Severity.IMMEDIATE,
            is_whole,
            vectors,
        )

    def _possible(self, read: Sequence[_ReadPassage]) -> Severity:
        """Return the highest severity that is not ruled out; unknown words rule out none."""
        if any(each.passage.is_strange for each in read):
            return Severity.IMMEDIATE
        return max(self._thresholds.possible(each.evidence) for each in read)

    def _read(self, passage: Passage, witness: Steps, phrases: Sequence[Signal]) -> _ReadPassage:
        scores = self._classifier.read(passage.text)
        return _ReadPassage(
            passage, scores, Evidence(scores.steps, witness, _phrased(passage, phrases)), None
        )

    def _gravest(self, read: list[_ReadPassage], phrased: Severity, context: str) -> _ReadPassage:
        """Return the gravest passage, after a second reading of those that seemed the gravest.

        In `read` they replace what was read once. At most _READ_TWICE are read again, and of
        strange ones one, which bounds the time.
        """

        def gravity(at: int) -> tuple[Severity, float]:
            found = self._severity(read[at].evidence, phrased)
            return found.severity, found.urgent

        may_be_read = list(range(len(read)))
        for _ in range(_READ_TWICE):
            at = max(may_be_read, key=gravity)
            each = read[at]
            if each.evidence.second is not None:
                break
            evidence, need = self._read_again(each.evidence, each.passage.text, context)
            if evidence.second is None:
                break
            read[at] = each._replace(evidence=evidence, need=need)
            if each.passage.is_strange:
                may_be_read = [
                    other
                    for other in may_be_read
                    if other == at or not read[other].passage.is_strange
                ]
        return read[max(range(len(read)), key=gravity)]

    def _severity(self, evidence: Evidence, phrased: Severity) -> Probabilities:
        return confirmed(self._thresholds.probabilities(evidence), evidence, phrased)

    def _out_of_place(
        self, read: _ReadPassage, in_place: Probabilities, phrased: Severity, context: str
    ) -> tuple[Probabilities, str | None]:
        """Return the probabilities and the need of a passage without what came before it.

        They say what the person tells in these words: after a disclosure the second reader finds
        "what will they ask" as severe as what was disclosed. Never more severe than `in_place`,
        those of the passage in its place.
        """
        if not context or in_place.severity == Severity.NONE or read.evidence.second is None:
            return in_place, read.need
        text, evidence = read.passage.text, _unphrased(read.evidence)._replace(second=None)
        evidence, need = self._read_again(evidence, text, "")
        if evidence.second is not None:
            # The next message is read together with this one, and needs the same scores.
            self._read_before.put(text, evidence.second)
        found = self._severity(evidence, phrased)
        return (found, need) if found.severity < in_place.severity else (in_place, read.need)

    def _together(
        self,
        message: Canonical,
        concern: float,
        history: Sequence[Turn],
        phrased: Severity,
        context: str,
    ) -> tuple[Probabilities, Scores, str | None] | None:
        """Score the message together with the earlier ones; None if there is nothing to join.

        A message that was urgent by itself was handed over then and is not joined: it does not make
        every later word urgent. `concern` is the probability of a concern in the message by itself;
        if neither it nor an earlier message shows one, all is small talk. `phrased` is the severity
        of the gravest reviewed phrase in the message by itself: several messages read as one are
        immediate only if that is urgent or the second witness agrees. The second reader reads the
        message after `context`, with the question that it answers.
        """
        words, typed = message.words, message.typed
        read_again = _last(words)
        last = history[-1]
        is_short = len(words) <= _SHORT_ANSWER
        if is_short and last.by == "assistant" and last.text.rstrip().endswith("?"):
            question = _question(self._canonical(last.text[-_QUESTION_CHARACTERS:]))
            joined = " ".join(question)
            concern = max(concern, self._alone(question, joined).concern) if question else concern
            words, typed = question + words, f"{joined} {typed}"
            # By itself "yeah he has" says nothing.
            read_again = _last(words)
        for turn in [turn for turn in history if turn.by == "user"][-_TURNS:][::-1]:
            earlier = self._canonical(turn.text[-_EARLIER_CHARACTERS:])
            if not earlier.tokens:
                continue
            alone = self._alone(earlier.words, earlier.typed)
            if alone.severity >= Severity.URGENT:
                break
            concern = max(concern, alone.concern)
            words, typed = [*earlier.words, *words], f"{earlier.typed} {typed}"
        if len(words) == len(message.words) or concern < _QUIET:
            return None
        scores = self._classifier.read(_last(words))
        evidence = self._evidence(scores.steps, typed)
        evidence, need = self._read_again(evidence, read_again, context)
        probabilities = self._thresholds.of_conversation(evidence)
        return confirmed(probabilities, evidence, phrased), scores, need

    def _alone(self, words: Sequence[str], typed: str) -> Probabilities:
        """Return the probabilities of one message; its scores are mostly remembered."""
        text = _last(words)
        evidence = self._evidence(self._classifier.steps(text), typed)
        second = self._read_before.get(text)
        if second is not None:
            return self._thresholds.probabilities(evidence._replace(second=second))
        again, _ = self._read_again(evidence, text, "")
        if again.second is not None:
            self._read_before.put(text, again.second)
        return self._thresholds.probabilities(again)

    def _read_again(
        self, evidence: Evidence, text: str, context: str
    ) -> tuple[Evidence, str | None]:
        """Return the evidence with the second reader's scores, and the need that it finds.

        Its need counts only where it finds a concern more likely than not.
        A clearly harmless text is not read again. If the second reader fails, the others decide
        without it.
        """
        if self._second is None or self._thresholds.probabilities(evidence).concern < _CLEAR:
            return evidence, None
        try:
            found = self._second.read(text, context)
        except Exception as error:  # noqa: BLE001 - the message is assessed all the same
            logger.error("no_second_reading kind=%s", type(error).__name__)  # noqa: TRY400
            return evidence, None
        hears = found.steps[0] > 0
        return evidence._replace(second=found.steps), found.need if hears else None

    def _evidence(self, steps: Steps, typed: str) -> Evidence:
        return Evidence(steps, self._witness.scores(_last(typed.split())))

    def _in_conversation(
        self, probabilities: Probabilities, scores: Scores, need: str | None
    ) -> Signal:
        source = f"{SOURCE}-{CONVERSATION}"
        return self._signal(source, CONVERSATION, probabilities, None, scores, need)

    def _signal(
        self,
        source: str,
        kind: str,
        probabilities: Probabilities,
        passage: Passage | None,
        scores: Scores,
        need: str | None,
    ) -> Signal:
        category = _categories(scores, need)[0]
        severity = probabilities.severity
        start, end = passage.typed(*self._classifier.phrase(scores)) if passage else (0, 0)
        vector = scores.encoded.vector
        like = self._nearest.nearest(vector, severity, category) if self._nearest else ()
        return Signal(
            source=source,
            kind=kind,
            version=self._classifier.version,
            category=category,
            severity=severity,
            start=start,
            end=end,
            weight=round(probabilities.of(severity), 4),
            like=like,
        )


def _categories(scores: Scores, need: str | None) -> tuple[str, ...]:
    """Return the most likely categories, at least one.

    With a `need`, the likeliest category that calls for it comes first. Suicide as the likeliest of
    all gives way to another need, but not to an unclear one.
    """
    ordered = sorted(scores.categories, key=lambda name: -scores.categories[name])
    likely = [name for name in ordered if scores.categories[name] >= _LEAST_LOG_ODDS]
    keeps = need is None or (need == _UNCLEAR and ordered[0] == _SUICIDE)
    calling = frozenset() if need is None or keeps else categories_of(need)
    main = next((name for name in ordered if name in calling), None)
    named = dict.fromkeys([main, *likely] if main else likely or ordered[:1])
    return tuple(named)[:_MOST_NAMED]


def _subject(scores: Scores, need: str | None) -> str:
    """Return the most likely subject of those that `need` allows.

    If the network finds a child as the subject, a need of the writer's own does not change that:
    the second reader does not know whether a parent writes.
    """
    allowed = subjects_of(need) if need else ()
    if not allowed or (scores.subject in _CHILDREN and "self" in allowed):
        return scores.subject
    return max(allowed, key=lambda name: scores.subjects[name])


def _unphrased(evidence: Evidence) -> Evidence:
    return evidence._replace(phrased=Severity.NONE)


def _in_this_message(phrases: Sequence[Signal]) -> Severity:
    """Return the severity of the gravest phrase or combination that needs no earlier message."""
    here = (signal.severity for signal in phrases if signal.kind in {"lexicon", "combination"})
    return max(here, default=Severity.NONE)


def _phrased(passage: Passage, phrases: Sequence[Signal]) -> Severity:
    """Return the severity of the gravest phrase within the passage."""
    if passage.is_whole:
        return max((signal.severity for signal in phrases), default=Severity.NONE)
    first, last = passage.tokens[0].start, passage.tokens[-1].end
    within = (s.severity for s in phrases if s.start < last and s.end > first)
    return max(within, default=Severity.NONE)
