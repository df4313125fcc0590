"""Turns scores into a severity: calibrated probabilities, and thresholds set by what errors cost.

Messages have Thresholds; pasted chats have ChatThresholds.
"""

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


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the evidence for "at least this severe" adds up to log-odds.

    Fitted by logistic regression on the development part (Platt scaling with several scores).
    """

    network: float
    """Log-odds that one point of the network's score adds."""
    witness: float
    """Log-odds that one point of the second witness's score adds."""
    phrase: float
    """Log-odds that a reviewed phrase of at least this severity adds."""
    second: float = 0.0
    """Log-odds that one point of the second reader's score adds."""
    offset: float


class SeverityStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weights for one severity, and what decides its threshold."""

    once: Weights
    """For a text that the second reader did not read."""
    twice: Weights
    """For a text that it read too."""
    expected: float
    """Share of all messages expected to be this severe where Lantern is used, 0 to 1."""
    developed: float
    """That share in the development part, where it is far higher."""
    miss_cost: float
    """Number of false alarms that one miss is worth."""


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file artifacts/calibration.yml, which lab/training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores were calibrated."""
    concern: SeverityStep
    urgent: SeverityStep
    immediate: SeverityStep
    conversation: float
    """Log-odds by which the thresholds are higher for several messages read as one."""


Steps = tuple[float, float, float]
"""A score for each of STEPS: log-odds before calibration."""


_UNREAD: Steps = (0.0, 0.0, 0.0)


class Evidence(NamedTuple):
    """The evidence for each severity of one text."""

    network: Steps
    witness: Steps
    phrased: Severity = Severity.NONE
    """Severity of the gravest reviewed phrase in it."""
    second: Steps | None = None
    """The second reader's scores; None if it did not read the text."""


@dataclass(frozen=True)
class Probabilities:
    """The probability of each severity, at the development part's balance of severities."""

    concern: float
    urgent: float
    immediate: float
    severity: Severity
    """The highest severity whose probability is over its threshold."""

    def of(self, severity: Severity) -> float:
        """Return the probability of at least `severity`."""
        return (1.0, self.concern, self.urgent, self.immediate)[severity]


WITNESS_AGREES = 0.0
"""Score of "at least concern" from which the witness confirms an emergency: it then finds a concern
more likely than not. Chosen on the development part, where it turns 10 of 572 messages from
immediate to urgent and halves the harmless ones that the network alone calls immediate
(docs/models.md)."""


RULED_OUT = 2.0
"""Log-odds below its threshold from which a severity is ruled out, so that a reviewed phrase alone
does not raise a message to it. Chosen on the development part (docs/adr/0063), where no message of
that severity which a phrase alone raises is so far below its threshold."""


def confirmed(probabilities: Probabilities, evidence: Evidence, phrased: Severity) -> Probabilities:
    """Lower immediate to urgent unless the second witness or a reviewed phrase confirms it.

    `evidence` is that of the same text; `phrased` is the severity of the gravest reviewed phrase in
    this message.
    """
    if probabilities.severity < Severity.IMMEDIATE:
        return probabilities
    if phrased >= Severity.URGENT or evidence.witness[0] >= WITNESS_AGREES:
        return probabilities
    return replace(probabilities, severity=Severity.URGENT)


class Thresholds:
    """The calibration, and the threshold of each severity."""

    def __init__(self, calibration: Calibration, miss_cost: float | None = None) -> None:
        """`miss_cost` replaces the cost of a missed urgent message; the others scale with it."""
        steps = (calibration.concern, calibration.urgent, calibration.immediate)
        ratio = miss_cost / calibration.urgent.miss_cost if miss_cost else 1.0
        self._steps = steps
        self._conversation = calibration.conversation
        self.log_odds = tuple(_threshold(step, step.miss_cost * ratio) for step in steps)
        """Log-odds from which each severity is due."""

    def of_conversation(self, evidence: Evidence) -> Probabilities:
        """Return the probabilities of several messages read as one; the thresholds are higher."""
        return self.probabilities(evidence, self._conversation)

    def probabilities(self, evidence: Evidence, handicap: float = 0.0) -> Probabilities:
        """Return the probabilities of a text; `handicap` is subtracted from all log-odds."""
        odds = [odd - handicap for odd in self._odds(evidence)]
        over = [
            due for due, odd, least in zip(STEPS, odds, self.log_odds, strict=True) if odd >= least
        ]
        concern, urgent, immediate = map(_probability, odds)
        return Probabilities(concern, urgent, immediate, max(over, default=Severity.NONE))

    def possible(self, evidence: Evidence) -> Severity:
        """Return the highest severity that the evidence does not rule out (RULED_OUT).

        Where it is not ruled out that a message is urgent, it may be immediate: how near a danger
        is, a reviewed phrase ("strangled me") knows better than the models.
        """
        concern, urgent, _ = (
            odd >= least - RULED_OUT
            for odd, least in zip(self._odds(evidence), self.log_odds, strict=True)
        )
        if urgent:
            return Severity.IMMEDIATE
        return Severity.CONCERN if concern else Severity.NONE

    def _odds(self, evidence: Evidence) -> list[float]:
        """Return the log-odds of each of STEPS."""
        second = evidence.second or _UNREAD
        weights = [step.once if evidence.second is None else step.twice for step in self._steps]
        return [
            weight.network * network
            + weight.witness * witness
            + weight.phrase * (evidence.phrased >= due)
            + weight.second * again
            + weight.offset
            for weight, network, witness, again, due in zip(
                weights, evidence.network, evidence.witness, second, STEPS, strict=True
            )
        ]


def _threshold(step: SeverityStep, cost: float) -> float:
    """Return the log-odds, at the development balance, at which a miss costs as much as an alarm.

    An alarm is right if p * cost >= 1 - p, so if the odds where Lantern is used are at least
    1 / cost; those are the development odds times the ratio of the two priors (Elkan 2001, "The
    foundations of cost-sensitive learning", theorem 2).
    """
    prior = log(step.expected / (1 - step.expected)) - log(step.developed / (1 - step.developed))
    return -log(cost) - prior


def _probability(odds: float) -> float:
    return 1 / (1 + exp(-max(-_FARTHEST, min(_FARTHEST, odds))))


def read_calibration(path: Path | None = None) -> Calibration:
    """Read the calibration from `path`, by default the project's. Raises ContentError."""
    return read_yaml(path or artifacts.checked(artifacts.CALIBRATION)).convert(Calibration)


class ChatThreshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the evidence in a chat adds up to log-odds, and the threshold of one severity."""

    pattern: float
    """Log-odds that one point of the density of signs adds."""
    tone: float
    """Log-odds that one point of the network's score of stretches adds."""
    offset: float
    bar: float
    """The threshold, in log-odds; named as in the artifact."""

    def over(self, pattern: float, tone: float) -> float:
        """Return the log-odds above the threshold."""
        return self.pattern * pattern + self.tone * tone + self.offset - self.bar


class ChatThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file artifacts/chat_thresholds.yml, which lab/training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores were calibrated."""
    signs: dict[str, float]
    """Weight of each sign of grooming; reviewed by people."""
    shown: float
    """Smallest probability of a sign that staff are shown beside a chat."""
    concern: ChatThreshold
    urgent: ChatThreshold
    line: float
    """Log-odds by which the threshold of a message is higher for one line among others."""


def read_chat_thresholds(path: Path | None = None) -> ChatThresholds:
    """Read the thresholds from `path`, by default the project's. Raises ContentError."""
    path = path or artifacts.checked(artifacts.CHAT_THRESHOLDS)
    thresholds = read_yaml(path).convert(ChatThresholds)
    wrong = set(thresholds.signs) ^ set(SIGNS)
    if wrong:
        names = ", ".join(sorted(wrong))
        raise ContentError([Problem(path, 1, f"signs without a weight, or unknown: {names}")])
    return thresholds
