"""The vectors that ship with the project fit its encoder and its sentences."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ops.encoder.vectors import shipped_vectors
from safeguarding.records import ContentError
from safeguarding.risk.encoder import kept_vectors as kept
from safeguarding.risk.encoder.kept_vectors import read_everyday, write_learned
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter

MOST_MISSING = 2_000
"""Sentences that a first start may encode: a quarter of a minute on two cores."""
ALIKE = 0.98
"""Least cosine of a shipped row to the vector that its text has alone."""
TALK = ["we had pasta", "gg 😂"]
ROWS: npt.NDArray[np.float32] = np.eye(2, dtype=np.float32)


def test_a_first_start_has_few_sentences_to_encode() -> None:
    path = shipped_vectors()
    assert path is not None
    version = read_adapter().version

    shipped = kept.read_table(path, version)
    wanted = kept.read_table(kept.FILE, version)

    assert len(wanted.places) > 10_000
    missing = wanted.places.keys() - shipped.places.keys()
    assert len(missing) <= MOST_MISSING, "run `make vectors` and commit artifacts/"


def test_the_shipped_rows_are_those_of_the_encoder_in_service() -> None:
    path = shipped_vectors()
    assert path is not None
    encoder = SentenceEncoder(read_adapter().version)
    texts = ["hi", "what be county line", "who can i talk to"]
    shipped = kept.read_table(path, encoder.adapter_version)
    known = [text for text in texts if not shipped.missing([text])]

    assert known
    for text, row in zip(known, shipped.of(known), strict=True):
        assert row @ encoder.encode(text).vector > ALIKE


def test_everyday_talk_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"

    write_learned(TALK, ["we have pasta", "good game"], ROWS, path)

    assert read_everyday(path) == TALK
    assert [file.name for file in tmp_path.iterdir()] == ["learned.json"]


def test_what_rasa_would_learn_again_is_not_written_again(tmp_path: Path) -> None:
    """So that make does not train Rasa for it."""
    path = tmp_path / "learned.json"
    write_learned(TALK, ["a", "b"], ROWS, path)
    os.utime(path, (0, 0))

    write_learned(TALK, ["a", "b"], ROWS, path)

    assert path.stat().st_mtime == 0


@pytest.mark.parametrize(
    ("talk", "canonical", "rows"),
    [(TALK[:1], ["a", "b"], ROWS), (TALK, ["a", "c"], ROWS), (TALK, ["a", "b"], ROWS[::-1])],
)
def test_whatever_rasa_learns_differently_is_written(
    talk: list[str], canonical: list[str], rows: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    path = tmp_path / "learned.json"
    write_learned(TALK, ["a", "b"], ROWS, path)
    os.utime(path, (0, 0))

    write_learned(talk, canonical, rows, path)

    assert path.stat().st_mtime > 0


@pytest.mark.parametrize("text", ["", "{}", None])
def test_a_missing_or_broken_file_says_what_to_do(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ContentError, match="run `make install`"):
        read_everyday(path)
