"""docs/threat-model.md: every threat has a control, and every control a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from safeguarding.taxonomy import ROOT

TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| | threat")
]


@cache
def functions(path: Path) -> frozenset[str]:
    """The tests of a module."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in nodes if isinstance(node, kinds))


def missing(cell: str) -> list[str]:
    """Of the tests that a cell names, those that are not there; "::name" is of the file before."""
    found, file = [], ""
    for named in re.findall(r"`([^`]+)`", cell):
        before, _, name = named.partition("::")
        file = before or file
        path = ROOT / file
        if not path.exists() or (name and name not in functions(path)):
            found.append(named)
    return found


def test_every_kind_of_threat_is_looked_for() -> None:
    kinds = {kind.strip() for row in ROWS for kind in row[0].split(",")}

    assert kinds == set("STRIDE")
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:40])
def test_every_control_is_shown_by_a_test_that_exists(row: list[str]) -> None:
    _, threat, control, tests, _ = row

    assert threat
    assert control
    assert "tests/" in tests
    assert missing(tests) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    here = "tests/contract/test_threat_model.py"

    assert missing(f"`{here}::test_a_test_that_is_not_there_is_noticed`, `::test_x`") == [
        "::test_x"
    ]
    assert missing("`tests/nowhere.py`") == ["tests/nowhere.py"]
