"""From scores to a severity: calibrated probabilities, and a bar set by what a mistake costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import msgspec

from safeguarding.records import read_yaml
from safeguarding.taxonomy import ROOT, Severity

CALIBRATION = ROOT / "data" / "risk" / "calibration.yml"
_FARTHEST = 30.0
STEPS = (Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the evidence for "at least this severe" adds up to log-odds; fitted by logistic
    regression on the development part (Platt scaling, with the lexicon as a second witness)."""

    score: float
    """What one point of the network's score adds."""
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
    """The file data/risk/calibration.yml, which training/calibrate.py writes."""

    version: str
    """Digest of the adapter whose scores these numbers belong to."""
    concern: Step
    urgent: Step
    immediate: Step
    conversation: float
    """By how many log-odds the bars are higher for several messages read as one."""


@dataclass(frozen=True)
class Weights:
    """How probable each severity is, on the balance of the development part."""

    concern: float
    urgent: float
    immediate: float
    severity: Severity
    """The highest severity whose probability is over its bar."""

    def of(self, severity: Severity) -> float:
        """The probability of at least `severity`."""
        return (1.0, self.concern, self.urgent, self.immediate)[severity]


class Judge:
    """Weighs what the network and the lexicon say of one text."""

    def __init__(self, calibration: Calibration, miss_cost: float | None = None) -> None:
        """`miss_cost` replaces the cost of a missed urgent message; the others keep their ratio."""
        steps = (calibration.concern, calibration.urgent, calibration.immediate)
        ratio = miss_cost / calibration.urgent.miss_cost if miss_cost else 1.0
        self._steps = steps
        self._conversation = calibration.conversation
        self.bars = tuple(_bar(step, step.miss_cost * ratio) for step in steps)
        """Log-odds from which on each severity is taken to be due."""

    def weigh_conversation(self, scores: tuple[float, float, float]) -> Weights:
        """What the scores of several messages read as one come to: there is more to go wrong in."""
        return self.weigh(scores, Severity.NONE, self._conversation)

    def weigh(
        self, scores: tuple[float, float, float], phrased: Severity, handicap: float = 0.0
    ) -> Weights:
        """What scores (log-odds before calibration) and the lexicon's severity come to."""
        odds = [
            step.score * score + step.phrase * (phrased >= due) + step.offset - handicap
            for step, score, due in zip(self._steps, scores, STEPS, strict=True)
        ]
        over = [due for due, odd, bar in zip(STEPS, odds, self.bars, strict=True) if odd >= bar]
        concern, urgent, immediate = map(_probability, odds)
        return Weights(concern, urgent, immediate, max(over, default=Severity.NONE))


def _bar(step: Step, cost: float) -> float:
    """The log-odds, on the development balance, at which missing costs as much as alarming.

    To alarm is right when p * cost >= 1 - p, so when the odds where Lantern is used are at least
    1 / cost; those are the development odds times the ratio of the two priors (Elkan 2001, "The
    foundations of cost-sensitive learning", theorem 2).
    """
    prior = log(step.expected / (1 - step.expected)) - log(step.developed / (1 - step.developed))
    return -log(cost) - prior


def _probability(odds: float) -> float:
    return 1 / (1 + exp(-max(-_FARTHEST, min(_FARTHEST, odds))))


def read_calibration(path: Path = CALIBRATION) -> Calibration:
    """The calibration file. Raises ContentError."""
    return read_yaml(path).convert(Calibration)
