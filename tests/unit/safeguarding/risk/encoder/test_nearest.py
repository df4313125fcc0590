"""The examples shown are the nearest of those that fit, and never out of date unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ops.encoder.vectors import to_show, write_nearest
from safeguarding.corpus import Example, read_examples
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.classifier import NearestExamples, made_from, read_nearest
from safeguarding.risk.encoder.vectors import WeightsError, unit
from safeguarding.taxonomy import Severity

Floats = npt.NDArray[np.float32]
CONCERN, URGENT, IMMEDIATE = Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE
MOST_ALIKE = 80
"""Sentences of one category and severity that are shown."""
FILE = """\
groups:
  - writer: {writer}
    situation: one
    voice: young_person
    severity: urgent
    categories: [grooming, image_abuse]
    sentences: ["{writer} tells it"]
  - writer: {writer}
    situation: two
    voice: young_person
    severity: none
    categories: [grooming]
    kind: near_miss
    sentences: ["{writer} tells of nothing"]
"""


def at(degrees: float) -> Floats:
    """Return a vector of length 1 at this angle from the message, which is at 0."""
    vector = np.zeros(WIDTH, np.float32)
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
        NearestExamples(np.zeros((2, WIDTH), np.float16), ["one"], [1], [["grooming"]])
    with pytest.raises(ValueError, match="argument"):
        NearestExamples(np.zeros((1, WIDTH), np.float16), ["one"], [1, 1], [["grooming"]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "risk"
    writers = ""
    for part, writer in (("training", "w01"), ("test", "kept-back"), ("training", "reviewed")):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / f"{writer}.yml").write_text(FILE.format(writer=writer), "utf-8")
        writers += f"{writer}: {{part: {part}, briefs: [a test]}}\n"
    (folder / "writers.yml").write_text(writers, "utf-8")
    return folder


def test_shows_neither_harmless_nor_kept_back_sentences_nor_what_reviews_retell(
    folder: Path,
) -> None:
    assert [example.text for example in to_show(read_examples(folder))] == ["w01 tells it"]


def told(text: str, severity: Severity = URGENT, **labels: Any) -> Example:
    """Return a sentence that may be shown, but for the labels given."""
    plain: dict[str, Any] = {
        "categories": ("grooming",),
        "near": (),
        "subject": "self",
        "voice": "young_person",
        "register": ("plain",),
        "kind": "",
        "writer": "w01",
        "situation": "a test",
        "part": "training",
    }
    return Example(text=text, severity=severity, **{**plain, **labels})


def test_of_many_alike_some_are_shown_from_every_part_of_them() -> None:
    found = [each.text for each in to_show(told(str(at)) for at in range(1_000))]

    places = [int(text) for text in found]
    assert len(set(places)) == MOST_ALIKE
    assert places == sorted(places)
    assert places[0] < 13
    assert places[-1] >= 1_000 - 2 * 13
    assert {after - before for before, after in pairwise(places)} == {12, 13}


def test_of_few_alike_all_are_shown() -> None:
    few = [told(str(at)) for at in range(MOST_ALIKE)]

    assert to_show(few) == few


def test_the_many_of_one_category_and_severity_leave_room_for_every_other() -> None:
    many = [told(f"many {at}") for at in range(1_000)]
    rare = [
        told("graver", IMMEDIATE),
        told("milder", CONCERN),
        told("of another category", categories=("missing", "grooming")),
    ]

    found = to_show([*many[:500], *rare, *many[500:]])

    assert len(found) == MOST_ALIKE + len(rare)
    assert all(each in found for each in rare)


def test_neither_what_is_kept_back_nor_harmless_counts_among_the_most() -> None:
    shown = [told(f"shown {at}") for at in range(MOST_ALIKE)]
    others = [
        *(told(f"test {at}", part="test") for at in range(500)),
        *(told(f"development {at}", part="development") for at in range(500)),
        *(told(f"retold {at}", writer="reviewed") for at in range(500)),
        *(told(f"harmless {at}", Severity.NONE, categories=()) for at in range(500)),
    ]

    assert to_show([*others, *shown]) == shown


def test_of_nothing_nothing_is_shown() -> None:
    assert to_show([]) == []


def shown(folder: Path) -> list[Example]:
    return to_show(read_examples(folder))


def alike(vector: Floats) -> Callable[[Sequence[str]], Floats]:
    """Give every text this vector."""
    return lambda texts: np.stack([vector] * len(texts))


def test_what_is_written_reads_the_same(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "models" / "examples.safetensors"
    rough = np.random.default_rng(1).normal(size=WIDTH).astype(np.float32)
    write_nearest(path, shown(folder), alike(unit(rough)), "digest")

    found = read_nearest(path, "digest")

    assert found.nearest(unit(rough), URGENT, "image_abuse") == ("w01 tells it",)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_run_cut_short_leaves_the_file_as_it_was(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "examples.safetensors"
    write_nearest(path, shown(folder), alike(at(0)), "old")

    def fail(_texts: Sequence[str]) -> Floats:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_nearest(path, shown(folder), fail, "new")
    assert read_nearest(path, "old").nearest(at(0), URGENT, "grooming") == ("w01 tells it",)


def test_another_encoder_or_another_sentence_makes_the_file_out_of_date(folder: Path) -> None:
    before = made_from("v1", folder)

    assert made_from("v2", folder) != before
    (folder / "training" / "w01.yml").write_text(FILE.format(writer="w01") + "# more\n", "utf-8")
    assert made_from("v1", folder) != before


def test_what_a_review_teaches_does_not(folder: Path) -> None:
    before = made_from("v1", folder)
    (folder / "training" / "reviewed.yml").write_text(
        FILE.format(writer="reviewed") + "# more\n", "utf-8"
    )

    assert made_from("v1", folder) == before


def test_says_when_the_file_is_missing_out_of_date_or_broken(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "examples.safetensors"
    with pytest.raises(WeightsError, match="missing"):
        read_nearest(path, "digest")
    write_nearest(path, shown(folder), alike(at(0)), "digest")
    with pytest.raises(WeightsError, match="out of date"):
        read_nearest(path, "another")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_nearest(path, "digest")
