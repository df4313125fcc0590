"""The reserve: what is set aside is there, whole, when a record needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.spool import Reserve, locked

SIZES = {16: 2, 64: 1}


@pytest.fixture
def reserve(tmp_path: Path) -> Reserve:
    return Reserve(tmp_path / "spool" / ".reserve", SIZES)


def test_a_record_takes_the_smallest_file_that_holds_it(reserve: Reserve, tmp_path: Path) -> None:
    reserve.restore()

    assert reserve.take(b"long" * 5, tmp_path / "long")
    assert reserve.take(b"short", tmp_path / "short")

    assert (tmp_path / "long").read_bytes() == (b"long" * 5).ljust(64, b"\0")
    assert (tmp_path / "short").read_bytes() == b"short".ljust(16, b"\0")


def test_a_larger_file_serves_when_the_small_ones_are_used_up(
    reserve: Reserve, tmp_path: Path
) -> None:
    reserve.restore()

    assert [reserve.take(b"short", tmp_path / f"{each}") for each in range(4)] == [True] * 3 + [
        False
    ]


def test_nothing_is_written_where_no_file_is_large_enough(reserve: Reserve, tmp_path: Path) -> None:
    reserve.restore()

    assert not reserve.take(bytes(65), tmp_path / "huge")
    assert not (tmp_path / "huge").exists()
    assert reserve.complete()


def test_what_was_used_is_set_aside_again(reserve: Reserve, tmp_path: Path) -> None:
    assert not reserve.complete()
    reserve.restore()
    reserve.take(b"short", tmp_path / "short")
    assert not reserve.complete()

    reserve.restore()

    assert reserve.complete()
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [".reserve"]


def test_what_a_crash_left_half_made_is_made_good(reserve: Reserve, tmp_path: Path) -> None:
    reserve.restore()
    whole = {path.name: path.stat().st_size for path in (tmp_path / "spool/.reserve").iterdir()}
    draft = tmp_path / "spool" / ".16-0001.draft".ljust(150, "_")
    (tmp_path / "spool/.reserve/16-0001").rename(draft)
    draft.write_bytes(b"")

    reserve.restore()

    found = {path.name: path.stat().st_size for path in (tmp_path / "spool/.reserve").iterdir()}
    assert found == whole
    assert not draft.exists()


def test_two_processes_do_not_set_aside_at_once(reserve: Reserve, tmp_path: Path) -> None:
    (tmp_path / "spool/.reserve").mkdir(parents=True)

    with locked(tmp_path / "spool/.reserve/.lock"):
        reserve.restore()

    assert not reserve.complete()
