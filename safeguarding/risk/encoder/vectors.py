"""The encoder: MPNet's pinned weights, the adapter learned for them, and sentence vectors.

The network computes in eight-bit integers, by onnxruntime.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from safeguarding import artifacts
from safeguarding.records import ContentError
from safeguarding.risk.assessment import read_vector
from safeguarding.taxonomy import ROOT

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

# sentence-transformers/all-mpnet-base-v2 @ e8c3b32edf5434bc2275fc9bab85f82640a19130. These digests
# are trusted, not the publisher of the packages.
BASE_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
TOKENIZER_SHA256 = "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"
ENCODER_DIR = ROOT / "models" / "mpnet"
"""The published encoder: model.safetensors, config.json, and tokenizer.json."""
ENCODER_ONNX = ROOT / "models" / "mpnet.onnx"
DIALOGUE_ONNX = ROOT / "models" / "mpnet_dialogue.onnx"
"""The encoder of the dialogue (safeguarding/risk/encoder/in_place.py)."""
BASE, ADAPTED, PROBE = "lantern.base", "lantern.adapter", "lantern.probe"
"""Keys of the ONNX file's metadata: digests of the published weights and of the adapter, and the
exact vector of a known text."""
MAX_WORD_PIECES = 128  # as the model was trained; longer text is cut
AFTER = "\n"
"""Stands between a context and the text that follows it; no canonical text holds it."""
MOST_OF_CONTEXT = 60
"""Word pieces that are read of a context; its end counts."""
_KEPT = 32
"""Number of texts whose vectors are kept: a message is encoded for its risk, then for its topic or
its reply."""
_BATCH = 16
"""Number of texts that are encoded together; more are no faster on one core."""
PROBE_TEXT = "he is older than me and he says not to tell my mum"
"""Encoded when the network is loaded, and compared with its exact vector."""
PROBED = 0.95
"""Smallest cosine to the exact vector; a processor that computes correctly reaches 0.98 or more."""
Floats = npt.NDArray[np.float32]


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


def read_arrays(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    """Read the arrays and metadata of a safetensors file. Raises WeightsError if it is unsound."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing from the checkout")
    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"{path.name} cannot be read: {error}") from None


@dataclass(frozen=True)
class Adapter:
    """An adapter, as lab/training/adapt.py and lab/dialogue/adapt.py write it.

    That of the dialogue has no heads.
    """

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


@dataclass(frozen=True)
class Encoded:
    """The vectors of one text."""

    pieces: Floats
    """One vector for each word piece, shape (pieces, 768)."""
    spans: tuple[tuple[int, int], ...]
    """Start and end of each piece in the text; (0, 0) for the marks at its beginning and end."""

    @cached_property
    def vector(self) -> Floats:
        """The mean over the pieces, scaled to length 1: shape (768,)."""
        return unit(self.pieces.mean(axis=0))


def unit(vector: Floats) -> Floats:
    """Scale `vector` to length 1 along its last axis."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    scaled: Floats = (vector / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


class MPNet:
    """The network.

    The vectors of a sentence alone and in a batch differ a little (cosine above 0.98), because the
    integers of a batch share one scale.
    """

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def encode(self, text: str) -> Encoded:
        """Return the vectors of `text`, which may follow a context and AFTER."""
        ids, spans = self._pieces(text)
        row = np.array([ids], dtype=np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row)}
        hidden: Floats = self._session.run(None, feed)[0][0]
        return Encoded(hidden, spans)

    def _pieces(self, text: str) -> tuple[list[int], tuple[tuple[int, int], ...]]:
        """Return the ids of the word pieces of a text, and their places in it.

        A context goes before the text's own pieces, unless both are too long together.
        """
        context, _, own = text.rpartition(AFTER)
        encoding = self._tokenizer.encode(own)
        ids, spans = encoding.ids, tuple(encoding.offsets)
        if not context:
            return ids, spans
        beginning, *before = self._tokenizer.encode(context).ids
        before = [beginning, *before[-MOST_OF_CONTEXT:], before[-1]]
        if len(before) + len(ids) - 1 > MAX_WORD_PIECES:
            return ids, spans
        return [*before, *ids[1:]], (*((0, 0) for _ in before), *spans[1:])

    def encode_batch(self, texts: Sequence[str]) -> Floats:
        """Return the sentence vectors of `texts`, which should be equally long: shape (n, 768)."""
        pieces = [self._pieces(text)[0] for text in texts]
        longest = max(map(len, pieces))
        ids = np.zeros((len(pieces), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, each in enumerate(pieces):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        hidden: Floats = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        kept = mask[..., np.newaxis].astype(np.float32)
        return unit((hidden * kept).sum(axis=1) / kept.sum(axis=1))


def load_mpnet(adapter_version: str, onnx: Path | None = None) -> MPNet:
    """Load the network with this adapter merged in (0.4 s), by default ENCODER_ONNX.

    Raises WeightsError for other weights, and if this processor does not compute the exact vectors:
    such a network would silently recognise nothing.
    """
    onnx = onnx or ENCODER_ONNX
    if not onnx.is_file():
        raise WeightsError(f"{onnx.name} is missing: run `make install`")
    # Not at the top: a Rasa server that gets its vectors with the message does not need them.
    import onnxruntime  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer_file = ENCODER_DIR / "tokenizer.json"
    check(tokenizer_file, TOKENIZER_SHA256)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    made_of = session.get_modelmeta().custom_metadata_map
    if made_of.get(ADAPTED) != adapter_version or PROBE not in made_of:
        raise WeightsError(f"{onnx.name} is out of date: run `make install`")
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    network = MPNet(session, tokenizer)
    likeness = float(network.encode(PROBE_TEXT).vector @ read_vector(made_of[PROBE]))
    if likeness < PROBED:
        raise WeightsError(
            f"{onnx.name} is computed wrongly by this processor: the vector of a "
            f"known text has a cosine of {likeness:.2f} to the exact one, {PROBED} is the least"
        )
    return network


class SentenceEncoder:
    """The encoder, loaded on first need. Keeps the vectors of the last few texts."""

    def __init__(self, adapter_version: str, onnx: Path | None = None) -> None:
        """`adapter_version` is the version of the adapter that the network must contain.

        `onnx` is the network's file, by default ENCODER_ONNX.
        """
        self.adapter_version = adapter_version
        self._onnx = onnx
        self.encode: Callable[[str], Encoded] = lru_cache(maxsize=_KEPT)(self._encode)
        """Returns the vectors of a text (canonical words between spaces). Raises WeightsError."""

    @cached_property
    def network(self) -> MPNet:
        """The loaded network. Raises WeightsError if its file is missing or out of date."""
        return load_mpnet(self.adapter_version, self._onnx)

    def encode_batch(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of many texts, in their order: shape (n, 768). Raises WeightsError."""
        each = sorted(dict.fromkeys(texts), key=len)
        rows = [
            self.network.encode_batch(each[start : start + _BATCH])
            for start in range(0, len(each), _BATCH)
        ]
        place = {text: at for at, text in enumerate(each)}
        found: Floats = np.vstack(rows)[[place[text] for text in texts]]
        return found

    def _encode(self, text: str) -> Encoded:
        return self.network.encode(text)
