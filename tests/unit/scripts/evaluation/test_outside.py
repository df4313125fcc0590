from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.evaluation.assessing import Said
from scripts.evaluation.outside import chatter, outside_report, outside_sets, said
from tests.labelled import CONCERN, NONE, URGENT, heard


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [
        {"text": "a", "expect": "risk"},
        {"text": "b", "expect": "risk"},
        {"text": "c", "expect": "oos_or_chitchat"},
    ]
    (tmp_path / "mixed.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setenv("LANTERN_EVAL_DIR", str(tmp_path))
    return tmp_path


def test_each_set_is_reported_by_what_is_expected_of_it(folder: Path) -> None:
    hearing = {Said("a"): heard(URGENT), Said("b"): heard(CONCERN), Said("c"): heard(NONE)}

    report = outside_report(outside_sets(), hearing)

    assert report["mixed (risk)"]["at least urgent"]["hits"] == 1
    assert report["mixed (risk)"]["at least concern"]["hits"] == 2
    assert report["mixed (oos_or_chitchat)"]["at least concern"]["hits"] == 0


def test_everything_is_assessed_and_the_small_talk_known(folder: Path) -> None:
    sets = outside_sets()

    assert list(said(sets)) == [Said("a"), Said("b"), Said("c")]
    assert chatter(sets) == ["c"]


def test_there_is_nothing_to_report_where_there_are_no_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_EVAL_DIR", str(tmp_path / "away"))

    assert outside_report(outside_sets(), {}) == {}
