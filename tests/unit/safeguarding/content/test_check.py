"""One look at all content finds what no reader of a single file can see."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.check import Check, main
from safeguarding.taxonomy import CONTENT

TODAY = date(2026, 11, 25)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the real content, with one answer and one file of the lexicon."""
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder, ignore=shutil.ignore_patterns("answers", "risk"))
    (folder / "answers").mkdir()
    shutil.copy(CONTENT / "answers" / "nudes_shared.md", folder / "answers")
    (folder / "risk").mkdir()
    shutil.copy(CONTENT / "risk" / "expansions.yml", folder / "risk")
    return folder


def problems(folder: Path, today: date = TODAY) -> list[str]:
    """What is wrong, but for the answers that the copy does not have."""
    return [
        f"{problem.path.name}:{problem.line}: {problem.what}"
        for problem in sorted(set(Check(folder, today).run().problems))
        if not problem.what.startswith("no answer for")
    ]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_finds_nothing_wrong_with_what_is_right(content: Path) -> None:
    assert problems(content) == []


def test_misses_the_answers_that_nobody_wrote(content: Path) -> None:
    found = {problem.what for problem in Check(content, TODAY).run().problems}

    assert "no answer for consent" in found
    assert "no answer for nudes_shared" not in found


def test_reports_what_is_past_its_review(content: Path) -> None:
    found = problems(content, date(2028, 1, 1))

    assert any(line.startswith("nudes_shared.md:") and "withheld" in line for line in found)
    assert any("shout: past its check" in line for line in found)
    assert any(line.startswith("expansions.yml:2: past its review") for line in found)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("answers/nudes_shared.md", "approved_by: null", "approved_by: 5", "Expected `str"),
        ("contacts/national.yml", "id: shout\n", "id: shout\n    x: y\n", "unknown field `x`"),
        ("contacts/needs.yml", "what_is_cse: sexual_exploitation", "what_is_cse: cse", "no such"),
        ("contacts/national.yml", "116 123", "116 123 or 88858", "88858 is retired"),
        ("contacts/retired.yml", "why:", "because:", "because"),
        ("help_card.yml", "name: Childline", "name: ChildLine", "childline: not the name"),
        ("help_card.yml", "tel:08001111", "tel:08001112", "childline: not the ways"),
        ("help_card.yml", "id: emergency_999", "id: nobody", "nobody: not the name"),
        ("help_card.yml", "night: 0800 1111.", "night.", "says nothing of 0800 1111"),
        ("opening.yml", "I can't", "word " * 60, "at most 60"),
        ("opening.yml", "999", "0800 1112", "0800 1112 is no number"),
        ("choices.yml", "  talk_to_someone:", "  talk_to_anyone:", "'talk_to_anyone' is no topic"),
        ("choices.yml", "id: safe_now,", "id: safe_now, x: y,", "unknown field `x`"),
        ("risk/expansions.yml", "provenance:", "origin:", "no provenance"),
        ("risk/expansions.yml", "owner:", "author:", "author"),
    ],
)
def test_finds_it_wherever_it_is(content: Path, file: str, old: str, new: str, words: str) -> None:
    change(content / file, old, new)

    assert any(words in line for line in problems(content)), problems(content)


def test_finds_everything_at_once(content: Path) -> None:
    change(content / "opening.yml", "I can't", "word " * 60)
    change(content / "contacts" / "national.yml", "id: shout\n", "id: shout\n    x: y\n")
    (content / "help_card.yml").unlink()

    files = {line.split(":")[0] for line in problems(content)}

    assert files >= {"opening.yml", "national.yml", "help_card.yml"}


def test_prints_problems_then_a_summary_and_fails(
    content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(content) == 1

    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("no answer for consent") for line in lines)
    assert any(line.startswith("answers: 1 of ") and "3 readings" in line for line in lines)
    assert any(line.startswith("contacts: ") and "ivison_trust" in line for line in lines)
    assert lines[-1] == "approved: 0 of 1 answers"
