"""YAML reads as plain lines; nothing that stands in it is left out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from safeguarding.content.plain_lines import lines, message_parts, parts_of, record_parts


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name_of": "A", "open": True}, ["name of: A", "open: yes"]),
        ({"hours": {"weekly": {"mon": "09:00"}}}, ["hours, weekly, mon: 09:00"]),
        ({"words": ["a", "b"]}, ["words: a, b"]),
        ({"match": ["he said so", "b"]}, ["match: he said so", "match: b"]),
        ({"ways": [{"kind": "phone", "label": "Call 999"}]}, ["ways: Call 999 (phone)"]),
        ({"who": [{"name": "Childline", "what": "Help"}]}, ["who, Childline, what: Help"]),
        ({"patterns": [[{"NORM": "it"}]]}, ['patterns: [{"NORM": "it"}]']),
        ({"ages": {}}, ["ages: all"]),
        ({"on": date(2026, 11, 25), "doubt": None}, ["on: 2026-11-25", "doubt: none"]),
        ({"other": [{"a": 1, "b": [2]}]}, ["other: a: 1; b: [2]"]),
        ("two\nlines", ["two", "lines"]),
    ],
)
def test_each_value_is_a_line_that_a_person_can_read(value: Any, said: list[str]) -> None:
    assert list(lines(value)) == said


def test_each_record_of_a_list_is_a_part_of_its_own() -> None:
    data = {"services": [{"id": "a", "what": "x"}, {"name": "b"}, {"what": "y"}], "empty": "x"}

    assert [part.heading for part in parts_of(data)] == ["a", "b", "Services 3", "empty"]


def test_a_service_is_read_by_those_it_is_for() -> None:
    record = {"id": "a", "name": "A", "for_whom": {"parent": {}, "professional": {"from": 18}}}

    (part,) = record_parts(record, "")

    assert part.heading == "A (a)"
    assert part.audiences == ("parent", "professional")
    assert part.lines == ("for whom, parent: all", "for whom, professional, from: 18")


def test_a_message_is_read_first_and_then_what_comes_with_it() -> None:
    message = {"kind": "prompt", "text": "One.\n\nTwo.\n", "choices": [{"id": "a", "label": "A"}]}

    said, more = message_parts("Hello", message)

    assert said.lines == ("One.", "Two.")
    assert more.heading == "Hello: with it"
    assert more.lines == ("kind: prompt", "choices: A (a)")
