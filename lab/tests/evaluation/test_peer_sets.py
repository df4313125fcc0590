from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lab.evaluation.peer_sets import (
    BACKGROUND,
    PeerSet,
    background_bands,
    background_texts,
    development_sets,
    harmless_of_development,
    outside_peer_sets,
)
from tests.labelled import CONCERN, IMMEDIATE, URGENT, example


def test_each_writer_of_the_development_part_is_a_set() -> None:
    examples = [
        example("he hit me", URGENT, writer="d02"),
        example("he has a knife", IMMEDIATE, writer="d02"),
        example("i worry", CONCERN, writer="d02"),
        example("tea", writer="d02"),
        example("pasta", writer="d04"),
        example("rice", writer="w08"),
    ]

    assert development_sets(examples) == [
        PeerSet("natural mix (d02)", ("he hit me", "he has a knife"), ("tea",)),
        PeerSet("hard (d03)", (), ()),
        PeerSet("plain words (d04)", (), ("pasta",)),
    ]


def test_thresholds_are_chosen_on_the_whole_development_part() -> None:
    examples = [
        example("tea", part="development", writer="w08"),
        example("harm", URGENT, part="development"),
        example("pasta", part="training"),
    ]

    assert harmless_of_development(examples) == ["tea"]


def test_only_rows_with_a_label_count_and_sets_without_one_are_left_out() -> None:
    rows = {
        "a": [
            {"text": "harm", "expect": "risk"},
            {"text": "tea", "expect": "none"},
            {"text": "rent", "expect": "weak_none"},
            {"text": "sad", "expect": "soft"},
        ],
        "b": [{"text": "hi", "expect": "oos_or_chitchat"}],
        "c": [{"text": "?", "expect": "unlabelled_distress"}],
    }

    assert outside_peer_sets(rows) == [
        PeerSet("a", ("harm",), ("tea", "rent")),
        PeerSet("b", (), ("hi",)),
    ]


def test_the_background_is_read_from_the_named_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": "1", "text": "a\u2028b", "source": "x"}, {"id": "2", "text": "c"}]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    monkeypatch.setenv(BACKGROUND, str(tmp_path))

    assert background_texts() == ["a\u2028b", "c"]


def test_there_is_no_background_where_no_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKGROUND, raising=False)

    assert background_texts() is None


def test_a_named_folder_without_the_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BACKGROUND, str(tmp_path))

    with pytest.raises(OSError, match=r"dev\.jsonl\.gz"):
        background_texts()


def test_texts_are_in_the_band_of_their_number_of_words() -> None:
    texts = ["", "a", "a " * 6, "a " * 7, "a " * 120, "a " * 121]

    assert background_bands(texts) == [
        PeerSet("background, 1–6 words", (), ("a", "a " * 6)),
        PeerSet("background, 7–12 words", (), ("a " * 7,)),
        PeerSet("background, 41–120 words", (), ("a " * 120,)),
    ]
    assert background_bands([]) == []
