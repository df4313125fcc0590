"""A database with an office at work, and what disposes of its cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.retention.disposal import Disposals
from tests.office import Office
from tests.records import NOON, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON - timedelta(days=40 * 365))


@pytest.fixture
def office(engine: Engine, clock: Clock) -> Office:
    return Office(engine, clock)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def disposals(engine: Engine, state: Path, clock: Callable[[], datetime]) -> Disposals:
    return Disposals(engine, state, "operator", clock)
