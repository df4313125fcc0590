"""The table shows each model's recall of urgent sentences at given shares of false alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from lab.tests.training import tiny
from lab.training import compare_models as module
from lab.training import network as network_module
from lab.training.compare_models import ModelFigures, fit, published_vectors, table
from lab.training.network import WordPieces
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = map(int, Severity)
HARMLESS = list(range(100))
"""Scores of a hundred harmless sentences; the thresholds are 98.01, 96.03 and 94.05."""


def lines(*rows: tuple[str, list[float], float], due: list[int]) -> list[str]:
    """Return the table's lines after its head, for scores in the order of the labels."""
    made = [
        ModelFigures(name, np.array([*HARMLESS, *scores], float), ms) for name, scores, ms in rows
    ]
    return table(made, np.array([NONE] * len(HARMLESS) + due))[2:]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_what_is_over_the_threshold_is_recognised() -> None:
    (line,) = lines(("a model", [99, 97, 95, 10], 1.26), due=[URGENT] * 4)

    assert cells(line) == ["a model", "25% (5%–70%)", "50% (15%–85%)", "75% (30%–95%)", "1.3"]


def test_immediate_counts_as_urgent_and_a_concern_does_not() -> None:
    due = [URGENT, IMMEDIATE, CONCERN, CONCERN]

    (line,) = lines(("a model", [150, 10, 200, 200], 0), due=due)

    assert [cell.partition(" ")[0] for cell in cells(line)[1:4]] == ["50%"] * 3


def test_a_model_that_cannot_tell_recognises_nothing() -> None:
    row = ModelFigures("says always the same", np.ones(8), 0.0)

    line = table([row], np.array([NONE, URGENT] * 4))[2]

    assert [cell.partition(" ")[0] for cell in cells(line)[1:4]] == ["0%"] * 3


def test_the_table_is_markdown_in_the_order_of_its_rows() -> None:
    rows = [ModelFigures(name, np.arange(4.0), 0.5) for name in ("second", "first")]

    made = table(rows, np.array([NONE, NONE, URGENT, URGENT]))

    assert {line.count("|") for line in made} == {6}
    assert set(made[1]) == {"|", "-"}
    assert [cells(line)[0] for line in made[2:]] == ["second", "first"]
    assert cells(made[0])[1:4] == ["urgent recognised at 1 % false alarms", "at 3 %", "at 5 %"]


def test_the_frozen_encoder_gives_each_text_the_vector_of_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.write(tmp_path)
    monkeypatch.setattr(module, "ENCODER_DIR", tmp_path)
    monkeypatch.setattr(network_module, "has_bfloat16", lambda: False)
    texts = ["my dad hit me today and i am scared", "", "we had pasta", *["he hurt me"] * 70]

    found = published_vectors(texts)

    pieces = WordPieces(tmp_path / "tokenizer.json")
    assert found.shape == (len(texts), 32)
    for row, ids in zip(found[:4], pieces.of(texts[:4]), strict=True):
        with torch.inference_mode():
            mean = model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0)
        assert float(torch.from_numpy(row) @ mean / mean.norm()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("model", [LogisticRegression(), SVC()])
def test_a_model_learns_from_one_part_and_scores_the_other(model: object) -> None:
    chance = np.random.default_rng(1)
    learned, held = (
        np.repeat([[0.0], [3.0]], 60, axis=0) + chance.normal(0, 0.1, (120, 1)) for _ in "ab"
    )
    due = np.arange(120) >= 60

    found = fit("a model", model, (learned, held), due, encoders=5.0)

    assert found.name == "a model"
    assert found.scores[due].min() > found.scores[~due].max()
    assert found.milliseconds > 5.0
