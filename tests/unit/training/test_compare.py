"""The table says how much of what is urgent a model hears at a given share of false alarms."""

from __future__ import annotations

import numpy as np

from safeguarding.taxonomy import Severity
from training.compare import Row, table

NONE, CONCERN, URGENT, IMMEDIATE = map(int, Severity)
HARMLESS = list(range(100))
"""Scores of a hundred harmless sentences: the bars are 98.01, 96.03 and 94.05."""


def lines(*rows: tuple[str, list[float], float], due: list[int]) -> list[str]:
    """The table's lines after its head. Each row's scores are of what is due, in that order."""
    made = [Row(name, np.array([*HARMLESS, *scores], float), ms) for name, scores, ms in rows]
    return table(made, np.array([NONE] * len(HARMLESS) + due))[2:]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_what_is_over_the_bar_is_heard() -> None:
    (line,) = lines(("a model", [99, 97, 95, 10], 1.26), due=[URGENT] * 4)

    assert cells(line) == ["a model", "25% (5%–70%)", "50% (15%–85%)", "75% (30%–95%)", "1.3"]


def test_what_is_immediate_is_to_be_heard_and_a_concern_does_not_count() -> None:
    due = [URGENT, IMMEDIATE, CONCERN, CONCERN]

    (line,) = lines(("a model", [150, 10, 200, 200], 0), due=due)

    assert [cell.partition(" ")[0] for cell in cells(line)[1:4]] == ["50%"] * 3


def test_a_model_that_cannot_tell_hears_nothing() -> None:
    row = Row("says always the same", np.ones(8), 0.0)

    line = table([row], np.array([NONE, URGENT] * 4))[2]

    assert [cell.partition(" ")[0] for cell in cells(line)[1:4]] == ["0%"] * 3


def test_the_table_is_markdown_in_the_order_of_its_rows() -> None:
    rows = [Row(name, np.arange(4.0), 0.5) for name in ("second", "first")]

    made = table(rows, np.array([NONE, NONE, URGENT, URGENT]))

    assert {line.count("|") for line in made} == {6}
    assert set(made[1]) == {"|", "-"}
    assert [cells(line)[0] for line in made[2:]] == ["second", "first"]
    assert cells(made[0])[1:4] == ["urgent heard at 1 % false alarms", "at 3 %", "at 5 %"]
