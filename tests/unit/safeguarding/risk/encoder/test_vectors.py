"""The encoder reads a message once, whoever asks; a batch gives what each text has alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from safeguarding.risk.assessment import WIDTH, read_vector, written_vector
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import (
    AFTER,
    MAX_WORD_PIECES,
    MOST_OF_CONTEXT,
    Encoded,
    MPNet,
    SentenceEncoder,
    WeightsError,
    load_mpnet,
    read_adapter,
    unit,
)

KEPT = 32
Floats = npt.NDArray[np.float32]
WORDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "he": 4, "hurt": 5, "me": 6, "now": 7}


class CountingNetwork:
    """The vector tells the number of letters; remembers what was read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, text: str) -> Encoded:
        self.read.append(text)
        return Encoded(np.full((1, 2), len(text), np.float32), ((0, len(text)),))


class CountingEncoder(SentenceEncoder):
    """The memory is the real one; what it remembers for is not."""

    def __init__(self, network: CountingNetwork) -> None:
        super().__init__("counting")
        self.network = network  # type: ignore[assignment, misc]


@pytest.fixture
def network() -> CountingNetwork:
    return CountingNetwork()


@pytest.fixture
def remembering(network: CountingNetwork) -> Callable[[str], Encoded]:
    return CountingEncoder(network).encode


def test_a_text_is_read_by_the_network(
    network: CountingNetwork, remembering: Callable[[str], Encoded]
) -> None:
    found = remembering("he hurt me")

    assert network.read == ["he hurt me"]
    assert found.spans == ((0, 10),)
    assert found.pieces.tolist() == [[10, 10]]


def test_a_text_asked_for_again_is_not_read_again(
    network: CountingNetwork, remembering: Callable[[str], Encoded]
) -> None:
    first = remembering("he hurt me")

    assert remembering("he hurt me") is first
    assert network.read == ["he hurt me"]


def test_texts_that_differ_are_told_apart(remembering: Callable[[str], Encoded]) -> None:
    remembering("a")

    assert remembering("bb").pieces.tolist() == [[2, 2]]
    assert remembering("a").pieces.tolist() == [[1, 1]]


def test_only_the_last_few_texts_are_kept(
    network: CountingNetwork, remembering: Callable[[str], Encoded]
) -> None:
    texts = [f"message {number}" for number in range(KEPT + 1)]
    for text in texts:
        remembering(text)

    remembering(texts[-1])
    remembering(texts[1])
    assert network.read == texts

    remembering(texts[0])
    assert network.read == [*texts, texts[0]]


def test_two_encoders_share_nothing() -> None:
    first, second = CountingNetwork(), CountingNetwork()
    for network in (first, second):
        CountingEncoder(network).encode("he hurt me")

    assert first.read == second.read == ["he hurt me"]


def test_a_sentence_vector_is_the_mean_of_its_pieces_at_length_1() -> None:
    encoded = Encoded(np.array([[6, 0], [0, 8]], np.float32), ((0, 1), (2, 3)))

    assert encoded.vector.tolist() == pytest.approx([0.6, 0.8])
    assert encoded.vector.dtype == np.float32


def test_nothing_has_no_direction_and_is_no_error() -> None:
    assert unit(np.zeros(4, np.float32)).tolist() == [0, 0, 0, 0]


def test_many_vectors_come_to_length_1_each() -> None:
    found = unit(np.array([[3, 4], [0, 2]], np.float32))

    assert found.tolist() == [pytest.approx([0.6, 0.8]), [0, 1]]


class TableSession:
    """Gives each word piece a vector of its own; remembers what it was fed."""

    def __init__(self) -> None:
        self.table = np.random.default_rng(1).normal(size=(len(WORDS), WIDTH)).astype(np.float32)
        self.fed: list[Mapping[str, npt.NDArray[np.int64]]] = []

    def run(self, _outputs: object, feed: Mapping[str, npt.NDArray[np.int64]]) -> list[Floats]:
        self.fed.append(feed)
        return [self.table[feed["input_ids"]]]


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel(WORDS, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    made.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.enable_truncation(MAX_WORD_PIECES)
    return made


@pytest.fixture
def session() -> TableSession:
    return TableSession()


@pytest.fixture
def mpnet(session: TableSession) -> MPNet:
    return MPNet(session, tokenizer())  # type: ignore[arg-type]


def test_each_piece_has_its_vector_and_its_place(mpnet: MPNet, session: TableSession) -> None:
    found = mpnet.encode("he hurt me")

    assert np.array_equal(found.pieces, session.table[[0, 4, 5, 6, 2]])
    assert found.spans == ((0, 0), (0, 2), (3, 7), (8, 10), (0, 0))


def test_all_pieces_of_a_text_alone_are_seen(mpnet: MPNet, session: TableSession) -> None:
    mpnet.encode("he hurt me")

    assert session.fed[0]["attention_mask"].tolist() == [[1] * 5]


def test_a_text_is_cut_where_the_encoder_cuts(mpnet: MPNet) -> None:
    assert len(mpnet.encode("he " * 500).pieces) == MAX_WORD_PIECES


def test_a_context_is_read_before_the_text(mpnet: MPNet, session: TableSession) -> None:
    found = mpnet.encode(f"hurt me{AFTER}he now")

    assert np.array_equal(found.pieces, session.table[[0, 5, 6, 2, 2, 4, 7, 2]])
    assert found.spans == (*((0, 0),) * 5, (0, 2), (3, 6), (0, 0))


def test_only_the_end_of_a_long_context_is_read(mpnet: MPNet, session: TableSession) -> None:
    found = mpnet.encode("he " * 90 + f"hurt{AFTER}now")

    ids = [0, *[4] * (MOST_OF_CONTEXT - 2), 5, 2, 2, 7, 2]
    assert np.array_equal(found.pieces, session.table[ids])


def test_a_long_text_is_read_without_its_context(mpnet: MPNet) -> None:
    long = "he " * 110

    assert np.array_equal(
        mpnet.encode("now " * 50 + AFTER + long).pieces, mpnet.encode(long).pieces
    )


def test_a_batch_reads_contexts_too(mpnet: MPNet) -> None:
    texts = [f"hurt me{AFTER}he now", "he now"]

    for text, row in zip(texts, mpnet.encode_batch(texts), strict=True):
        assert np.allclose(row, mpnet.encode(text).vector, atol=1e-6)


def test_what_fills_a_row_of_a_batch_counts_in_no_vector(
    mpnet: MPNet, session: TableSession
) -> None:
    texts = ["he", "he hurt me now now", "", "me hurt"]

    rows = mpnet.encode_batch(texts)

    assert [int(row.sum()) for row in session.fed[0]["attention_mask"]] == [3, 7, 2, 4]
    for text, row in zip(texts, rows, strict=True):
        assert np.allclose(row, mpnet.encode(text).vector, atol=1e-6)


@pytest.fixture(scope="module")
def real() -> SentenceEncoder:
    return SentenceEncoder(read_adapter().version)


TEXTS = ["hi", "he will not stop text me and he say i owe him", "", "my uncle ask me " * 20]


def test_the_network_gives_a_vector_of_length_1_for_any_text(real: SentenceEncoder) -> None:
    for text in [*TEXTS, "\ufdfa" * 50, "zzxq " * 400]:
        encoded = real.encode(text)
        assert encoded.pieces.shape == (len(encoded.spans), WIDTH)
        assert len(encoded.spans) <= MAX_WORD_PIECES
        assert np.linalg.norm(encoded.vector) == pytest.approx(1, abs=1e-5)


def test_the_network_gives_the_same_text_the_same_vector(real: SentenceEncoder) -> None:
    first, second = (real.network.encode(TEXTS[1]).vector for _ in range(2))

    assert np.array_equal(first, second)


def test_what_means_the_same_is_nearer_than_what_does_not(real: SentenceEncoder) -> None:
    def alike(one: str, other: str) -> float:
        return float(real.encode(one).vector @ real.encode(other).vector)

    told = "my dad hit me"

    assert alike(told, "my father beat me up") > alike(told, "i have maths tomorrow") + 0.1


def test_another_adapter_makes_the_network_out_of_date() -> None:
    with pytest.raises(WeightsError, match=r"mpnet\.onnx is out of date: run `make install`"):
        load_mpnet("another")


def test_a_network_that_was_not_built_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "ENCODER_ONNX", tmp_path / "mpnet.onnx")

    with pytest.raises(WeightsError, match=r"mpnet\.onnx is missing: run `make install`"):
        load_mpnet("any")
    with pytest.raises(WeightsError, match=r"other\.onnx is missing: run `make install`"):
        load_mpnet("any", tmp_path / "other.onnx")


def test_another_tokenizer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "ENCODER_DIR", tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", "utf-8")

    with pytest.raises(WeightsError, match=r"tokenizer\.json has SHA-256"):
        load_mpnet("any")


def test_the_network_is_loaded_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise WeightsError("loaded")

    monkeypatch.setattr("safeguarding.risk.encoder.vectors.load_mpnet", fail)
    encoder = SentenceEncoder("any")

    with pytest.raises(WeightsError, match="loaded"):
        encoder.encode("hi")


def test_a_processor_that_computes_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safeguarding.risk.encoder.vectors.PROBE_TEXT", "we had pasta for tea")

    with pytest.raises(weights.WeightsError, match="computed wrongly by this processor"):
        load_mpnet(read_adapter().version)


def test_a_vector_is_written_and_read_unchanged() -> None:
    vector = unit(np.linspace(-1, 1, WIDTH, dtype=np.float32))

    assert (read_vector(written_vector(vector)) == vector).all()
