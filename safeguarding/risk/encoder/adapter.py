"""Reads the encoder's pinned weights and the adapter: the low-rank change learned for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from safeguarding import artifacts
from safeguarding.records import ContentError
from safeguarding.taxonomy import ROOT

# sentence-transformers/all-mpnet-base-v2 @ e8c3b32edf5434bc2275fc9bab85f82640a19130. These digests
# are trusted, not the publisher of the packages.
BASE_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
TOKENIZER_SHA256 = "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"
ENCODER_DIR = ROOT / "models" / "mpnet"
"""The published encoder: model.safetensors, config.json, and tokenizer.json."""
ENCODER_ONNX = ROOT / "models" / "mpnet.onnx"
BASE, ADAPTED, PROBE = "lantern.base", "lantern.adapter", "lantern.probe"
"""Keys of the ONNX file's metadata: digests of the published weights and of the adapter, and the
exact vector of a known text."""


class WeightsError(Exception):
    """The weights are missing, or are not the ones this project was measured with."""


def sha256(path: Path) -> str:
    """Return the hex digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(path: Path, expected: str) -> None:
    """Raise WeightsError unless the file exists and its SHA-256 is `expected`."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing: run `make train`")
    if (found := sha256(path)) != expected:
        raise WeightsError(f"{path.name} has SHA-256 {found}; {expected} was expected")


def read_arrays(path: Path) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, str]]:
    """Read the arrays and metadata of a safetensors file. Raises WeightsError if it is unsound."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing from the checkout")
    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"{path.name} cannot be read: {error}") from None


Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Adapter:
    """The file artifacts/adapter.safetensors, which lab/training/adapt.py writes."""

    changes: Mapping[str, Floats]
    """Per adapted weight "<name>.down", shape (inputs, rank), and "<name>.up", (rank, outputs)."""
    heads: Mapping[str, Floats]
    """For each task "<name>.weight", shape (768, outputs), and "<name>.bias"."""
    scale: float
    """Factor applied to a sentence vector of unit length before the heads."""
    categories: tuple[str, ...]
    subjects: tuple[str, ...]
    signs: tuple[str, ...]
    intents: tuple[str, ...]
    """Names of the outputs of "category", "subject", "sign" and "topic", in order."""
    base: str
    """SHA-256 of the published weights to which the change belongs."""
    version: str
    """The first 12 digits of the file's own SHA-256."""


def read_adapter(path: Path | None = None) -> Adapter:
    """Read the adapter from `path`, by default the project's.

    Raises WeightsError if it is missing, unsound, or not the one in the manifest.
    """
    try:
        path = path or artifacts.checked(artifacts.ADAPTER)
    except ContentError as error:
        raise WeightsError(str(error)) from None
    arrays, facts = read_arrays(path)
    try:
        return Adapter(
            changes=_part("adapter.", arrays),
            heads=_part("heads.", arrays),
            scale=float(facts["scale"]),
            categories=tuple(json.loads(facts["categories"])),
            subjects=tuple(json.loads(facts["subjects"])),
            signs=tuple(json.loads(facts["signs"])),
            intents=tuple(json.loads(facts["intents"])),
            base=facts["base"],
            version=sha256(path)[:12],
        )
    except (KeyError, ValueError):
        raise WeightsError(f"{path.name} does not say what it holds") from None


def _part(prefix: str, arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def merged(published: Mapping[str, Floats], changes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the published weights with the adapter's change added."""
    whole = {name: np.asarray(array, np.float32) for name, array in published.items()}
    for key, up in changes.items():
        if key.endswith(".up"):
            name = key.removesuffix(".up")
            whole[name] = whole[name] + (changes[f"{name}.down"] @ up).T
    return whole
