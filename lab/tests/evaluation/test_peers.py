"""Lantern and its peers are measured on the same messages, by the same rule."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lab.evaluation import peers as module
from lab.evaluation.measures import Share
from lab.evaluation.peer_sets import PeerSet
from lab.evaluation.peer_systems import PeerSystem
from lab.evaluation.peers import (
    NOT_COMPARABLE,
    PeerData,
    PeerLine,
    alarm_line,
    by_its_own_rule,
    compare,
    highest_kept_quiet,
    main,
    recall,
    recall_lines,
    table,
)
from lab.evaluation.sentinel import Vectors
from lab.training.background import VARIABLE as BACKGROUND
from tests.commands import run
from tests.labelled import IMMEDIATE, URGENT, example

CALM = tuple(f"calm {number}" for number in range(100))
SET = PeerSet("a set", ("bad", "worse"), CALM)
SCORES = {**{text: float(number) for number, text in enumerate(CALM)}, "bad": 96.5, "worse": 200.0}
SYSTEM = PeerSystem("one", "", SCORES, frozenset({"worse", "calm 3"}))
SILENT = PeerSystem("two", "", dict.fromkeys(SCORES, 0.0))


@pytest.mark.parametrize(("percentage", "quiet"), [(0, 99.0), (1, 98.0), (5, 94.0)])
def test_at_most_the_given_percentage_of_scores_exceeds_the_threshold(
    percentage: int, quiet: float
) -> None:
    scores = [float(number) for number in range(100)]

    assert highest_kept_quiet(scores, percentage) == quiet
    assert sum(score > quiet for score in scores) == percentage


def test_one_percent_of_few_messages_is_none() -> None:
    assert highest_kept_quiet([3.0, 1.0, 2.0], 1) == 3.0


def test_equal_scores_are_all_kept_quiet() -> None:
    assert highest_kept_quiet([1.0] * 50 + [0.0] * 50, 5) == 1.0


def test_all_messages_may_alarm_and_none_is_no_threshold() -> None:
    assert highest_kept_quiet([1.0], 100) < 1.0
    with pytest.raises(ValueError, match="harmless"):
        highest_kept_quiet([], 5)


def test_recall_is_that_of_the_disclosures_above_the_threshold() -> None:
    assert recall(SYSTEM, SET, 1) == Share(1, 2)
    assert recall(SYSTEM, SET, 5) == Share(2, 2)
    assert recall(SILENT, SET, 5) == Share(0, 2)


def test_a_system_without_a_rule_has_no_figure_by_its_own_rule() -> None:
    assert by_its_own_rule(SYSTEM, SET.urgent) == Share(1, 2)
    assert by_its_own_rule(SILENT, SET.urgent) is None


def test_a_set_has_four_lines_with_a_figure_of_each_system() -> None:
    lines = recall_lines(SET, [SYSTEM, SILENT])

    assert [line.name for line in lines] == [
        "a set: recall of 2 urgent, 1 % false alarms",
        "a set: recall of 2 urgent, 5 % false alarms",
        "a set: recall of 2 urgent, by its own rule",
        "a set: false alarms of 100 harmless, by its own rule",
    ]
    assert [line.figures["one"] for line in lines] == [
        Share(1, 2),
        Share(2, 2),
        Share(1, 2),
        Share(1, 100),
    ]
    assert lines[2].figures["two"] is None


@pytest.mark.parametrize("messages", [PeerSet("a", (), CALM), PeerSet("b", ("bad",), ())])
def test_recall_needs_disclosures_and_harmless_messages(messages: PeerSet) -> None:
    assert recall_lines(messages, [SYSTEM]) == []


def test_alarms_are_counted_above_the_chosen_threshold() -> None:
    line = alarm_line(SET, [SYSTEM, SILENT], {"one": 89.0, "two": 0.0})

    assert line.figures == {"one": Share(10, 100), "two": Share(0, 100)}
    assert line.cells() == [
        "a set: alarms in 1,000, of 100 harmless", "100.0 (55.2–174.4)", "0.0 (0.0–37.0)",
    ]  # fmt: skip


def test_a_table_has_a_column_for_each_system() -> None:
    lines = [PeerLine("a", {"one": Share(8, 10), "two": None}), PeerLine("b", {"one": Share(0, 0)})]

    assert table(lines) == [
        "| measure | one | two |",
        "|---|---|---|",
        "| a | 80.0 % (49.0–94.3) | – |",
        "| b | – |",
    ]


def test_a_report_has_the_chosen_thresholds_and_what_cannot_be_compared() -> None:
    data = PeerData(list(CALM), [SET], [PeerSet("short", (), CALM[:50])])

    lines, report = compare(data, [SYSTEM, SILENT])

    assert [each["alarms above"] for each in report["systems"]] == [97.0, 0.0]
    assert [line.name for line in lines[-2:]] == [
        "short: alarms in 1,000, of 50 harmless",
        "a set: alarms in 1,000, of 100 harmless",
    ]
    assert lines[-1].figures["one"] == Share(2, 100)
    assert report["lines"][0]["figures"]["one"] == Share(1, 2).record()
    assert report["lines"][2]["figures"]["two"] is None
    assert report["not comparable"] == list(NOT_COMPARABLE)
    json.dumps(report)


def test_every_text_is_scored_once() -> None:
    data = PeerData(["a", "b"], [PeerSet("", ("c",), ("a",))], [PeerSet("", (), ("d", "b"))])

    assert data.texts() == ["a", "b", "c", "d"]


class FakeEncoder:
    """Stands for MiniLM: one axis for each kind of text."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return np.array([[1, 0] if "tea" in text else [0, 1] for text in texts], np.float32)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put small sets in place of the real ones, and return where results are written."""
    examples = [
        example("tea later", part="training"),
        example("he hits me", URGENT, part="training"),
        *(example(f"tea {number}", part="development", writer="d02") for number in range(3)),
        example("my dad hits me", IMMEDIATE, part="development", writer="d02"),
    ]
    sets = tmp_path / "eval"
    sets.mkdir()
    (sets / "talk.jsonl").write_text(json.dumps({"text": "tea?", "expect": "oos_or_chitchat"}))
    monkeypatch.setenv("LANTERN_EVAL_DIR", str(sets))
    monkeypatch.delenv(BACKGROUND, raising=False)
    monkeypatch.setattr(module, "read_examples", lambda: examples)
    monkeypatch.setattr(module, "MiniLM", FakeEncoder)
    monkeypatch.setattr(module, "lantern", lambda texts: scored("Lantern", texts))
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def scored(name: str, texts: Sequence[str]) -> PeerSystem:
    """Return a system that knows disclosures by the word "hits"."""
    return PeerSystem(name, "", {text: float("hits" in text) for text in texts})


def test_the_command_prints_the_table_and_writes_it(results: Path) -> None:
    done = run(main)

    assert done.exit_code == 0
    assert done.stdout.startswith(
        "| measure | Lantern | Sentinel's method | Suicide Risk Lexicon |"
    )
    assert "natural mix (d02): recall of 1 urgent, 1 % false alarms | 100.0 % " in done.stdout
    assert "talk: alarms in 1,000, of 1 harmless" in done.stdout
    assert f"{BACKGROUND} is not set" in done.stdout
    assert NOT_COMPARABLE[0] in done.stdout
    written = json.loads((results / "peers.json").read_text("utf-8"))
    assert [each["name"] for each in written["systems"]][-1] == "Letters-only witness"


def test_the_command_measures_lengths_where_it_has_the_background(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = json.dumps({"id": "1", "source": "x", "text": "tea with my nan"})
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress(row.encode()))
    monkeypatch.setenv(BACKGROUND, str(tmp_path))

    done = run(main)

    assert "background, 1 to 6 words: alarms in 1,000, of 1 harmless" in done.stdout
    assert "is not set" not in done.stdout


def test_a_background_that_is_not_there_stops_the_command(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BACKGROUND, str(tmp_path / "away"))

    done = run(main)

    assert done.exit_code == 2
    assert BACKGROUND in done.stderr
    assert not results.exists()
