"""Labelled sentences are read strictly: every problem at once, with the line it stands on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from safeguarding.corpus import EVERYDAY_MOST, Example, everyday, read_examples, spread
from safeguarding.records import ContentError
from safeguarding.taxonomy import Severity
from tests.labelled import example

RISK = """\
groups:
  - writer: {writer}
    situation: asked to keep a secret
    voice: young_person
    severity: urgent
    categories: [grooming, image_abuse]
    subject: friend
    register: [slang, typos]
    sentences: ["he said dont tell", "its our secret"]
"""
HARMLESS = """\
groups:
  - writer: {writer}
    situation: a surprise party
    voice: parent
    severity: none
    categories: [grooming]
    kind: near_miss
    sentences: ["keep the cake a secret"]
"""


WRITERS = """\
w00: {part: training, briefs: [a test]}
w01: {part: training, briefs: [a test]}
w02: {part: training, briefs: [a test]}
w08: {part: development, briefs: [a test]}
w15: {part: test, briefs: [a test]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("training", "development", "test"):
        (tmp_path / part).mkdir()
    write(tmp_path, "writers", WRITERS)
    write(tmp_path, "training/secrets", RISK.format(writer="w01"))
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
    write(folder, "training/surprises", HARMLESS.format(writer="w02"))

    found = read_examples(folder)[-1]

    assert (found.severity, found.categories, found.near) == (Severity.NONE, (), ("grooming",))
    assert (found.kind, found.subject, found.register) == ("near_miss", "unknown", ("plain",))


def test_sentences_stand_in_the_order_of_their_writers_whatever_the_file(folder: Path) -> None:
    write(folder, "training/a", HARMLESS.format(writer="w02"))
    write(folder, "training/z", HARMLESS.format(writer="w00"))

    assert [found.writer for found in read_examples(folder)] == ["w00", "w01", "w01", "w02"]


def test_the_groups_of_a_writer_stand_in_the_order_of_their_numbers(folder: Path) -> None:
    text = HARMLESS.format(writer="w02")
    for file, number in (("a", 2), ("b", 1)):
        numbered = text.replace("    situation:", f"    number: {number}\n    situation:")
        write(folder, f"training/{file}", numbered.replace("keep the cake a secret", str(number)))

    assert [found.text for found in read_examples(folder)][-2:] == ["1", "2"]


def test_the_folder_says_which_part_a_sentence_belongs_to(folder: Path) -> None:
    write(folder, "development/a", HARMLESS.format(writer="w08"))
    write(folder, "test/a", HARMLESS.format(writer="w15"))

    assert {found.writer: found.part for found in read_examples(folder)} == {
        "w01": "training",
        "w08": "development",
        "w15": "test",
    }


def test_nobody_writes_for_two_parts(folder: Path) -> None:
    write(folder, "test/a", HARMLESS.format(writer="w01"))

    assert problems(folder) == ["a.yml:2: `w01` writes for the training part"]


def test_a_writer_must_be_known(folder: Path) -> None:
    write(folder, "test/a", HARMLESS.format(writer="w99"))

    assert problems(folder) == ["a.yml:2: `w99` is not in writers.yml"]


def test_everyday_talk_is_harmless_talk_of_the_training_part(folder: Path) -> None:
    text = HARMLESS.replace("near_miss", "{kind}").replace("keep the cake a secret", "{kind}")
    for part, writer, kind in (
        ("training", "w00", "gaming"),
        ("training", "w01", "feelings"),
        ("training", "w02", "food"),
        ("test", "w15", "sport"),
    ):
        write(folder, f"{part}/of_{writer}", text.format(writer=writer, kind=kind))

    assert everyday(read_examples(folder)) == ["gaming", "food"]


def test_of_much_everyday_talk_some_is_learned_from_of_every_part_of_it() -> None:
    examples = [example(f"game {at}", kind="gaming", part="training") for at in range(12_345)]

    found = everyday(examples)

    places = [int(text.removeprefix("game ")) for text in found]
    assert len(set(places)) == EVERYDAY_MOST
    assert places == sorted(places)
    assert {after - before for before, after in pairwise(places)} == {3, 4}
    assert places[0] < 4
    assert places[-1] > 12_345 - 8


@pytest.mark.parametrize("most", [3, 4, 100])
def test_of_few_items_all_are_taken(most: int) -> None:
    assert spread(("a", "b", "c"), most) == ["a", "b", "c"]


def test_of_no_items_none_is_taken() -> None:
    assert spread([], 3) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("image_abuse]", "unkindness]", "6: `unkindness` is not a risk category of the taxonomy"),
        ("[grooming, image_abuse]", "[]", "6: a risk needs a category"),
        ("severity: urgent", "severity: none", "2: `kind` belongs to severity none, and only to"),
        (
            "    subject: friend",
            "    kind: school",
            "7: `kind` belongs to severity none, and only to it",
        ),
        ('"its our secret"', '" "', "9: an empty sentence"),
        ("severity: urgent", "severity: grave", "5: Invalid enum value 'grave'"),
        ("subject: friend", "subject: enemy", "7: Invalid enum value 'enemy'"),
        ("voice: young_person", "voice: child", "4: Invalid enum value 'child'"),
        ("slang, typos", "slang, rude", "8: Invalid enum value 'rude'"),
        ("subject: friend", "theme: friend", "2: Object contains unknown field `theme`"),
        ("    voice: young_person\n", "", "2: Object missing required field `voice`"),
        (
            "    situation",
            "    author: x\n    situation",
            "2: Object contains unknown field `author`",
        ),
        ("groups:", "groups: [", "2: not YAML"),
    ],
)
def test_unsound_labels_are_refused(folder: Path, old: str, new: str, problem: str) -> None:
    text = RISK.format(writer="w01")
    assert old in text
    write(folder, "training/secrets", text.replace(old, new))

    (found,) = problems(folder)

    assert found.startswith(f"secrets.yml:{problem}")


def test_a_harmless_sentence_needs_no_category_but_says_what_sort_it_is(folder: Path) -> None:
    text = HARMLESS.format(writer="w02").replace("[grooming]", "[]")
    write(folder, "training/surprises", text)
    assert read_examples(folder)[-1].near == ()

    write(folder, "training/surprises", text.replace("    kind: near_miss\n", ""))
    assert problems(folder) == ["surprises.yml:2: `kind` belongs to severity none, and only to it"]


def test_every_problem_is_told_at_once(folder: Path) -> None:
    risk = RISK.format(writer="w01")
    write(folder, "training/a", risk.replace("grooming, image_abuse", "rudeness, unkindness"))
    second = risk.partition("groups:\n")[2].replace("[grooming, image_abuse]", "[]")
    write(folder, "training/b", risk + second.replace('"its our secret"', '""'))
    write(folder, "training/c", risk.replace("severity: urgent", "severity: grave"))
    write(folder, "test/d", "groups: [")

    found = problems(folder)

    assert [problem.partition(":")[0] for problem in found].count("a.yml") == 2
    assert {problem.partition(": ")[2] for problem in found if problem.startswith("b.yml")} == {
        "a risk needs a category",
        "an empty sentence",
    }
    assert any(problem.startswith("c.yml:5: Invalid enum value 'grave'") for problem in found)
    assert any(problem.startswith("d.yml:") for problem in found)


@pytest.mark.parametrize(
    ("writers", "problem"),
    [
        ("w01: {part: held_back, briefs: []}", "writers.yml:1: Invalid enum value 'held_back'"),
        ("w01: {part: test}", "writers.yml:1: Object missing required field `briefs`"),
    ],
)
def test_writers_that_make_no_sense_are_refused(folder: Path, writers: str, problem: str) -> None:
    write(folder, "writers", writers)

    (found,) = problems(folder)

    assert found.startswith(problem)


def test_without_writers_nothing_is_read(folder: Path) -> None:
    (folder / "writers.yml").unlink()

    assert problems(folder) == ["writers.yml:1: No such file or directory"]
