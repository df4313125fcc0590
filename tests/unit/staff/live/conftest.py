"""The office of live chats, on the database of a test."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from staff.live.desk import LiveDesk
from tests.live_on import LiveOffice
from tests.records import Clock


@pytest.fixture
def office(engine: Engine, clock: Clock) -> LiveOffice:
    return LiveOffice(engine, clock)


@pytest.fixture
def desk(office: LiveOffice) -> LiveDesk:
    return office.desk
