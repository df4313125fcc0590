"""Fixtures of more than one ring of tests. Imports only what every environment has."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from ops.stack import Stack

if find_spec("psycopg"):
    pytest_plugins = ("tests.databases", "tests.staff_fixtures")

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of Lantern as real processes, for tests that leave it as it was."""
    # Only the services have what these need.
    from ops.reply import wait_for_screening  # noqa: PLC0415
    from ops.stack import Stack  # noqa: PLC0415

    made = Stack(tmp_path_factory.mktemp("stack"), {"LANTERN_MESSAGES_PER_MINUTE": "100000"})
    made.setup()
    try:
        made.start()
        # Until then a message gets help alone.
        wait_for_screening(made.url("gateway"))
        yield made
    finally:
        made.stop()
