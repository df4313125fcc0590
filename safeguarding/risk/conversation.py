"""Reads a message together with the earlier ones: a slow build-up counts, small talk does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from safeguarding.risk.assessment import Turn
from safeguarding.risk.encoder.classifier import RiskClassifier, Scores
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Evidence, Probabilities, Steps, Thresholds, confirmed
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

_TURNS, _EARLIER_CHARACTERS = 4, 1_000
"""Number of earlier messages that are read with this one, and of characters of each."""
_WORDS = 60
"""Number of words of all of them together."""
_SHORT_ANSWER, _QUESTION_CHARACTERS, _QUESTION_WORDS = 5, 200, 10
"""Number of words of an answer that is read with its question; characters of the question; words
up to which the sentences before the question are read with it."""
_QUIET = 0.1
"""Messages whose probability of a concern is below this are not joined. On the development part,
the quietest conversation that is rightly a worry has a message of 0.23."""


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
        """Score the message together with the earlier ones; None if there is nothing to join.

        A message that was urgent by itself was handed over then and is not joined: it does not make
        every later word urgent. `concern` is the probability of a concern in the message by itself;
        if neither it nor an earlier message shows one, all is small talk. `phrased` is the severity
        of the gravest reviewed phrase in the message by itself: several messages read as one are
        immediate only if that is urgent or the second witness agrees.
        """
        words, typed = message.words, message.typed
        last = history[-1]
        is_short = len(words) <= _SHORT_ANSWER
        if is_short and last.by == "assistant" and last.text.rstrip().endswith("?"):
            question = _question(self._canonical(last.text[-_QUESTION_CHARACTERS:]))
            joined = " ".join(question)
            concern = max(concern, self._alone(question, joined).concern) if question else concern
            words, typed = question + words, f"{joined} {typed}"
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
        probabilities = self._thresholds.of_conversation(evidence)
        return confirmed(probabilities, evidence.witness, phrased), scores

    def _alone(self, words: Sequence[str], typed: str) -> Probabilities:
        """Return the probabilities of one message; its scores are mostly remembered."""
        steps = self._classifier.steps(_last(words))
        return self._thresholds.probabilities(self._evidence(steps, typed))

    def _evidence(self, steps: Steps, typed: str) -> Evidence:
        return Evidence(steps, self._witness.scores(_last(typed.split())))


def _last(words: Sequence[str]) -> str:
    return " ".join(words[-_WORDS:])


def _question(message: Canonical) -> list[str]:
    """Return the question at the end of the assistant's message.

    The sentences before it, such as a joke or an offer of help, are no part of what the user says.
    """
    starts = sorted({0, *message.breaks})
    words = message.words
    return words[next((at for at in starts if len(words) - at <= _QUESTION_WORDS), starts[-1]) :]
