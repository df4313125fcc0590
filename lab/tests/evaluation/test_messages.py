from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from lab.evaluation.assessing import Results, TimedMessage
from lab.evaluation.messages import (
    DISGUISES,
    cases,
    chatter,
    disclosures,
    disguised,
    independent_examples,
    is_ordinary,
    is_question,
    obfuscation_report,
    of_outside,
    outside_report,
    outside_sets,
    read_lines,
    seems_risky,
)
from lab.tests.labelled import result
from tests.labelled import CONCERN, NONE, URGENT, example


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
    results = {
        TimedMessage("a"): result(URGENT),
        TimedMessage("b"): result(CONCERN),
        TimedMessage("c"): result(NONE),
    }

    report = outside_report(outside_sets(), results)

    assert report["mixed (risk)"]["at least urgent"]["hits"] == 1
    assert report["mixed (risk)"]["at least concern"]["hits"] == 2
    assert report["mixed (oos_or_chitchat)"]["at least concern"]["hits"] == 0


def test_everything_is_assessed_and_the_small_talk_known(folder: Path) -> None:
    sets = outside_sets()

    assert list(of_outside(sets)) == [TimedMessage("a"), TimedMessage("b"), TimedMessage("c")]
    assert chatter(sets) == ["c"]


def test_there_is_nothing_to_report_where_there_are_no_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_EVAL_DIR", str(tmp_path / "away"))

    assert outside_report(outside_sets(), {}) == {}


TEXT = "He hits me, please help"
EXPECTED = {
    "zero-width": "He h_i_t_s me, p_l_e_a_s_e h_e_l_p".replace("_", "\u200b"),
    "leet": "He h1t5 me, pl3453 h3lp",
    "spaced letters": "He  h i t s  me,  p l e a s e  h e l p",
    "repeated letters": "He hitsss me, pleaseee helppp",
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_disguise_is_what_its_name_says(name: str) -> None:
    assert DISGUISES[name](TEXT) == EXPECTED[name]


def test_homoglyphs_look_the_same_and_are_other_letters() -> None:
    hidden = DISGUISES["homoglyph"](TEXT)

    assert len(hidden) == len(TEXT)
    changed = [(plain, odd) for plain, odd in zip(TEXT, hidden, strict=True) if plain != odd]
    assert len(changed) > 5
    assert all(unicodedata.name(odd).startswith("CYRILLIC") for _, odd in changed)
    assert all(plain.isupper() == odd.isupper() for plain, odd in changed)


@pytest.mark.parametrize("name", sorted(DISGUISES))
def test_a_disguise_is_the_same_every_time_and_hides_something(name: str) -> None:
    assert DISGUISES[name](TEXT) == DISGUISES[name](TEXT) != TEXT


@pytest.mark.parametrize("name", sorted(DISGUISES))
def test_an_empty_text_stays_empty(name: str) -> None:
    assert DISGUISES[name]("") == ""


def test_there_are_five_disguises() -> None:
    assert len(DISGUISES) == 5


FIRST, SECOND = example("he hits me", URGENT), example("he hurts me", URGENT)


def test_only_disclosures_are_disguised() -> None:
    assert disclosures([FIRST, example("worried", CONCERN), example("hello")]) == [FIRST]
    assert len(list(disguised([FIRST.text]))) == len(DISGUISES)


def test_what_a_disguise_loses_and_gains_is_counted_message_by_message() -> None:
    results: Results = {
        TimedMessage(FIRST.text): result(URGENT),
        TimedMessage(SECOND.text): result(NONE),
        **{said: result(URGENT) for said in disguised([FIRST.text, SECOND.text])},
        TimedMessage(DISGUISES["leet"](FIRST.text)): result(CONCERN),
    }

    report = obfuscation_report(cases([FIRST, SECOND], results), results)

    assert report["plain"]["hits"] == 1
    leet, spaced = report["disguises"]["leet"], report["disguises"]["spaced letters"]
    assert (leet["recognised"]["hits"], leet["lost"], leet["gained"]) == (1, 1, 1)
    assert (spaced["recognised"]["hits"], spaced["lost"], spaced["gained"]) == (2, 0, 1)
