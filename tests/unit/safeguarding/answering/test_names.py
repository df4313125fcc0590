"""Who is writing, by the words of data/nlu/lookups.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.answering.names import LookupNames
from safeguarding.records import ContentError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("im a mum", ["parent"]),
        ("I'm a Parent", ["parent"]),
        ("im 15 and a student", ["young_person", "young_person"]),
        ("I'm a TEACHER", ["professional"]),
        ("year 9", ["young_person"]),
        ("mumble 150", []),
    ],
)
def test_a_word_stands_for_its_synonym(text: str, values: list[str]) -> None:
    found = LookupNames()(text)

    assert [each["value"] for each in found] == values
    assert {each["entity"] for each in found} <= {"audience"}


def test_it_says_where_the_word_stands() -> None:
    (found,) = LookupNames()("i am a foster carer")

    assert "i am a foster carer"[found["start"] : found["end"]] == "foster carer"


def test_a_file_without_lookups_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lookups.yml"
    path.write_text("nlu: []", "utf-8")

    with pytest.raises(ContentError):
        LookupNames(path)
