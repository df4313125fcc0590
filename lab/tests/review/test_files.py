"""A reviewed sentence is in each file once, under its labels, also after an interruption."""

from __future__ import annotations

import multiprocessing
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.review.files import (
    REVIEWED,
    ConflictingLabelsError,
    Expected,
    ReviewedFiles,
    read_expected,
)
from lab.review.lessons import Verdict
from safeguarding.corpus import Example, SentenceGroup, read_examples
from safeguarding.records import ContentError

DAY, NEXT = date(2026, 11, 25), date(2026, 11, 26)


@pytest.fixture
def files(tmp_path: Path) -> ReviewedFiles:
    return files_in(tmp_path)


def files_in(folder: Path) -> ReviewedFiles:
    """Return the two files without any reviewed sentence."""
    (folder / "writers.yml").write_text("reviewed: {part: training, briefs: []}", "utf-8")
    (folder / "training").mkdir()
    files = ReviewedFiles(folder / "training" / "reviewed.yml", folder / "reviewed.jsonl")
    shutil.copy(REVIEWED, files.examples)
    text = files.examples.read_text("utf-8")
    files.examples.write_text(text.partition("groups:")[0] + "groups: []\n", "utf-8")
    files.expected.touch()
    return files


def labelled(sentence: str, **changes: Any) -> SentenceGroup:
    usual = SentenceGroup(
        writer="reviewed",
        situation="",
        voice="young_person",
        severity="none",
        categories=["grooming"],
        subject="friend",
        kind="near_miss",
        sentences=[sentence],
    )
    return msgspec.structs.replace(usual, **changes)


def add(files: ReviewedFiles, sentence: str, day: date = DAY, **changes: Any) -> str:
    return files.add(labelled(sentence, **changes), Verdict.FALSE_ALARM, day)


def kept(files: ReviewedFiles) -> list[Example]:
    return read_examples(files.examples.parent.parent)


def test_a_sentence_becomes_an_example_to_learn_from_and_a_line_of_the_test(
    files: ReviewedFiles,
) -> None:
    assert add(files, "my coach says i am special at chess") == "review-2026-11-25-1"

    (example,) = kept(files)
    assert example.text == "my coach says i am special at chess"
    assert (example.severity.label, example.near, example.kind) == (
        "none",
        ("grooming",),
        "near_miss",
    )
    assert (example.writer, example.part, example.subject) == ("reviewed", "training", "friend")
    assert read_expected(files.expected) == [
        Expected("my coach says i am special at chess", "none", Verdict.FALSE_ALARM)
    ]


def test_sentences_of_a_day_with_the_same_labels_stand_together(files: ReviewedFiles) -> None:
    situations = [
        add(files, "one"),
        add(files, "two"),
        add(files, "three", severity="urgent", kind=None),
        add(files, "four", day=NEXT),
    ]

    assert situations == [
        "review-2026-11-25-1",
        "review-2026-11-25-1",
        "review-2026-11-25-2",
        "review-2026-11-26-1",
    ]
    assert [example.text for example in kept(files)] == ["one", "two", "three", "four"]


def test_a_situation_of_its_own_keeps_its_name(files: ReviewedFiles) -> None:
    assert add(files, "one", situation="chess-club") == "chess-club"
    assert add(files, "two", situation="chess-club") == "chess-club"
    assert add(files, "three") == "review-2026-11-25-1"


@pytest.mark.parametrize(
    "sentence",
    ['he said "no" - ok: [x] {y} #z \\ & * %', "ça va 👍🏽 🏳️‍🌈", "yes", "null", "1.5", "'", "- a"],
)
def test_any_sentence_comes_back_letter_by_letter(files: ReviewedFiles, sentence: str) -> None:
    add(files, sentence)

    assert [example.text for example in kept(files)] == [sentence]
    assert [each.text for each in read_expected(files.expected)] == [sentence]


def test_the_same_sentence_again_changes_nothing(files: ReviewedFiles) -> None:
    add(files, "one")
    before = files.examples.read_bytes(), files.expected.read_bytes()

    assert add(files, "one", day=NEXT) == "review-2026-11-25-1"
    assert (files.examples.read_bytes(), files.expected.read_bytes()) == before


def test_a_run_that_was_cut_short_is_completed(files: ReviewedFiles) -> None:
    add(files, "one")
    files.expected.write_text("", "utf-8")
    add(files, "one")

    assert len(kept(files)) == len(read_expected(files.expected)) == 1


def test_the_same_sentence_with_other_labels_is_refused(files: ReviewedFiles) -> None:
    add(files, "one")

    with pytest.raises(ConflictingLabelsError):
        add(files, "one", severity="urgent", kind=None)
    assert [example.severity.label for example in kept(files)] == ["none"]
    assert len(read_expected(files.expected)) == 1


def test_a_file_that_is_not_sound_is_left_alone(files: ReviewedFiles) -> None:
    files.expected.write_text("oops\n", "utf-8")

    with pytest.raises(ContentError):
        add(files, "one")
    assert kept(files) == []
    assert files.expected.read_text("utf-8") == "oops\n"


def add_many(files: ReviewedFiles, name: str) -> None:
    for number in range(15):
        add(files, f"{name} {number}")


def test_two_reviewers_at_once_lose_nothing(files: ReviewedFiles) -> None:
    starting = multiprocessing.get_context("fork")
    both = [starting.Process(target=add_many, args=(files, name)) for name in ("ann", "bob")]
    for process in both:
        process.start()
    for process in both:
        process.join(30)

    wanted = {f"{name} {number}" for name in ("ann", "bob") for number in range(15)}
    assert {example.text for example in kept(files)} == wanted
    assert {each.text for each in read_expected(files.expected)} == wanted


def test_the_header_of_the_file_is_the_one_in_the_repository(files: ReviewedFiles) -> None:
    add(files, "one")

    header = REVIEWED.read_text("utf-8").partition("groups:")[0]
    assert files.examples.read_text("utf-8").startswith(header)
