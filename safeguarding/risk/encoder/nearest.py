"""The labelled sentences nearest to a message: a model's finding, in words that we wrote ourselves.

ops/encoder/vectors.py makes models/examples.safetensors; services read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from safeguarding.risk.encoder.adapter import WeightsError
from safeguarding.risk.encoder.vectors import WIDTH
from safeguarding.taxonomy import CORPUS, ROOT, Severity

FILE = ROOT / "models" / "examples.safetensors"
LEAST_ALIKE = 0.35
"""Below this cosine a sentence explains nothing."""
_NEVER_SHOWN = "reviewed.yml"
"""What retells a message that somebody really wrote."""
Floats = npt.NDArray[np.float32]


class NearestExamples:
    """Our sentences and where they stand. Holds no state of messages."""

    def __init__(
        self,
        vectors: npt.NDArray[np.float16],
        texts: Sequence[str],
        severities: Sequence[int],
        categories: Sequence[Sequence[str]],
    ) -> None:
        """Take for each sentence a row of length 1, its text, its severity and its categories.

        Raises ValueError when they are not equally many.
        """
        if vectors.shape != (len(texts), WIDTH):
            raise ValueError(f"{vectors.shape} is not the shape of {len(texts)} sentences")
        self._vectors = vectors
        self._texts = tuple(texts)
        self._severities = np.array(severities, np.int8)
        rows: dict[str, list[int]] = {}
        for row, (_, names) in enumerate(zip(severities, categories, strict=True)):
            for name in names:
                rows.setdefault(name, []).append(row)
        self._rows = {name: np.array(found) for name, found in rows.items()}

    def nearest(
        self, vector: Floats, severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        """The sentences most like a message's unit-length `vector`, the nearest first.

        Only those of `category` and of at least `severity`; none where none is alike enough.
        """
        if category not in self._rows:
            return ()
        rows = self._rows[category]
        rows = rows[self._severities[rows] >= severity]
        likeness = self._vectors[rows].astype(np.float32) @ vector
        best = np.argsort(-likeness, kind="stable")[:count]
        return tuple(self._texts[rows[at]] for at in best if likeness[at] >= LEAST_ALIKE)


def made_from(encoder: str, folder: Path = CORPUS) -> str:
    """The digest of what the file is made from: the encoder and our labelled sentences."""
    digest = hashlib.sha256(encoder.encode() + b"\0")
    # What reviews teach comes in while the services run, and is never shown beside a message.
    for path in sorted(path for path in folder.rglob("*.yml") if path.name != _NEVER_SHOWN):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_nearest(path: Path, digest: str) -> NearestExamples:
    """The sentences of a file that was made from what has this digest. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing: run `make install`")
    try:
        with safe_open(path, "np") as file:
            facts = file.metadata() or {}
            found = NearestExamples(
                vectors=file.get_tensor("vectors"),
                texts=json.loads(facts["texts"]),
                severities=file.get_tensor("severities").tolist(),
                categories=json.loads(facts["categories"]),
            )
    except (SafetensorError, KeyError, ValueError):
        raise WeightsError(f"{path.name} cannot be read: run `make install`") from None
    if facts.get("made_from") != digest:
        raise WeightsError(f"{path.name} is out of date: run `make install`")
    return found
