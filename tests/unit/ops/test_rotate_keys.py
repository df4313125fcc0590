"""Rotation seals everything with the first key, and loses nothing on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ops.rotate_keys import main, rotate
from safeguarding.escalation import Outcome
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from staff.cases.case import Referral
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.tables import SEALED, data_keys, escalations
from staff.cases.worker import CaseWorker
from storage.handoffs import HandoffMailbox
from storage.replies import ReplyMailbox
from storage.vault import (
    Vault,
    VaultError,
    key_ring,
    new_key,
    note_key_in_use,
    processes_with_other_keys,
)
from tests.commands import run
from tests.records import (
    KEYS,
    NOON,
    WORDS,
    EscalationLog,
    WorkedMailbox,
    escalation,
    sealed_as_v1,
    vault,
)

NEW = f"new:{new_key()}"


OLD_ROW = {"table": "escalations", "row": "m2"}


@pytest.fixture
def filled(log: EscalationLog, casework: Casework, ann: str) -> None:
    """Two cases, and what staff wrote on one."""
    log.record(escalation("m1"))
    log.record(escalation("m2", conversation_id="c2"))
    casework.close("c1", ClosingDecision(Outcome.OTHER, "A note."), by=ann)
    casework.refer("c1", Referral("police", "form", NOON, "CAD 1", ""), by=ann)


@pytest.fixture
def old_row(filled: None, engine: Engine) -> None:
    """One message as it was sealed before cases had keys, and before facts were proved."""
    cells = {"text": WORDS, "turns": "[]", "shown": "[]"}
    sealed = {
        name: sealed_as_v1(text, KEYS, **OLD_ROW, column=name) for name, text in cells.items()
    }
    with engine.begin() as connection:
        mine = sa.update(escalations).where(escalations.c.message_id == "m2")
        connection.execute(mine.values(**sealed, nearest=None))
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "c2"))


def test_the_data_keys_end_up_under_the_first_key_and_the_words_under_them(
    filled: None, engine: Engine
) -> None:
    assert rotate(engine, Vault(key_ring(f"{NEW},{KEYS}"))) == 2

    with engine.connect() as connection:
        for table, columns in SEALED.items():
            beginning = "v2|new|" if table is data_keys else "v2|case|"
            for row in connection.execute(sa.select(*(table.c[name] for name in columns))):
                assert all(cell.startswith(beginning) for cell in row)


def test_the_new_key_alone_reads_everything_afterwards(
    filled: None, engine: Engine, cases: Cases
) -> None:
    before = cases.whole("c1")
    rotate(engine, Vault(key_ring(f"{NEW},{KEYS}")))

    assert Cases(engine, Vault(key_ring(NEW))).whole("c1") == before
    with pytest.raises(VaultError):
        cases.whole("c1")


def test_what_the_ring_sealed_before_goes_under_a_data_key_of_its_case(
    old_row: None, engine: Engine, cases: Cases
) -> None:
    before = cases.whole("c2")
    assert before.messages[0].text == WORDS

    # Three cells of the message, and the key of the other case; the new key is current.
    assert rotate(engine, Vault(key_ring(f"{NEW},{KEYS}"))) == 4
    assert Cases(engine, Vault(key_ring(NEW))).whole("c2") == before
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(severity=0))
    with pytest.raises(VaultError):
        Cases(engine, Vault(key_ring(NEW))).whole("c2")


def test_a_second_run_finds_nothing_to_do(filled: None, engine: Engine) -> None:
    ring = Vault(key_ring(f"{NEW},{KEYS}"))
    rotate(engine, ring)

    assert rotate(engine, ring) == 0


def test_what_waits_in_both_mailboxes_is_sealed_again_and_what_is_done_is_left_alone(
    engine: Engine, cases: Cases
) -> None:
    WorkedMailbox(engine).append(escalation("done"))
    HandoffMailbox(engine, vault()).append(escalation("waits"))
    later = NOON + timedelta(days=1)
    ReplyMailbox(engine, vault()).post("r1", "c1", "hello", at=NOON, expires_at=later)

    # The key of the case, the row that waits and the reply.
    assert rotate(engine, Vault(key_ring(f"{NEW},{KEYS}"))) == 3

    ring = Vault(key_ring(NEW))
    assert CaseWorker(engine, ring).work_off() == 0
    messages = Cases(engine, ring).whole("c1").messages
    assert {each.message_id for each in messages} == {"done", "waits"}
    reply = ReplyMailbox(engine, ring).claim("c1", "a", NOON)
    assert reply is not None
    assert reply.text == "hello"


def test_stops_where_a_key_is_missing(filled: None, engine: Engine) -> None:
    with pytest.raises(VaultError):
        rotate(engine, Vault(key_ring(NEW)))


def test_the_command_says_when_the_older_keys_may_go(
    filled: None,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", f"{NEW},{KEYS}")

    done = run(main)

    assert done.exit_code == 0
    assert "2 values" in done.stdout


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


def test_processes_of_the_same_number_in_two_containers_are_two(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    for ring in (KEYS, f"{NEW},{KEYS}"):
        note_key_in_use(settings, Vault(key_ring(ring)))

    assert processes_with_other_keys(settings, Vault(key_ring(f"{NEW},{KEYS}"))) == [1]


@contextmanager
def sealing_elsewhere(state: Path, keys: str) -> Iterator[int]:
    """Start a process that seals with the first of these keys; yield its id."""
    program = (
        "import sys; from storage import vault;"
        "from safeguarding.settings import Settings;"
        "vault.note_key_in_use(Settings.from_env(), vault.Vault(vault.key_ring(sys.argv[1])));"
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
    filled: None,
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
