"""A line is one JSON object with an id; whatever else it is, it is answered and not quoted."""

from __future__ import annotations

import json

import pytest

from safeguarding.json_lines import InputLine, LineError, not_blank, write


def test_the_id_and_the_other_fields_are_read() -> None:
    line = InputLine.read('\ufeff{"id": 7, "text": "caf\u00e9", "more": [1]}'.encode())

    assert (line.id, line.text(), line.fields["more"]) == (7, "caf\u00e9", [1])


def test_a_line_without_an_id_is_read_all_the_same() -> None:
    assert InputLine.read(b'{"text": "hi"}').id is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{oops", "the line is not JSON"),
        (b"[" * 100_000, "the line is not JSON"),
        (b"[1, 2]", "the line is not a JSON object"),
        (b"\xff\xfe", "the line is not UTF-8"),
        (b'{"id": true}', "`id` is neither a string nor a whole number"),
        (b'{"id": 1.5}', "`id` is neither a string nor a whole number"),
        (b'{"id": []}', "`id` is neither a string nor a whole number"),
    ],
)
def test_a_line_that_is_no_such_object_says_why_and_has_no_id(line: bytes, why: str) -> None:
    with pytest.raises(LineError) as raised:
        InputLine.read(line)

    assert raised.value.as_record() == {"id": None, "error": why}


@pytest.mark.parametrize("line", [b'{"id": "x"}', b'{"id": "x", "text": 5}'])
def test_a_line_whose_text_is_missing_or_no_string_keeps_its_id(line: bytes) -> None:
    with pytest.raises(LineError) as raised:
        InputLine.read(line).text()

    assert raised.value.as_record() == {
        "id": "x",
        "error": "`text` is missing or not a string",
    }


def test_blank_lines_are_passed_over() -> None:
    assert list(not_blank([b"\n", b"{}\n", b"  \r\n"])) == [b"{}\n"]


def test_half_a_character_is_written_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    write({"id": "\ud800", "text": "caf\u00e9"})

    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {"id": "\ud800", "text": "caf\u00e9"}
