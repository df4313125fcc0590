"""From scores to a severity: calibrated probabilities, and thresholds set by what errors cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path
from typing import NamedTuple

import msgspec

from safeguarding import artifacts
from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.taxonomy import SIGNS, Severity

_FARTHEST = 30.0
STEPS = (Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE)


class SeverityStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the evidence for "at least this severe" adds up to log-odds; fitted by logistic
    regression on the development part (Platt scaling, with three witnesses)."""

    network: float
    """What one point of the network's score adds."""
    witness: float
    """What one point of the second witness's score adds."""
    phrase: float
    """What a reviewed phrase of at least this severity adds."""
    offset: float
    expected: float
    """Share of all messages expected to be this severe where Lantern is used, 0 to 1."""
    developed: float
    """That share in the development part, which holds far more of them."""
    miss_cost: float
    """How many false alarms one miss is worth."""


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file artifacts/calibration.yml, which lab/training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores these numbers belong to."""
    concern: SeverityStep
    urgent: SeverityStep
    immediate: SeverityStep
    conversation: float
    """By how many log-odds the thresholds are higher for several messages read as one."""


Steps = tuple[float, float, float]
"""A score for each of STEPS: log-odds before calibration."""


class Evidence(NamedTuple):
    """What speaks for each severity of one text."""

    network: Steps
    witness: Steps
    phrased: Severity = Severity.NONE
    """The gravest reviewed phrase in it."""


@dataclass(frozen=True)
class Probabilities:
    """How probable each severity is, on the balance of the development part."""

    concern: float
    urgent: float
    immediate: float
    severity: Severity
    """The highest severity whose probability is over its threshold."""

    def of(self, severity: Severity) -> float:
        """The probability of at least `severity`."""
        return (1.0, self.concern, self.urgent, self.immediate)[severity]


WITNESS_AGREES = 0.0
"""The witness's score of "at least concern" from which on it agrees with the network that a message
is an emergency: it then finds a concern likelier than not. Chosen on the development part, where it
turns 10 of 572 messages from immediate to urgent and halves the harmless ones that the network
alone calls immediate (docs/models.md)."""


def confirmed(found: Probabilities, witness: Steps, phrased: Severity) -> Probabilities:
    """`found`, where the network alone has not made it immediate; else the same as urgent.

    `witness` are the second witness's scores of the same text, `phrased` is the gravest reviewed
    phrase in this message: either confirms an emergency.
    """
    if found.severity < Severity.IMMEDIATE:
        return found
    if phrased >= Severity.URGENT or witness[0] >= WITNESS_AGREES:
        return found
    return replace(found, severity=Severity.URGENT)


class Thresholds:
    """The probability of each severity in a text, and from where on each is taken to be due."""

    def __init__(self, calibration: Calibration, miss_cost: float | None = None) -> None:
        """`miss_cost` replaces the cost of a missed urgent message; the others keep their ratio."""
        steps = (calibration.concern, calibration.urgent, calibration.immediate)
        ratio = miss_cost / calibration.urgent.miss_cost if miss_cost else 1.0
        self._steps = steps
        self._conversation = calibration.conversation
        self.log_odds = tuple(_threshold(step, step.miss_cost * ratio) for step in steps)
        """Log-odds from which on each severity is taken to be due."""

    def of_conversation(self, evidence: Evidence) -> Probabilities:
        """The probabilities of several messages read as one: its thresholds are higher."""
        return self.probabilities(evidence, self._conversation)

    def probabilities(self, evidence: Evidence, handicap: float = 0.0) -> Probabilities:
        """The probabilities of a text. `handicap`: log-odds taken off each step."""
        odds = [
            step.network * network
            + step.witness * witness
            + step.phrase * (evidence.phrased >= due)
            + step.offset
            - handicap
            for step, network, witness, due in zip(
                self._steps, evidence.network, evidence.witness, STEPS, strict=True
            )
        ]
        over = [
            due for due, odd, least in zip(STEPS, odds, self.log_odds, strict=True) if odd >= least
        ]
        concern, urgent, immediate = map(_probability, odds)
        return Probabilities(concern, urgent, immediate, max(over, default=Severity.NONE))


def _threshold(step: SeverityStep, cost: float) -> float:
    """The log-odds, on the development balance, at which missing costs as much as alarming.

    To alarm is right when p * cost >= 1 - p, so when the odds where Lantern is used are at least
    1 / cost; those are the development odds times the ratio of the two priors (Elkan 2001, "The
    foundations of cost-sensitive learning", theorem 2).
    """
    prior = log(step.expected / (1 - step.expected)) - log(step.developed / (1 - step.developed))
    return -log(cost) - prior


def _probability(odds: float) -> float:
    return 1 / (1 + exp(-max(-_FARTHEST, min(_FARTHEST, odds))))


def read_calibration(path: Path | None = None) -> Calibration:
    """The calibration of `path`, without one the project's. Raises ContentError."""
    return read_yaml(path or artifacts.checked(artifacts.CALIBRATION)).convert(Calibration)


class ChatThreshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the two witnesses of a chat add up to log-odds, and from where on they count."""

    pattern: float
    """What one point of the speaker's signs adds."""
    tone: float
    """What one point of the network's score for stretches with their speakers adds."""
    offset: float
    bar: float
    """The threshold, in log-odds; named as in the artifact."""

    def over(self, pattern: float, tone: float) -> float:
        """The log-odds above the threshold."""
        return self.pattern * pattern + self.tone * tone + self.offset - self.bar


class ChatThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file artifacts/chat_thresholds.yml, which lab/training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores these numbers belong to."""
    signs: dict[str, float]
    """What each sign weighs; reviewed by people."""
    shown: float
    """How probable a sign must be to be shown beside a chat that is a worry."""
    concern: ChatThreshold
    urgent: ChatThreshold
    line: float
    """By how many log-odds the threshold of a message is higher for one line among others."""


def read_chat_thresholds(path: Path | None = None) -> ChatThresholds:
    """The weights of `path`, without one the project's. Raises ContentError."""
    path = path or artifacts.checked(artifacts.CHAT_THRESHOLDS)
    document = read_yaml(path)
    weights = document.convert(ChatThresholds)
    wrong = set(weights.signs) ^ set(SIGNS)
    if wrong:
        names = ", ".join(sorted(wrong))
        raise ContentError([Problem(path, 1, f"signs without a weight, or unknown: {names}")])
    return weights
