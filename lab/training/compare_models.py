"""`make compare`: other models that recognise urgent messages, on the same sentences.

Each learns from the training part; the development part is only scored. Prints one table: recall
of urgent messages at 1, 3 and 5 % false alarms, with Wilson intervals, and the time of one message
on one core. docs/models.md keeps the table and the conclusions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from lab.evaluation.measures import interval, urgent_recall
from lab.training.network import EncoderNetwork, WordPieces, batches, published
from safeguarding.corpus import Example, read_examples
from safeguarding.risk.encoder.classifier import URGENT, build_classifier
from safeguarding.risk.encoder.in_place import loaded_encoder, read_second_reader
from safeguarding.risk.encoder.vectors import ENCODER_DIR
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.thresholds import Evidence, Thresholds, read_calibration
from safeguarding.risk.witness import read_witness
from safeguarding.taxonomy import Severity

FALSE_ALARMS = (0.01, 0.03, 0.05)
_TIMED, _OF_SVM = 100, 8000
"""Messages that are timed; sentences that the SVM learns from, as all would take hours."""
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelFigures:
    """A line of the table: one model."""

    name: str
    scores: npt.NDArray[np.float64]
    """Scores of the development sentences."""
    milliseconds: float
    """Time of one message, the encoder included."""


def published_vectors(texts: Sequence[str]) -> Matrix:
    """Return the published encoder's vectors of canonical texts, shape (texts, 768)."""
    pieces = WordPieces(ENCODER_DIR / "tokenizer.json")
    network = EncoderNetwork(published(ENCODER_DIR), {}, rank=1)
    tokens = pieces.of(texts)
    found = np.zeros((len(texts), network.width), np.float32)
    with torch.inference_mode():
        for which in batches([len(ids) for ids in tokens], None):
            _, ids, mask = pieces.batch(tokens, which)
            found[which] = network.vectors(ids, mask).float().numpy()
    return found


def fit(
    name: str,
    model: Any,
    features: Sequence[Any],
    due: npt.NDArray[np.bool_],
    encoders: float,
) -> ModelFigures:
    """Train a model, score the development part, and time single messages."""
    _print(f"{name}: learning")
    model.fit(features[0], due)
    score = model.decision_function if isinstance(model, SVC) else _probability(model)
    started = time.perf_counter()
    for at in range(_TIMED):
        score(features[1][at : at + 1])
    each = (time.perf_counter() - started) / _TIMED * 1000
    return ModelFigures(name, score(features[1]), encoders + each)


def _probability(model: Any) -> Callable[[Any], Any]:
    return lambda features: model.predict_proba(features)[:, 1]


def table(rows: Sequence[ModelFigures], due: npt.NDArray[np.int_]) -> list[str]:
    """Return the lines of a Markdown table, in the order of `rows`. `due` holds severities."""
    lines = [
        "| model | urgent recognised at 1 % false alarms | at 3 % | at 5 % | ms a message |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.name]
        for allowed in FALSE_ALARMS:
            recall = urgent_recall(row.scores, due, allowed)
            low, high = interval(recall.hits, recall.of)
            cells.append(f"{recall.value:.0%} ({low:.0%}–{high:.0%})")
        lines.append("| " + " | ".join([*cells, f"{row.milliseconds:.1f}"]) + " |")
    return lines


def _time_each(texts: Sequence[str], do: Callable[[str], Any]) -> float:
    """Return the milliseconds that a text takes."""
    started = time.perf_counter()
    for text in texts:
        do(text)
    return (time.perf_counter() - started) / len(texts) * 1000


def frozen_rows(training: Sequence[Example], held: Sequence[Example]) -> list[ModelFigures]:
    """Train models on letters, and on the vectors of the published encoder."""
    engine = RiskEngine(read_lexicon())
    words = [[engine.canonical(each.text) for each in part] for part in (training, held)]
    due = np.array([each.severity >= Severity.URGENT for each in training])
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)
    counted = (letters.fit_transform(words[0]), letters.transform(words[1]))
    vectors = tuple(published_vectors(part) for part in words)
    encoder = _time_each(words[1][:_TIMED], build_classifier().read)
    some = np.random.default_rng(1).permutation(len(training))[:_OF_SVM]
    linear = {"C": 10.0, "max_iter": 1000}
    neighbours = KNeighborsClassifier(15, weights="distance", metric="cosine")
    layer = MLPClassifier((256,), early_stopping=True, random_state=1)
    few = (vectors[0][some], vectors[1])
    return [
        fit("letters, linear", LogisticRegression(**linear), counted, due, 0.0),
        fit("MPNet, linear", LogisticRegression(**linear), vectors, due, encoder),
        fit("MPNet, kNN (15, cosine)", neighbours, vectors, due, encoder),
        fit("MPNet, MLP (256)", layer, vectors, due, encoder),
        fit(
            f"MPNet, SVM (RBF), {_OF_SVM:,} sentences",
            SVC(C=10.0, cache_size=1000),
            few,
            due[some],
            encoder,
        ),
    ]


def adapted_rows(held: Sequence[Example]) -> list[ModelFigures]:
    """Score by the witness, the adapted encoder, both, with the lexicon, and with both readers."""
    engine, witness = RiskEngine(read_lexicon()), read_witness()
    classifier, thresholds = build_classifier(), Thresholds(read_calibration())
    words = [engine.canonical(each.text) for each in held]
    witnessed = [witness.scores(each.text) for each in held]
    steps = [classifier.read(text).steps for text in words]
    both = [Evidence(*each) for each in zip(steps, witnessed, strict=True)]
    phrased = [
        evidence._replace(phrased=engine.assess(example.text).severity)
        for evidence, example in zip(both, held, strict=True)
    ]
    second = read_second_reader(loaded_encoder())
    twice = [
        evidence._replace(second=second.read(text).steps)
        for evidence, text in zip(phrased, words, strict=True)
    ]
    again = _time_each(words[:_TIMED], second.read)
    typed = [each.text for each in held[:_TIMED]]
    letters, network = (
        _time_each(typed, witness.scores),
        _time_each(words[:_TIMED], classifier.read),
    )
    lexicon = _time_each(typed, engine.assess)

    def weighed(evidence: Sequence[Evidence]) -> npt.NDArray[np.float64]:
        return np.array([thresholds.probabilities(each).urgent for each in evidence])

    return [
        ModelFigures("second witness", np.array([each[URGENT] for each in witnessed]), letters),
        ModelFigures("MPNet adapted", np.array([each[URGENT] for each in steps]), network),
        ModelFigures("both", weighed(both), network + letters),
        ModelFigures("both, with the lexicon", weighed(phrased), network + letters + lexicon),
        ModelFigures(
            "all three and the second reader", weighed(twice), network + letters + lexicon + again
        ),
    ]


@click.command()
def main() -> None:
    """Print the table."""
    examples = read_examples()
    training = [each for each in examples if each.part == "training"]
    held = [each for each in examples if each.part == "development"]
    rows = [*frozen_rows(training, held), *adapted_rows(held)]
    due = np.array([int(each.severity) for each in held])
    sys.stdout.write("\n".join(table(rows, due)) + "\n")


def _print(line: str) -> None:
    sys.stderr.write(line + "\n")
