"""Training of the second witness, a minute of `make adapt` before the encoder's.

It is linear on hashed letters and words, and learns from the same sentences as the encoder, some
of them beside a harmless one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from lab.training.augmentation import mixed
from safeguarding.artifacts import WITNESS, add_to_manifest, digest_of
from safeguarding.corpus import Example
from safeguarding.risk.thresholds import STEPS
from safeguarding.risk.witness import PLACES, Witness, features
from safeguarding.taxonomy import Severity

_C = 10.0
"""Of 3, 10 and 30 the best for urgent development sentences at 1, 3 and 5 % false alarms."""
_MIXED, _LONGEST = 0.25, 16
"""Share of sentences put beside a harmless one, and most words of the latter."""


def matrix(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return a row of unit length for each text."""
    places = [features(text) for text in texts]
    ends = np.cumsum([0, *(len(found) for found in places)])
    values = [np.full(len(found), 1 / np.sqrt(max(1, len(found)))) for found in places]
    shape = (len(texts), PLACES)
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(places), ends), shape=shape)


def with_mixtures(examples: Sequence[Example], seed: int = 1) -> list[str]:
    """Return the texts of the examples, some with a harmless one before or after."""
    rng = random.Random(seed)  # noqa: S311 - training, not secrets
    harmless = [
        words
        for example in examples
        if example.severity == Severity.NONE and len(words := example.text.split()) <= _LONGEST
    ]
    texts = []
    for example in examples:
        words = example.text.split()
        if harmless and rng.random() < _MIXED:
            words = mixed(words, rng.choice(harmless), rng)
        texts.append(" ".join(words))
    return texts


def train_witness(examples: Sequence[Example]) -> Witness:
    """Train the witness on examples."""
    rows = matrix(with_mixtures(examples))
    severities = np.array([int(example.severity) for example in examples])
    weights = np.zeros((PLACES, len(STEPS)), np.float16)
    offsets = np.zeros(len(STEPS), np.float32)
    for at, step in enumerate(STEPS):
        model = LogisticRegression(C=_C, solver="liblinear").fit(rows, severities >= int(step))
        weights[:, at] = model.coef_[0]
        offsets[at] = model.intercept_[0]
    return Witness(weights, offsets)


def write(witness: Witness, examples: Sequence[Example], folder: Path) -> None:
    """Write the witness to a folder of artifacts, and enter it into the manifest."""
    path = folder / WITNESS
    save_file({"weights": witness.weights, "offsets": witness.offsets}, path)
    data = digest_of([each.text, int(each.severity)] for each in examples)
    add_to_manifest(path, made_by="make adapt", data=data, on=date.today())  # noqa: DTZ011 - a day will do
