"""Both encoders read a message once, whoever asks, and old messages are forgotten."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.encoders import sentences
from safeguarding.encoders.minilm import Encoded
from safeguarding.encoders.sentences import Vectors, encode, sentence_vectors

KEPT = 16


class MiniLM:
    def __init__(self, read: list[str]) -> None:
        self._read = read

    def encode(self, text: str) -> Encoded:
        self._read.append(text)
        return Encoded(np.full((1, 2), len(text), np.float32), ((0, len(text)),))


class USE:
    def __init__(self, read: list[str]) -> None:
        self._read = read

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        self._read.append(text)
        return np.full(2, -len(text), np.float32)


class Counting:
    """Both encoders: the vectors tell the number of letters; remembers what was read."""

    def __init__(self) -> None:
        self.mini: list[str] = []
        self.use: list[str] = []

    def minilm(self) -> MiniLM:
        return MiniLM(self.mini)

    def universal_sentence_encoder(self) -> USE:
        return USE(self.use)


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(sentences, "minilm", counting.minilm)
    monkeypatch.setattr(
        sentences, "universal_sentence_encoder", counting.universal_sentence_encoder
    )
    return counting


@pytest.fixture
def remembering(encoders: Counting) -> Callable[[str], Vectors]:
    """A memory of this test's own, not the one of the process."""
    return sentence_vectors.__wrapped__()


def test_a_text_is_read_by_both_encoders(encoders: Counting) -> None:
    found = encode("he hurt me")

    assert (encoders.mini, encoders.use) == (["he hurt me"], ["he hurt me"])
    assert found.minilm.spans == ((0, 10),)
    assert found.minilm.pieces.tolist() == [[10, 10]]
    assert found.use.tolist() == [-10, -10]


def test_a_text_asked_for_again_is_not_read_again(
    encoders: Counting, remembering: Callable[[str], Vectors]
) -> None:
    first = remembering("he hurt me")

    assert remembering("he hurt me") is first
    assert (encoders.mini, encoders.use) == (["he hurt me"], ["he hurt me"])


def test_texts_that_differ_are_told_apart(remembering: Callable[[str], Vectors]) -> None:
    remembering("a")

    assert remembering("bb").use.tolist() == [-2, -2]
    assert remembering("a").use.tolist() == [-1, -1]


def test_only_the_last_few_texts_are_kept(
    encoders: Counting, remembering: Callable[[str], Vectors]
) -> None:
    texts = [f"message {number}" for number in range(KEPT + 1)]
    for text in texts:
        remembering(text)

    remembering(texts[-1])
    remembering(texts[1])
    assert encoders.mini == texts

    remembering(texts[0])
    assert encoders.mini == [*texts, texts[0]]


def test_everyone_who_asks_shares_one_memory() -> None:
    assert sentence_vectors() is sentence_vectors()
