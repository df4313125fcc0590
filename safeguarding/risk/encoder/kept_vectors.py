"""The sentence vectors of our own texts: made once, in batches, kept for all who learn from them.

models/vectors.safetensors holds rows of unit length (float16), the digest of each row's canonical
text, and the version of the encoder that made them. Rows of another version count as missing.
Services and assistant write and read the same file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from safeguarding.risk.encoder.vectors import WIDTH, SentenceEncoder
from safeguarding.taxonomy import ROOT

FILE = ROOT / "models" / "vectors.safetensors"
MADE_BY = "made_by"
_KEY_BYTES = 16
_BATCH = 64
_TOLD_EVERY = 2000
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VectorTable:
    """Vectors of texts."""

    rows: Floats
    """Shape (texts, 768)."""
    places: Mapping[bytes, int] = field(default_factory=dict)
    """Which row belongs to the text of this digest."""

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts without a row, each once."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self.places]

    def of(self, texts: Sequence[str]) -> Floats:
        """Return the rows of `texts`, in their order. Raises KeyError if one has none."""
        found: Floats = self.rows[[self.places[_key(text)] for text in texts]]
        return found


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


def table(texts: Sequence[str], rows: Floats) -> VectorTable:
    """Return a table of these texts, none twice, and their rows."""
    return VectorTable(rows, {_key(text): place for place, text in enumerate(texts)})


def read_table(path: Path, version: str) -> VectorTable:
    """Read the table of `path`; it is empty unless this version of the encoder made the file."""
    try:
        with safe_open(path, "np") as file:
            if (file.metadata() or {}).get(MADE_BY) == version:
                keys = file.get_tensor("keys")
                places = {key.tobytes(): place for place, key in enumerate(keys)}
                return VectorTable(file.get_tensor("rows").astype(np.float32), places)
    except (FileNotFoundError, SafetensorError):
        pass  # a file cut short is made anew
    return VectorTable(np.empty((0, WIDTH), np.float32))


def write_table(path: Path, kept: VectorTable, version: str) -> None:
    """Write the file, whole or not at all."""
    ordered = sorted((place, key) for key, place in kept.places.items())
    keys = np.frombuffer(b"".join(key for _, key in ordered), np.uint8).reshape(-1, _KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    save_file({"keys": keys, "rows": kept.rows.astype(np.float16)}, part, {MADE_BY: version})
    part.replace(path)


def encode_all(encoder: SentenceEncoder, texts: Sequence[str]) -> Floats:
    """Encode many texts on all processors: shape (texts, 768).

    Reports progress on standard error.
    """
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    rows = np.empty((len(texts), WIDTH), np.float32)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        encoded = pool.map(
            lambda batch: encoder.network.encode_batch([texts[at] for at in batch]), batches
        )
        done = 0
        for batch, found in zip(batches, encoded, strict=True):
            rows[batch] = found
            done += len(batch)
            if done == len(texts) or done // _TOLD_EVERY > (done - len(batch)) // _TOLD_EVERY:
                sys.stderr.write(f"Sentence vectors: {done} of {len(texts)}\n")
    return rows


class KeptVectors:
    """The vectors of texts: those of the file, and new ones for texts that it has not."""

    def __init__(self, kept: VectorTable, encoder: SentenceEncoder) -> None:
        self._kept = kept
        self._encoder = encoder

    def of(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of canonical `texts`, shape (texts, 768)."""
        return completed(self._kept, self._encoder, texts).of(texts)


def completed(kept: VectorTable, encoder: SentenceEncoder, texts: Sequence[str]) -> VectorTable:
    """Return a table of exactly these texts; only those that `kept` lacks are encoded."""
    wanted = list(dict.fromkeys(texts))
    missing = kept.missing(wanted)
    if not missing and len(wanted) == len(kept.places):
        return kept
    new = set(missing)
    old = [text for text in wanted if text not in new]
    rows = np.vstack([kept.of(old), encode_all(encoder, missing)])
    return table([*old, *missing], rows)


def read_kept_vectors(encoder: SentenceEncoder, path: Path = FILE) -> KeptVectors:
    """Read the vectors of the file at `path` that this encoder made."""
    return KeptVectors(read_table(path, encoder.adapter_version), encoder)


def keep(path: Path, encoder: SentenceEncoder, texts: Sequence[str]) -> None:
    """Write to `path` the vectors of exactly these texts; only new ones are encoded.

    Raises WeightsError.
    """
    known = read_table(path, encoder.adapter_version)
    whole = completed(known, encoder, texts)
    write_table(path, whole, encoder.adapter_version)
    new = len(known.missing(texts))
    sys.stderr.write(f"Sentence vectors: written ({new} new of {len(whole.places)})\n")
