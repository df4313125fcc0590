"""The encoder of the dialogue learns from the bank and the conversations, but not from HELD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from lab.dialogue import adapt as module
from lab.dialogue.adapt import TaughtText, loss, main, taught_texts
from lab.dialogue.conversations import HELD, LabelledDialogue, messages, read_dialogues
from lab.tests.training import tiny
from lab.training import adapt as training
from lab.training import network as network_module
from lab.training.adapt import TrainingRun
from lab.training.severity_texts import SeverityText
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import BASE_SHA256, read_arrays
from safeguarding.risk.lexicon.reader import read_lexicon
from tests.content import real_content

REPLIES, ACTS, NEEDS = 3, 2, 8
HARMLESS = SeverityText("football fun", (0.0, 0.0, 0.0))
URGENT = SeverityText("my dad hit me", (1.0, 1.0, 0.0), (1.0, 1.0, 0.0), "hurt_by_someone")
LONG, MANY = 12, 500
"""Words of a message that no one else writes by chance, and how many such messages are held."""
TEXTS = [
    TaughtText(("he", "hurt", "me"), "", None, ((0, 1.0),), 1.0),
    TaughtText(("what", "is", "a", "dsl"), "", None, ((1, 1.0),), 1.0),
    TaughtText(
        ("my", "dad", "hit", "me"), "he hurt me / what", 0, ((0, 0.7), (1, 0.3)), 0.8, URGENT
    ),
    TaughtText(("football", "fun"), "", 1, ((2, 1.0),), 0.3, HARMLESS),
] * 3


class Sentences:
    """Stands for the sentences of data/risk: the same four in every epoch."""

    digest = "0"

    def __init__(self, _: object) -> None: ...

    def __len__(self) -> int:
        return 4

    def drawn(self, _: object) -> Iterator[SeverityText]:
        return iter([HARMLESS, URGENT] * 2)


class StoppedError(Exception):
    """Stands for the end of the process."""


class House:
    """Runs the command on a tiny network and these texts; notes the losses."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out" / "dialogue_adapter.safetensors"
        self.losses: list[float] = []

    def adapt(self, *options: str) -> None:
        done = CliRunner().invoke(main, ["--out", str(self.out), *options])
        if done.exception:
            raise done.exception


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    tiny.write(tmp_path / "mpnet")
    monkeypatch.setattr(weights, "ENCODER_DIR", tmp_path / "mpnet")
    monkeypatch.setattr(network_module, "has_bfloat16", lambda: False)
    monkeypatch.setattr(module, "STATE", tmp_path / "state.pt")
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "taught_texts", lambda: (TEXTS, REPLIES, ACTS))
    monkeypatch.setattr(module, "SeverityTexts", Sentences)
    monkeypatch.setattr(training, "RATES", {"encoder": 5e-3, "heads": 5e-3})
    made, step = House(tmp_path), TrainingRun.step

    def noted(run: TrainingRun, value: torch.Tensor) -> float:
        made.losses.append(float(value.detach()))
        return step(run, value)

    monkeypatch.setattr(TrainingRun, "step", noted)
    return made


def test_the_loss_falls_and_only_the_changes_of_the_encoder_are_written(house: House) -> None:
    house.adapt("--epochs", "12")

    arrays, facts = read_arrays(house.out)
    assert np.mean(house.losses[-4:]) < 0.7 * np.mean(house.losses[:4])
    assert facts["base"] == BASE_SHA256
    assert arrays
    assert all(name.startswith("adapter.encoder.layer.") for name in arrays)
    assert any(np.abs(array).max() > 0 for name, array in arrays.items() if name.endswith(".up"))


def test_what_is_written_is_an_adapter(house: House) -> None:
    house.adapt("--epochs", "1")
    found = weights.read_adapter(house.out)

    assert found.heads == {}
    assert {name.rpartition(".")[2] for name in found.changes} == {"down", "up"}


def test_a_run_that_is_stopped_goes_on_where_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVE_EVERY_S", 0.0)
    noted = TrainingRun.step

    def stopped(run: TrainingRun, value: torch.Tensor) -> float:
        if run.done == 5:
            raise StoppedError
        return noted(run, value)

    monkeypatch.setattr(TrainingRun, "step", stopped)
    with pytest.raises(StoppedError):
        house.adapt("--epochs", "2")
    monkeypatch.setattr(TrainingRun, "step", noted)
    house.adapt("--epochs", "2")

    assert len(house.losses) == 8


def test_a_run_begins_with_what_another_adapter_knows(house: House, tmp_path: Path) -> None:
    house.adapt("--epochs", "12")
    first, house.out = house.out, tmp_path / "second.safetensors"
    before = len(house.losses)

    house.adapt("--epochs", "2", "--go-on-from", str(first))

    assert np.mean(house.losses[before:]) < 0.8 * np.mean(house.losses[:8])


def logits(
    reply: list[list[float]], act: list[list[float]], severity: float = 0.0
) -> dict[str, torch.Tensor]:
    """Return the outputs for some texts, all with these log-odds of each severity."""
    many = len(reply)
    return {
        "reply": torch.tensor(reply),
        "act": torch.tensor(act),
        "severity": torch.full((many, 3), severity),
        "need": torch.zeros((many, NEEDS)),
    }


def test_every_right_reply_counts_by_its_share_and_what_is_unknown_not_at_all() -> None:
    flat: Any = logits([[0.0] * REPLIES] * 2, [[0.0] * ACTS] * 2)
    found = loss(flat, TEXTS, np.array([0, 2]))

    of_replies = np.log(REPLIES) * (1.0 + 0.8) / 2
    of_acts = 0.5 * np.log(ACTS) / 2
    of_severity = 2.0 * 2 * np.log(2) / 2
    of_needs = 0.5 * np.log(NEEDS) / 2
    whole = of_replies + of_acts + of_severity + of_needs
    assert float(found) == pytest.approx(whole, abs=1e-5)


def test_the_right_reply_costs_least() -> None:
    right = logits([[5.0, 0.0, 0.0]], [[0.0] * ACTS])
    wrong = logits([[0.0, 0.0, 5.0]], [[0.0] * ACTS])

    assert float(loss(right, TEXTS, np.array([0]))) < float(loss(wrong, TEXTS, np.array([0])))


@pytest.mark.parametrize(("at", "right", "wrong"), [(3, -3.0, 3.0), (2, 3.0, -3.0)])
def test_the_right_severity_costs_least(at: int, right: float, wrong: float) -> None:
    flat: list[list[float]] = [[0.0] * REPLIES]
    costs = [
        float(loss(logits(flat, [[0.0] * ACTS], odds), TEXTS, np.array([at])))
        for odds in (right, wrong)
    ]

    assert costs[0] < costs[1]


def test_it_learns_the_bank_and_every_writer_but_those_held() -> None:
    texts, replies, acts = taught_texts()
    told = {" ".join(text.words) for text in texts}
    dialogues = read_dialogues("training")
    held = [each for each in dialogues if each.is_held]
    normaliser = read_lexicon().normaliser

    def words(dialogue: LabelledDialogue) -> set[str]:
        found = (" ".join(normaliser(turn.user or "").words) for turn, _ in messages(dialogue))
        return {text for text in found if len(text.split()) >= LONG}

    learned = set().union(*(words(each) for each in dialogues if not each.is_held))
    kept_apart = set().union(*(words(each) for each in held)) - learned

    assert replies == len(real_content().replies.all()) + 1
    assert {each.id.partition("-")[0] for each in held} == HELD
    assert learned <= told
    assert len(kept_apart) > MANY
    assert kept_apart.isdisjoint(told)
    for text in texts:
        assert sum(share for _, share in text.replies) == pytest.approx(1)
        assert all(0 <= reply < replies for reply, _ in text.replies)
        assert text.act is None or 0 <= text.act < acts
    assert any(text.context for text in texts)
    assert any(text.severity and text.severity.due[1] for text in texts)
