"""Alarms on real everyday text, by length and in chats of ten messages."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.evaluation.assessing import Result, TimedMessage
from lab.evaluation.everyday import TURNS, band, chats, everyday_report, to_assess
from lab.training.background import VARIABLE, background_folder, read_background
from safeguarding.corpus import Example
from safeguarding.taxonomy import Severity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part, rows in (("train", 2), ("dev", 25)):
        with gzip.open(tmp_path / f"{part}.jsonl.gz", "wt", encoding="utf-8") as file:
            for at in range(rows):
                source = "chat" if at < 22 else "posts"
                row = {"id": f"{at}", "text": f"line {at}", "source": source, "licence": "MIT"}
                file.write(json.dumps(row) + "\n")
    return tmp_path


def severities(message: TimedMessage) -> Severity:
    return Severity.URGENT if message.text == "line 3" else Severity.NONE


def report_of(texts: list[Example]) -> dict[str, Any]:
    wanted = dict.fromkeys(to_assess(texts))
    results = {each: Result(severities(each), (), None, 1.0) for each in wanted}
    return everyday_report(texts, results)


def test_reads_each_part_as_harmless_examples(folder: Path) -> None:
    training, development = (read_background(folder, p) for p in ("training", "development"))

    assert (len(training), len(development)) == (2, 25)
    assert {each.severity for each in development} == {Severity.NONE}
    assert {each.situation for each in development} == {"chat", "posts"}


def test_a_line_separator_within_a_text_ends_no_row(tmp_path: Path) -> None:
    row = json.dumps({"text": "a\u2028b", "source": "x"}, ensure_ascii=False) + "\n"
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress(row.encode()))

    assert [each.text for each in read_background(tmp_path, "development")] == ["a\u2028b"]


def test_a_named_folder_without_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"dev\.jsonl\.gz"):
        read_background(tmp_path, "development")


def test_without_a_folder_there_is_no_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    assert background_folder() is None
    assert read_background(None, "training") == []
    assert everyday_report([], {}) == {}


def test_the_folder_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(folder))

    assert background_folder() == folder


@pytest.mark.parametrize(
    ("words", "name"),
    [(1, "1 to 6 words"), (7, "7 to 12 words"), (40, "21 to 40 words"), (41, "over 40 words")],
)
def test_names_the_band_of_a_length(words: int, name: str) -> None:
    assert band(" ".join(["word"] * words)) == name


def test_a_chat_is_ten_messages_of_one_source_each_with_those_before(folder: Path) -> None:
    found = chats(read_background(folder, "development"))

    assert [len(chat) for chat in found] == [TURNS, TURNS]
    assert [turn.text for turn in found[0][2].history] == ["line 0", "line 1"]


def test_long_texts_stand_in_no_chat(folder: Path) -> None:
    texts = read_background(folder, "development")
    long = [replace(each, text="word " * 41) for each in texts]

    assert chats(long) == []


def test_counts_alarms_by_length_and_chats_handed_off(folder: Path) -> None:
    report = report_of(read_background(folder, "development"))

    assert report["all"]["at least urgent"]["hits"] == 1
    assert report["all"]["immediate"]["hits"] == 0
    assert list(report["by length"]) == ["1 to 6 words"]
    assert report["chats handed off"] == report["chats at least urgent"]
    assert (report["chats handed off"]["hits"], report["chats handed off"]["of"]) == (1, 2)
