"""How `make integration` divides the tests between its two processes."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

ON_THE_SHARED_STACK = {
    f"tests/integration/test_{name}.py"
    for name in ("action_server", "conversation", "dialogues", "faults", "hostile_text", "topics")
}


class OneSharedStack(LoadFileScheduling):
    """Keeps a file in one process, and all files of the shared stack in one: it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "the shared stack" if file in ON_THE_SHARED_STACK else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneSharedStack:
    return OneSharedStack(config, log)
