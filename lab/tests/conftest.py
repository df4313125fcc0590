"""Fixtures of several folders of the lab's tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.fakes.gateway import FakeGateway, fake_gateway

if find_spec("psycopg"):  # Rasa's environment has none
    pytest_plugins = ("tests.databases", "tests.staff_fixtures")


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """Run a server in place of the gateway and of Rasa's gateway channel."""
    with fake_gateway() as server:
        yield server
