"""Computes sentence vectors with the adapted MPNet, in eight-bit integers, by onnxruntime."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from safeguarding.risk.encoder import adapter as weights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

WIDTH = 768
MAX_WORD_PIECES = 128  # as the model was trained; longer text is cut
_KEPT = 16
"""Number of texts whose vectors are kept: a message is encoded for its risk, then for its topic."""
_BATCH = 16
"""Number of texts that are encoded together; more are no faster on one core."""
PROBE_TEXT = "he is older than me and he says not to tell my mum"
"""Encoded when the network is loaded, and compared with its exact vector."""
PROBED = 0.95
"""Smallest cosine to the exact vector; a processor that computes correctly reaches 0.98 or more."""
Floats = npt.NDArray[np.float32]


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


def written_vector(vector: Floats) -> str:
    """Return a vector as text, for the metadata of a file."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def read_vector(text: str) -> Floats:
    """Read the result of `written_vector`."""
    found: Floats = np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
    return found


class MPNet:
    """The network.

    The vectors of a sentence alone and in a batch differ a little (cosine above 0.98), because the
    integers of a batch share one scale.
    """

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def encode(self, text: str) -> Encoded:
        """Return the vectors of `text`."""
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        hidden: Floats = self._session.run(None, feed)[0][0]
        return Encoded(hidden, tuple(encoding.offsets))

    def encode_batch(self, texts: Sequence[str]) -> Floats:
        """Return the sentence vectors of `texts`, which should be equally long: shape (n, 768)."""
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = np.zeros((len(encodings), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        hidden: Floats = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        kept = mask[..., np.newaxis].astype(np.float32)
        return unit((hidden * kept).sum(axis=1) / kept.sum(axis=1))


def load_mpnet(adapter_version: str) -> MPNet:
    """Load the network with this adapter merged in (0.4 s).

    Raises WeightsError for other weights, and if this processor does not compute the exact vectors:
    such a network would silently recognise nothing.
    """
    if not weights.ENCODER_ONNX.is_file():
        raise weights.WeightsError(f"{weights.ENCODER_ONNX.name} is missing: run `make install`")
    # Not at the top: a Rasa server that gets its vectors with the message does not need them.
    import onnxruntime  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer_file = weights.ENCODER_DIR / "tokenizer.json"
    weights.check(tokenizer_file, weights.TOKENIZER_SHA256)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(weights.ENCODER_ONNX), options, providers=["CPUExecutionProvider"]
    )
    made_of = session.get_modelmeta().custom_metadata_map
    if made_of.get(weights.ADAPTED) != adapter_version or weights.PROBE not in made_of:
        raise weights.WeightsError(
            f"{weights.ENCODER_ONNX.name} is out of date: run `make install`"
        )
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    network = MPNet(session, tokenizer)
    likeness = float(network.encode(PROBE_TEXT).vector @ read_vector(made_of[weights.PROBE]))
    if likeness < PROBED:
        raise weights.WeightsError(
            f"{weights.ENCODER_ONNX.name} is computed wrongly by this processor: the vector of a "
            f"known text has a cosine of {likeness:.2f} to the exact one, {PROBED} is the least"
        )
    return network


class SentenceEncoder:
    """The encoder, loaded on first need. Keeps the vectors of the last few texts."""

    def __init__(self, adapter_version: str) -> None:
        """`adapter_version` is the version of the adapter that the network must contain."""
        self.adapter_version = adapter_version
        self.encode: Callable[[str], Encoded] = lru_cache(maxsize=_KEPT)(self._encode)
        """Returns the vectors of a text (canonical words between spaces). Raises WeightsError."""

    @cached_property
    def network(self) -> MPNet:
        """The loaded network. Raises WeightsError if its file is missing or out of date."""
        return load_mpnet(self.adapter_version)

    def encode_batch(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of many texts, in their order: shape (n, 768). Raises WeightsError."""
        each = sorted(set(texts), key=len)
        rows = [
            self.network.encode_batch(each[start : start + _BATCH])
            for start in range(0, len(each), _BATCH)
        ]
        place = {text: at for at, text in enumerate(each)}
        found: Floats = np.vstack(rows)[[place[text] for text in texts]]
        return found

    def _encode(self, text: str) -> Encoded:
        return self.network.encode(text)
