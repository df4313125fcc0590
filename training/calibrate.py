"""Turns scores into probabilities: `python -m training.calibrate` writes data/risk/calibration.yml.

Reads the development part and the older set of tests/held_out, which is less artful: a bar set on
one kind of sentence fits no other. Run it after `python -m training.adapt` and a new ONNX file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression

from safeguarding.risk.classifier import RiskClassifier, risk_classifier
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.examples import Example, read_examples
from safeguarding.risk.judgement import CALIBRATION, STEPS, Calibration, Judge, Step
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.taxonomy import Severity
from scripts.evaluation.messages import independent_examples
from training.sentences import development

# What a missed message costs, in false alarms, and what share of messages is expected to be that
# severe. The costs are a judgement to be reviewed by a safeguarding lead; the shares follow the
# order of what chat services report (most messages are small talk and questions).
COSTS = {"concern": 10.0, "urgent": 50.0, "immediate": 50.0}
EXPECTED = {"concern": 0.08, "urgent": 0.015, "immediate": 0.003}
CONVERSATION = 0.5
HEAD = """\
# How the classifier's scores become a decision. Written by `make calibrate` from the development
# part of data/risk; safeguarding/risk/judgement.py says what each number means. `miss_cost`: how
# many false alarms one missed message is worth; LANTERN_MISS_COST changes it where Lantern runs.
"""


@dataclass(frozen=True)
class Seen:
    """One development sentence: what the network and the lexicon say, and what is due."""

    scores: tuple[float, float, float]
    phrased: Severity
    due: Severity


@cache
def _tools() -> tuple[RiskEngine, RiskClassifier]:
    return RiskEngine(read_lexicon()), risk_classifier()


def _seen(example: Example) -> Seen:
    engine, classifier = _tools()
    scores = classifier.read(engine.canonical(example.text)).steps
    return Seen(scores, engine.assess(example.text).severity, example.severity)


def seen(examples: Sequence[Example]) -> list[Seen]:
    """Every example, on all cores."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(_seen, examples, chunksize=50))


def fitted(rows: Sequence[Seen]) -> Calibration:
    """Logistic regression a step: of whether it is due, on the score and on the lexicon."""
    steps = {}
    for at, due in enumerate(STEPS):
        inputs = np.array([[row.scores[at], float(row.phrased >= due)] for row in rows])
        target = np.array([row.due >= due for row in rows])
        model = LogisticRegression(C=10.0).fit(inputs, target)
        steps[due.label] = Step(
            score=round(float(model.coef_[0][0]), 4),
            phrase=round(max(0.0, float(model.coef_[0][1])), 4),
            offset=round(float(model.intercept_[0]), 4),
            expected=EXPECTED[due.label],
            developed=round(float(target.mean()), 4),
            miss_cost=COSTS[due.label],
        )
    _, classifier = _tools()
    return Calibration(version=classifier.version, conversation=CONVERSATION, **steps)


def main() -> int:
    """Fit, write the file, and print what it means on the development part."""
    rows = seen([*development(read_examples()), *independent_examples()])
    calibration = fitted(rows)
    text = HEAD + yaml.safe_dump(msgspec.to_builtins(calibration), sort_keys=False)
    CALIBRATION.write_text(text, "utf-8")
    judge = Judge(calibration)
    found = [judge.weigh(row.scores, row.phrased).severity for row in rows]
    for due in STEPS:
        hits = [heard >= due for heard, row in zip(found, rows, strict=True) if row.due >= due]
        alarms = [heard >= due for heard, row in zip(found, rows, strict=True) if row.due == 0]
        print(  # noqa: T201 - a command
            f"{due.label}: heard {np.mean(hits):.1%}, harmless alarmed {np.mean(alarms):.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
