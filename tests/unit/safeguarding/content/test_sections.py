"""The body of an article: its sections."""

from __future__ import annotations

from pathlib import Path

from safeguarding.content.article_file import Form, read_sections

LIMITS = Form({"parent": 140, "younger": 70}, fewest_steps=0)


def sections_of(folder: Path, body: str, limits: Form = LIMITS) -> tuple[dict[str, str], list[str]]:
    path = folder / "answer.md"
    path.write_text(f"---\nid: x\n---\n{body}", encoding="utf-8")
    sections, problems = read_sections(path, body, limits)
    texts = {name: section.text for name, section in sections.items()}
    return texts, [f"{problem.line}: {problem.what}" for problem in problems]


def test_lines_of_a_list_in_the_text_stay_lines(tmp_path: Path) -> None:
    body = "## parent\n\nSigns:\n- new\n  phones\n- secrets\n\nWhat to do:\n- Ask.\n- Call.\n"

    assert sections_of(tmp_path, body) == ({"parent": "Signs:\n- new phones\n- secrets"}, [])


def test_a_body_without_sections_is_a_problem(tmp_path: Path) -> None:
    _, problems = sections_of(tmp_path, "Just text.\n")

    assert problems == ["4: text above the first section", "1: no section"]


def test_steps_may_be_missing_unless_the_kind_asks_for_some(tmp_path: Path) -> None:
    body = "## parent\n\nSome text.\n"

    assert sections_of(tmp_path, body) == ({"parent": "Some text."}, [])
    _, problems = sections_of(tmp_path, body, Form(LIMITS.words, fewest_steps=2))
    assert problems == ["4: parent: 0 steps; 2 to 4"]


def test_there_is_an_end_to_how_many_steps_one_can_take_in(tmp_path: Path) -> None:
    body = "## parent\n\nSome text.\n\nWhat to do:\n" + "- Ask.\n" * 5

    _, problems = sections_of(tmp_path, body)

    assert problems == ["4: parent: 5 steps; 0 to 4"]


def test_younger_children_are_read_to_like_an_audience_and_nobody_unknown_is(
    tmp_path: Path,
) -> None:
    texts, problems = sections_of(tmp_path, "## younger\n\nTell them.\n\n## oldest\n\nHi.\n")

    assert texts == {"younger": "Tell them."}
    assert problems == ["8: 'oldest' is no audience"]
