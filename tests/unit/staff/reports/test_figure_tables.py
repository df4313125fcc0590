"""Small numbers are hidden, and so is what would give them away."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staff.reports.figure_tables import SMALLEST, counted, suppressed


def shown(counts: dict[str, int]) -> dict[str | None, int | None]:
    return {row.key: row.count for row in suppressed("any", counts).rows}


def test_small_numbers_are_hidden_and_zero_is_not() -> None:
    assert shown({"a": 40, "b": 4, "c": 1, "d": 0}) == {"a": 40, "b": None, "c": None, "d": 0}


def test_one_small_number_takes_the_next_smallest_with_it() -> None:
    hidden = {"c": None, "d": None}
    assert shown({"a": 40, "b": 9, "c": 3, "d": 5}) == {"a": 40, "b": 9} | hidden


def test_two_ones_are_not_left_alone_because_the_total_would_tell_both() -> None:
    assert shown({"a": 40, "b": 9, "c": 1, "d": 1}) == {"a": 40, "b": None, "c": None, "d": None}


def test_a_small_total_is_hidden() -> None:
    assert suppressed("any", {"a": 4, "b": 0}).total is None


def test_a_table_without_small_numbers_is_shown_in_full() -> None:
    assert shown({"a": 5, "b": 12}) == {"a": 5, "b": 12}
    assert suppressed("any", {"a": 5, "b": 12}).total == 17


def test_a_share_is_shown_only_where_all_its_parts_are() -> None:
    assert suppressed("any", {"in_time": 30, "late": 10}).late_share() == 0.25
    assert suppressed("any", {"in_time": 30, "late": 3}).late_share() is None
    assert suppressed("any", {"in_time": 0, "late": 0}).late_share() is None


@pytest.mark.parametrize("size", [2, 3])
def test_a_small_number_cannot_be_worked_out_from_the_rule_and_the_total(size: int) -> None:
    """Every table of numbers up to 9: what is told of it is told of another one, too."""
    told_of: dict[object, set[tuple[int, ...]]] = {}
    for counts in itertools.product(range(10), repeat=size):
        table = suppressed("any", {str(place): count for place, count in enumerate(counts)})
        seen = (tuple(row.count for row in table.rows), table.total)
        told_of.setdefault(seen, set()).add(counts)
    for same in told_of.values():
        for place in range(size):
            values = {counts[place] for counts in same}
            assert len(values) > 1 or not values & set(range(1, SMALLEST)), same


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 60), max_size=8))
def test_no_small_number_is_ever_shown(counts: dict[str, int]) -> None:
    table = suppressed("any", counts)
    assert all(row.count is None or not 0 < row.count < SMALLEST for row in table.rows)
    assert sum(row.count is None for row in table.rows) != 1 or table.total is None


def test_a_table_for_those_who_see_the_cases_hides_nothing() -> None:
    table = counted("any", {"a": 1, "b": 0})

    assert [(row.key, row.count) for row in table.rows] == [("a", 1), ("b", 0)]
    assert table.total == 1
    assert counted("any", {"a": 1, "b": 2}, total=2).total == 2
