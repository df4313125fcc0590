"""A number for each day, right when two write at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalations.database import connect, migrate
from safeguarding.escalations.tables import pledges
from safeguarding.pledges import NotCountedError, PledgeCounter, main

DAY, NEXT = date(2026, 11, 25), date(2026, 11, 26)


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'lantern.db'}"
    migrate(made)
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = connect(url)
    yield made
    made.dispose()


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
    url: str,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    PledgeCounter(engine).add(DAY)
    monkeypatch.setenv("LANTERN_DATABASE_URL", url)

    assert main() == 0
    assert capsys.readouterr().out.splitlines() == ["2026-11-25  1", "pledges: 1"]
