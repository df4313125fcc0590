"""Sentence vectors from the adapted all-MiniLM-L6-v2 by onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from safeguarding.encoders import weights
from safeguarding.encoders.adapter import adapter

DIMENSIONS = 384
MAX_WORD_PIECES = 128  # as the model was trained; longer text is cut
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Encoded:
    """What the encoder makes of one text."""

    pieces: Floats
    """One vector for each word piece, shape (pieces, 384)."""
    spans: tuple[tuple[int, int], ...]
    """Where each piece stands in the text; (0, 0) for the marks at its beginning and end."""

    @property
    def vector(self) -> Floats:
        """The mean over the pieces, scaled to length 1: shape (384,)."""
        return unit(self.pieces.mean(axis=0))


def unit(vector: Floats) -> Floats:
    """`vector` at length 1, along its last axis."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    scaled: Floats = (vector / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


class MiniLM:
    """The encoder. One sentence a call, so that training and serving see identical numbers."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def encode(self, text: str) -> Encoded:
        """The vectors of `text`."""
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        hidden: Floats = self._session.run(None, feed)[0][0]
        return Encoded(hidden, tuple(encoding.offsets))


@cache
def minilm(threads: int = 1) -> MiniLM:
    """The encoder, loaded once per process (0.3 s). Raises WeightsError on other weights."""
    if not weights.MINILM_ONNX.is_file():
        raise weights.WeightsError(f"{weights.MINILM_ONNX.name} is missing: run `make install`")
    tokenizer_file = weights.minilm_dir() / "tokenizer.json"
    weights.check(tokenizer_file, weights.MINILM_TOKENIZER_SHA256)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(weights.MINILM_ONNX), options, providers=["CPUExecutionProvider"]
    )
    made_of = session.get_modelmeta().custom_metadata_map
    if made_of.get(weights.ADAPTED) != adapter().version:
        raise weights.WeightsError(f"{weights.MINILM_ONNX.name} is out of date: run `make install`")
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    return MiniLM(session, tokenizer)
