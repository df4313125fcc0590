"""The whole risk engine with a network that makes nothing, but counts what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from safeguarding.risk.assessment import WIDTH, written_vector
from safeguarding.risk.chat.reading import ChatReader
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.classifier import RememberedScores, RiskClassifier
from safeguarding.risk.encoder.in_place import SecondReader
from safeguarding.risk.encoder.vectors import Adapter, SentenceEncoder, load_mpnet, unit
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.passages import MOST
from safeguarding.risk.prediction import Predictor
from safeguarding.risk.thresholds import Calibration, Thresholds, read_chat_thresholds
from safeguarding.risk.witness import PLACES, Witness
from safeguarding.taxonomy import SIGNS, taxonomy
from tests.steps import even_step

OF_A_MESSAGE = 1 + MOST + 4
"""Passes for the whole of a message, for its passages, and for those that are read twice."""


class Work:
    """In place of onnxruntime's session: counts what the encoder is given, and makes nothing."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        """How many word pieces each text was given as, also when several go in one pass."""
        self.witnessed = 0
        """Characters, but for spaces, that the second witness was given."""

    def get_modelmeta(self) -> Any:
        probe = written_vector(unit(np.ones(WIDTH, np.float32)))
        facts = {weights.ADAPTED: "counting", weights.PROBE: probe}
        return SimpleNamespace(custom_metadata_map=facts)

    def run(
        self, _outputs: object, feed: Mapping[str, npt.NDArray[np.int64]]
    ) -> list[npt.NDArray[np.float32]]:
        ids = feed["input_ids"]
        self.pieces += [ids.shape[1]] * ids.shape[0]
        return [np.ones((*ids.shape, WIDTH), np.float32)]


class CountingWitness(Witness):
    """Hears nothing, but counts what it listens to."""

    def __init__(self, work: Work) -> None:
        super().__init__(np.zeros((PLACES, 3), np.float16), np.zeros(3, np.float32))
        object.__setattr__(self, "_work", work)

    def scores(self, text: str) -> tuple[float, float, float]:
        self._work.witnessed += sum(map(len, text.split()))  # type: ignore[attr-defined]
        return 0.0, 0.0, 0.0


class Counting(NamedTuple):
    """The engine, what counts its work, and what remembers texts that it read."""

    engine: RiskEngine
    work: Work
    encoders: tuple[SentenceEncoder, SentenceEncoder]
    classifier: RiskClassifier
    predictor: Predictor

    def begin(self) -> RiskEngine:
        """Return the engine; nothing was counted or read before, so nothing is remembered."""
        for encoder in self.encoders:
            encoder.encode.cache_clear()  # type: ignore[attr-defined]
        self.classifier._remembered = RememberedScores()
        self.predictor._read_before = RememberedScores()
        self.work.pieces.clear()
        self.work.witnessed = 0
        return self.engine


def counting_engine(lexicon: Lexicon, folder: Path) -> Counting:
    """Build the engine with its real tokenizer; `folder` is for a file of no importance."""
    work, onnx = Work(), folder / "mpnet.onnx"
    onnx.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "ENCODER_ONNX", onnx)
        patch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: work)
        network = load_mpnet("counting")
    encoders = SentenceEncoder("counting"), SentenceEncoder("counting")
    for encoder in encoders:
        encoder.network = network  # type: ignore[misc]
    first, other = encoders
    classifier = RiskClassifier(_adapter(), first.encode, first.encode_batch)
    witness, canonical = CountingWitness(work), lexicon.normaliser
    step = even_step(witness=1.0, phrase=1.0)
    thresholds = Thresholds(
        Calibration(version="counting", concern=step, urgent=step, immediate=step, conversation=9.0)
    )
    second = SecondReader(other.encode, ("self_harm",), *_zeros((1, WIDTH), (1,), (4, 1), (4,)))
    predictor = Predictor(classifier, witness, thresholds, canonical, second=second)
    chats = ChatReader(classifier, witness, thresholds, read_chat_thresholds(), canonical)
    engine = RiskEngine(lexicon, predictor, chats, first.encode)
    return Counting(engine, work, encoders, classifier, predictor)


def _adapter() -> Adapter:
    widths = {
        "severity": 3,
        "category": len(taxonomy().risk_categories),
        "subject": len(taxonomy().subjects),
        "sign": len(SIGNS),
        "chat": 2,
    }
    heads = {f"{task}.weight": np.zeros((WIDTH, n), np.float32) for task, n in widths.items()}
    biases = {f"{task}.bias": np.zeros(n, np.float32) for task, n in widths.items()}
    return Adapter(
        changes={},
        heads={**heads, **biases},
        scale=1.0,
        categories=tuple(taxonomy().risk_categories),
        subjects=tuple(taxonomy().subjects),
        signs=tuple(SIGNS),
        intents=(),
        base="published",
        version="counting",
    )


def _zeros(*shapes: tuple[int, ...]) -> list[npt.NDArray[np.float32]]:
    return [np.zeros(shape, np.float32) for shape in shapes]
