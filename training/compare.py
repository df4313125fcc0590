"""Other ways to tell what is urgent, on the same sentences: `python -m training.compare`.

Each learns from the training part; the development part is only scored. Prints one table: how much
of what is urgent each hears at 1, 3 and 5 % false alarms, with Wilson intervals, and what one
message costs on one core. docs/models.md keeps the table and what was concluded from it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import SVC

from safeguarding.encoders import weights
from safeguarding.encoders.minilm import minilm
from safeguarding.encoders.use import universal_sentence_encoder
from safeguarding.risk.classifier import URGENT, risk_classifier
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.examples import Example, read_examples
from safeguarding.risk.judgement import Judge, read_calibration
from safeguarding.risk.lexicon import read_lexicon
from safeguarding.taxonomy import Severity
from scripts.wilson import interval
from training import network
from training.texts import batches, of_pieces

FALSE_ALARMS = (0.01, 0.03, 0.05)
_TIMED, _OF_SVM = 100, 8000
"""Messages that are timed, and sentences that the SVM learns from: with all it would take hours."""
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    scores: npt.NDArray[np.float64]
    """Of the development sentences."""
    milliseconds: float
    """For one message, encoders included."""


class Frozen:
    """The published encoders' vectors of both parts, made once."""

    def __init__(self, training: Sequence[str], held: Sequence[str]) -> None:
        base = network.float_weights(load_file(weights.minilm_dir() / "model.safetensors"))
        encoder = universal_sentence_encoder()
        self.mini = tuple(_frozen_minilm(base, texts) for texts in (training, held))
        self.use = tuple(
            np.stack([encoder.encode(text) for text in texts]) for texts in (training, held)
        )
        self.both = tuple(
            np.hstack(pair).astype(np.float32) for pair in zip(self.mini, self.use, strict=True)
        )


def _frozen_minilm(base: dict[str, Any], texts: Sequence[str]) -> Matrix:
    turned = {name: jnp.asarray(array) for name, array in network.turned(base).items()}
    fresh = network.fresh_adapter(base, 1, 0)
    adapter = {name: jnp.asarray(array) for name, array in fresh.items()}
    read = jax.jit(lambda ids, mask: network.encode(turned, adapter, ids, mask, None, 0.0))
    pieces = of_pieces(texts)
    found = np.zeros((len(texts), network.HIDDEN), np.float32)
    for which, ids, mask in batches(pieces, None):
        found[which] = np.asarray(read(ids, mask))[: len(which)]
    return found


def fitted(
    name: str,
    model: Any,
    features: Sequence[Any],
    due: npt.NDArray[np.bool_],
    encoders: float,
) -> Row:
    """Learn, score the development part, and time one message at a time."""
    _say(f"{name}: learning")
    model.fit(features[0], due)
    score = model.decision_function if isinstance(model, SVC) else _probability(model)
    started = time.perf_counter()
    for at in range(_TIMED):
        score(features[1][at : at + 1])
    each = (time.perf_counter() - started) / _TIMED * 1000
    return Row(name, score(features[1]), encoders + each)


def _probability(model: Any) -> Callable[[Any], Any]:
    return lambda features: model.predict_proba(features)[:, 1]


def table(rows: Sequence[Row], due: npt.NDArray[np.int_]) -> list[str]:
    """The lines of a Markdown table, in the order of `rows`. `due` holds severities."""
    lines = [
        "| model | urgent heard at 1 % false alarms | at 3 % | at 5 % | ms a message |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.name]
        for allowed in FALSE_ALARMS:
            bar = np.quantile(row.scores[due == 0], 1 - allowed)
            over = row.scores[due >= Severity.URGENT] > bar
            low, high = interval(int(over.sum()), len(over))
            cells.append(f"{over.mean():.0%} ({low:.0%}–{high:.0%})")
        lines.append("| " + " | ".join([*cells, f"{row.milliseconds:.1f}"]) + " |")
    return lines


def _each(texts: Sequence[str], do: Callable[[str], Any]) -> float:
    """Milliseconds a text."""
    started = time.perf_counter()
    for text in texts:
        do(text)
    return (time.perf_counter() - started) / len(texts) * 1000


def frozen_rows(training: Sequence[Example], held: Sequence[Example]) -> list[Row]:
    """Models on the encoders as published."""
    engine = RiskEngine(read_lexicon())
    words = [[engine.canonical(each.text) for each in part] for part in (training, held)]
    due = np.array([each.severity >= Severity.URGENT for each in training])
    vectors = Frozen(words[0], words[1])
    letters = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
        MaxAbsScaler(),
    )
    counted = (letters.fit_transform(words[0]), letters.transform(words[1]))
    joined = [
        sparse.hstack([dense * 4, grams]).tocsr()
        for dense, grams in zip(vectors.both, counted, strict=True)
    ]
    some = words[1][:_TIMED]
    mini = _each(some, minilm().encode)
    both = mini + _each(some, universal_sentence_encoder().encode)
    some_rows = np.random.default_rng(1).permutation(len(training))[:_OF_SVM]
    linear = {"C": 10.0, "max_iter": 1000}
    return [
        fitted("letters, linear", LogisticRegression(**linear), counted, due, 0.0),
        fitted("MiniLM, linear", LogisticRegression(**linear), vectors.mini, due, mini),
        fitted("MiniLM + USE, linear", LogisticRegression(**linear), vectors.both, due, both),
        fitted("MiniLM + USE + letters, linear", LogisticRegression(**linear), joined, due, both),
        fitted(
            "MiniLM + USE, kNN (15, cosine)",
            KNeighborsClassifier(15, weights="distance", metric="cosine"),
            vectors.both,
            due,
            both,
        ),
        fitted(
            "MiniLM + USE, MLP (256)",
            MLPClassifier((256,), early_stopping=True, random_state=1),
            vectors.both,
            due,
            both,
        ),
        fitted(
            f"MiniLM + USE, SVM (RBF), {_OF_SVM:,} sentences",
            SVC(C=10.0, cache_size=1000),
            (vectors.both[0][some_rows], vectors.both[1]),
            due[some_rows],
            both,
        ),
    ]


def adapted_rows(held: Sequence[Example]) -> list[Row]:
    """The adapted encoder, alone and weighed together with the lexicon."""
    engine = RiskEngine(read_lexicon())
    classifier, judge = risk_classifier(), Judge(read_calibration())
    words = [engine.canonical(each.text) for each in held]
    steps = [classifier.read(text).steps for text in words]
    weighed = [
        judge.weigh(each, engine.assess(example.text).severity).urgent
        for each, example in zip(steps, held, strict=True)
    ]
    some = words[:_TIMED]
    alone = _each(some, classifier.read)
    lexicon = _each([each.text for each in held[:_TIMED]], engine.assess)
    return [
        Row("MiniLM adapted + USE, one hidden layer", np.array([s[URGENT] for s in steps]), alone),
        Row("the same, with the lexicon", np.array(weighed), alone + lexicon),
    ]


def main() -> int:
    """Print the table."""
    examples = read_examples()
    training = [each for each in examples if each.part == "training"]
    held = [each for each in examples if each.part == "development"]
    rows = [*frozen_rows(training, held), *adapted_rows(held)]
    due = np.array([int(each.severity) for each in held])
    sys.stdout.write("\n".join(table(rows, due)) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
