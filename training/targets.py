"""What the network is to say of each sentence, and what it costs to say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from safeguarding.risk.dialogues import SIGNS
from safeguarding.taxonomy import Severity, taxonomy
from training.sentences import Sentence

SHARES = {"severity": 3.0, "category": 0.3, "subject": 0.1, "topic": 0.5, "sign": 0.2}
"""What each task weighs in the whole loss."""


@dataclass(frozen=True)
class Labels:
    """Targets of all sentences; a mask of 0 leaves a sentence out of that task."""

    severity: npt.NDArray[np.float32]
    category: npt.NDArray[np.float32]
    subject: npt.NDArray[np.int32]
    topic: npt.NDArray[np.int32]
    sign: npt.NDArray[np.float32]
    masks: dict[str, npt.NDArray[np.float32]]


def labels_of(sentences: Sequence[Sentence], intents: Sequence[str]) -> Labels:
    """Severity as three steps (at least concern, urgent, immediate): shape (n, 3)."""
    names = list(taxonomy().risk_categories)
    subjects = list(taxonomy().subjects)
    count = len(sentences)
    severity = np.zeros((count, 3), np.float32)
    category = np.zeros((count, len(names)), np.float32)
    subject, topic = np.zeros(count, np.int32), np.zeros(count, np.int32)
    sign = np.zeros((count, len(SIGNS)), np.float32)
    masks = {task: np.zeros(count, np.float32) for task in SHARES}
    for at, sentence in enumerate(sentences):
        if sentence.severity is not None:
            severity[at] = [sentence.severity >= step for step in list(Severity)[1:]]
            masks["severity"][at] = 1
        if sentence.categories is not None:
            for name in sentence.categories:
                category[at, names.index(name)] = 1
            masks["category"][at] = 1
        if sentence.subject is not None:
            subject[at] = subjects.index(sentence.subject)
            masks["subject"][at] = 1
        if sentence.intent is not None:
            topic[at] = intents.index(sentence.intent)
            masks["topic"][at] = 1
        if sentence.signs is not None:
            for name in sentence.signs:
                sign[at, SIGNS.index(name)] = 1
            masks["sign"][at] = 1
    return Labels(severity, category, subject, topic, sign, masks)


def losses(logits: dict[str, Any], target: dict[str, Any]) -> Any:
    """The weighted sum of the tasks' losses over the sentences that have a target."""
    found = {
        "severity": optax.sigmoid_binary_cross_entropy(logits["severity"], target["severity"]).sum(
            -1
        ),
        "category": optax.sigmoid_binary_cross_entropy(logits["category"], target["category"]).sum(
            -1
        ),
        "subject": optax.softmax_cross_entropy_with_integer_labels(
            logits["subject"], target["subject"]
        ),
        "topic": optax.softmax_cross_entropy_with_integer_labels(logits["topic"], target["topic"]),
        "sign": optax.sigmoid_binary_cross_entropy(logits["sign"], target["sign"]).sum(-1),
    }
    total = 0.0
    for task, share in SHARES.items():
        mask = target[f"{task}_mask"]
        total += share * (found[task] * mask).sum() / jnp.maximum(mask.sum(), 1)
    return total
