"""Two reports, of any age, are compared by their published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.evaluation.aims import message_aims
from lab.evaluation.assessing import TimedMessage
from lab.evaluation.compare_reports import main, main_figures, moved, table
from lab.evaluation.measures import Share
from lab.evaluation.messages import outside_report
from lab.evaluation.risk import risk_report
from lab.tests.labelled import case, result
from tests.commands import run
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT

URGENT_ONES = "test: urgent or immediate, recognised as at least urgent"
FALSE_ALARMS = "test: harmless, wrongly urgent"


def report(*found: Any) -> dict[str, Any]:
    """Return a report on three messages labelled immediate, urgent and none."""
    due = (IMMEDIATE, URGENT, NONE)
    test = [case(wanted, got) for wanted, got in zip(due, found, strict=True)]
    sets = {"mixed": [{"text": "hi", "expect": "none"}]}
    return {
        "run": {"quick": True},
        "aims": [aim.record() for aim in message_aims(test)],
        "test": risk_report(test),
        "chats": {"test": {"harmful, at least concern": Share(3, 4).record()}},
        "conversations": {"test": {"harmless, handed off": Share(1, 4).record()}},
        "topics": {"questions": {"right first": Share(8, 10).record()}},
        "obfuscation": {"disguises": {"leet": {"recognised": Share(1, 2).record()}}},
        "outside": outside_report(sets, {TimedMessage("hi"): result(found[2])}),
    }


def aged(report: dict[str, Any]) -> dict[str, Any]:
    """Return the same report with the keys and names of older ones."""
    older: dict[str, Any] = json.loads(json.dumps(report).replace("recognised", "heard"))
    return older


BEFORE, AFTER = report(URGENT, CONCERN, NONE), report(URGENT, URGENT, URGENT)


def test_each_section_has_its_figures() -> None:
    figures = main_figures(BEFORE)

    counts = {name: (record["hits"], record["of"]) for name, record in figures.items()}
    assert counts[URGENT_ONES] == (1, 2)
    assert counts["test part: young people, immediate: recognised"] == (1, 1)
    assert counts["chats, test: harmful, at least concern"] == (3, 4)
    assert counts["conversations, test: harmless, handed off"] == (1, 4)
    assert counts["topics: right first"] == (8, 10)
    assert counts["disguised as leet: recognised as urgent"] == (1, 2)
    assert counts["outside, mixed (none): at least urgent"] == (0, 1)


def test_what_was_not_measured_has_no_figure() -> None:
    assert main_figures({"run": {}, "topics": {}, "outside": {}}) == {}
    assert not any(name.startswith("topics") for name in main_figures({**BEFORE, "topics": {}}))


def test_an_older_report_has_the_same_figures() -> None:
    assert "urgent heard" in aged(BEFORE)["test"]
    assert main_figures(aged(BEFORE)) == main_figures(BEFORE)


def test_figures_that_differ_are_listed_with_both_values() -> None:
    lines = moved(main_figures(aged(BEFORE)), main_figures(AFTER))

    told = {line.split("  ")[-1]: line for line in lines}
    assert "50.0 %  (1/2)" in told[URGENT_ONES]
    assert "100.0 %  (2/2)" in told[URGENT_ONES]
    assert "0.0 %  (0/1)" in told[FALSE_ALARMS]
    assert not any("chats" in line for line in lines)


def test_nothing_moved_between_a_report_and_itself() -> None:
    figures = main_figures(BEFORE)

    assert moved(figures, figures) == [f"{len(figures)} of {len(figures)} figures are the same."]


def test_figures_of_one_report_alone_are_listed() -> None:
    lines = moved(main_figures({**BEFORE, "topics": {}}), main_figures(BEFORE))

    (line,) = (line for line in lines if "topics: right first" in line)
    assert line.split() == ["not", "measured", "80.0", "%", "(8/10)", "topics:", "right", "first"]


def test_one_report_makes_one_table() -> None:
    lines = table(main_figures(BEFORE))

    assert len(lines) == len(main_figures(BEFORE))
    assert lines[0].split(maxsplit=3) == ["50.0", "%", "(1/2)", URGENT_ONES]


def test_the_command_reads_two_files(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(aged(BEFORE)), "utf-8")
    after.write_text(json.dumps(AFTER), "utf-8")

    done = run(main, str(before), str(after))

    assert done.exit_code == 0
    assert URGENT_ONES in done.stdout


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", None])
def test_other_files_are_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    if text is not None:
        path.write_text(text, "utf-8")

    done = run(main, str(path), str(path))

    assert done.exit_code == 2
    assert "before.json" in done.stderr or "Expecting value" in done.stderr
    assert run(main, str(path)).exit_code == 2
