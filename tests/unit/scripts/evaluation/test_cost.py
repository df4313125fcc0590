from __future__ import annotations

from scripts.evaluation.cost import cost_report
from tests.labelled import NONE, heard


def test_the_median_and_what_one_in_twenty_exceeds() -> None:
    found = cost_report(heard(NONE, milliseconds=at) for at in range(1, 101))

    assert found["messages"] == 100
    assert found["median ms"] == 50.5
    assert 95 <= found["p95 ms"] <= 96
