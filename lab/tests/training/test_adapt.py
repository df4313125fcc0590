"""A training run learns, and an interrupted run gives the same result as a whole one."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from lab.tests.training import tiny
from lab.training import adapt as module
from lab.training import network as network_module
from lab.training.adapt import TrainingRun
from lab.training.background import VARIABLE as BACKGROUND
from lab.training.network import EncoderNetwork, WordPieces, batches, published, read_all, target
from lab.training.sentences import Labels, TrainingText, labels_of
from safeguarding.corpus import Example
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import Adapter, merged, read_adapter
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.witness import PLACES, Witness
from safeguarding.taxonomy import SIGNS, Severity, taxonomy
from tests.labelled import example

NONE, CONCERN, URGENT, IMMEDIATE = Severity
INTENTS = ["ask_dsl", "out_of_scope"]
WIDTHS = {
    "severity": 3,
    "category": len(taxonomy().risk_categories),
    "subject": len(taxonomy().subjects),
    "topic": len(INTENTS),
    "sign": len(SIGNS),
    "chat": 2,
}
GRAVE = [f"{one} {two}" for one in ("he hurt me", "my dad hit me") for two in ("", "at night")]
CALM = [f"{one} {two}" for one in ("we had pasta", "football is fun") for two in ("", "today")]
SENTENCES = [
    *(TrainingText(text, URGENT, ("physical_abuse",), "self", None) for text in GRAVE),
    *(TrainingText(text, NONE, (), None, "out_of_scope") for text in CALM),
    TrainingText("what is a dsl", NONE, (), None, "ask_dsl"),
    TrainingText("secret", None, None, None, None, ("secrecy",)),
    TrainingText("them hurt me at night", None, None, None, None, chat=URGENT),
]
STEPS, BATCH = 12, 4


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "has_bfloat16", lambda: False)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mpnet")
    tiny.write(folder)
    return folder


@pytest.fixture
def pieces(folder: Path) -> WordPieces:
    return WordPieces(folder / "tokenizer.json")


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_of(SENTENCES, INTENTS)


def begun(steps: int = STEPS) -> TrainingRun:
    model = tiny.model()
    torch.manual_seed(1)
    return TrainingRun(EncoderNetwork(model, WIDTHS, rank=4), steps)


def learn(run: TrainingRun, pieces: WordPieces, labels: Labels, until: int) -> list[float]:
    """Return the loss of each step up to `until`, on the same batches wherever it begins."""
    tokens = pieces.of([sentence.text for sentence in SENTENCES])
    order = []
    for epoch in range(STEPS):
        rng = random.Random(epoch)  # noqa: S311 - tests, not secrets
        order += list(batches([len(ids) for ids in tokens], rng, BATCH))
    found = []
    for which in order[run.done : until]:
        _, ids, mask = pieces.batch(tokens, which)
        found.append(run.learn(ids, mask, target(labels, which)))
    return found


def test_the_loss_falls_and_urgent_texts_are_recognised(
    pieces: WordPieces, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RATES", {"encoder": 5e-3, "heads": 5e-3})
    run = begun(steps=80)

    losses = learn(run, pieces, labels, 36)

    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    urgent = read_all(run.network, pieces, [*GRAVE, *CALM])["severity"][:, 1]
    assert urgent[: len(GRAVE)].min() > urgent[len(GRAVE) :].max()


def test_only_adapters_and_heads_learn(pieces: WordPieces, labels: Labels) -> None:
    run = begun()
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}

    learn(run, pieces, labels, 3)

    after = run.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    learning = {name for name, p in run.network.named_parameters() if p.requires_grad}
    assert moved
    assert moved <= learning
    assert any("lora_" in name for name in moved)
    assert any(name.startswith("heads.") for name in moved)


def test_an_interrupted_run_ends_like_a_whole_one(
    pieces: WordPieces, labels: Labels, tmp_path: Path
) -> None:
    """Optimiser, rates and order are restored; without dropout, so that nothing is random."""
    state = tmp_path / "adapting" / "state.pt"
    whole, first, second = begun(), begun(), begun()
    for run in (whole, first, second):
        run.network.dropout.p = 0.0
    losses = learn(whole, pieces, labels, STEPS)

    begin = learn(first, pieces, labels, 5)
    first.save(state, "run")
    second.resume(state, "run")
    end = learn(second, pieces, labels, STEPS)

    assert second.done == whole.done == STEPS
    assert begin + end == pytest.approx(losses, rel=1e-6)
    expected = whole.network.learned()
    for name, array in second.network.learned().items():
        assert np.array_equal(array, expected[name]), name
    assert [file.name for file in state.parent.iterdir()] == ["state.pt"]


def test_an_interrupted_run_has_the_same_dropout_as_a_whole_one(
    pieces: WordPieces, labels: Labels, tmp_path: Path
) -> None:
    state = tmp_path / "state.pt"
    losses = learn(begun(), pieces, labels, STEPS)

    first = begun()
    begin = learn(first, pieces, labels, 5)
    first.save(state, "run")
    second = begun()
    second.resume(state, "run")

    assert begin + learn(second, pieces, labels, STEPS) == pytest.approx(losses, rel=1e-6)


def test_the_state_of_another_run_is_ignored(
    pieces: WordPieces, labels: Labels, tmp_path: Path
) -> None:
    state = tmp_path / "state.pt"
    other = begun()
    learn(other, pieces, labels, 3)
    other.save(state, "other sentences")
    run = begun()
    before = run.network.learned()

    run.resume(state, "run")
    run.resume(tmp_path / "none.pt", "run")

    assert run.done == 0
    assert all(np.array_equal(array, before[name]) for name, array in run.network.learned().items())


def test_rates_rise_in_a_line_and_fall_to_nothing(pieces: WordPieces, labels: Labels) -> None:
    run = begun(steps=40)
    rates = []
    for step in range(1, 37):
        rates.append(run._optimiser.param_groups[1]["lr"])
        learn(run, pieces, labels, step)

    assert rates[:2] == pytest.approx([module.RATES["heads"] / 2, module.RATES["heads"]])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.1 * module.RATES["heads"]


WITNESS = Witness(np.zeros((PLACES, 3), np.float16), np.zeros(3, np.float32))


class StoppedError(Exception):
    """Raised in place of an interruption."""


class House:
    """A small corpus and a tiny encoder in place of the inputs of `make adapt`."""

    def __init__(
        self, tmp_path: Path, folder: Path, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.out = tmp_path / "out" / "adapter.safetensors"
        self.noted: list[Path] = []
        self.epochs: list[int] = []
        self.taught: list[str] = []
        self.offered: list[str] = []
        self.written: list[str] = []
        """Files in the order in which they were written, by the end of the name."""
        self.sentences = [*SENTENCES] * 6
        held = [
            example("to learn from", URGENT, "training"),
            example("to look at in the end", URGENT, "test"),
            *(example(text, URGENT, "development") for text in GRAVE),
            *(example(text, NONE, "development") for text in CALM),
        ]
        monkeypatch.setattr(module, "STATE", tmp_path / "adapting" / "state.pt")
        monkeypatch.setattr(module, "all_training", self.all_training)
        monkeypatch.setattr(module, "read_examples", lambda: held)
        monkeypatch.setattr(module, "train_witness", self.teach)
        monkeypatch.setattr(module, "write", self.write_witness)
        monkeypatch.setattr(module, "read_lexicon", lambda: lexicon)
        monkeypatch.setattr(module, "add_to_manifest", self.note)
        monkeypatch.setattr(weights, "ENCODER_DIR", folder)
        keep = TrainingRun.save

        def kept(run: TrainingRun, path: Path, name: str) -> None:
            keep(run, path, name)
            self.written.append("state")

        monkeypatch.setattr(TrainingRun, "save", kept)
        measure = module._measure

        def measured(epoch: int, *rest: Any) -> None:
            self.epochs.append(epoch)
            measure(epoch, *rest)

        monkeypatch.setattr(module, "_measure", measured)

    def teach(self, examples: Sequence[Example]) -> Witness:
        self.taught += [each.text for each in examples]
        self.written.append("taught")
        return WITNESS

    def write_witness(self, witness: Witness, examples: Sequence[Example], folder: Path) -> None:
        assert witness is WITNESS
        assert [each.text for each in examples] == ["to learn from"]
        assert folder == self.out.parent
        self.written.append("witness")

    def all_training(
        self, _engine: object, _lexicon: object, witness: Witness, examples: Sequence[Example]
    ) -> list[TrainingText]:
        assert witness is WITNESS
        self.offered = [each.text for each in examples]
        return self.sentences

    def note(self, path: Path, **_: object) -> None:
        assert path.is_file()
        self.noted.append(path)
        self.written.append("adapter")

    def adapt(self, *options: str) -> Any:
        command = ["--out", str(self.out), "--rank", "4", *options]
        return CliRunner().invoke(module.main, command, catch_exceptions=False)

    def heads(self) -> dict[str, Any]:
        return dict(read_adapter(self.out).heads)


@pytest.fixture
def house(tmp_path: Path, folder: Path, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, folder, lexicon, monkeypatch)


def test_the_adapter_is_written_with_its_metadata(house: House, folder: Path) -> None:
    done = house.adapt("--epochs", "2")

    assert done.exit_code == 0
    assert house.epochs == [0, 1]
    assert set(house.noted) == {house.out}
    found: Adapter = read_adapter(house.out)
    assert found.intents == ("ask_dsl", "out_of_scope")
    assert found.categories == tuple(taxonomy().risk_categories)
    assert found.subjects == tuple(taxonomy().subjects)
    assert found.signs == tuple(SIGNS)
    assert found.base == weights.BASE_SHA256
    assert {name.partition(".")[0] for name in found.heads} == set(WIDTHS)
    plain = {name: tensor.numpy() for name, tensor in published(folder).state_dict().items()}
    changed = merged({n: a for n, a in plain.items() if a.dtype.kind == "f"}, found.changes)
    assert any(not np.array_equal(changed[name], plain[name]) for name in changed)


def test_the_background_is_learned_beside_our_own_sentences_and_may_be_missing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(BACKGROUND, raising=False)
    assert "without a background" in house.adapt("--epochs", "0.1").stderr
    assert house.offered == ["to learn from"]
    with gzip.open(tmp_path / "train.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"text": "off to the shop", "source": "chat"}) + "\n")
    monkeypatch.setattr(module, "write", lambda *_: None)

    done = house.adapt("--epochs", "0.1", "--fresh", "--background", str(tmp_path))

    assert "1 texts of the background" in done.stderr
    assert house.offered == ["to learn from", "off to the shop"]


def test_only_the_sentences_of_new_writers_are_learned_if_nothing_is_rehearsed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = next(each for each in house.sentences if each.intent == "ask_dsl")
    held = [example(text, NONE, "development") for text in CALM]
    new = example(asked.text, URGENT, "training")
    monkeypatch.setattr(module, "read_examples", lambda: [new, *held])
    monkeypatch.setattr(module, "write", lambda *_: None)

    done = house.adapt("--epochs", "1", "--rehearse", "0", "--new", new.writer)

    assert f"{house.sentences.count(asked)} sentences to learn from" in done.stderr


def test_the_second_witness_learns_first_and_from_the_training_part_only(house: House) -> None:
    house.adapt("--epochs", "0.1")

    assert house.taught == ["to learn from"]


def test_the_adapter_is_written_before_each_state_and_the_witness_last(
    house: House,
) -> None:
    """No state is ahead of the adapter: a run stopped in between writes its adapter again."""
    house.adapt("--epochs", "2")

    assert house.written == ["taught", *("adapter", "state") * 2, "adapter", "witness"]


def test_a_run_that_is_stopped_leaves_the_witness_that_was_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise StoppedError

    monkeypatch.setattr(module, "_measure", stopped)

    with pytest.raises(StoppedError):
        house.adapt("--epochs", "1")

    assert house.written == ["taught"]


def test_a_finished_run_writes_adapter_and_witness_where_they_are_wanted_now(
    house: House, tmp_path: Path
) -> None:
    """The run is the same; only the target folder differs."""
    house.adapt("--epochs", "1")
    first = house.heads()
    house.out = tmp_path / "elsewhere" / "adapter.safetensors"
    house.written.clear()

    house.adapt("--epochs", "1")

    assert house.written == ["taught", "adapter", "witness"]
    assert all(np.array_equal(array, first[name]) for name, array in house.heads().items())


def test_a_finished_run_has_nothing_left_to_learn(house: House) -> None:
    house.adapt("--epochs", "1")
    before = house.heads()

    house.adapt("--epochs", "1")

    assert all(np.array_equal(array, before[name]) for name, array in house.heads().items())


def test_other_sentences_begin_another_run(house: House) -> None:
    house.adapt("--epochs", "1")
    house.sentences = house.sentences[:40]

    house.adapt("--epochs", "1")

    assert house.epochs == [0, 0]


def test_a_fresh_run_forgets_an_interrupted_one(house: House) -> None:
    house.adapt("--epochs", "1")

    house.adapt("--epochs", "1", "--fresh")

    assert house.epochs == [0, 0]


Step = tuple[int, list[list[int]]]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Return the number and the word pieces of each step."""
    learned: list[Step] = []
    learn_ = TrainingRun.learn

    def counted(run: TrainingRun, ids: torch.Tensor, *rest: Any) -> float:
        learned.append((run.done, ids.tolist()))
        return learn_(run, ids, *rest)

    monkeypatch.setattr(TrainingRun, "learn", counted)
    return learned


def test_a_run_that_is_stopped_goes_on_where_it_was(
    house: House, steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops in the second epoch, after its state was saved in the middle of it.

    It learns from the same batches as a run that was not stopped.
    """
    house.adapt("--epochs", "3")
    whole = steps.copy()
    steps.clear()
    house.epochs.clear()
    module.STATE.unlink()
    monkeypatch.setattr(module, "SAVE_EVERY_S", 0.0)
    counted = TrainingRun.learn

    def stopped(run: TrainingRun, *rest: Any) -> float:
        if len(steps) == 5:
            raise StoppedError
        return counted(run, *rest)

    monkeypatch.setattr(TrainingRun, "learn", stopped)
    with pytest.raises(StoppedError):
        house.adapt("--epochs", "3")
    monkeypatch.setattr(TrainingRun, "learn", counted)
    house.adapt("--epochs", "3")

    assert steps == whole
    assert [number for number, _ in steps] == list(range(9))
    assert house.epochs == [0, 1, 2]


def test_part_of_an_epoch_is_learned_too(house: House, steps: list[Step]) -> None:
    house.adapt("--epochs", "1.34")

    assert [number for number, _ in steps] == list(range(4))
    assert house.epochs == [0, 1]


def test_a_run_begins_with_what_an_adapter_knows(house: House, tmp_path: Path) -> None:
    house.adapt("--epochs", "2")
    known, house.out = house.out, tmp_path / "more" / "adapter.safetensors"

    house.adapt("--epochs", "0.01", "--go-on-from", str(known))

    before, after = read_adapter(known).heads, house.heads()
    assert np.abs(after["severity.weight"] - before["severity.weight"]).max() < 0.01


def test_a_run_that_was_stopped_while_it_was_measured_writes_its_adapter(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVE_EVERY_S", 0.0)
    measure = module._measure

    def stopped(*_: Any) -> None:
        raise StoppedError

    monkeypatch.setattr(module, "_measure", stopped)
    with pytest.raises(StoppedError):
        house.adapt("--epochs", "1")
    monkeypatch.setattr(module, "_measure", measure)
    house.adapt("--epochs", "1")

    assert house.out.is_file()
