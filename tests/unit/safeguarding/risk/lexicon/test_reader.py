"""The lexicon is read strictly; every problem is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.records import ContentError
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_lexicon

PROVENANCE = (
    "provenance: {owner: DSL, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}\n"
)
ENTRY = """
  - id: bullying-push
    severity: concern
    phrases: [they push me]
    match: [they push me, they pushed me]
    near_miss: [push the door, a push]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "expansions.yml").write_bytes((LEXICON / "expansions.yml").read_bytes())
    (tmp_path / "words.yml").write_text("push: [push, shove]\n")
    for name in ("cues", "harmless", "combinations"):
        (tmp_path / f"{name}.yml").write_text(PROVENANCE + "entries: []\n")
    (tmp_path / "bullying.yml").write_text(PROVENANCE + "entries:" + ENTRY)
    return tmp_path


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        read_lexicon(folder)
    return [f"{p.path.name}:{p.line}: {p.what}" for p in sorted(caught.value.problems)]


def test_reads_an_entry_with_its_category_from_the_file_name(folder: Path) -> None:
    (rule,) = read_lexicon(folder).rules

    assert (rule.id, rule.category, rule.severity.label) == ("bullying-push", "bullying", "concern")


def test_the_version_changes_with_any_file(folder: Path) -> None:
    before = read_lexicon(folder).version
    (folder / "words.yml").write_text("push: [push]\n")

    assert read_lexicon(folder).version != before


def test_the_version_of_the_same_files_is_the_same(folder: Path) -> None:
    assert read_lexicon(folder).version == read_lexicon(folder).version


def test_tells_all_problems_at_once_with_their_lines(folder: Path) -> None:
    bad = ENTRY.replace("concern", "grave").replace("bullying-push", "bullying-grave")
    worse = ENTRY.replace("phrases: [they push me]", "patterns: [[{NORM: {IN: $pull}}]]")
    (folder / "bullying.yml").write_text(PROVENANCE + "entries:" + ENTRY + bad + worse)

    found = problems(folder)

    assert any(line.startswith("bullying.yml:10: Invalid enum value 'grave'") for line in found)
    assert "bullying.yml:17: there is no set `$pull` in words.yml" in found


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("[{NORM: {IN: [no, off]}}]", "is not a word to YAML: put it in quotes"),
        ("[{NORM: wont}]", "is not one word after normalising but `will not`"),
        ("[{TEXT: push}]", "`TEXT` is not used here"),
        ("[{NORM: push}, {OP: '*'}, {NORM: me}]", "an unbounded gap (*)"),
        ("[{NORM: push, OP: '?'}]", "would match nothing at all"),
        ("[{NORM: {FUZZY: push}}]", "expected IN or NOT_IN, found FUZZY"),
        ("[{NORM: push}, {OP: '{0,3'}]", "is no OP"),
    ],
)
def test_refuses_a_pattern_that_cannot_work(folder: Path, pattern: str, what: str) -> None:
    entry = ENTRY.replace("phrases: [they push me]", f"patterns: [{pattern}]")
    (folder / "bullying.yml").write_text(PROVENANCE + "entries:" + entry)

    (problem,) = problems(folder)

    assert what in problem
    assert problem.startswith("bullying.yml:5:")


def test_refuses_the_same_id_twice(folder: Path) -> None:
    (folder / "bullying.yml").write_text(PROVENANCE + "entries:" + ENTRY + ENTRY)

    assert problems(folder) == [
        "bullying.yml:9: `bullying-push` stands here twice; first in bullying.yml:3"
    ]


def test_refuses_a_file_that_is_no_category(folder: Path) -> None:
    (folder / "bullying.yml").rename(folder / "rudeness.yml")

    assert "rudeness.yml:1: `rudeness` is not a risk category of the taxonomy" in problems(folder)


def test_refuses_an_entry_without_examples(folder: Path) -> None:
    entry = ENTRY.replace("[push the door, a push]", "[]")
    (folder / "bullying.yml").write_text(PROVENANCE + "entries:" + entry)

    assert problems(folder) == ["bullying.yml:7: needs two `near_miss` sentences"]


def test_refuses_a_combination_of_the_unknown(folder: Path) -> None:
    (folder / "combinations.yml").write_text(
        PROVENANCE
        + "entries:\n- {id: c, category: sulking, severity: urgent, all: [cue-x], match: [a]}\n"
    )

    assert problems(folder) == [
        "combinations.yml:3: unknown category `sulking`",
        "combinations.yml:3: unknown part `cue-x`",
    ]


def test_refuses_a_set_that_holds_itself(folder: Path) -> None:
    (folder / "words.yml").write_text("push: [push, $shove]\nshove: [$push]\n")

    assert any(line.startswith("words.yml:1: `push`:") for line in problems(folder))


def test_every_lemma_is_its_own_lemma(lexicon: Lexicon) -> None:
    lemma = lexicon.normaliser.lemma
    norms = {
        value
        for rule in lexicon.rules
        for pattern in rule.patterns
        for token in pattern
        if isinstance(value := token.get("NORM"), str)
    }

    assert {norm for norm in norms if lemma(norm) != norm} == set()
