"""Reads a sentence vector: severity, category, subject, signs in a chat, and nearest examples.

Each task is one linear head over the vector. ops/encoder/vectors.py writes the examples to
models/examples.safetensors.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache
from safetensors import SafetensorError, safe_open

from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.vectors import (
    Adapter,
    Encoded,
    SentenceEncoder,
    WeightsError,
    read_adapter,
    unit,
)
from safeguarding.risk.thresholds import Steps
from safeguarding.taxonomy import CORPUS, ROOT, Severity

Floats = npt.NDArray[np.float32]
URGENT = 1
"""Index of "at least urgent" among the three steps."""
_LONGEST_PHRASE = 6
_REMEMBERED = 20_000
"""Largest number of texts whose scores are remembered; the least recently used goes first."""


class RememberedScores:
    """Remembers the scores of severity by a keyed digest of the text, never the text itself.

    The key belongs to this process, so no words outlive their conversation. Safe to share between
    threads.
    """

    def __init__(self, kept: int = _REMEMBERED) -> None:
        self._key = secrets.token_bytes(32)
        self._scores: LRUCache[bytes, Steps] = LRUCache(kept)
        self._lock = Lock()

    def get(self, text: str) -> Steps | None:
        """Return the scores of the text if they are remembered."""
        with self._lock:
            return self._scores.get(self._digest(text))

    def put(self, text: str, scores: Steps) -> None:
        """Remember the scores of a text."""
        with self._lock:
            self._scores[self._digest(text)] = scores

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "replace"), digest_size=16, key=self._key
        ).digest()


@dataclass(frozen=True)
class Scores:
    """The network's raw scores (log-odds before calibration) for one text."""

    steps: Steps
    """At least concern, at least urgent, immediate."""
    categories: Mapping[str, float]
    subjects: Mapping[str, float]
    encoded: Encoded

    @property
    def subject(self) -> str:
        """The most likely subject."""
        return max(self.subjects, key=lambda name: self.subjects[name])


class RiskClassifier:
    """Scores texts by their sentence vectors. Of messages it remembers the scores alone."""

    def __init__(
        self,
        adapter: Adapter,
        encode: Callable[[str], Encoded],
        encode_batch: Callable[[Sequence[str]], Floats],
    ) -> None:
        self._adapter = adapter
        self._encode = encode
        self._encode_batch = encode_batch
        self._remembered = RememberedScores()

    @property
    def version(self) -> str:
        """The digest of the weights, as carried by every signal."""
        return self._adapter.version

    def read(self, canonical: str) -> Scores:
        """Score a text, given as its canonical words."""
        encoded = self._encode(canonical)
        concern, urgent, immediate = map(float, self._task(encoded.vector, "severity"))
        steps = (concern, urgent, immediate)
        self._remembered.put(canonical, steps)
        categories = self._task(encoded.vector, "category")
        subjects = self._task(encoded.vector, "subject")
        return Scores(
            steps,
            dict(zip(self._adapter.categories, map(float, categories), strict=True)),
            dict(zip(self._adapter.subjects, map(float, subjects), strict=True)),
            encoded,
        )

    def steps(self, canonical: str) -> Steps:
        """Return the scores of severity alone, remembered if the text was read before."""
        return self._remembered.get(canonical) or self.read(canonical).steps

    def signs(self, lines: Sequence[str]) -> list[dict[str, float]]:
        """Return the probability of each sign of grooming in each line of a chat, 0 to 1."""
        scores = self._task(self._encode_batch(lines), "sign")
        return [
            dict(zip(self._adapter.signs, map(float, 1 / (1 + np.exp(-row))), strict=True))
            for row in scores
        ]

    def chat(self, canonical: str) -> tuple[float, float]:
        """Score a stretch of a chat with its speakers: "at least concern" and "urgent"."""
        concern, urgent = self._task(self._encode(canonical).vector, "chat")
        return float(concern), float(urgent)

    def phrase(self, scores: Scores, step: int = URGENT) -> tuple[int, int]:
        """Return start and end, in the canonical text, of the words that raised `step` most.

        The score is computed again without each run of up to six pieces; the phrase is the run
        without which it falls most (leave-one-out, as in Li et al. 2016, "Understanding neural
        networks through representation erasure", on the pieces' last vectors: no second pass).
        """
        pieces, spans = scores.encoded.pieces, scores.encoded.spans
        inner = [at for at, (start, end) in enumerate(spans) if end > start]
        if not inner:
            return 0, 0
        sums = np.concatenate([np.zeros((1, pieces.shape[1])), pieces.cumsum(axis=0)])
        runs = [
            (first, last)
            for first in inner
            for last in range(first, min(first + _LONGEST_PHRASE, inner[-1] + 1))
        ]
        rest = np.stack([sums[-1] - sums[last + 1] + sums[first] for first, last in runs])
        counts = np.array([[len(pieces) - (last - first + 1)] for first, last in runs])
        without = unit((rest / counts).astype(np.float32))
        less = self._task(without, "severity")[:, step]
        # A longer run takes more away by its length alone, so the fall is divided.
        falls = (scores.steps[step] - less) / np.sqrt([last - first + 1 for first, last in runs])
        first, last = runs[int(falls.argmax())]
        return spans[first][0], spans[last][1]

    def _task(self, vectors: Floats, task: str) -> Floats:
        heads = self._adapter.heads
        weight, bias = heads[f"{task}.weight"], heads[f"{task}.bias"]
        scores: Floats = (vectors * self._adapter.scale) @ weight + bias
        return scores


def build_classifier() -> RiskClassifier:
    """Build the project's classifier; its encoder is loaded on first need. Raises WeightsError."""
    adapter = read_adapter()
    encoder = SentenceEncoder(adapter.version)
    return RiskClassifier(adapter, encoder.encode, encoder.encode_batch)


EXAMPLES = ROOT / "models" / "examples.safetensors"
_LEAST_ALIKE = 0.35
"""Smallest cosine at which a sentence explains a finding."""
_NEVER_SHOWN = "reviewed.yml"
"""The file of sentences that retell real messages."""


class NearestExamples:
    """Our own labelled sentences with their vectors: they explain what the network found."""

    def __init__(
        self,
        vectors: npt.NDArray[np.float16],
        texts: Sequence[str],
        severities: Sequence[int],
        categories: Sequence[Sequence[str]],
    ) -> None:
        """`vectors` has a row of unit length for each sentence; the others have its labels.

        Raises ValueError when the numbers differ.
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
        """Return the sentences most like the unit-length `vector`, the nearest first.

        Only sentences of `category`, of at least `severity` and alike enough are returned.
        """
        if category not in self._rows:
            return ()
        rows = self._rows[category]
        rows = rows[self._severities[rows] >= severity]
        likeness = self._vectors[rows].astype(np.float32) @ vector
        best = np.argsort(-likeness, kind="stable")[:count]
        return tuple(self._texts[rows[at]] for at in best if likeness[at] >= _LEAST_ALIKE)


def made_from(encoder: str, folder: Path = CORPUS) -> str:
    """Return the digest of the sources of the examples: the encoder and the labelled sentences."""
    digest = hashlib.sha256(encoder.encode() + b"\0")
    # Sentences from reviews are added while the services run, and are never shown.
    for path in sorted(path for path in folder.rglob("*.yml") if path.name != _NEVER_SHOWN):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_nearest(path: Path, digest: str) -> NearestExamples:
    """Read the examples, which must be made from sources of this digest. Raises WeightsError."""
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
