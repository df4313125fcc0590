"""The bench compares systems only if both were measured."""

from __future__ import annotations

from lab.bench.client import LoadFigures
from lab.bench.command import comparisons
from lab.bench.systems import SystemFigures


def figures(median_ms: float, per_second: float, rasa_mb: int) -> SystemFigures:
    loads = [
        LoadFigures(1, median_ms, 2 * median_ms, 1000 / median_ms),
        LoadFigures(16, 9 * median_ms, 20 * median_ms, per_second),
    ]
    return SystemFigures(
        "a system",
        20.5,
        {"actions": 120, "rasa": rasa_mb},
        {"actions": 1.5, "rasa": 6.0, "console": 0.0},
        loads,
    )


def test_a_system_is_shown_with_its_memory_by_process_and_every_round() -> None:
    first, cpu, *rounds = figures(20.0, 40.0, 1000).lines()

    assert first == "a system: ready in 20.5 s, 1120 MB (actions 120, rasa 1000)"
    assert cpu == "  processor: 7.5 ms a message (actions 1.5, rasa 6.0)"
    assert rounds == [
        "   1 clients: median 20.0 ms, p95 40.0 ms, 50.0 messages/s",
        "  16 clients: median 180.0 ms, p95 400.0 ms, 40.0 messages/s",
    ]


def test_the_saving_of_one_assessment_is_the_difference_to_two() -> None:
    measured = {
        "rasa-assessing": figures(30.0, 40.0, 1000),
        "rasa-handed": figures(18.0, 70.0, 700),
    }

    assert list(comparisons(measured)) == [
        "Assessing once saves Rasa 12.0 of 30.0 ms alone, 300 of 1000 MB, and it answers 1.75 "
        "times as many messages a second"
    ]


def test_lantern_is_compared_with_stock_rasa() -> None:
    measured = {"stock": figures(30.0, 40.0, 1000), "lantern": figures(20.0, 20.0, 1000)}

    assert list(comparisons(measured)) == [
        "Lantern / stock: 1.50 times as quick alone, 0.50 times the throughput"
    ]


def test_a_second_rasa_server_is_compared_with_the_first() -> None:
    measured = {"lantern-fresh": figures(20.0, 40.0, 1), "lantern-2-rasas": figures(20.0, 50.0, 1)}

    assert list(comparisons(measured)) == [
        "Two Rasa servers / one: 1.25 times the throughput by 16 clients"
    ]


def test_a_system_without_counterpart_is_not_compared() -> None:
    assert list(comparisons({"lantern": figures(20.0, 20.0, 1000)})) == []
