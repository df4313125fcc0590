"""A message read together with the earlier ones: a slow build-up counts, small talk does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from safeguarding.risk.assessment import Turn
from safeguarding.risk.encoder.classifier import RiskClassifier, Scores
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Evidence, Probabilities, Steps, Thresholds, confirmed
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

_TURNS, _WORDS, _SHORT, _QUESTION, _EARLIER = 4, 60, 5, 200, 1_000
"""Earlier messages read together with this one, words of all, words of a short answer,
characters of the question that it answers, and of an earlier message."""
_ASKED = 10
"""Words up to which sentences before the question are read with it."""
_QUIET = 0.1
"""Probability of a concern below which a message says nothing: quiet messages joined are quiet. On
the development part, the quietest conversation that is rightly a worry has a message of 0.23."""


class ConversationReader:
    """Reads several messages as one. Holds no state: safe to share between threads."""

    def __init__(
        self,
        classifier: RiskClassifier,
        witness: Witness,
        thresholds: Thresholds,
        canonical: Callable[[str], Canonical],
    ) -> None:
        self._classifier = classifier
        self._witness = witness
        self._thresholds = thresholds
        self._canonical = canonical

    def read(
        self,
        message: Canonical,
        concern: float,
        history: Sequence[Turn],
        phrased: Severity = Severity.NONE,
    ) -> tuple[Probabilities, Scores] | None:
        """The message read together with the earlier ones; None when there is nothing to join.

        What was urgent by itself was handed over then, and does not make every later word urgent.
        `concern` is the probability of a concern in the message by itself: when neither it nor
        anything earlier shows one, the whole is small talk. `phrased` is the gravest reviewed
        phrase in the message by itself: without an urgent one, and unless the second witness
        agrees, several messages read as one are not immediate.
        """
        words, typed = message.words, message.typed
        last = history[-1]
        if len(words) <= _SHORT and last.by == "assistant" and last.text.rstrip().endswith("?"):
            question = _question(self._canonical(last.text[-_QUESTION:]))
            asked = " ".join(question)
            concern = max(concern, self._alone(question, asked).concern) if question else concern
            words, typed = question + words, f"{asked} {typed}"
        for turn in [turn for turn in history if turn.by == "user"][-_TURNS:][::-1]:
            earlier = self._canonical(turn.text[-_EARLIER:])
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
        found = self._thresholds.of_conversation(evidence)
        return confirmed(found, evidence.witness, phrased), scores

    def _alone(self, words: Sequence[str], typed: str) -> Probabilities:
        """The probabilities of some words by themselves. They were mostly read when they came."""
        steps = self._classifier.steps(_last(words))
        return self._thresholds.probabilities(self._evidence(steps, typed))

    def _evidence(self, steps: Steps, typed: str) -> Evidence:
        return Evidence(steps, self._witness.scores(_last(typed.split())))


def _last(words: Sequence[str]) -> str:
    return " ".join(words[-_WORDS:])


def _question(said: Canonical) -> list[str]:
    """The question at the end of what the assistant said, which an answer is read with.

    Not all that stands before it: a joke, or an offer of help, is no part of what the user tells.
    """
    starts = sorted({0, *said.breaks})
    return said.words[next((at for at in starts if len(said.words) - at <= _ASKED), starts[-1]) :]
