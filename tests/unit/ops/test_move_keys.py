"""Secrets leave the state folder whole, once their copy has opened the records, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from ops import move_keys
from ops.move_keys import main
from safeguarding.settings import Settings
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.cases import Cases
from storage.vault import Vault, key_ring, new_key
from tests.commands import run
from tests.records import KEYS, WORDS, Clock, EscalationLog, escalation

TOKEN_KEY = "a key of the tests that is long enough"


@pytest.fixture
def state(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an older installation: its secrets are in the state folder, and it has a case."""
    for name in ("FIELD_KEYS", "TOKEN_KEY", "SECRETS_DIR"):
        monkeypatch.delenv(f"LANTERN_{name}", raising=False)
    folder = tmp_path / "var"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "field_keys").write_text(f"{KEYS}\n", "utf-8")
    (folder / "secrets" / "token_key").write_text(TOKEN_KEY, "utf-8")
    monkeypatch.setenv("LANTERN_STATE_DIR", str(folder))
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("LANTERN_DATABASE_URL", url)
    EscalationLog(engine, Vault(key_ring(KEYS)), Clock()).record(escalation())
    return folder


def contents(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


OLD = {"field_keys": f"{KEYS}\n", "token_key": TOKEN_KEY}


def test_secrets_are_moved_and_records_open_from_the_new_place(state: Path, engine: Engine) -> None:
    done = run(main)

    new = state.parent / "var-secrets"
    assert contents(new) == OLD
    assert not (state / "secrets").exists()
    assert {stat.S_IMODE(path.stat().st_mode) for path in new.iterdir()} == {0o600}
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    (message,) = Cases(engine, Vault.of(Settings.from_env())).whole("c1").messages
    assert message.text == WORDS
    (link,) = AuditLog(engine).newest(EventFilter(what="keys moved"), limit=9)
    assert link.event.detail["secrets"] == ["field_keys", "token_key"]
    assert all(secret.strip() not in done.output for secret in OLD.values())


def test_a_second_time_there_is_nothing_to_move(state: Path) -> None:
    run(main)

    done = run(main)

    assert (done.exit_code, "nothing to move" in done.stdout) == (0, True)
    assert contents(state.parent / "var-secrets") == OLD


def test_what_was_cut_off_is_finished(state: Path) -> None:
    new = state.parent / "var-secrets"
    new.mkdir()
    (new / "field_keys").write_text(OLD["field_keys"], "utf-8")

    assert run(main).exit_code == 0

    assert contents(new) == OLD
    assert not (state / "secrets").exists()


def test_a_file_that_is_there_already_and_differs_stops_everything(state: Path) -> None:
    new = state.parent / "var-secrets"
    new.mkdir()
    (new / "token_key").write_text("another key", "utf-8")

    done = run(main)

    assert done.exit_code == 1
    assert str(new / "token_key") in done.stderr
    assert contents(state / "secrets") == OLD
    assert contents(new) == {"token_key": "another key"}


@pytest.mark.parametrize(
    "ring",
    [f"k1:{new_key()}", f"k2:{new_key()}", "nonsense", "\N{SNOWMAN}"],
    ids=["same id", "other id", "nonsense", "no ASCII"],
)
def test_a_ring_that_does_not_open_the_records_is_deleted_nowhere(state: Path, ring: str) -> None:
    (state / "secrets" / "field_keys").write_text(ring, "utf-8")

    done = run(main)

    assert done.exit_code == 1
    assert "Nothing was deleted" in done.stderr
    assert ring not in done.stderr
    assert contents(state / "secrets") == OLD | {"field_keys": ring}


def test_a_copy_that_was_not_written_as_it_should_deletes_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(path: Path, content: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content[: len(content) // 2])

    monkeypatch.setattr(move_keys, "write_whole", half)

    assert run(main).exit_code == 1
    assert contents(state / "secrets") == OLD


def test_a_database_that_is_away_deletes_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", "postgresql+psycopg://x@127.0.0.1:1/x")

    assert run(main).exit_code == 1
    assert contents(state / "secrets") == OLD


def test_a_folder_that_cannot_be_made_is_named_with_what_makes_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state.parent / "a file").write_text("", "utf-8")
    monkeypatch.setenv("LANTERN_SECRETS_DIR", str(state.parent / "a file" / "secrets"))

    done = run(main)

    assert done.exit_code == 1
    assert "install -d -m 0700" in done.stderr
    assert contents(state / "secrets") == OLD


def test_a_folder_inside_the_state_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_SECRETS_DIR", str(state / "keys"))

    done = run(main)

    assert done.exit_code == 1
    assert "LANTERN_SECRETS_DIR" in done.stderr
    assert contents(state / "secrets") == OLD
