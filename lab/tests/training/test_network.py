"""A new network equals the published encoder; its adapter can be extracted and loaded again."""

from __future__ import annotations

import random
from collections import Counter
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import MPNetModel

from lab.tests.training import tiny
from lab.training import network as module
from lab.training.network import (
    BATCH,
    FROZEN_LAYERS,
    LINEAR,
    LONGEST,
    SCALE,
    EncoderNetwork,
    WordPieces,
    batches,
    loss,
    published,
    read_all,
    target,
)
from lab.training.sentences import SHARES, TrainingText, labels_of
from safeguarding.risk.encoder.vectors import merged
from safeguarding.taxonomy import SIGNS, Severity, taxonomy

RANK = 4
TEXTS = ["he hurt me at night", "we had pasta", "", "my dad hit me today and i am scared"]


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests, not secrets


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute without bfloat16, for the same numbers on every processor."""
    monkeypatch.setattr(module, "has_bfloat16", lambda: False)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mpnet")
    tiny.write(folder)
    return folder


@pytest.fixture(scope="session")
def pieces(folder: Path) -> WordPieces:
    return WordPieces(folder / "tokenizer.json")


NONE, CONCERN, URGENT, IMMEDIATE = Severity
CATEGORIES, SUBJECTS = list(taxonomy().risk_categories), list(taxonomy().subjects)
INTENTS = ["ask_help", "bye", "greet"]
WIDTHS = {
    "severity": 3,
    "category": len(CATEGORIES),
    "subject": len(SUBJECTS),
    "topic": len(INTENTS),
    "sign": len(SIGNS),
    "chat": 2,
}


def fresh(seed: int = 1) -> EncoderNetwork:
    made = tiny.model()
    torch.manual_seed(seed)
    network = EncoderNetwork(made, WIDTHS, rank=RANK)
    network.eval()
    return network


def taught(seed: int = 2) -> EncoderNetwork:
    """Return a network in which every trained number differs from its start."""
    network = fresh()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.normal_(0, 0.1)
    return network


def vectors(network: EncoderNetwork, pieces: WordPieces, texts: list[str]) -> torch.Tensor:
    _, ids, mask = pieces.batch(pieces.of(texts), np.arange(len(texts)))
    with torch.inference_mode():
        return network.vectors(ids, mask)


def by_transformers(model: MPNetModel, pieces: WordPieces, text: str) -> torch.Tensor:
    """Return the mean of one text's hidden states at unit length, as published."""
    (ids,) = pieces.of([text])
    with torch.inference_mode():
        hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    mean = hidden.mean(0)
    return mean / mean.norm()


def test_fresh_adapters_change_nothing(pieces: WordPieces) -> None:
    found = vectors(fresh(), pieces, TEXTS)

    for row, text in zip(found, TEXTS, strict=True):
        assert torch.allclose(row, by_transformers(tiny.model(), pieces, text), atol=1e-5)


def test_a_vector_has_length_1_whatever_stands_beside_its_text(pieces: WordPieces) -> None:
    network = taught()
    together = vectors(network, pieces, [*TEXTS, "he " * 100])

    assert torch.allclose(together.norm(dim=1), torch.ones(len(TEXTS) + 1), atol=1e-5)
    for row, text in zip(together, TEXTS, strict=False):
        assert torch.allclose(row, vectors(network, pieces, [text])[0], atol=1e-5)


def test_in_bfloat16_a_vector_is_nearly_the_same(
    pieces: WordPieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda: True)
    network = fresh()

    found = vectors(network, pieces, TEXTS)

    assert found.dtype == torch.float32
    for row, text in zip(found, TEXTS, strict=True):
        assert float(row @ by_transformers(tiny.model(), pieces, text)) > 0.99
    learning = [p for p in network.parameters() if p.requires_grad]
    assert {parameter.dtype for parameter in learning} == {torch.float32}


def test_adapters_of_the_upper_layers_and_heads_learn() -> None:
    network = fresh()
    learning = {name for name, p in network.named_parameters() if p.requires_grad}

    adapted = {name for name in learning if name.startswith("encoder.")}
    assert learning - adapted == {f"heads.{t}.{p}" for t in WIDTHS for p in ("weight", "bias")}
    assert len(adapted) == 2 * len(LINEAR) * (tiny.CONFIG["num_hidden_layers"] - FROZEN_LAYERS)
    assert all(f"layer.{FROZEN_LAYERS}." in name and "lora_" in name for name in adapted)


def test_dropout_is_before_the_heads_only(pieces: WordPieces) -> None:
    network = fresh().train()
    _, ids, mask = pieces.batch(pieces.of(TEXTS), np.arange(len(TEXTS)))

    assert torch.equal(network.vectors(ids, mask), network.vectors(ids, mask))
    assert not torch.equal(network(ids, mask)["severity"], network(ids, mask)["severity"])


def test_each_task_has_as_many_numbers_as_it_was_given(pieces: WordPieces) -> None:
    _, ids, mask = pieces.batch(pieces.of(TEXTS), np.arange(len(TEXTS)))

    found = fresh()(ids, mask)

    assert {task: logits.shape for task, logits in found.items()} == {
        task: (len(TEXTS), width) for task, width in WIDTHS.items()
    }


def test_the_adapter_added_to_the_published_weights_is_the_adapted_encoder(
    pieces: WordPieces,
) -> None:
    """The export does the same: the encoder in service has no adapters."""
    network = taught()
    learned = network.learned()
    changes = {
        name.removeprefix("adapter."): array.astype(np.float32)
        for name, array in learned.items()
        if name.startswith("adapter.")
    }
    plain = tiny.model()
    weights = {name: tensor.numpy() for name, tensor in plain.state_dict().items()}
    whole = merged({n: a for n, a in weights.items() if a.dtype.kind == "f"}, changes)
    plain.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in whole.items()}, strict=False)

    found = vectors(network, pieces, TEXTS)

    assert len(changes) == 2 * len(LINEAR)
    assert {array.dtype for array in learned.values()} == {np.dtype(np.float16)}
    for row, text, before in zip(found, TEXTS, vectors(fresh(), pieces, TEXTS), strict=True):
        assert float(row @ by_transformers(plain, pieces, text)) > 0.9999
        assert float(row @ before) < 0.999


def test_the_heads_that_were_learned_read_a_vector_as_the_network_does(pieces: WordPieces) -> None:
    network = taught()
    learned = {name: array.astype(np.float32) for name, array in network.learned().items()}

    logits = read_all(network, pieces, TEXTS)

    rows = vectors(network, pieces, TEXTS).numpy() * SCALE
    for task in WIDTHS:
        by_hand = rows @ learned[f"heads.{task}.weight"] + learned[f"heads.{task}.bias"]
        assert np.abs(logits[task] - by_hand).max() < 0.01


def test_a_network_goes_on_from_what_was_learned(pieces: WordPieces) -> None:
    before, after = taught(), fresh(seed=7)

    after.resume(before.learned())

    for text, one, other in zip(
        TEXTS, vectors(before, pieces, TEXTS), vectors(after, pieces, TEXTS), strict=True
    ):
        assert float(one @ other) > 0.9999, text
    again = after.learned()
    assert set(again) == set(before.learned())
    for name, array in before.learned().items():
        assert np.abs(again[name].astype(float) - array.astype(float)).max() < 1e-3


def test_a_task_with_other_outputs_begins_anew() -> None:
    learned = taught().learned()
    wider = EncoderNetwork(tiny.model(), {**WIDTHS, "topic": 5}, rank=RANK)
    begun = wider.heads["topic"].weight.detach().clone()

    wider.resume(learned)

    assert torch.equal(wider.heads["topic"].weight, begun)
    kept = wider.learned()["heads.severity.weight"]
    assert np.array_equal(kept, learned["heads.severity.weight"])


def test_an_adapter_of_another_rank_or_other_layers_is_refused() -> None:
    learned = taught().learned()

    with pytest.raises(RuntimeError):
        EncoderNetwork(tiny.model(), WIDTHS, rank=RANK + 1).resume(learned)
    with pytest.raises(KeyError):
        EncoderNetwork(tiny.model(num_hidden_layers=6), WIDTHS, rank=RANK).resume(learned)


def test_the_published_weights_are_read_as_they_are(folder: Path) -> None:
    found, expected = published(folder).state_dict(), tiny.model().state_dict()

    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_published_weights_that_lack_some_are_refused(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())

    with pytest.raises(ValueError, match=r"lacks \['encoder\.layer\.1\.output\.dense\.bias'\]"):
        published(tmp_path)


def test_a_text_is_cut_into_pieces_between_two_marks(pieces: WordPieces) -> None:
    (ids,) = pieces.of(["he hurt me"])

    assert [tiny.WORDS[at] for at in ids] == ["<s>", "he", "hurt", "me", "</s>"]


def test_texts_are_not_filled_up_and_not_longer_than_the_encoder_reads(pieces: WordPieces) -> None:
    assert [len(ids) for ids in pieces.of(["me", "me " * 500])] == [3, LONGEST]


def test_a_batch_is_padded_to_a_few_lengths_and_its_texts_stay_whole(pieces: WordPieces) -> None:
    tokens = [[9] * length for length in (3, 17, 5)]

    which, ids, mask = pieces.batch(tokens, np.array([2, 1]))

    assert which.tolist() == [2, 1]
    assert ids.shape == mask.shape == (2, 24)
    for row, at in enumerate(which):
        assert ids[row][mask[row] == 1].tolist() == tokens[at]
        assert set(ids[row][mask[row] == 0].tolist()) == {tiny.WORDS.index("<pad>")}


def lengths(count: int) -> list[int]:
    rng = chance(1)
    return [rng.randint(3, LONGEST) for _ in range(count)]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("count", [0, 1, BATCH, 500, 64 * BATCH + 5])
def test_every_sentence_is_in_exactly_one_batch(seed: int | None, count: int) -> None:
    made = [which.tolist() for which in batches(lengths(count), chance(seed) if seed else None)]

    assert Counter(at for which in made for at in which) == Counter(range(count))
    assert max((len(which) for which in made), default=0) <= BATCH
    assert len(made) == -(-count // BATCH)


def test_chance_mixes_sentences_and_batches_and_can_be_repeated() -> None:
    def order(rng: random.Random | None) -> list[list[int]]:
        return [which.tolist() for which in batches(lengths(5_000), rng)]

    assert order(chance(1)) == order(chance(1))
    assert order(chance(1)) != order(chance(2))
    first, second = ({frozenset(batch) for batch in order(chance(seed))} for seed in (1, 2))
    assert not first & second


def test_batches_are_of_about_one_length_and_come_in_no_order_of_length() -> None:
    long = lengths(5_000)
    made = list(batches(long, chance(1)))

    filled = sum(max(long[at] for at in which) * len(which) for which in made)
    assert filled < 1.1 * sum(long)
    widest = [max(long[at] for at in which) for which in made]
    assert widest not in (sorted(widest), sorted(widest, reverse=True))


def test_every_text_is_read_in_its_place_whatever_its_length(pieces: WordPieces) -> None:
    rng, network = chance(1), taught()
    texts = [" ".join(rng.choices(tiny.WORDS[5:], k=rng.randint(1, 40))) for _ in range(150)]

    found = read_all(network, pieces, texts)

    for at in (0, 63, 64, 149):
        alone = read_all(network, pieces, [texts[at]])
        assert np.allclose(found["severity"][at], alone["severity"][0], atol=1e-4)
    assert found["chat"].shape == (150, 2)
    assert network.training


UNKNOWN = TrainingText("x", None, None, None, None)
TOLD = TrainingText("x", URGENT, ("missing", "grooming"), "friend", "bye", ("gifts",), CONCERN)


@pytest.mark.parametrize(
    ("severity", "steps"),
    [(NONE, [0, 0, 0]), (CONCERN, [1, 0, 0]), (URGENT, [1, 1, 0]), (IMMEDIATE, [1, 1, 1])],
)
def test_a_severity_is_every_step_up_to_it(severity: Severity, steps: list[int]) -> None:
    found = labels_of([TrainingText("x", severity, None, None, None)], INTENTS)

    assert found.severity.tolist() == [steps]
    assert found.masks["severity"].tolist() == [1]


@pytest.mark.parametrize(
    ("shown", "steps"), [(NONE, [0, 0]), (CONCERN, [1, 0]), (URGENT, [1, 1]), (IMMEDIATE, [1, 1])]
)
def test_what_a_stretch_of_a_chat_shows_is_every_step_up_to_it(
    shown: Severity, steps: list[int]
) -> None:
    found = labels_of([TrainingText("x", None, None, None, None, chat=shown)], INTENTS)

    assert found.chat.tolist() == [steps]
    assert {task for task, mask in found.masks.items() if mask[0]} == {"chat"}


def test_every_label_stands_in_the_order_of_its_names() -> None:
    found = labels_of([TOLD], INTENTS)

    assert {CATEGORIES[at] for at in np.flatnonzero(found.category[0])} == {"missing", "grooming"}
    assert {SIGNS[at] for at in np.flatnonzero(found.sign[0])} == {"gifts"}
    assert SUBJECTS[found.subject[0]] == "friend"
    assert INTENTS[found.topic[0]] == "bye"
    assert [found.masks[task].tolist() for task in SHARES] == [[1]] * len(SHARES)


def test_what_is_not_known_is_left_out() -> None:
    found = labels_of([UNKNOWN, TOLD], INTENTS)

    assert [found.masks[task].tolist() for task in SHARES] == [[0, 1]] * len(SHARES)


def test_no_category_and_no_sign_are_labels_too() -> None:
    found = labels_of([TrainingText("x", NONE, (), None, None, ())], INTENTS)

    assert found.category.sum() == found.sign.sum() == 0
    masks = {task for task, mask in found.masks.items() if mask[0]}
    assert masks == {"severity", "category", "sign"}


UNDECIDED = {
    "severity": 3 * log(2),
    "category": len(CATEGORIES) * log(2),
    "subject": log(len(SUBJECTS)),
    "topic": log(len(INTENTS)),
    "sign": len(SIGNS) * log(2),
    "chat": 2 * log(2),
}
"""Loss by task for one sentence when all logits are 0."""


def due(*sentences: TrainingText) -> dict[str, Any]:
    return target(labels_of(sentences, INTENTS), np.arange(len(sentences)))


def says(*numbers: float) -> dict[str, torch.Tensor]:
    """Return logits that are the same number everywhere for a sentence."""
    return {
        task: torch.tensor([[number] * width for number in numbers], dtype=torch.float32)
        for task, width in WIDTHS.items()
    }


def test_the_labels_of_a_batch_are_those_of_its_sentences() -> None:
    made = labels_of([UNKNOWN, TOLD, UNKNOWN], INTENTS)

    found = target(made, np.array([1, 0]))

    assert found["severity"].tolist() == [[1, 1, 0], [0, 0, 0]]
    assert found["severity_mask"].tolist() == [1, 0]
    assert set(found) == {*SHARES, *(f"{task}_mask" for task in SHARES)}


@pytest.mark.parametrize("task", SHARES)
def test_a_task_weighs_its_share(task: str) -> None:
    labels = due(TOLD)
    only = {name: labels[name] * (name == f"{task}_mask") for name in labels if "_mask" in name}

    found = loss(says(0), labels | only)

    assert float(found) == pytest.approx(SHARES[task] * UNDECIDED[task], rel=1e-5)


def test_the_whole_loss_is_the_sum_of_the_tasks() -> None:
    whole = sum(SHARES[task] * UNDECIDED[task] for task in SHARES)

    assert float(loss(says(0), due(TOLD))) == pytest.approx(whole, rel=1e-5)


def test_a_sentence_without_labels_costs_nothing() -> None:
    alone = float(loss(says(0), due(TOLD)))

    assert float(loss(says(0, 50), due(TOLD, UNKNOWN))) == pytest.approx(alone, rel=1e-5)


def test_the_loss_is_the_mean_over_the_sentences() -> None:
    one = float(loss(says(0), due(TOLD)))

    assert float(loss(says(0, 0, 0), due(TOLD, TOLD, TOLD))) == pytest.approx(one, rel=1e-5)


def test_a_batch_without_labels_costs_nothing() -> None:
    assert float(loss(says(3), due(UNKNOWN))) == 0


def test_a_wrong_step_costs_its_cross_entropy() -> None:
    logits = says(0) | {"severity": torch.tensor([[2.0, -1.0, -3.0]])}

    found = loss(logits, due(TrainingText("x", URGENT, None, None, None)))

    surprise = log(1 + exp(-2)) + log(1 + exp(1)) + log(1 + exp(-3))
    assert float(found) == pytest.approx(SHARES["severity"] * surprise, rel=1e-5)


def test_a_wrong_subject_costs_its_cross_entropy() -> None:
    sure = torch.tensor([[9.0 if name == "self" else 0.0 for name in SUBJECTS]])

    right, wrong = (
        float(loss(says(0) | {"subject": sure}, due(TrainingText("x", None, None, name, None))))
        for name in ("self", "friend")
    )

    assert wrong - right == pytest.approx(SHARES["subject"] * 9, rel=1e-4)
