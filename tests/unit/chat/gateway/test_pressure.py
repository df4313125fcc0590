"""The gateway notices by itself that it has more to do than it can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from chat.gateway.pressure import EVERY_S, MOST_LAG_S, MOST_UNDER_WAY, Pressure
from tests.unit.chat.gateway.conftest import until


@pytest.fixture(autouse=True)
def as_in_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.gateway.pressure.MOST_LAG_S", MOST_LAG_S)


@pytest.fixture
async def pressure() -> AsyncIterator[Pressure]:
    """Measure the loop of the test."""
    pressure = Pressure()
    measuring = asyncio.create_task(pressure.measure_forever())
    await asyncio.sleep(0)
    yield pressure
    measuring.cancel()


def block() -> None:
    """Keep the loop from its work, as a flood of messages does."""
    time.sleep(2 * MOST_LAG_S + EVERY_S)


def test_there_is_none_before_anything_was_measured() -> None:
    assert Pressure().lag_s == 0.0
    assert not Pressure().is_high(0)


async def test_a_blocked_loop_is_noticed_at_once_before_the_next_measurement(
    pressure: Pressure,
) -> None:
    block()

    assert pressure.lag_s >= 2 * MOST_LAG_S
    assert pressure.is_high(0)


async def test_a_loop_that_was_blocked_is_still_behind_until_it_is_measured_again(
    pressure: Pressure,
) -> None:
    block()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert pressure.lag_s >= 2 * MOST_LAG_S
    assert pressure.is_high(0)


async def test_it_is_over_once_the_loop_is_in_time_again(pressure: Pressure) -> None:
    block()
    assert pressure.is_high(0)

    await until(lambda: not pressure.is_high(0))


async def test_a_loop_that_only_waits_is_not_behind(pressure: Pressure) -> None:
    lags = []
    for _ in range(20):
        await asyncio.sleep(EVERY_S / 3)
        lags.append(pressure.lag_s)

    # The machine of the test may be late by itself, but not all the time.
    assert min(lags) < MOST_LAG_S


@pytest.mark.parametrize(
    ("under_way", "high"), [(0, False), (MOST_UNDER_WAY, False), (MOST_UNDER_WAY + 1, True)]
)
def test_so_many_are_answered_at_once_and_no_more(under_way: int, *, high: bool) -> None:
    assert Pressure().is_high(under_way) is high
