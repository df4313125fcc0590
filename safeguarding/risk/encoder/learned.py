"""What Rasa learns from data/risk and from the encoder, in one file: models/learned.json.

It holds the sentences of everyday talk, which Rasa would otherwise read out of the whole corpus,
and a digest of everything that Rasa learns from: canonical texts and their vectors. The file is
written only when it changes, and the Rasa model depends on it instead of on the files behind it. So
a new risk phrase or sentence trains Rasa anew only when Rasa would learn something else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import ROOT

FILE = ROOT / "models" / "learned.json"
Floats = npt.NDArray[np.float32]


def write_learned(
    everyday: Sequence[str], canonical: Sequence[str], rows: Floats, path: Path = FILE
) -> None:
    """Write the file, unless it says the same already.

    `canonical` are all texts that Rasa learns from, and `rows` their vectors.
    """
    digest = hashlib.sha256(rows.astype(np.float16).tobytes())
    digest.update(json.dumps(canonical).encode())
    record = {"digest": digest.hexdigest(), "everyday": list(everyday)}
    text = json.dumps(record, indent=0, ensure_ascii=False) + "\n"
    if not path.is_file() or path.read_text("utf-8") != text:
        part = path.with_suffix(".part")
        part.write_text(text, "utf-8")
        part.replace(path)


def read_everyday(path: Path = FILE) -> list[str]:
    """The sentences of everyday talk. Raises ContentError when the file is missing or broken."""
    try:
        found: list[str] = json.loads(path.read_text("utf-8"))["everyday"]
    except (OSError, ValueError, KeyError):
        raise ContentError([Problem(path, 1, "cannot be read: run `make install`")]) from None
    return found
