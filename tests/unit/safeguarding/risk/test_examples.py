"""Labelled sentences are read strictly: every problem at once, with the line it stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.records import ContentError
from safeguarding.risk.examples import Example, everyday, read_examples
from safeguarding.taxonomy import Severity

RISK = """\
writer: {writer}
brief: "a test"
groups:
  - situation: asked to keep a secret
    voice: young_person
    severity: urgent
    categories: [grooming, image_abuse]
    subject: friend
    register: [slang, typos]
    sentences: ["he said dont tell", "its our secret"]
"""
HARMLESS = """\
writer: {writer}
brief: "a test"
groups:
  - situation: a surprise party
    voice: parent
    severity: none
    categories: [grooming]
    kind: near_miss
    sentences: ["keep the cake a secret"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "parts", "development: [w08]\ntest: [w15, w16]\n")
    write(tmp_path, "w01_1", RISK.format(writer="w01"))
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yml").write_text(text, "utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        read_examples(folder)
    return [f"{p.path.name}:{p.line}: {p.what}" for p in sorted(caught.value.problems)]


def test_reads_a_sentence_with_its_labels(folder: Path) -> None:
    first, second = read_examples(folder)

    assert first == Example(
        text="he said dont tell",
        severity=Severity.URGENT,
        categories=("grooming", "image_abuse"),
        near=(),
        subject="friend",
        voice="young_person",
        register=("slang", "typos"),
        kind="",
        writer="w01",
        situation="asked to keep a secret",
        part="training",
    )
    assert second.text == "its our secret"


def test_what_a_harmless_sentence_seems_to_be_about_is_no_category(folder: Path) -> None:
    write(folder, "w01_2", HARMLESS.format(writer="w01"))

    found = read_examples(folder)[-1]

    assert (found.severity, found.categories, found.near) == (Severity.NONE, (), ("grooming",))
    assert (found.kind, found.subject, found.register) == ("near_miss", "unknown", ("plain",))


def test_sentences_stand_in_the_order_of_the_files(folder: Path) -> None:
    write(folder, "w02_1", HARMLESS.format(writer="w02"))
    write(folder, "w00_1", HARMLESS.format(writer="w00"))

    assert [found.writer for found in read_examples(folder)] == ["w00", "w01", "w01", "w02"]


def test_the_writer_says_which_part_a_sentence_belongs_to(folder: Path) -> None:
    for writer in ("w08", "w15", "w16"):
        write(folder, f"file_of_{writer}", HARMLESS.format(writer=writer))

    assert {found.writer: found.part for found in read_examples(folder)} == {
        "w01": "training",
        "w08": "development",
        "w15": "test",
        "w16": "test",
    }


def test_everyday_talk_is_harmless_talk_of_the_training_part(folder: Path) -> None:
    text = HARMLESS.replace("near_miss", "{kind}").replace("keep the cake a secret", "{kind}")
    for writer, kind in (("w01", "gaming"), ("w02", "feelings"), ("w03", "food"), ("w15", "sport")):
        write(folder, f"of_{writer}", text.format(writer=writer, kind=kind))

    assert everyday(read_examples(folder)) == ["gaming", "food"]


def test_files_of_numbers_hold_no_sentences(folder: Path) -> None:
    write(folder, "calibration", "version: v1\n")
    write(folder, "chat_signs", "version: v1\n")

    assert len(read_examples(folder)) == 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("image_abuse]", "unkindness]", "7: `unkindness` is not a risk category of the taxonomy"),
        ("[grooming, image_abuse]", "[]", "7: a risk needs a category"),
        ("severity: urgent", "severity: none", "4: `kind` belongs to severity none, and only to"),
        (
            "    subject: friend",
            "    kind: school",
            "8: `kind` belongs to severity none, and only to it",
        ),
        ('"its our secret"', '" "', "10: an empty sentence"),
        ("severity: urgent", "severity: grave", "6: Invalid enum value 'grave'"),
        ("subject: friend", "subject: enemy", "8: Invalid enum value 'enemy'"),
        ("voice: young_person", "voice: child", "5: Invalid enum value 'child'"),
        ("slang, typos", "slang, rude", "9: Invalid enum value 'rude'"),
        ("subject: friend", "theme: friend", "4: Object contains unknown field `theme`"),
        ("    voice: young_person\n", "", "4: Object missing required field `voice`"),
        ('brief: "a test"', "aim: 1", "1: Object contains unknown field `aim`"),
        ("groups:", "groups: [", "4: not YAML"),
    ],
)
def test_unsound_labels_are_refused(folder: Path, old: str, new: str, problem: str) -> None:
    text = RISK.format(writer="w01")
    assert old in text
    write(folder, "w01_1", text.replace(old, new))

    (found,) = problems(folder)

    assert found.startswith(f"w01_1.yml:{problem}")


def test_a_harmless_sentence_needs_no_category_but_says_what_sort_it_is(folder: Path) -> None:
    text = HARMLESS.format(writer="w01").replace("[grooming]", "[]")
    write(folder, "w01_2", text)
    assert read_examples(folder)[-1].near == ()

    write(folder, "w01_2", text.replace("    kind: near_miss\n", ""))
    assert problems(folder) == ["w01_2.yml:4: `kind` belongs to severity none, and only to it"]


def test_every_problem_is_told_at_once(folder: Path) -> None:
    risk = RISK.format(writer="w01")
    write(folder, "w01_1", risk.replace("grooming, image_abuse", "rudeness, unkindness"))
    second = risk.partition("groups:\n")[2].replace("[grooming, image_abuse]", "[]")
    write(folder, "w01_2", risk + second.replace('"its our secret"', '""'))
    write(folder, "w01_3", risk.replace("severity: urgent", "severity: grave"))
    write(folder, "w01_4", "writer: [")

    found = problems(folder)

    assert found[:4] == [
        "w01_1.yml:7: `rudeness` is not a risk category of the taxonomy",
        "w01_1.yml:7: `unkindness` is not a risk category of the taxonomy",
        "w01_2.yml:14: a risk needs a category",
        "w01_2.yml:17: an empty sentence",
    ]
    assert found[4].startswith("w01_3.yml:6: Invalid enum value 'grave'")
    assert found[5].startswith("w01_4.yml:")
    assert len(found) == 6


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ("held_back: [w08]", "parts.yml:1: Invalid enum value 'held_back'"),
        ("test: w08", "parts.yml:1: Expected `array`, got `str`"),
    ],
)
def test_parts_that_make_no_sense_are_refused(folder: Path, parts: str, problem: str) -> None:
    write(folder, "parts", parts)

    (found,) = problems(folder)

    assert found.startswith(problem)


def test_without_parts_nothing_is_read(folder: Path) -> None:
    (folder / "parts.yml").unlink()

    assert problems(folder) == ["parts.yml:1: No such file or directory"]
