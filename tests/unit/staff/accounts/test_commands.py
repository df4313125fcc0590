"""The command for accounts: each password is printed once and works."""

from __future__ import annotations

import re

import pytest
from click.testing import Result
from sqlalchemy.engine import Engine

from staff.accounts.accounts import StaffAccounts
from staff.accounts.commands import main
from staff.audit.trail import AuditLog, EventFilter
from tests.commands import run


@pytest.fixture
def accounts(database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> StaffAccounts:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    return StaffAccounts(engine)


def printed_password(done: Result) -> str:
    found = re.search(r"password: +(\S+)", done.stdout)
    assert found
    return found[1]


def test_a_new_account_signs_in_with_the_printed_password(accounts: StaffAccounts) -> None:
    done = run(main, "add", "Ann", "--shown-name", "Ann Smith")

    assert done.exit_code == 0
    member = accounts.verify("ann", printed_password(done))
    assert member is not None
    assert member.shown_name == "Ann Smith"


def test_a_reset_replaces_the_password(accounts: StaffAccounts) -> None:
    first = printed_password(run(main, "add", "ann"))

    second = printed_password(run(main, "reset", "ANN"))

    assert accounts.verify("ann", second)
    assert accounts.verify("ann", first) is None


def test_the_list_leaves_out_disabled_accounts(accounts: StaffAccounts) -> None:
    for name in ("ann", "bob"):
        run(main, "add", name)
    assert run(main, "disable", "bob").exit_code == 0

    assert run(main, "list").stdout == "ann\tann\tlead\n"


def test_the_first_account_is_a_lead_and_others_by_choice(accounts: StaffAccounts) -> None:
    run(main, "add", "ann")
    run(main, "add", "bob")
    run(main, "add", "cat", "--role", "lead")
    assert _roles(accounts) == {"ann": "lead", "bob": "reviewer", "cat": "lead"}

    assert run(main, "role", "BOB", "lead").exit_code == 0
    assert run(main, "role", "ann", "reviewer").exit_code == 0

    assert _roles(accounts) == {"ann": "reviewer", "bob": "lead", "cat": "lead"}


def _roles(accounts: StaffAccounts) -> dict[str, str]:
    return {member.name: member.role.value for member in accounts.in_use()}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["add", "ann"], "This sign-in name is taken."),
        (["reset", "nobody"], "There is no account in use with this name."),
        (["disable", "nobody"], "There is no account with this name."),
        (["role", "nobody", "lead"], "There is no account in use with this name."),
    ],
)
def test_says_what_could_not_be_done(accounts: StaffAccounts, command: list[str], why: str) -> None:
    run(main, "add", "ann")

    done = run(main, *command)

    assert done.exit_code == 1
    assert why in done.stderr


def test_each_change_is_on_the_audit_trail_without_a_secret(
    accounts: StaffAccounts, engine: Engine
) -> None:
    run(main, "add", "ann")
    password = printed_password(run(main, "reset", "ann"))
    run(main, "role", "ann", "reviewer")
    run(main, "disable", "ann")
    run(main, "disable", "ann")
    run(main, "add", "ann")

    events = [link.event for link in AuditLog(engine).newest(EventFilter(), limit=9)]
    assert [event.what for event in reversed(events)] == [
        "account opened",
        "password reset",
        "role changed",
        "account shut",
    ]
    assert {event.who for event in events} == {"command line"}
    assert len({event.detail["account"] for event in events}) == 1
    assert all(event.detail["operator"] for event in events)
    assert password not in str(events)
