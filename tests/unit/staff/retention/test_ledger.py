"""The ledger follows the trail, survives a crash in the middle of a line, and shows a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from staff.audit import trail
from staff.audit.trail import Event
from staff.retention.ledger import DISPOSED, Ledger, LedgerError
from tests.records import NOON


@pytest.fixture
def ledger(tmp_path: Path, engine: Engine) -> Ledger:
    """Return a ledger of three disposed cases."""
    made = Ledger(tmp_path / "disposals" / Ledger.NAME)
    with engine.begin() as connection:
        for number in range(3):
            detail = {"run": "r1", "reference": f"LN-2222-222{number}"}
            event = Event(NOON, "command line", DISPOSED, f"c{number}", detail=detail)
            trail.append(connection, event)
        assert made.catch_up(connection) == 3
    return made


def test_it_holds_what_the_trail_says_once(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as connection:
        assert ledger.catch_up(connection) == 0

    entries = ledger.entries()
    assert [entry.case_id for entry in entries] == ["c0", "c1", "c2"]
    assert {entry.moment for entry in entries} == {NOON}
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_half_a_line_is_written_again(ledger: Ledger, engine: Engine) -> None:
    content = ledger.path.read_bytes()
    ledger.path.write_bytes(content[:-20])
    assert len(ledger.entries()) == 2
    with engine.connect() as connection:
        assert ledger.catch_up(connection) == 1

    assert ledger.path.read_bytes() == content


@pytest.mark.parametrize("wrong", ["changed", "left out", "put in", "no JSON"])
def test_a_change_is_found(ledger: Ledger, wrong: str) -> None:
    lines = ledger.path.read_text("utf-8").splitlines()
    if wrong == "changed":
        lines[1] = json.dumps(json.loads(lines[1]) | {"case_id": "somebody else"})
    elif wrong == "left out":
        del lines[1]
    elif wrong == "put in":
        lines.insert(1, json.dumps(json.loads(lines[0]) | {"case_id": "somebody else"}))
    else:
        lines[1] = "x"
    ledger.path.write_text("\n".join(lines) + "\n", "utf-8")

    with pytest.raises(LedgerError, match="line 2"):
        ledger.entries()
