from __future__ import annotations

from scripts.evaluation.shares import Share, share
from scripts.wilson import interval


def test_counts_what_is_true() -> None:
    assert share(number > 1 for number in (1, 2, 3)) == Share(2, 3)


def test_a_share_comes_with_wilsons_interval() -> None:
    # 8 of 10, worked by hand from Wilson's formula with z = 1.959964.
    assert Share(8, 10).record() == {
        "hits": 8, "of": 10, "share": 0.8, "low": 0.4902, "high": 0.9433,
    }  # fmt: skip


def test_nothing_to_count_is_no_share_at_all() -> None:
    record = Share(0, 0).record()

    assert record["share"] is None
    assert (record["low"], record["high"]) == (0.0, 1.0)


def test_the_interval_of_none_and_of_all_stays_within_bounds() -> None:
    low, high = interval(0, 100)
    assert low == 0.0
    assert 0.03 < high < 0.04

    low, high = interval(100, 100)
    assert 0.96 < low < 0.97
    assert high == 1.0
