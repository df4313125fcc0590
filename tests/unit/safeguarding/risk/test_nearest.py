"""The examples shown are the nearest of those that fit, and never out of date unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.encoders.minilm import DIMENSIONS, unit
from safeguarding.encoders.weights import WeightsError
from safeguarding.risk.examples import Example, read_examples
from safeguarding.risk.nearest import (
    NearestExamples,
    made_from,
    read_nearest,
    to_show,
    write_nearest,
)
from safeguarding.taxonomy import Severity

Floats = npt.NDArray[np.float32]
CONCERN, URGENT, IMMEDIATE = Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE
FILE = """\
writer: {writer}
brief: "a test"
groups:
  - situation: one
    voice: young_person
    severity: urgent
    categories: [grooming, image_abuse]
    sentences: ["{writer} tells it"]
  - situation: two
    voice: young_person
    severity: none
    categories: [grooming]
    kind: near_miss
    sentences: ["{writer} tells of nothing"]
"""


def at(degrees: float) -> Floats:
    """A vector of length 1 at this angle from the message, which is at 0."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


def examples(*placed: tuple[str, float, Severity, Sequence[str]]) -> NearestExamples:
    texts, angles, severities, categories = zip(*placed, strict=True)
    vectors = np.stack([at(angle) for angle in angles]).astype(np.float16)
    return NearestExamples(vectors, texts, severities, categories)


SOME = examples(
    ("far", 60, URGENT, ["grooming"]),
    ("near", 10, URGENT, ["grooming"]),
    ("nearer, graver", 5, IMMEDIATE, ["missing", "grooming"]),
    ("nearest, milder", 1, CONCERN, ["grooming"]),
    ("nearest, of another kind", 1, URGENT, ["bullying"]),
    ("too far", 70, URGENT, ["grooming"]),
)


def test_gives_the_nearest_first_of_those_grave_enough_and_of_the_category() -> None:
    assert SOME.nearest(at(0), URGENT, "grooming") == ("nearer, graver", "near", "far")


def test_gives_no_more_than_asked_for() -> None:
    assert SOME.nearest(at(0), CONCERN, "grooming", count=1) == ("nearest, milder",)


def test_gives_none_that_is_not_alike() -> None:
    assert SOME.nearest(at(180), CONCERN, "grooming") == ()
    assert "too far" not in SOME.nearest(at(0), CONCERN, "grooming", count=9)


def test_gives_none_where_there_is_none() -> None:
    assert SOME.nearest(at(0), IMMEDIATE, "bullying") == ()
    assert SOME.nearest(at(0), CONCERN, "suicide") == ()


def test_refuses_texts_and_vectors_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match="sentences"):
        NearestExamples(np.zeros((2, DIMENSIONS), np.float16), ["one"], [1], [["grooming"]])
    with pytest.raises(ValueError, match="argument"):
        NearestExamples(np.zeros((1, DIMENSIONS), np.float16), ["one"], [1, 1], [["grooming"]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "risk"
    folder.mkdir()
    for writer in ("w01", "kept-back", "reviewed"):
        (folder / f"{writer}.yml").write_text(FILE.format(writer=writer), "utf-8")
    (folder / "parts.yml").write_text("test: [kept-back]", "utf-8")
    return folder


def test_shows_neither_harmless_nor_kept_back_sentences_nor_what_reviews_retell(
    folder: Path,
) -> None:
    assert [example.text for example in to_show(read_examples(folder))] == ["w01 tells it"]


def shown(folder: Path) -> list[Example]:
    return to_show(read_examples(folder))


def test_what_is_written_reads_the_same(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models" / "examples.safetensors"
    rough = np.random.default_rng(1).normal(size=DIMENSIONS).astype(np.float32)
    write_nearest(path, shown(folder), lambda _text: unit(rough), "digest")

    found = read_nearest(path, "digest")

    assert found.nearest(unit(rough), URGENT, "image_abuse") == ("w01 tells it",)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert "0 of 1 sentences" in capsys.readouterr().err


def test_a_run_cut_short_leaves_the_file_as_it_was(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "examples.safetensors"
    write_nearest(path, shown(folder), lambda _text: at(0), "old")

    def fail(_text: str) -> Floats:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_nearest(path, shown(folder), fail, "new")
    assert read_nearest(path, "old").nearest(at(0), URGENT, "grooming") == ("w01 tells it",)


def test_another_encoder_or_another_sentence_makes_the_file_out_of_date(folder: Path) -> None:
    before = made_from("v1", folder)

    assert made_from("v2", folder) != before
    (folder / "w01.yml").write_text(FILE.format(writer="w01") + "# more\n", "utf-8")
    assert made_from("v1", folder) != before


def test_what_a_review_teaches_does_not(folder: Path) -> None:
    before = made_from("v1", folder)
    (folder / "reviewed.yml").write_text(FILE.format(writer="reviewed") + "# more\n", "utf-8")

    assert made_from("v1", folder) == before


def test_says_when_the_file_is_missing_out_of_date_or_broken(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "examples.safetensors"
    with pytest.raises(WeightsError, match="missing"):
        read_nearest(path, "digest")
    write_nearest(path, shown(folder), lambda _text: at(0), "digest")
    with pytest.raises(WeightsError, match="out of date"):
        read_nearest(path, "another")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_nearest(path, "digest")
