"""A sentence teaches only what is known of it, and each task weighs what it should."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest

from safeguarding.risk.dialogues import SIGNS
from safeguarding.taxonomy import Severity, taxonomy
from training.sentences import Sentence
from training.targets import SHARES, labels_of, losses

NONE, CONCERN, URGENT, IMMEDIATE = Severity
CATEGORIES, SUBJECTS = list(taxonomy().risk_categories), list(taxonomy().subjects)
INTENTS = ["ask_help", "bye", "greet"]
UNKNOWN = Sentence("x", None, None, None, None, None)
TOLD = Sentence("x", URGENT, ("missing", "grooming"), "friend", "bye", ("gifts", "secrecy"))


@pytest.mark.parametrize(
    ("severity", "steps"),
    [(NONE, [0, 0, 0]), (CONCERN, [1, 0, 0]), (URGENT, [1, 1, 0]), (IMMEDIATE, [1, 1, 1])],
)
def test_a_severity_is_every_step_up_to_it(severity: Severity, steps: list[int]) -> None:
    found = labels_of([Sentence("x", severity, None, None, None)], INTENTS)

    assert found.severity.tolist() == [steps]
    assert found.masks["severity"].tolist() == [1]


def test_every_label_stands_in_the_order_of_its_names() -> None:
    found = labels_of([TOLD], INTENTS)

    assert {CATEGORIES[at] for at in np.flatnonzero(found.category[0])} == {"missing", "grooming"}
    assert {SIGNS[at] for at in np.flatnonzero(found.sign[0])} == {"gifts", "secrecy"}
    assert SUBJECTS[found.subject[0]] == "friend"
    assert INTENTS[found.topic[0]] == "bye"
    assert [found.masks[task].tolist() for task in SHARES] == [[1]] * 5


def test_what_is_not_known_is_left_out() -> None:
    found = labels_of([UNKNOWN, TOLD], INTENTS)

    assert [found.masks[task].tolist() for task in SHARES] == [[0, 1]] * 5


def test_that_there_is_no_category_and_no_sign_is_known_too() -> None:
    found = labels_of([Sentence("x", NONE, (), None, None, ())], INTENTS)

    assert found.category.sum() == found.sign.sum() == 0
    masks = {task for task, mask in found.masks.items() if mask[0]}
    assert masks == {"severity", "category", "sign"}


WIDTHS = {
    "severity": 3,
    "category": len(CATEGORIES),
    "subject": len(SUBJECTS),
    "topic": len(INTENTS),
    "sign": len(SIGNS),
}
UNDECIDED = {
    "severity": 3 * log(2),
    "category": len(CATEGORIES) * log(2),
    "subject": log(len(SUBJECTS)),
    "topic": log(len(INTENTS)),
    "sign": len(SIGNS) * log(2),
}
"""What a network that says 0 everywhere loses in each task on one sentence."""


def target(*sentences: Sentence) -> dict[str, Any]:
    made = labels_of(sentences, INTENTS)
    tasks = {task: getattr(made, task) for task in SHARES}
    return tasks | {f"{task}_mask": made.masks[task] for task in SHARES}


def says(*numbers: float) -> dict[str, Any]:
    """The logits of a network that says the same number everywhere of a sentence."""
    return {
        task: np.array([[number] * width for number in numbers], np.float32)
        for task, width in WIDTHS.items()
    }


@pytest.mark.parametrize("task", SHARES)
def test_a_task_weighs_its_share(task: str) -> None:
    labels = target(TOLD)
    only = {name: labels[name] * (name == f"{task}_mask") for name in labels if "_mask" in name}

    found = losses(says(0), labels | only)

    assert float(found) == pytest.approx(SHARES[task] * UNDECIDED[task], rel=1e-5)


def test_the_whole_loss_is_the_sum_of_the_tasks() -> None:
    whole = sum(SHARES[task] * UNDECIDED[task] for task in SHARES)

    assert float(losses(says(0), target(TOLD))) == pytest.approx(whole, rel=1e-5)


def test_a_sentence_that_teaches_nothing_costs_nothing() -> None:
    alone = float(losses(says(0), target(TOLD)))

    assert float(losses(says(0, 50), target(TOLD, UNKNOWN))) == pytest.approx(alone, rel=1e-5)


def test_the_loss_is_the_mean_over_the_sentences() -> None:
    one = float(losses(says(0), target(TOLD)))

    assert float(losses(says(0, 0, 0), target(TOLD, TOLD, TOLD))) == pytest.approx(one, rel=1e-5)


def test_a_batch_that_teaches_nothing_costs_nothing() -> None:
    assert float(losses(says(3), target(UNKNOWN))) == 0


def test_to_be_wrong_of_a_step_costs_its_surprise() -> None:
    logits = says(0) | {"severity": np.array([[2, -1, -3]], np.float32)}

    found = losses(logits, target(Sentence("x", URGENT, None, None, None)))

    surprise = log(1 + exp(-2)) + log(1 + exp(1)) + log(1 + exp(-3))
    assert float(found) == pytest.approx(SHARES["severity"] * surprise, rel=1e-5)


def test_to_be_wrong_of_the_subject_costs_its_surprise() -> None:
    sure = np.array([[9.0 if name == "self" else 0.0 for name in SUBJECTS]], np.float32)

    right, wrong = (
        float(losses(says(0) | {"subject": sure}, target(Sentence("x", None, None, name, None))))
        for name in ("self", "friend")
    )

    assert wrong - right == pytest.approx(SHARES["subject"] * 9, rel=1e-4)
