"""Sentences as the network takes them in: word pieces in batches of about equal length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from safeguarding.encoders import weights
from safeguarding.encoders.use import universal_sentence_encoder
from safeguarding.risk.engine import RiskEngine
from training.sentences import Sentence, roughened

BATCH = 32
BUCKETS = (12, 16, 24, 32, 48, 64, 128)
_ROUGH = 0.4
"""Share of the sentences that are roughened in an epoch."""


def tokenizer() -> Tokenizer:
    """The encoder's tokenizer, cut at the longest bucket."""
    made = Tokenizer.from_file(str(weights.minilm_dir() / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(BUCKETS[-1])
    return made


class Texts:
    """The sentences as word pieces, roughened anew every epoch, and their USE vectors."""

    def __init__(self, sentences: Sequence[Sentence], engine: RiskEngine) -> None:
        self._tokenizer = tokenizer()
        self._words = [engine.canonical(sentence.text).split() for sentence in sentences]
        encoder = universal_sentence_encoder()
        self.use = np.stack([encoder.encode(" ".join(words)) for words in self._words])

    def pieces(self, rng: random.Random | None) -> list[list[int]]:
        """Word-piece ids of each sentence; as written when there is no `rng`."""
        if rng is None:
            texts = [" ".join(words) for words in self._words]
        else:
            texts = [
                roughened(words, rng) if rng.random() < _ROUGH else " ".join(words)
                for words in self._words
            ]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]


def of_pieces(texts: Sequence[str]) -> list[list[int]]:
    """Word-piece ids of each text."""
    return [encoding.ids for encoding in tokenizer().encode_batch(list(texts))]


def batches(
    pieces: Sequence[Sequence[int]], rng: random.Random | None
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]]:
    """(which sentences, ids, mask) of full batches whose sentences are about equally long."""
    by_bucket: dict[int, list[int]] = {bucket: [] for bucket in BUCKETS}
    for at, ids in enumerate(pieces):
        by_bucket[next(bucket for bucket in BUCKETS if bucket >= len(ids))].append(at)
    made = []
    for bucket, members in by_bucket.items():
        if rng:
            rng.shuffle(members)
        size = max(8, min(BATCH, BATCH * 32 // bucket))
        for start in range(0, len(members), size):
            which = members[start : start + size]
            padded = np.zeros((size, bucket), np.int32)
            mask = np.zeros((size, bucket), np.float32)
            mask[:, 0] = 1  # an empty row must not divide by zero
            for row, at in enumerate(which):
                padded[row, : len(pieces[at])] = pieces[at]
                mask[row, : len(pieces[at])] = 1
            made.append((np.array(which), padded, mask))
    if rng:
        rng.shuffle(made)
    yield from made
