"""One of several dispatchers tells staff, and another when that one is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from staff.alerts.spooled import GROWN
from staff.alerts.turn import LASTS, SpoolTurn
from storage.spool import locked
from tests.records import NOON, Clock


def test_one_of_two_has_the_turn_as_long_as_it_is_seen(tmp_path: Path, clock: Clock) -> None:
    first, second = SpoolTurn(tmp_path), SpoolTurn(tmp_path)

    for _ in range(100):
        clock.move(seconds=1)
        assert first.is_mine(clock(), None)
        assert not second.is_mine(clock(), None)


def test_the_turn_of_one_that_is_gone_passes_with_when_staff_were_told(
    tmp_path: Path, clock: Clock
) -> None:
    first, second = SpoolTurn(tmp_path), SpoolTurn(tmp_path)
    assert first.is_mine(clock(), None)
    clock.move(seconds=1)
    assert first.is_mine(clock(), clock())

    clock.move(seconds=LASTS.total_seconds() + 1)

    assert second.is_mine(clock(), None)
    assert not first.is_mine(clock(), None)
    assert second.told_within(clock(), GROWN)
    clock.move(seconds=GROWN.total_seconds())
    assert not second.told_within(clock(), GROWN)


def test_while_another_decides_nobody_tells_twice(tmp_path: Path) -> None:
    with locked(tmp_path / "spool-turn.lock"):
        assert not SpoolTurn(tmp_path).is_mine(NOON, None)


def test_a_clock_that_was_set_back_holds_up_nobody(tmp_path: Path) -> None:
    assert SpoolTurn(tmp_path).is_mine(NOON, NOON)
    later = SpoolTurn(tmp_path)
    earlier = NOON - timedelta(hours=1)

    assert later.is_mine(earlier, None)
    assert not later.told_within(earlier, GROWN)


def test_without_a_file_each_takes_the_turn(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    assert SpoolTurn(missing).is_mine(NOON, None)
    assert SpoolTurn(missing).is_mine(NOON, None)


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "spool-turn").write_bytes(b"\xff")

    assert SpoolTurn(tmp_path).is_mine(NOON, None)
    assert not SpoolTurn(tmp_path).is_mine(NOON, None)
