"""Sentence vectors from all-MiniLM-L6-v2 by onnxruntime: text in, 384 unit-length numbers out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from safeguarding.encoders import weights

DIMENSIONS = 384
MAX_WORD_PIECES = 128  # as the model was trained; longer text is cut


class MiniLM:
    """The encoder. One sentence a call, so that training and serving see identical numbers."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """The vector of `text`, shape (384,): the mean over its word pieces, scaled to length 1."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        hidden: npt.NDArray[np.float32] = self._session.run(None, feed)[0][0]
        mean = hidden.mean(axis=0)
        unit: npt.NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return unit


@cache
def minilm(threads: int = 1) -> MiniLM:
    """The encoder, loaded once per process (0.3 s). Raises WeightsError on other weights."""
    weights.check(weights.MINILM_ONNX, weights.MINILM_ONNX_SHA256)
    tokenizer_file = weights.minilm_dir() / "tokenizer.json"
    weights.check(tokenizer_file, weights.MINILM_TOKENIZER_SHA256)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(weights.MINILM_ONNX), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    return MiniLM(session, tokenizer)
