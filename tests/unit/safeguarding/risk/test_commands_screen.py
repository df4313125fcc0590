from __future__ import annotations

import json

import pytest

from safeguarding.risk.commands import screened
from safeguarding.risk.engine import RiskEngine


def screen(engine: RiskEngine, *lines: bytes) -> list[dict[str, object]]:
    return list(screened(lines, engine))


def test_gives_the_assessment_of_each_line(engine: RiskEngine) -> None:
    lines = [json.dumps({"id": "a", "text": "he hits me"}), json.dumps({"id": 2, "text": "hello"})]

    first, second = screen(engine, *(line.encode() for line in lines))

    said = ["id", "severity", "categories", "need", "subject", "topics", "signals"]
    assert list(first) == said
    assert (first["id"], first["severity"]) == ("a", "urgent")
    assert (second["id"], second["severity"], second["signals"]) == (2, "none", [])


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (b"{oops", {"id": None, "error": "the line is not JSON"}),
        (b"[1, 2]", {"id": None, "error": "the line is not a JSON object"}),
        (b"\xff\xfe", {"id": None, "error": "the line is not UTF-8"}),
        (b'{"id": "x"}', {"id": "x", "error": "`text` is missing or not a string"}),
        (b'{"id": "x", "text": 5}', {"id": "x", "error": "`text` is missing or not a string"}),
        (
            b'{"id": [], "text": "a"}',
            {"id": None, "error": "`id` is neither a string nor a whole number"},
        ),
        (b"[" * 100_000, {"id": None, "error": "the line is not JSON"}),
    ],
)
def test_a_bad_line_is_named_and_the_run_goes_on(
    engine: RiskEngine, line: bytes, record: dict[str, object]
) -> None:
    found = screen(engine, line, b'{"id": "next", "text": "hello"}')

    assert found[0] == record
    assert found[1]["id"] == "next"


def test_passes_over_blank_lines(engine: RiskEngine) -> None:
    assert screen(engine, b"\n", b"  \r\n") == []


def test_reads_half_a_character_and_writes_it_as_ascii(engine: RiskEngine) -> None:
    (record,) = screen(engine, b'{"id": "\\ud800", "text": "\\ud800 he hits me"}')

    assert record["severity"] == "urgent"
    assert json.dumps(record).isascii()
