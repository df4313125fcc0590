"""A number for each day, right when two write at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.answering.composition import NotCountedError
from storage.engine import connect
from storage.pledges import PledgeCounter, main, pledges
from tests.commands import run

DAY, NEXT = date(2026, 11, 25), date(2026, 11, 26)


def test_counts_by_day(engine: Engine) -> None:
    counter = PledgeCounter(engine)
    for day in (NEXT, DAY, DAY):
        counter.add(day)

    assert counter.by_day() == {DAY: 2, NEXT: 1}
    assert list(counter.by_day()) == [DAY, NEXT]


def test_none_is_lost_when_many_pledge_at_once(engine: Engine) -> None:
    counter = PledgeCounter(engine)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(counter.add, [DAY] * 40))

    assert counter.by_day() == {DAY: 40}


def test_the_table_can_hold_nothing_about_anyone() -> None:
    assert set(pledges.c.keys()) == {"day", "count"}


def test_says_when_it_could_not_count_and_quotes_nothing(tmp_path: Path) -> None:
    counter = PledgeCounter(connect(f"sqlite:///{tmp_path / 'no' / 'such.db'}"))

    with pytest.raises(NotCountedError, match=r"^OperationalError$"):
        counter.add(DAY)


def test_prints_the_days_and_their_sum(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    PledgeCounter(engine).add(DAY)
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)

    assert run(main).stdout.splitlines() == ["2026-11-25  1", "pledges: 1"]
