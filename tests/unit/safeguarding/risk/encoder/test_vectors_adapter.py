"""The adapter says what it holds, and changes the published weights without touching them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from safeguarding.risk.encoder.vectors import WeightsError, merged, read_adapter, sha256

Arrays = dict[str, npt.NDArray[np.float32]]
FACTS = {
    "base": "b" * 64,
    "categories": json.dumps(["grooming", "missing"]),
    "subjects": json.dumps(["self", "friend"]),
    "signs": json.dumps(["secrecy"]),
    "intents": json.dumps(["greet"]),
    "scale": "4.0",
}
ARRAYS = {
    "adapter.layer.weight.down": np.array([[0.5], [1]], np.float16),
    "adapter.layer.weight.up": np.array([[2, 3]], np.float16),
    "heads.severity.weight": np.array([[0.25]], np.float16),
    "heads.severity.bias": np.array([8], np.float16),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "adapter.safetensors"
    save_file(ARRAYS, path, metadata=FACTS)
    return path


def test_an_adapter_is_read_with_its_facts(path: Path) -> None:
    found = read_adapter(path)

    assert found.categories == ("grooming", "missing")
    assert found.subjects == ("self", "friend")
    assert found.signs == ("secrecy",)
    assert found.intents == ("greet",)
    assert found.scale == 4.0
    assert found.base == "b" * 64
    assert found.version == sha256(path)[:12]


def test_changes_and_heads_are_told_apart_and_read_in_full_precision(path: Path) -> None:
    found = read_adapter(path)

    assert {name: array.tolist() for name, array in found.changes.items()} == {
        "layer.weight.down": [[0.5], [1]],
        "layer.weight.up": [[2, 3]],
    }
    assert {name: array.tolist() for name, array in found.heads.items()} == {
        "severity.weight": [[0.25]],
        "severity.bias": [8],
    }
    arrays = [*found.changes.values(), *found.heads.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_the_version_changes_with_the_file(path: Path) -> None:
    before = read_adapter(path).version
    save_file(ARRAYS, path, metadata={**FACTS, "scale": "4.5"})

    assert read_adapter(path).version != before


def test_a_missing_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors is missing"):
        read_adapter(tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_file_of_another_kind_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(WeightsError, match="cannot be read"):
        read_adapter(path)


def test_a_file_cut_short_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(WeightsError, match="cannot be read"):
        read_adapter(path)


@pytest.mark.parametrize("fact", ["base", "categories", "subjects", "signs", "intents", "scale"])
def test_an_adapter_without_one_of_its_facts_is_refused(path: Path, fact: str) -> None:
    save_file(ARRAYS, path, metadata={name: FACTS[name] for name in FACTS if name != fact})

    with pytest.raises(WeightsError, match=r"adapter\.safetensors does not say what it holds"):
        read_adapter(path)


@pytest.mark.parametrize(("fact", "value"), [("scale", "much"), ("signs", "secrecy")])
def test_an_adapter_whose_facts_make_no_sense_is_refused(path: Path, fact: str, value: str) -> None:
    save_file(ARRAYS, path, metadata={**FACTS, fact: value})

    with pytest.raises(WeightsError, match="does not say what it holds"):
        read_adapter(path)


def test_an_adapter_without_any_facts_is_refused(path: Path) -> None:
    save_file(ARRAYS, path)

    with pytest.raises(WeightsError, match="does not say what it holds"):
        read_adapter(path)


PUBLISHED: Arrays = {
    "adapted.weight": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
    "other.weight": np.array([[7]], np.float32),
}
"""Two outputs, three inputs; and one that is not adapted."""
CHANGES: Arrays = {
    "adapted.weight.down": np.array([[1, 0], [0, 1], [1, 1]], np.float32),
    "adapted.weight.up": np.array([[10, 20], [100, 200]], np.float32),
}


def test_the_change_is_the_turned_product_of_its_factors() -> None:
    found = merged(PUBLISHED, CHANGES)

    assert found["adapted.weight"].tolist() == [[11, 102, 113], [24, 205, 226]]


def test_what_is_not_adapted_stays_as_published() -> None:
    found = merged(PUBLISHED, CHANGES)

    assert found["other.weight"].tolist() == [[7]]
    assert set(found) == set(PUBLISHED)


def test_the_published_arrays_are_left_alone() -> None:
    published = {name: array.copy() for name, array in PUBLISHED.items()}

    merged(published, CHANGES)

    for name, array in PUBLISHED.items():
        assert published[name].tolist() == array.tolist()


def test_half_precision_is_added_up_in_full() -> None:
    half = {"w": np.array([[2048]], np.float16), "other": np.array([[0.5]], np.float16)}
    change = {"w.down": np.array([[1]], np.float32), "w.up": np.array([[1]], np.float32)}

    found = merged(half, change)

    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    assert found["w"].tolist() == [[2049]]


def test_a_change_of_a_weight_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"adapted\.weight"):
        merged({"other.weight": PUBLISHED["other.weight"]}, CHANGES)
