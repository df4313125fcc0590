"""What the project taught the encoder: a low-rank change of its weights, and what reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from safeguarding.encoders import weights

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Adapter:
    """The file data/risk/adapter.safetensors, which training/adapt.py writes."""

    changes: Mapping[str, Floats]
    """Per adapted weight "<name>.down", shape (inputs, rank), and "<name>.up", (rank, outputs)."""
    heads: Mapping[str, Floats]
    """For "hidden" and each task "<name>.weight", shape (inputs, outputs), and "<name>.bias"."""
    scale: float
    """What both sentence vectors are multiplied by before the hidden layer."""
    categories: tuple[str, ...]
    subjects: tuple[str, ...]
    signs: tuple[str, ...]
    """What the outputs of the tasks "category", "subject" and "sign" stand for, in their order."""
    base: str
    """SHA-256 of the encoder's published weights that the change belongs to."""
    version: str
    """The first 12 digits of the file's own SHA-256."""


def read_adapter(path: Path = weights.ADAPTER) -> Adapter:
    """The adapter of `path`. Raises WeightsError when it is missing or not one."""
    arrays, facts = weights.read_arrays(path)
    try:
        return Adapter(
            changes=_part("adapter.", arrays),
            heads=_part("heads.", arrays),
            scale=float(facts["scale"]),
            categories=tuple(json.loads(facts["categories"])),
            subjects=tuple(json.loads(facts["subjects"])),
            signs=tuple(json.loads(facts["signs"])),
            base=facts["base"],
            version=weights.sha256(path)[:12],
        )
    except (KeyError, ValueError):
        raise weights.WeightsError(f"{path.name} does not say what it holds") from None


def _part(prefix: str, arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


@cache
def adapter() -> Adapter:
    """The project's adapter, read once per process. Raises WeightsError."""
    return read_adapter()


def merged(published: Mapping[str, Floats], changes: Mapping[str, Floats]) -> dict[str, Floats]:
    """The published weights with the adapter's change added: the encoder costs what it did."""
    whole = {name: np.asarray(array, np.float32) for name, array in published.items()}
    for key, up in changes.items():
        if key.endswith(".up"):
            name = key.removesuffix(".up")
            whole[name] = whole[name] + (changes[f"{name}.down"] @ up).T
    return whole
