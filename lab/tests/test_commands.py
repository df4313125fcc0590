"""Each command of the lab can be called in the lab's environment."""

from __future__ import annotations

import pytest

from lantern import COMMANDS, lantern
from tests.commands import run

OF_THE_LAB = [name for name, row in COMMANDS.items() if row.environment == "lab"]


@pytest.mark.parametrize("name", OF_THE_LAB)
def test_each_command_of_the_lab_says_what_it_takes(name: str) -> None:
    done = run(lantern, name, "--help")

    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: lantern {name}")
