"""Call-backs and the worker on the database of the test."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from tests.records import Callbacks, Clock, WorkedMailbox


@pytest.fixture
def wishes(engine: Engine, clock: Clock) -> Callbacks:
    return Callbacks(engine, clock)


@pytest.fixture
def mailbox(engine: Engine, clock: Clock) -> WorkedMailbox:
    return WorkedMailbox(engine, clock)
