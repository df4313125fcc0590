"""The body of an answer in its parts."""

from __future__ import annotations

from pathlib import Path

from safeguarding.content.sections import read_sections


def sections_of(folder: Path, body: str) -> tuple[dict[str, str], list[str]]:
    path = folder / "answer.md"
    path.write_text(f"---\nid: x\n---\n{body}", encoding="utf-8")
    sections, problems = read_sections(path, body)
    texts = {name: section.text for name, section in sections.items()}
    return texts, [f"{problem.line}: {problem.what}" for problem in problems]


def test_lines_of_a_list_in_the_text_stay_lines(tmp_path: Path) -> None:
    body = "## parent\n\nSigns:\n- new\n  phones\n- secrets\n\nWhat to do:\n- Ask.\n- Call.\n"

    assert sections_of(tmp_path, body) == ({"parent": "Signs:\n- new phones\n- secrets"}, [])


def test_a_body_without_sections_is_a_problem(tmp_path: Path) -> None:
    _, problems = sections_of(tmp_path, "Just text.\n")

    assert problems == ["4: text above the first section", "1: no section"]


def test_steps_may_not_be_missing(tmp_path: Path) -> None:
    _, problems = sections_of(tmp_path, "## parent\n\nSome text.\n")

    assert problems == ["4: parent: 0 steps; 2 to 4"]
