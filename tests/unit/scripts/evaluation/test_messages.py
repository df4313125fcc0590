from __future__ import annotations

import json
from pathlib import Path

from scripts.evaluation.messages import (
    independent_examples,
    is_ordinary,
    is_question,
    read_lines,
    seems_risky,
)
from tests.labelled import CONCERN, URGENT, example


def test_hostile_line_separators_do_not_break_a_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "a\u2028b"}, ensure_ascii=False) + "\n\n", "utf-8")

    assert read_lines(path) == [{"text": "a\u2028b"}]


def test_a_set_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "none.jsonl") == []


def test_the_older_set_is_read_as_examples(tmp_path: Path) -> None:
    row = {
        "id": "1", "text": "x", "severity": "urgent", "category": "missing",
        "voice": "parent", "subject": "own_child", "register": "plain",
    }  # fmt: skip
    path = tmp_path / "risk.jsonl"
    harmless = {**row, "severity": "none", "category": None}
    path.write_text(json.dumps(row) + "\n" + json.dumps(harmless) + "\n")

    risky, calm = independent_examples(path)

    assert (risky.severity, risky.categories, risky.register) == (URGENT, ("missing",), ("plain",))
    assert calm.categories == ()


def test_harmless_messages_are_of_three_kinds() -> None:
    near = example("a", kind="near_miss", near=("bullying",))
    gaming = example("b", kind="gaming", near=("bullying",))
    question = example("c", kind="question", near=("bullying",))
    ordinary = example("d", kind="food")
    risk = example("e", CONCERN)

    messages = [near, gaming, question, ordinary, risk]
    assert [each.text for each in messages if seems_risky(each)] == ["a", "b"]
    assert [each.text for each in messages if is_question(each)] == ["c"]
    assert [each.text for each in messages if is_ordinary(each)] == ["d"]
