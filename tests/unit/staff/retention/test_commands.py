"""The commands of an operator: dispose, erase, backup, restore."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import Result

from lantern import lantern
from safeguarding.taxonomy import ROOT, Severity
from staff.cases.cases import Cases
from storage.engine import connect
from tests.commands import run
from tests.office import Office
from tests.records import KEYS, WORDS, Clock, vault


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Return an office of long ago, in whose state folder the commands run."""
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    monkeypatch.delenv("LANTERN_DATABASE_URL", raising=False)
    return Office(connect(sqlite_url), Clock(datetime(1990, 1, 1, tzinfo=timezone.utc)))


def said(result: Result) -> str:
    """Return the output, after checking that it has no words of a child."""
    assert WORDS not in result.output
    return result.output


def test_a_dry_run_shows_and_changes_nothing(office: Office) -> None:
    reference = office.reference(office.closed("c1"))
    office.reference(office.hand_over("c2"))
    done = run(lantern, "dispose", "--dry-run")

    assert done.exit_code == 0
    line, count = said(done).splitlines()
    assert line == (f"{reference}\tconcern\tclosed 1990-01-01\tconcern clock ran out on 1996-01-01")
    assert count == "Cases that are due: 1"
    assert office.known() == {"c1", "c2"}


@pytest.mark.parametrize("command", [("dispose", "--yes"), ("erase", "--reason", "objection")])
def test_a_process_of_its_own_knows_every_table(
    office: Office, tmp_path: Path, command: tuple[str, ...]
) -> None:
    reference = office.reference(office.closed("c1"))
    which = (reference, "--yes") if command[0] == "erase" else ()
    database = f"sqlite:///{office.engine.url.database}"
    done = subprocess.run(
        [sys.executable, "-m", "lantern", *command, *which],
        env={**os.environ, "LANTERN_DATABASE_URL": database},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert office.known() == set()


def test_nothing_is_deleted_without_a_yes(office: Office, tmp_path: Path) -> None:
    office.closed("c1")
    assert run(lantern, "dispose", stdin=b"n\n").exit_code == 1
    assert office.known() == {"c1"}

    done = run(lantern, "dispose", "--yes")
    assert "Cases disposed of: 1" in said(done)
    assert office.known() == set()
    [certificate] = (tmp_path / "disposals").glob("*.json")
    assert f"Certificate: {certificate}" in done.output
    assert run(lantern, "dispose").exit_code == 0


def test_clocks_are_settings(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.closed("c1", Severity.URGENT)
    monkeypatch.setenv("LANTERN_KEEP_URGENT_YEARS", "150")
    assert said(run(lantern, "dispose", "--dry-run")) == "Cases that are due: 0\n"
    monkeypatch.setenv("LANTERN_KEEP_URGENT_YEARS", "10")
    assert "urgent clock ran out on 2000-01-01" in said(run(lantern, "dispose", "--dry-run"))


def test_a_case_is_erased_by_its_reference(office: Office) -> None:
    office.closed("c1")
    office.closed("c2")
    office.merging.merge("c2", "c1", by=office.ann)
    merged, reference = office.reference("c2"), office.reference("c1")
    refused = run(lantern, "erase", merged, "--yes")
    assert refused.exit_code == 2  # no reason
    done = run(lantern, "erase", merged.lower(), "--reason", "objection", "--yes")

    assert done.exit_code == 0
    assert f"Erased: {reference}, {merged}." in said(done)
    assert office.known() == set()


@pytest.mark.parametrize("wrong", ["open", "held", "unknown", "going on"])
def test_a_refusal_says_what_to_do(office: Office, wrong: str) -> None:
    reference = office.reference(office.hand_over("c1"))
    if wrong == "held":
        office.merging.hold("c1", held=True, by=office.ann)
    if wrong == "going on":
        office.clock.at = datetime.now(tz=timezone.utc) - timedelta(minutes=10)
        reference = office.reference(office.closed("c2"))
    if wrong == "unknown":
        reference = "LN-2222-2222"
    done = run(lantern, "erase", reference, "--reason", "objection", "--yes")

    assert done.exit_code == 1
    told = {
        "open": "say --open",
        "held": "legal hold",
        "unknown": "no such case",
        "going on": "silent for 1:00:00",
    }
    assert told[wrong] in done.stderr
    assert "c1" in office.known()


def test_the_drill_by_hand(office: Office, tmp_path: Path) -> None:
    office.hand_over("c1")
    erased = office.reference(office.closed("c2"))
    backup = tmp_path.parent / f"{tmp_path.name}-copy"
    taken = run(lantern, "backup", str(backup))
    assert taken.exit_code == 0
    assert "cases: 2, messages: 2" in said(taken)
    assert "Keep apart: field_keys" in taken.output
    run(lantern, "erase", erased, "--reason", "unlawful", "--yes")
    assert run(lantern, "restore", str(backup)).exit_code == 1  # it is there
    office.engine.dispose()
    for path in tmp_path.glob("lantern.db*"):
        path.unlink()
    done = run(lantern, "restore", str(backup))

    assert done.exit_code == 0
    assert "Disposed of since, and again now: 1" in said(done)
    assert office.known() == {"c1"}
    assert Cases(connect(f"sqlite:///{tmp_path / 'lantern.db'}"), vault()).find("c1").handoffs == 1
    assert (tmp_path / "lantern.db").stat().st_mode & 0o077 == 0


def test_a_restore_without_a_ledger_has_to_be_meant(office: Office, tmp_path: Path) -> None:
    office.hand_over("c1")
    backup = tmp_path.parent / f"{tmp_path.name}-copy"
    run(lantern, "backup", str(backup))
    office.engine.dispose()
    shutil.rmtree(tmp_path)
    refused = run(lantern, "restore", str(backup))
    assert refused.exit_code == 1
    assert "--no-ledger" in refused.stderr
    assert run(lantern, "restore", str(backup), "--no-ledger").exit_code == 0
    assert office.known() == {"c1"}


def test_a_restore_that_was_cut_off_is_begun_again(office: Office, tmp_path: Path) -> None:
    office.hand_over("c1")
    backup = tmp_path.parent / f"{tmp_path.name}-copy"
    run(lantern, "backup", str(backup))
    office.engine.dispose()
    for path in tmp_path.glob("lantern.db*"):
        path.unlink()
    for name in (".lantern.db.restoring", ".lantern.db.restoring-wal"):
        (tmp_path / name).write_bytes(b"half of it")
    assert run(lantern, "restore", str(backup), "--no-ledger").exit_code == 0

    assert office.known() == {"c1"}
    assert list(tmp_path.glob(".lantern.db*")) == []
