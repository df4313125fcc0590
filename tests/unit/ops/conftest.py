"""Fixtures of the tests of ops/."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.gateway import FakeGateway, fake_gateway
from tests.unit.staff.cases.conftest import accounts, ann, cases, casework, clock, log

__all__ = ["accounts", "ann", "cases", "casework", "clock", "gateway", "log"]


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with fake_gateway() as server:
        yield server
