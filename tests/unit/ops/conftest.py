"""Fixtures of the tests of ops/."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.gateway import FakeGateway, fake_gateway


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with fake_gateway() as server:
        yield server
