"""`make calibrate` writes artifacts/calibration.yml and artifacts/chat_thresholds.yml.

The first turns the scores of a message into probabilities. It is fitted on the development part, on
the older, milder set of tests/held_out, on the development turns of data/dialogues, and on the
development part of the background if LANTERN_BACKGROUND names its folder: a threshold fitted on one
kind of text does not suit another. Of a long message, as in service, the gravest passage counts.
The second holds the thresholds for pasted chats, from the development chats alone. Run it after
`make adapt` or `make second-reader` and a new ONNX file.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import log
from typing import NamedTuple

import click
import msgspec
import numpy as np
import numpy.typing as npt
import yaml
from sklearn.linear_model import LogisticRegression

from lab.dialogue.conversations import read_dialogues as read_labelled_dialogues
from lab.evaluation.dialogues import rendered
from lab.evaluation.messages import independent_examples
from lab.training.background import background_folder, read_background
from lab.training.sentences import development
from lab.training.severity_texts import TurnInPlace, turns_in_place
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
from safeguarding.risk.encoder.in_place import (
    SecondReader,
    loaded_encoder,
    read_second_reader,
)
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.passages import passages
from safeguarding.risk.text.normalise import Normaliser
from safeguarding.risk.thresholds import (
    STEPS,
    Calibration,
    ChatThreshold,
    ChatThresholds,
    Evidence,
    SeverityStep,
    Thresholds,
    Weights,
    read_calibration,
)
from safeguarding.risk.witness import Witness, read_witness
from safeguarding.taxonomy import SIGNS, Severity

# The cost of a missed message in false alarms, and the expected share of messages of that severity.
# The costs are a judgement to be reviewed by a safeguarding lead; the shares are of the order that
# chat services report (most messages are small talk and questions).
COSTS = {"concern": 10.0, "urgent": 50.0, "immediate": 50.0}
EXPECTED = {"concern": 0.08, "urgent": 0.015, "immediate": 0.003}
OF_TURNS = 3.0
"""What a turn of a conversation counts beside a sentence: there are 1,695 beside 9,091 sentences,
and they are what a chat receives. It was chosen when there were 544: at 3 instead of 1, of the
harmless turns 3.5 % were urgent instead of 5.5 %, and the figures of the sentences stayed within
half a point; at 6, 0.4 points more of the harmless sentences were urgent."""
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
    """A message's scores by network, witness, lexicon and second reader, with its label."""

    evidence: Evidence
    due: tuple[float, ...]
    """1 or 0 for each of STEPS."""
    known: tuple[float, ...] = (1.0, 1.0, 1.0)
    """1 for each of STEPS that is labelled, else 0."""
    is_turn: bool = False
    """Whether it is a turn of a conversation in data/dialogues."""


@dataclass(frozen=True)
class ScoredChat:
    """A pasted chat's evidence of a pattern, with its label."""

    evidence: ChatEvidence
    due: Severity


def _workers() -> ProcessPoolExecutor:
    """Return a pool of a process a core; not forked, as an encoder loses its threads by a fork."""
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))


class _Tools(NamedTuple):
    engine: RiskEngine
    normaliser: Normaliser
    classifier: RiskClassifier
    witness: Witness
    second: SecondReader


@cache
def _tools() -> _Tools:
    lexicon = read_lexicon()
    return _Tools(
        RiskEngine(lexicon),
        lexicon.normaliser,
        build_classifier(),
        read_witness(),
        read_second_reader(loaded_encoder()),
    )


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


def _message(text: str, context: str) -> Evidence:
    tools = _tools()
    message, phrased = tools.normaliser(text), tools.engine.assess(text).severity
    read = [
        (tools.classifier.read(each.text).steps, tools.witness.scores(each.as_typed(message)), each)
        for each in passages(message, gravity=tools.witness.urgent)
    ]
    network, witness, gravest = max(read, key=lambda each: each[0][_URGENT] + each[1][_URGENT])
    return Evidence(network, witness, phrased, tools.second.read(gravest.text, context).steps)


def _sentence(example: Example) -> ScoredMessage:
    due = tuple(float(example.severity >= step) for step in STEPS)
    return ScoredMessage(_message(example.text, ""), due)


def _turn(taught: TurnInPlace) -> ScoredMessage:
    evidence = _message(taught.text, taught.context)
    return ScoredMessage(evidence, taught.due, taught.known, is_turn=True)


def _chat(chat: Chat) -> ScoredChat | None:
    pasted = pasted_chat(rendered(chat))
    evidence = _reader().evidence(pasted) if pasted else None
    return ScoredChat(evidence, Severity.named(chat.severity)) if evidence else None


def fit_messages(rows: Sequence[ScoredMessage]) -> Calibration:
    """Fit two logistic regressions for each severity: with the second reader and without it."""
    steps = {}
    for at, due in enumerate(STEPS):
        labelled = [row for row in rows if row.known[at]]
        target = np.array([row.due[at] > 0 for row in labelled])
        counts = np.array([OF_TURNS if row.is_turn else 1.0 for row in labelled])
        once = [_inputs(row.evidence, at)[:-1] for row in labelled]
        twice = [_inputs(row.evidence, at) for row in labelled]
        steps[due.label] = SeverityStep(
            once=_weights(once, target, counts),
            twice=_weights(twice, target, counts),
            expected=EXPECTED[due.label],
            developed=round(float(np.average(target, weights=counts)), 4),
            miss_cost=COSTS[due.label],
        )
    return Calibration(version=build_classifier().version, conversation=CONVERSATION, **steps)


def _inputs(evidence: Evidence, at: int) -> list[float]:
    phrased = float(evidence.phrased >= STEPS[at])
    second = evidence.second[at] if evidence.second else 0.0
    return [evidence.network[at], evidence.witness[at], phrased, second]


def _weights(
    inputs: Sequence[Sequence[float]],
    target: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.float64],
) -> Weights:
    model = LogisticRegression(C=10.0).fit(np.array(inputs, np.float64), target, counts)
    network, witness, phrase, *second = map(float, model.coef_[0])
    return Weights(
        network=round(network, 4),
        witness=round(max(0.0, witness), 4),
        phrase=round(max(0.0, phrase), 4),
        second=round(max(0.0, sum(second)), 4),
        offset=round(float(model.intercept_[0]), 4),
    )


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
    placed = turns_in_place(read_labelled_dialogues("development"))
    turns = [turn for turn in placed if any(turn.known)]
    with _workers() as pool:
        rows = list(pool.map(_sentence, examples, chunksize=50))
        rows += pool.map(_turn, turns, chunksize=50)
    calibration = fit_messages(rows)
    data = digest_of([*([each.text, int(each.severity)] for each in examples), *turns])
    _write(CALIBRATION, _HEADER, calibration, data)
    thresholds = Thresholds(calibration)
    for name, part in {
        "sentences": [row for row in rows if not row.is_turn],
        "turns of conversations": [row for row in rows if row.is_turn],
    }.items():
        print(name)
        found = [thresholds.probabilities(row.evidence).severity for row in part]
        for at, step in enumerate(STEPS):
            pairs = zip(found, part, strict=True)
            known = [(severity, row.due) for severity, row in pairs if row.known[at]]
            over = [severity >= step for severity, _ in known]
            _print_figures(step, over, [_severity(due) for _, due in known])


def _severity(due: Sequence[float]) -> Severity:
    over = (step for step, share in zip(STEPS, due, strict=True) if share)
    return max(over, default=Severity.NONE)


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
