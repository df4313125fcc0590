"""Fixtures of more than one ring of tests. Imports only what both environments have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of Lantern as real processes, for tests that leave it as it was."""
    made = Stack(tmp_path_factory.mktemp("stack"), {"LANTERN_MESSAGES_PER_MINUTE": "100000"})
    made.setup()
    try:
        made.start()
        yield made
    finally:
        made.stop()
