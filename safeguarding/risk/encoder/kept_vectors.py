"""Keeps the sentence vectors of our own texts, and what Rasa learns, in files.

models/vectors.safetensors holds rows of unit length (float16), the digest of each row's canonical
text, and the version of the encoder that made them. Rows of another version count as missing.
Services and assistant write and read the same file.

artifacts/vectors.safetensors ships with the project, so that a first start encodes nothing. It
holds the same rows in steps of 1/256 (int8): the cosine to the row as it was made is 0.9995, while
two batches of the encoder give one text vectors with cosines of 0.98 and more.

models/learned.json holds the sentences of everyday talk, which Rasa would otherwise read out of the
whole corpus, and a digest of everything that Rasa learns from: canonical texts and their vectors.
The Rasa model depends on this file, which is written only when it changes: a new risk phrase trains
Rasa anew only when Rasa would learn something else.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from safeguarding.records import ContentError, Problem
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.vectors import SentenceEncoder, unit
from safeguarding.taxonomy import ROOT

FILE = ROOT / "models" / "vectors.safetensors"
LEARNED = ROOT / "models" / "learned.json"
MADE_BY = "made_by"
_KEY_BYTES = 16
_BATCH = 64
_TOLD_EVERY = 2000
_MOST = 127
"""The largest number of a shipped row."""
_LEAST = 1e-9
"""What no row is divided by less than."""
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
                return VectorTable(_as_floats(file.get_tensor("rows")), places)
    except (FileNotFoundError, SafetensorError):
        pass  # a file cut short is made anew
    return VectorTable(np.empty((0, WIDTH), np.float32))


def _as_floats(rows: npt.NDArray[Any]) -> Floats:
    if rows.dtype == np.int8:
        return unit(rows.astype(np.float32))
    found: Floats = rows.astype(np.float32)
    return found


def write_table(path: Path, kept: VectorTable, version: str) -> None:
    """Write the file in half precision, whole or not at all."""
    ordered = [key for _, key in sorted((place, key) for key, place in kept.places.items())]
    _write(path, ordered, kept.rows.astype(np.float16), version)


def write_shipped(path: Path, kept: VectorTable, version: str) -> None:
    """Write the file in bytes, whole or not at all.

    The rows are ordered by their keys: the file of a few more texts differs in a few places.
    """
    ordered = sorted(kept.places)
    rows = kept.rows[[kept.places[key] for key in ordered]]
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0), _LEAST)
    _write(path, ordered, np.rint(rows / largest * _MOST).astype(np.int8), version)


def _write(path: Path, keys: Sequence[bytes], rows: npt.NDArray[Any], version: str) -> None:
    table = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    save_file({"keys": table, "rows": np.ascontiguousarray(rows)}, part, {MADE_BY: version})
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


def joined(first: VectorTable, second: VectorTable) -> VectorTable:
    """Return a table of the texts of both; a text that both have keeps its row of `first`."""
    new = [key for key in second.places if key not in first.places]
    rows = np.vstack([first.rows, second.rows[[second.places[key] for key in new]]])
    places = {key: len(first.rows) + at for at, key in enumerate(new)}
    return VectorTable(rows, {**first.places, **places})


def vectors_of(encoder: SentenceEncoder, texts: Sequence[str], path: Path = FILE) -> Floats:
    """Return the vectors of canonical `texts`, shape (texts, 768).

    Those that the file lacks, or that another encoder made, are encoded.
    """
    kept = read_table(path, encoder.adapter_version)
    return completed(kept, encoder, texts).of(texts)


def keep(
    path: Path, encoder: SentenceEncoder, texts: Sequence[str], shipped: Path | None = None
) -> VectorTable:
    """Write to `path` the vectors of exactly these texts, and give them.

    Those that neither `path` nor `shipped` has are encoded. Raises WeightsError.
    """
    before = known = read_table(path, encoder.adapter_version)
    if shipped is not None and known.missing(texts):
        known = joined(known, read_table(shipped, encoder.adapter_version))
    whole = completed(known, encoder, texts)
    if whole is not before:
        write_table(path, whole, encoder.adapter_version)
    new = len(known.missing(texts))
    sys.stderr.write(f"Sentence vectors: {new} new of {len(whole.places)}\n")
    return whole


def write_learned(
    everyday: Sequence[str], canonical: Sequence[str], rows: Floats, path: Path = LEARNED
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


def read_everyday(path: Path = LEARNED) -> list[str]:
    """Read the sentences of everyday talk. Raises ContentError without a sound file."""
    try:
        found: list[str] = json.loads(path.read_text("utf-8"))["everyday"]
    except (OSError, ValueError, KeyError):
        raise ContentError([Problem(path, 1, "cannot be read: run `make install`")]) from None
    return found
