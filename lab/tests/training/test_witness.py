"""The second witness scores in service as its regression learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lab.training import witness as module
from lab.training.witness import matrix, train_witness, with_mixtures, write
from safeguarding.artifacts import checked, manifest
from safeguarding.corpus import Example
from safeguarding.risk.thresholds import STEPS
from safeguarding.risk.witness import PLACES, Witness, features, read_witness
from safeguarding.taxonomy import Severity
from tests.labelled import example

NONE, CONCERN, URGENT, IMMEDIATE = Severity
WHEN = ("daily", "at night", "again", "hard", "a lot", "often", "today", "when mum is out")
EXAMPLES = [
    *(example(f"he hits me {when}", URGENT, "training") for when in WHEN),
    *(example(f"he will kill me now {when}", IMMEDIATE, "training") for when in WHEN),
    *(example(f"they laugh at me {when}", CONCERN, "training") for when in WHEN),
    *(example(f"we had Pasta {when}", NONE, "training") for when in WHEN),
    *(example(f"my game is fun {when}", NONE, "training") for when in WHEN),
]


@pytest.fixture(scope="module")
def witness() -> Witness:
    return train_witness(EXAMPLES)


def test_each_text_is_a_row_of_length_1_where_its_features_are() -> None:
    texts = ["he hurt me", "", "no no no"]

    rows = matrix(texts)

    assert rows.shape == (3, PLACES)
    for at, text in enumerate(texts):
        assert rows[at].indices.tolist() == features(text).tolist()
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1)).ravel()
    assert np.allclose(np.asarray(lengths), [[1, 0, 1]])


def test_the_witness_says_what_the_model_learned(witness: Witness) -> None:
    """Scores agree up to half precision."""
    rows = matrix(with_mixtures(EXAMPLES))
    for at, step in enumerate(STEPS):
        due = np.array([each.severity >= step for each in EXAMPLES])
        model = LogisticRegression(C=module._C, solver="liblinear").fit(rows, due)
        for text in ("he hits me", "my game", "Pasta with him", ""):
            expected = model.decision_function(matrix([text]))[0]
            assert witness.scores(text)[at] == pytest.approx(expected, abs=0.02)


def test_it_recognises_each_severity_in_unseen_sentences(witness: Witness) -> None:
    scores = {text: witness.scores(text) for text in ("he hits me lots", "my pasta is fun lots")}

    grave, calm = scores.values()
    assert grave[0] > 0 > calm[0]
    assert grave[1] > 0 > calm[1]
    assert witness.scores("he will kill me now ok")[2] > 0 > grave[2]
    assert witness.scores("they laugh at me lots")[0] > 0


def test_what_is_learned_is_as_small_as_the_file_holds_it(witness: Witness) -> None:
    assert (witness.weights.shape, witness.weights.dtype) == ((PLACES, 3), np.float16)
    assert (witness.offsets.shape, witness.offsets.dtype) == ((3,), np.float32)
    assert np.isfinite(witness.weights).all()


def test_the_same_examples_teach_the_same(witness: Witness) -> None:
    again = train_witness(EXAMPLES)

    assert np.array_equal(again.weights, witness.weights)
    assert np.array_equal(again.offsets, witness.offsets)


def test_training_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness in artifacts/ stays the one that belongs to the adapter."""
    monkeypatch.chdir(tmp_path)

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "save_file", never)
    monkeypatch.setattr(module, "add_to_manifest", never)

    train_witness(EXAMPLES)

    assert list(tmp_path.iterdir()) == []


def test_what_was_written_is_read_in_service_to_the_last_bit(
    witness: Witness, tmp_path: Path
) -> None:
    write(witness, EXAMPLES, tmp_path)

    found = read_witness(checked("witness.safetensors", tmp_path))

    assert np.array_equal(found.weights, witness.weights)
    assert np.array_equal(found.offsets, witness.offsets)
    assert found.scores("he hits me") == witness.scores("he hits me")


def test_what_is_written_twice_is_the_same_file(witness: Witness, tmp_path: Path) -> None:
    write(witness, EXAMPLES, tmp_path)
    path = checked("witness.safetensors", tmp_path)
    first = path.read_bytes()

    write(witness, EXAMPLES, tmp_path)

    assert checked("witness.safetensors", tmp_path).read_bytes() == first


def test_the_manifest_names_the_command_and_the_examples_in_any_order(
    witness: Witness, tmp_path: Path
) -> None:
    def data(examples: list[Example]) -> str:
        write(witness, examples, tmp_path)
        noted = manifest(tmp_path)["witness.safetensors"]
        assert noted.made_by == "make adapt"
        return noted.data

    assert data(EXAMPLES[::-1]) == data(EXAMPLES)
    assert data(EXAMPLES[1:]) != data(EXAMPLES)
    graver = [example(EXAMPLES[0].text, IMMEDIATE, "training"), *EXAMPLES[1:]]
    assert data(graver) != data(EXAMPLES)


def test_another_artifact_of_the_manifest_stays_as_it_is(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "manifest.yml").write_text(
        "adapter.safetensors: {sha256: ab, made_by: make adapt, data: cd, date: 2026-11-01}\n",
        "utf-8",
    )
    before = manifest(tmp_path)["adapter.safetensors"]

    write(witness, EXAMPLES, tmp_path)

    assert manifest(tmp_path)["adapter.safetensors"] == before
    assert sorted(manifest(tmp_path)) == ["adapter.safetensors", "witness.safetensors"]


def test_the_file_holds_no_words(witness: Witness, tmp_path: Path) -> None:
    write(witness, EXAMPLES, tmp_path)

    content = (tmp_path / "witness.safetensors").read_bytes()

    assert not [word for word in (b"pasta", b"Pasta", b"laugh", b"night") if word in content]


def many() -> list[Example]:
    grave = [example(f"grave{n}a grave{n}b", URGENT, "training") for n in range(1000)]
    calm = [example(f"calm{n}a calm{n}b", NONE, "training") for n in range(200)]
    long = [example(" ".join(f"long{n}x{at}" for at in range(17)), NONE) for n in range(50)]
    return [*grave, *calm, *long]


def test_some_sentences_are_read_beside_something_short_and_harmless() -> None:
    examples = many()

    texts = with_mixtures(examples)

    changed = [
        (each.text.split(), text.split())
        for each, text in zip(examples, texts, strict=True)
        if each.text != text
    ]
    assert 0.2 < len(changed) / len(examples) < 0.3
    for own, read in changed:
        other = [word for word in read if word not in own]
        assert all(word in read for word in own)
        assert all(word.startswith("calm") for word in other)


def test_the_same_seed_mixes_the_same() -> None:
    assert with_mixtures(many()) == with_mixtures(many())
    assert with_mixtures(many()) != with_mixtures(many(), seed=2)


def test_without_anything_harmless_nothing_is_mixed() -> None:
    examples = [example(f"grave{n}", URGENT, "training") for n in range(50)]

    assert with_mixtures(examples) == [each.text for each in examples]
