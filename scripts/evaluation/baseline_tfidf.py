"""A baseline: TF-IDF of words and letters with logistic regression, as most text classifiers begin.

Run in the assistant's environment, which has scikit-learn:
`python -m scripts.evaluation.baseline_tfidf < in.json > out.json`. In goes {"training": [{"text",
"severity"}], "texts": [...]}, severity as a number; out comes {"steps": [[p, p, p], ...]}, for each
text the probability of at least concern, of at least urgent, and of immediate.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

STEPS = (1, 2, 3)
"""Concern, urgent, immediate."""
_INVERSE_OF_PENALTY = 10.0
"""The best of 1, 10 and 100 on the development part."""


def steps_of(
    training: Sequence[str], severities: Sequence[int], texts: Sequence[str]
) -> list[list[float]]:
    """For each text the probability that it reaches each step, learned from `training`."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    learned, asked = features.fit_transform(training), features.transform(texts)
    columns = []
    for step in STEPS:
        model = LogisticRegression(C=_INVERSE_OF_PENALTY, solver="liblinear")
        model.fit(learned, [severity >= step for severity in severities])
        columns.append(model.predict_proba(asked)[:, 1])
    return [[round(float(p), 6) for p in row] for row in zip(*columns, strict=True)]


def main() -> int:
    """Learn from standard input, answer on standard output."""
    asked: dict[str, Any] = json.load(sys.stdin)
    training = asked["training"]
    texts, severities = [row["text"] for row in training], [row["severity"] for row in training]
    json.dump({"steps": steps_of(texts, severities, asked["texts"])}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
