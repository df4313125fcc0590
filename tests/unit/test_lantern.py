"""One command for everything: listed everywhere, imported only where it is called."""

from __future__ import annotations

import ast
import subprocess
import sys

import click
import pytest

from lantern import COMMANDS, lantern
from safeguarding.taxonomy import ROOT
from tests.commands import run

LOADED = """
import sys
from lantern import lantern
lantern(["--help"], standalone_mode=False)
rooms = {"safeguarding", "storage", "web", "bot", "actions", "chat", "staff", "ops", "lab"}
print([name for name in sys.modules if name.partition(".")[0] in rooms])
"""


def test_the_list_names_every_command_and_imports_none() -> None:
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert [name for name in COMMANDS if f"  {name} " not in done.stdout] == []
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_a_click_command(name: str) -> None:
    module, _, function = COMMANDS[name].place.partition(":")
    path = ROOT / f"{module.replace('.', '/')}.py"
    functions = {
        node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }

    assert {"click.command()", "click.group()", "command()"} & set(functions[function])


@pytest.mark.parametrize(
    "name", [name for name, row in COMMANDS.items() if row.environment in {"any", "services"}]
)
def test_each_command_of_the_services_says_what_it_takes(name: str) -> None:
    done = run(lantern, name, "--help")

    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: lantern {name}")


def test_a_command_of_another_environment_says_which_one() -> None:
    done = run(lantern, "classify")

    assert done.exit_code == 2
    assert "classify runs in .venv-assistant: rasa is missing" in done.stderr


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(click.UsageError):
        lantern(["clasify"], standalone_mode=False)


def test_a_command_of_the_lab_says_where_it_runs_when_the_lab_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lab", None)
    for name in [name for name in sys.modules if name.startswith("lab.")]:
        monkeypatch.delitem(sys.modules, name)

    done = run(lantern, "learn")

    assert done.exit_code == 2
    assert "learn runs in .venv-lab: lab" in done.stderr
