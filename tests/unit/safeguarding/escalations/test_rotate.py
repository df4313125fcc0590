"""Rotation seals everything with the first key, and loses nothing on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalations.escalation import Outcome
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.rotate import main, rotate
from safeguarding.escalations.tables import SEALED, escalations
from safeguarding.escalations.vault import Vault, VaultError, key_ring, new_key
from safeguarding.taxonomy import ROOT
from tests.commands import run
from tests.records import KEYS, escalation

NEW = f"new:{new_key()}"


@pytest.fixture
def filled(log: EscalationLog, ann: str) -> EscalationLog:
    log.record(escalation("m1"))
    log.record(escalation("m2"))
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="A note.")
    return log


def test_every_sealed_cell_ends_up_under_the_first_key(
    filled: EscalationLog, engine: Engine
) -> None:
    assert rotate(engine, Vault(key_ring(f"{NEW},{KEYS}"))) == 9

    with engine.connect() as connection:
        for table, columns in SEALED.items():
            for row in connection.execute(sa.select(*(table.c[name] for name in columns))):
                assert all(cell.startswith("v1|new|") for cell in row)


def test_the_new_key_alone_reads_everything_afterwards(
    filled: EscalationLog, engine: Engine
) -> None:
    before = filled.get("m1")
    rotate(engine, Vault(key_ring(f"{NEW},{KEYS}")))

    assert EscalationLog(engine, Vault(key_ring(NEW))).get("m1") == before


def test_a_record_from_before_examples_were_kept_has_nothing_to_seal(
    filled: EscalationLog, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(nearest=None))

    assert rotate(engine, Vault(key_ring(f"{NEW},{KEYS}"))) == 7


def test_a_second_run_finds_nothing_to_do(filled: EscalationLog, engine: Engine) -> None:
    ring = Vault(key_ring(f"{NEW},{KEYS}"))
    rotate(engine, ring)

    assert rotate(engine, ring) == 0


def test_stops_where_a_key_is_missing(filled: EscalationLog, engine: Engine) -> None:
    with pytest.raises(VaultError):
        rotate(engine, Vault(key_ring(NEW)))


def test_the_command_says_when_the_older_keys_may_go(
    filled: EscalationLog,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", f"{NEW},{KEYS}")

    done = run(main)

    assert done.exit_code == 0
    assert "9 values" in done.stdout


def test_the_older_keys_stay_while_a_process_seals_with_one(
    filled: EscalationLog,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", f"{NEW},{KEYS}")
    with sealing_elsewhere(tmp_path, KEYS) as pid, sealing_elsewhere(tmp_path, f"{NEW},{KEYS}"):
        refused = run(main)

    done = run(main)

    assert (refused.exit_code, f"Process {pid} seals" in refused.stdout) == (1, True)
    assert "may be removed" not in refused.stdout
    assert (done.exit_code, "may be removed" in done.stdout) == (0, True)


@contextmanager
def sealing_elsewhere(state: Path, keys: str) -> Iterator[int]:
    """A process that seals with the first of these keys until it is killed; its id."""
    program = (
        "import sys; from safeguarding.escalations import key_users, vault;"
        "from safeguarding.settings import Settings;"
        "key_users.announce(Settings.from_env(), vault.Vault(vault.key_ring(sys.argv[1])));"
        "print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, keys],
        cwd=ROOT,
        env={**os.environ, "LANTERN_STATE_DIR": str(state)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def test_the_command_asks_for_a_key_that_is_missing(
    filled: EscalationLog,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", f"other:{new_key()}")

    done = run(main)

    assert done.exit_code == 1
    assert "field_keys" in done.stderr
