"""Weights that are missing, broken or not those that were measured are never used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import WeightsError, check, read_arrays, sha256


def test_a_file_with_the_right_digest_passes(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()

    assert sha256(path) == digest
    check(path, digest)


def test_a_file_with_another_digest_is_refused_and_both_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"other")

    with pytest.raises(WeightsError, match=f"{sha256(path)}; {'0' * 64} was expected"):
        check(path, "0" * 64)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights\.bin is missing: run `make train`"):
        check(tmp_path / "weights.bin", "0" * 64)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("tokenizer.json", weights.TOKENIZER_SHA256),
        ("model.safetensors", weights.BASE_SHA256),
    ],
)
def test_what_was_unpacked_is_what_was_pinned(name: str, digest: str) -> None:
    check(weights.ENCODER_DIR / name, digest)


def test_arrays_are_read_in_full_precision_with_the_facts(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    save_file(
        {"half": np.array([0.5], np.float16), "whole": np.array([3], np.int64)},
        path,
        metadata={"made": "here"},
    )

    arrays, facts = read_arrays(path)

    assert {name: array.tolist() for name, array in arrays.items()} == {"half": [0.5], "whole": [3]}
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    assert facts == {"made": "here"}


def test_a_file_may_state_no_facts(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    save_file({"a": np.zeros(1, np.float32)}, path)

    assert read_arrays(path)[1] == {}


def test_a_folder_is_no_file_of_arrays(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="missing from the checkout"):
        read_arrays(tmp_path)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    path.write_text("a page of an error", "utf-8")

    with pytest.raises(WeightsError, match=r"some\.safetensors cannot be read"):
        read_arrays(path)
