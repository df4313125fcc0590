"""`make calibrate` writes artifacts/calibration.yml and artifacts/chat_thresholds.yml.

The first turns the scores of a message into probabilities. It is fitted on the development part, on
the older, milder set of tests/held_out, and on the development part of the background if
LANTERN_BACKGROUND names its folder: a threshold fitted on one kind of text does not suit another.
Of a long message, as in service, the gravest passage counts. The second holds the thresholds for
pasted chats, from the development chats alone. Run it after `make adapt` and a new ONNX file.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import log

import click
import msgspec
import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression

from lab.evaluation.dialogues import rendered
from lab.evaluation.messages import independent_examples
from lab.training.background import background_folder, read_background
from lab.training.sentences import development
from safeguarding.artifacts import (
    ARTIFACTS,
    CALIBRATION,
    CHAT_THRESHOLDS,
    add_to_manifest,
    digest_of,
)
from safeguarding.corpus import Chat, Example, read_dialogues, read_examples
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import ChatEvidence, ChatReader
from safeguarding.risk.encoder.classifier import RiskClassifier, build_classifier
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.prediction import passages
from safeguarding.risk.text.normalise import Normaliser
from safeguarding.risk.thresholds import (
    STEPS,
    Calibration,
    ChatThreshold,
    ChatThresholds,
    Evidence,
    SeverityStep,
    Thresholds,
    read_calibration,
)
from safeguarding.risk.witness import Witness, read_witness
from safeguarding.taxonomy import SIGNS, Severity

# The cost of a missed message in false alarms, and the expected share of messages of that severity.
# The costs are a judgement to be reviewed by a safeguarding lead; the shares are of the order that
# chat services report (most messages are small talk and questions).
COSTS = {"concern": 10.0, "urgent": 50.0, "immediate": 50.0}
EXPECTED = {"concern": 0.08, "urgent": 0.015, "immediate": 0.003}
CONVERSATION = 1.5
"""What is subtracted from the log-odds of several messages read as one. On the development part 1.5
finds the same 50 of 55 urgent turns as 0.5, and 63 of 254 quiet ones alarm instead of 73."""
_URGENT = STEPS.index(Severity.URGENT)
_HEADER = """\
# How the classifier's scores become a decision. Written by `make calibrate` from the development
# part of data/risk; safeguarding/risk/thresholds.py says what each number means. `miss_cost`: how
# many false alarms one missed message is worth; LANTERN_MISS_COST changes it where Lantern runs.
"""
# The weights of the signs are a judgement to be reviewed by a safeguarding lead: exploitation
# weighs more than what leads up to it. Fifteen weights are too many to fit on one writer's chats.
HEAVY = ("threats", "sexual_talk", "pictures", "meeting", "secrecy")
WEIGHTS = {sign: 1.5 if sign in HEAVY else 1.0 for sign in SIGNS}
# The expected share of pasted chats of that severity, and the cost of a missed one in false alarms.
# A false concern costs a calm conversation, a false urgent alarm costs time of staff.
EXPECTED_CHATS = {"concern": 0.3, "urgent": 0.25}
CHAT_COSTS = {"concern": 1.5, "urgent": 2.0}
SHOWN, LINE = 0.1, 1.0
_CHAT_HEADER = """\
# The weights of the signs in a pasted chat, and the thresholds above which they are a worry.
# Written by `make calibrate` from the development chats of data/risk;
# safeguarding/risk/thresholds.py explains each number. People set the weights, in
# lab/training/calibrate.py.
"""


@dataclass(frozen=True)
class ScoredMessage:
    """A sentence's scores by network, witness and lexicon, with its label."""

    evidence: Evidence
    due: Severity


@dataclass(frozen=True)
class ScoredChat:
    """A pasted chat's evidence of a pattern, with its label."""

    evidence: ChatEvidence
    due: Severity


def _workers() -> ProcessPoolExecutor:
    """Return a pool of a process a core; not forked, as an encoder loses its threads by a fork."""
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))


@cache
def _tools() -> tuple[RiskEngine, Normaliser, RiskClassifier, Witness]:
    lexicon = read_lexicon()
    return RiskEngine(lexicon), lexicon.normaliser, build_classifier(), read_witness()


@cache
def _reader() -> ChatReader:
    nothing = ChatThreshold(pattern=0.0, tone=0.0, offset=0.0, bar=0.0)
    return ChatReader(
        build_classifier(),
        read_witness(),
        Thresholds(read_calibration()),
        _chat_weights(nothing, nothing),
        read_lexicon().normaliser,
    )


def _message(example: Example) -> ScoredMessage:
    engine, normaliser, classifier, witness = _tools()
    message, phrased = normaliser(example.text), engine.assess(example.text).severity
    read = [
        Evidence(classifier.read(each.text).steps, witness.scores(each.as_typed(message)), phrased)
        for each in passages(message, gravity=witness.urgent)
    ]
    gravest = max(read, key=lambda evidence: evidence.network[_URGENT] + evidence.witness[_URGENT])
    return ScoredMessage(gravest, example.severity)


def _chat(chat: Chat) -> ScoredChat | None:
    pasted = pasted_chat(rendered(chat))
    evidence = _reader().evidence(pasted) if pasted else None
    return ScoredChat(evidence, Severity.named(chat.severity)) if evidence else None


def fit_messages(rows: Sequence[ScoredMessage]) -> Calibration:
    """Fit one logistic regression for each severity, on both scores and on the lexicon."""
    steps = {}
    for at, due in enumerate(STEPS):
        inputs = np.array(
            [
                [row.evidence.network[at], row.evidence.witness[at], row.evidence.phrased >= due]
                for row in rows
            ],
            np.float64,
        )
        target = np.array([row.due >= due for row in rows])
        model = LogisticRegression(C=10.0).fit(inputs, target)
        steps[due.label] = SeverityStep(
            network=round(float(model.coef_[0][0]), 4),
            witness=round(max(0.0, float(model.coef_[0][1])), 4),
            phrase=round(max(0.0, float(model.coef_[0][2])), 4),
            offset=round(float(model.intercept_[0]), 4),
            expected=EXPECTED[due.label],
            developed=round(float(target.mean()), 4),
            miss_cost=COSTS[due.label],
        )
    return Calibration(version=build_classifier().version, conversation=CONVERSATION, **steps)


def fit_chats(rows: Sequence[ScoredChat], due: Severity) -> ChatThreshold:
    """Fit a logistic regression for the severity `due`, with the threshold given by the costs."""
    at = (Severity.CONCERN, Severity.URGENT).index(due)
    inputs = np.array([[row.evidence.pattern, row.evidence.tone[at]] for row in rows])
    target = np.array([row.due >= due for row in rows])
    model = LogisticRegression(C=1.0).fit(inputs, target)
    prior = _odds(EXPECTED_CHATS[due.label]) - _odds(float(target.mean()))
    return ChatThreshold(
        pattern=round(max(0.0, float(model.coef_[0][0])), 4),
        tone=round(max(0.0, float(model.coef_[0][1])), 4),
        offset=round(float(model.intercept_[0]), 4),
        bar=round(-log(CHAT_COSTS[due.label]) - prior, 4),
    )


def _odds(share: float) -> float:
    return log(share / (1 - share))


def _chat_weights(concern: ChatThreshold, urgent: ChatThreshold) -> ChatThresholds:
    return ChatThresholds(
        version=build_classifier().version,
        signs=WEIGHTS,
        shown=SHOWN,
        concern=concern,
        urgent=urgent,
        line=LINE,
    )


def calibrate_messages() -> None:
    """Write calibration.yml, and print its recall and false alarms on the same messages."""
    everyday = read_background(background_folder(), "development")
    print(f"{len(everyday)} texts of the background" if everyday else "without a background")
    examples = [*development(read_examples()), *independent_examples(), *everyday]
    with _workers() as pool:
        rows = list(pool.map(_message, examples, chunksize=50))
    calibration = fit_messages(rows)
    data = digest_of([each.text, int(each.severity)] for each in examples)
    _write(CALIBRATION, _HEADER, calibration, data)
    thresholds = Thresholds(calibration)
    found = [thresholds.probabilities(row.evidence).severity for row in rows]
    for due in STEPS:
        _print_figures(due, [each >= due for each in found], [row.due for row in rows])


def calibrate_chats() -> None:
    """Write chat_thresholds.yml, and print its recall and false alarms on the same chats.

    Chats that the parser or the reader cannot read are left out.
    """
    chats = read_dialogues("development").chats
    with _workers() as pool:
        rows = [found for found in pool.map(_chat, chats, chunksize=4) if found]
    thresholds = {due: fit_chats(rows, due) for due in (Severity.CONCERN, Severity.URGENT)}
    weights = _chat_weights(thresholds[Severity.CONCERN], thresholds[Severity.URGENT])
    data = digest_of([rendered(chat), chat.severity] for chat in chats)
    _write(CHAT_THRESHOLDS, _CHAT_HEADER, weights, data)
    for at, (due, threshold) in enumerate(thresholds.items()):
        over = [threshold.over(row.evidence.pattern, row.evidence.tone[at]) >= 0 for row in rows]
        _print_figures(due, over, [row.due for row in rows])


def _write(name: str, header: str, artifact: Calibration | ChatThresholds, data: str) -> None:
    path = ARTIFACTS / name
    text = header + yaml.safe_dump(msgspec.to_builtins(artifact), sort_keys=False)
    path.write_text(text, "utf-8")
    add_to_manifest(path, made_by="make calibrate", data=data, on=date.today())  # noqa: DTZ011 - a day will do


def _print_figures(step: Severity, over: Sequence[bool], due: Iterable[Severity]) -> None:
    pairs = list(zip(over, due, strict=True))
    hits = [found for found, severity in pairs if severity >= step]
    alarms = [found for found, severity in pairs if severity == Severity.NONE]
    print(
        f"{step.label}: recognised {np.mean(hits):.1%} of {len(hits)}, "
        f"harmless alarmed {np.mean(alarms):.1%} of {len(alarms)}"
    )


@click.command()
def main() -> None:
    """Write both files; the chats need the new calibration of messages."""
    calibrate_messages()
    calibrate_chats()
