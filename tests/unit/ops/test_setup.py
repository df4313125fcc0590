"""Set-up makes what is missing, touches nothing that is there, and shows a password once."""

from __future__ import annotations

import os
import re
import stat
from datetime import time, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chat.gateway.duty import Duty, read_rota
from ops.setup import main, make_secrets
from safeguarding.clock import next_working_day, utc_now
from safeguarding.messages import Message
from safeguarding.settings import Settings
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from staff.rota.rota import ShiftKind, on_duty, rota_shifts, shifts
from storage.engine import connect
from storage.vault import Vault, key_ring
from tests.commands import run
from tests.content import real_content
from tests.records import KEYS, Clock, EscalationLog, escalation


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "DATABASE_URL",
        "FIELD_KEYS",
        "TOKEN_KEY",
        "CHANNEL_SECRET",
        "ACTION_SECRET",
        "SMTP_HOST",
        "REQUIRE_APPROVAL",
    ):
        monkeypatch.delenv(f"LANTERN_{name}", raising=False)
    monkeypatch.delenv("LANTERN_SECRETS_DIR", raising=False)
    folder = tmp_path / "var"
    monkeypatch.setenv("LANTERN_STATE_DIR", str(folder))
    return folder


def secrets_of(state: Path) -> Path:
    """Return the folder of the secrets: beside the state, and no part of it."""
    return state.parent / "var-secrets"


def engine_of(state: Path) -> Engine:
    return connect(f"sqlite:///{state / 'lantern.db'}")


async def said(state: Path, clock: Clock) -> str:
    """Return the end of a help card of the gateway on this database, at this time."""
    duty = Duty(partial(read_rota, engine_of(state)), real_content(), clock)
    await duty.read_once()
    ending = real_content().help_cards.ending("young_person")
    card = Message(kind="help_card", severity="urgent", text=ending)
    return duty.with_rota([card])[0]["text"]


def test_the_printed_account_can_sign_in(state: Path) -> None:
    printed = run(main).stdout

    name, password = re.findall(r"(?:sign-in name|password): +(\S+)", printed)
    accounts = StaffAccounts(connect(f"sqlite:///{state / 'lantern.db'}"))
    assert accounts.verify(name, password)


def test_two_leads_and_an_administrator_can_sign_in_and_each_password_is_shown(state: Path) -> None:
    printed = run(main).stdout

    accounts = StaffAccounts(connect(f"sqlite:///{state / 'lantern.db'}"))
    roles = {member.name: member.role for member in accounts.in_use()}
    assert roles == {
        "safeguarding-lead": Role.LEAD,
        "second-lead": Role.LEAD,
        "administrator": Role.ADMINISTRATOR,
    }
    for name in ("second-lead", "administrator"):
        found = re.search(rf"{name} +(\S+)", printed)
        assert found
        assert accounts.verify(name, found[1])


def test_a_second_run_changes_nothing_and_shows_no_password(state: Path) -> None:
    run(main)
    before = {path.name: path.read_text() for path in secrets_of(state).iterdir()}

    again = run(main)

    assert {path.name: path.read_text() for path in secrets_of(state).iterdir()} == before
    assert "password" not in again.stdout


async def test_the_chat_of_a_demonstration_says_when_staff_read(state: Path) -> None:
    run(main, "--rota")
    monday = next_working_day(utc_now() + timedelta(days=7), time(9))

    at_ten, at_eight = Clock(monday + timedelta(hours=1)), Clock(monday - timedelta(hours=1))

    assert "is on duty now and gets told" in await said(state, at_ten)
    assert "is on duty until 9am today" in await said(state, at_eight)
    with engine_of(state).connect() as connection:
        assert len(on_duty(connection, monday, ShiftKind.SECOND)) == 1


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ((), {}),
        (("--rota",), {"REQUIRE_APPROVAL": "true"}),
        (("--rota",), {"SMTP_HOST": "mail.example.org"}),
        (("--rota",), {"NOTIFY_API_KEY": "key"}),
    ],
)
def test_an_installation_begins_with_an_empty_rota(
    state: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str], settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"LANTERN_{name}", value)

    run(main, *arguments)

    with engine_of(state).connect() as connection:
        assert shifts(connection, utc_now(), utc_now() + timedelta(days=366)) == []


def test_a_rota_that_was_changed_is_left_alone(state: Path) -> None:
    run(main, "--rota")
    with engine_of(state).begin() as connection:
        connection.execute(sa.delete(rota_shifts))

    run(main, "--rota")

    with engine_of(state).connect() as connection:
        assert shifts(connection, utc_now(), utc_now() + timedelta(days=366)) == []


def test_what_was_made_is_on_the_audit_trail_once(state: Path) -> None:
    run(main)
    run(main)

    log = AuditLog(connect(f"sqlite:///{state / 'lantern.db'}"))
    (link,) = log.newest(EventFilter(), limit=9)
    assert (link.event.who, link.event.what) == ("command line", "set up")
    assert link.event.detail["accounts"] == 3


def test_secrets_are_for_their_owner_alone(state: Path) -> None:
    run(main)

    files = list(secrets_of(state).iterdir())
    assert {path.name for path in files} == {
        "field_keys",
        "token_key",
        "channel_secret",
        "action_secret",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(secrets_of(state).stat().st_mode) == 0o700
    assert not list(state.rglob("*secret*"))


def test_the_state_is_its_owners_whatever_was_there_before(state: Path) -> None:
    (state / "secrets").mkdir(parents=True)
    (state / "secrets" / "webhook_key").write_text("k" * 16, "utf-8")
    for path, mode in ((state, 0o755), (state / "secrets", 0o777)):
        path.chmod(mode)
    (state / "secrets" / "webhook_key").chmod(0o644)
    before = os.umask(0)
    try:
        run(main)
    finally:
        os.umask(before)

    assert {stat.S_IMODE(path.stat().st_mode) for path in (state, state / "secrets")} == {0o700}
    secrets = (state / "secrets").iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_the_field_keys_are_a_key_ring(state: Path) -> None:
    run(main)

    Vault(key_ring(Settings.from_env().secret("field_keys")))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "postgresql://x@127.0.0.1:1/x", "LANTERN_DATABASE_URL"),
        ("FIELD_KEYS", "k1:short", "field_keys"),
        ("TOKEN_KEY", " ", "LANTERN_TOKEN_KEY"),
        ("CHANNEL_SECRET", "", "LANTERN_CHANNEL_SECRET"),
        ("GATEWAY_PORT", "many", "LANTERN_GATEWAY_PORT"),
    ],
)
def test_says_in_one_line_what_is_in_the_way(
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(f"LANTERN_{name}", value)

    done = run(main)

    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_secret_of_the_environment_is_not_written_again(state: Path) -> None:
    made = make_secrets(Settings.from_env(), {"LANTERN_TOKEN_KEY": "given"})

    assert made == ["field_keys", "channel_secret", "action_secret"]
    assert not (secrets_of(state) / "token_key").exists()


def test_an_older_installation_keeps_its_secrets_where_they_are(state: Path) -> None:
    (state / "secrets").mkdir(parents=True)
    (state / "secrets" / "field_keys").write_text(KEYS, "utf-8")

    run(main)
    again = run(main)

    assert Settings.from_env().secret("field_keys") == KEYS
    assert len(list((state / "secrets").iterdir())) == 4
    assert not secrets_of(state).exists()
    assert again.exit_code == 0


def test_the_folder_of_the_secrets_may_be_chosen(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_SECRETS_DIR", str(tmp_path / "elsewhere"))

    printed = run(main).stdout

    assert len(list((tmp_path / "elsewhere").iterdir())) == 4
    assert str(tmp_path / "elsewhere") in printed
    assert not secrets_of(state).exists()


def test_records_get_no_new_key_ring_when_theirs_is_away(state: Path) -> None:
    run(main)
    engine = engine_of(state)
    EscalationLog(engine, Vault.of(Settings.from_env()), Clock()).record(escalation())
    away = secrets_of(state).rename(state.parent / "not mounted")

    done = run(main)

    assert done.exit_code == 1
    assert "k1" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not secrets_of(state).exists()
    away.rename(secrets_of(state))
    assert run(main).exit_code == 0
