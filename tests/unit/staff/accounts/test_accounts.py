"""Accounts: sign-in names, password hashes, roles, and equal work for unknown names."""

from __future__ import annotations

from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.engine import Engine

from staff.accounts.accounts import StaffAccounts, StaffNameError, normalised
from staff.accounts.passwords import PasswordError
from staff.accounts.permissions import Role
from staff.accounts.sessions import StaffSessions
from staff.accounts.tables import staff
from tests.records import PASSWORD


class CountingHasher(PasswordHasher):
    """Counts how often a password was compared: the work that takes time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.compared += 1
        return super().verify(hash, password)


@pytest.mark.parametrize("typed", ["ann.smith", " Ann.Smith ", "ANN.SMITH", "ａｎｎ.smith"])
def test_a_name_is_the_same_however_it_is_typed(accounts: StaffAccounts, typed: str) -> None:
    ann = accounts.add("Ann.Smith", PASSWORD)

    assert accounts.verify(typed, PASSWORD) == ann


def test_a_wrong_password_opens_nothing(accounts: StaffAccounts) -> None:
    accounts.add("ann", PASSWORD)

    assert accounts.verify("ann", PASSWORD + "x") is None
    assert accounts.verify("ann", "") is None


@pytest.mark.parametrize("name", ["ann", "nobody", "gone"])
def test_an_unknown_name_costs_as_much_work_as_a_known_one(engine: Engine, name: str) -> None:
    hasher = CountingHasher()
    accounts = StaffAccounts(engine, hasher=hasher)
    accounts.add("ann", PASSWORD)
    accounts.add("gone", PASSWORD)
    accounts.disable("gone")

    assert accounts.verify(name, "wrong") is None
    assert hasher.compared == 1


def test_only_a_digest_of_the_password_is_kept(accounts: StaffAccounts, engine: Engine) -> None:
    accounts.add("ann", PASSWORD)

    with engine.connect() as connection:
        kept = connection.execute(sa.select(staff.c.password_hash)).scalar_one()
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_a_costlier_hash_replaces_the_old_one_at_sign_in(
    accounts: StaffAccounts, engine: Engine
) -> None:
    accounts.add("ann", PASSWORD)
    dearer = StaffAccounts(engine, hasher=PasswordHasher(2, 16, 1))

    assert dearer.verify("ann", PASSWORD)
    with engine.connect() as connection:
        assert "m=16,t=2" in connection.execute(sa.select(staff.c.password_hash)).scalar_one()
    assert dearer.verify("ann", PASSWORD)


def test_a_disabled_account_and_its_sessions_open_nothing(
    accounts: StaffAccounts, engine: Engine
) -> None:
    ann = accounts.add("ann", PASSWORD)
    sessions = StaffSessions(engine)
    token = sessions.start(ann.id)

    assert accounts.disable(" ANN ") is True
    assert accounts.verify("ann", PASSWORD) is None
    assert sessions.find(token) is None
    assert accounts.shown_names([ann.id]) == {ann.id: "ann"}


def test_disabling_an_unknown_account_returns_false(accounts: StaffAccounts) -> None:
    assert accounts.disable("nobody") is False


def test_a_new_password_ends_the_old_one_and_every_session(
    accounts: StaffAccounts, engine: Engine
) -> None:
    ann = accounts.add("ann", PASSWORD)
    sessions = StaffSessions(engine)
    token = sessions.start(ann.id)

    accounts.change_password(ann, "another long password")

    assert accounts.verify("ann", PASSWORD) is None
    assert accounts.verify("ann", "another long password") == ann
    assert sessions.find(token) is None


@pytest.mark.parametrize("name", ["", "  ", "ann", "ANN "])
def test_refuses_an_empty_or_taken_name(accounts: StaffAccounts, name: str) -> None:
    accounts.add("ann", PASSWORD)

    with pytest.raises(StaffNameError):
        accounts.add(name, PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1234", "ann otter purple lamp"])
def test_refuses_a_bad_password_for_a_new_account_and_an_old_one(
    accounts: StaffAccounts, password: str
) -> None:
    with pytest.raises(PasswordError):
        accounts.add("ann", password)
    ann = accounts.add("ann", PASSWORD)
    with pytest.raises(PasswordError):
        accounts.change_password(ann, password)
    assert accounts.verify("ann", PASSWORD)


def test_says_whether_there_is_an_account(accounts: StaffAccounts) -> None:
    assert accounts.exist() is False
    accounts.add("ann", PASSWORD)
    assert accounts.exist() is True


def test_a_new_role_holds_at_once_in_open_sessions(accounts: StaffAccounts, engine: Engine) -> None:
    accounts.add("ann", PASSWORD)
    bob = accounts.add("bob", PASSWORD)
    assert bob.role is Role.REVIEWER
    sessions = StaffSessions(engine)
    token = sessions.start(bob.id)

    assert accounts.set_role(" BOB ", Role.LEAD) is True

    session = sessions.find(token)
    assert session is not None
    assert session.staff.role is Role.LEAD


def test_only_an_account_in_use_gets_a_role(accounts: StaffAccounts) -> None:
    accounts.add("gone", PASSWORD)
    accounts.disable("gone")

    assert accounts.set_role("gone", Role.LEAD) is False
    assert accounts.set_role("nobody", Role.LEAD) is False


def test_spaces_within_a_name_run_together() -> None:
    assert normalised("  Ann\u00a0 Smith\t") == "ann smith"
