"""Vectors of our own texts are made only once, and are those of the encoder that is in force."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.kept_vectors import (
    encode_all,
    joined,
    keep,
    read_table,
    table,
    vectors_of,
    write_shipped,
)
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter, unit

TEXTS = [
    "hi",
    "he will not stop text me and he say i owe him",
    "what be county line",
    " ".join(["my uncle ask me to keep a secret and i do not know what to do"] * 12),
    "",
    "i be so bore in math",
]
ALIKE = 0.98
"""Least cosine of a text's vector made in a batch to the one that it has alone."""
HALF = 1e-3
"""What half precision may take from a number of a unit vector."""
IN_BYTES = 0.999
"""Least cosine of a shipped row to the row as it was made."""
Floats = npt.NDArray[np.float32]


def vector_of(text: str) -> Floats:
    """Return a vector of its own for each text."""
    chance = np.random.default_rng(list(text.encode("utf-8", "surrogatepass")))
    return unit(chance.normal(size=WIDTH).astype(np.float32))


class BatchNetwork:
    """Remembers which texts it read."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def encode_batch(self, texts: Sequence[str]) -> Floats:
        self.batches.append(list(texts))
        return np.stack([vector_of(text) for text in texts])

    @property
    def read(self) -> list[str]:
        return sorted(text for batch in self.batches for text in batch)


class BatchEncoder(SentenceEncoder):
    """The real one, but for its network."""

    def __init__(self, version: str = "v1") -> None:
        super().__init__(version)
        self.reader = BatchNetwork()
        self.network = self.reader  # type: ignore[assignment, misc]


@pytest.fixture
def encoder() -> BatchEncoder:
    return BatchEncoder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models" / "vectors.safetensors"


def test_a_batch_gives_the_vectors_that_each_text_has_alone() -> None:
    real = SentenceEncoder(read_adapter().version)

    for text, row in zip(TEXTS, encode_all(real, TEXTS), strict=True):
        assert row @ real.encode(text).vector > ALIKE


def test_texts_of_about_the_same_length_are_encoded_together_each_in_its_place(
    encoder: BatchEncoder,
) -> None:
    texts = [f"text {'x' * (at * 7919 % 311)} {at}" for at in range(300)]

    rows = encode_all(encoder, texts)

    assert np.array_equal(rows, np.stack([vector_of(text) for text in texts]))
    assert encoder.reader.read == sorted(texts)
    lengths = [sorted(map(len, batch)) for batch in encoder.reader.batches]
    assert all(one[-1] <= other[0] for one, other in pairwise(sorted(lengths)))


def test_nothing_to_encode_is_no_error(encoder: BatchEncoder) -> None:
    assert encode_all(encoder, []).shape == (0, WIDTH)


def test_what_is_kept_reads_the_same(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, [*TEXTS, "hi"])
    again = BatchEncoder()

    found = vectors_of(again, TEXTS[::-1], path)

    assert np.abs(found - np.stack([vector_of(text) for text in TEXTS[::-1]])).max() < HALF
    assert again.reader.read == []
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_only_new_texts_are_encoded_and_old_ones_are_dropped(
    path: Path, encoder: BatchEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(path, encoder, TEXTS[:3])
    capsys.readouterr()
    keep(path, encoder, TEXTS[1:4])

    assert "1 new of 3" in capsys.readouterr().err
    assert encoder.reader.read == sorted(TEXTS[:4])
    assert read_table(path, "v1").missing(TEXTS[:4]) == TEXTS[:1]


def test_a_text_is_encoded_once_however_often_it_stands(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, ["hi", "hi", "hi"])

    assert encoder.reader.read == ["hi"]


def test_a_text_that_the_file_has_not_is_encoded(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, TEXTS[:1])

    found = vectors_of(encoder, TEXTS[:2], path)

    assert np.abs(found - np.stack([vector_of(text) for text in TEXTS[:2]])).max() < HALF


def test_rows_of_another_encoder_are_missing_and_are_made_anew(path: Path) -> None:
    keep(path, BatchEncoder("v1"), TEXTS[:2])
    other = BatchEncoder("v2")

    assert read_table(path, "v2").missing(TEXTS[:2]) == TEXTS[:2]
    keep(path, other, TEXTS[:2])
    assert other.reader.read == sorted(TEXTS[:2])
    assert read_table(path, "v1").missing(TEXTS[:2]) == TEXTS[:2]


def test_a_text_without_a_row_has_no_vector(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, TEXTS[:1])

    with pytest.raises(KeyError):
        read_table(path, "v1").of(TEXTS[:2])


def test_a_lone_surrogate_can_be_kept_too(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, ["\ud800"])

    assert read_table(path, "v1").missing(["\ud800", "\udfff"]) == ["\udfff"]


def test_a_file_cut_short_is_made_anew(path: Path, encoder: BatchEncoder) -> None:
    keep(path, encoder, TEXTS[:2])
    path.write_bytes(path.read_bytes()[:-5])

    assert read_table(path, "v1").missing(TEXTS[:2]) == TEXTS[:2]
    keep(path, encoder, TEXTS[:2])

    assert read_table(path, "v1").missing(TEXTS[:2]) == []


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Return the file of the first three texts, as the project ships it."""
    path = tmp_path / "artifacts" / "vectors.safetensors"
    path.parent.mkdir()
    write_shipped(path, table(TEXTS[:3], np.stack([vector_of(text) for text in TEXTS[:3]])), "v1")
    return path


def test_a_shipped_row_is_nearly_the_row_as_it_was_made(shipped: Path) -> None:
    found = read_table(shipped, "v1").of(TEXTS[:3])

    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * np.stack([vector_of(text) for text in TEXTS[:3]])).sum(axis=1).min() > IN_BYTES


def test_the_shipped_file_is_the_same_in_whatever_order_texts_come(
    shipped: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.safetensors"
    rows = np.stack([vector_of(text) for text in TEXTS[2::-1]])
    write_shipped(again, table(TEXTS[2::-1], rows), "v1")

    assert again.read_bytes() == shipped.read_bytes()


def test_only_what_neither_file_has_is_encoded(
    path: Path, encoder: BatchEncoder, shipped: Path
) -> None:
    keep(path, BatchEncoder(), TEXTS[2:4])

    found = keep(path, encoder, TEXTS, shipped)

    assert encoder.reader.read == sorted(TEXTS[4:])
    expected = np.stack([vector_of(text) for text in TEXTS])
    assert (found.of(TEXTS) * expected).sum(axis=1).min() > IN_BYTES
    assert read_table(path, "v1").missing(TEXTS) == []


def test_a_first_start_encodes_nothing(path: Path, encoder: BatchEncoder, shipped: Path) -> None:
    keep(path, encoder, TEXTS[2::-1], shipped)

    assert encoder.reader.read == []
    assert read_table(path, "v1").missing(TEXTS[:3]) == []


def test_shipped_rows_of_another_encoder_are_made_anew(path: Path, shipped: Path) -> None:
    other = BatchEncoder("v2")

    keep(path, other, TEXTS[:3], shipped)

    assert other.reader.read == sorted(TEXTS[:3])


def test_a_file_that_has_exactly_these_texts_is_left_alone(
    path: Path, encoder: BatchEncoder
) -> None:
    keep(path, encoder, TEXTS)
    before = path.stat()

    keep(path, encoder, TEXTS[::-1])

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_of_two_tables_the_first_has_the_say() -> None:
    one = table(["a", "b"], np.stack([vector_of("1"), vector_of("2")]))
    other = table(["b", "c"], np.stack([vector_of("3"), vector_of("4")]))

    found = joined(one, other).of(["a", "b", "c"])

    assert np.array_equal(found, np.stack([vector_of(text) for text in "124"]))
