"""Invitations work once, and an administrator alone cannot give access to cases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import LastAdministratorError, Staff, StaffAccounts
from staff.accounts.invitations import InvitationGoneError, Invitations
from staff.accounts.permissions import Permission, Role
from staff.accounts.tables import staff_invitations
from tests.records import PASSWORD


@pytest.fixture
def invitations(engine: Engine, accounts: StaffAccounts) -> Invitations:
    return Invitations(engine, accounts)


@pytest.fixture
def ada(accounts: StaffAccounts) -> Staff:
    return accounts.add("ada", PASSWORD, role=Role.ADMINISTRATOR)


def test_eight_who_use_a_link_at_once_open_one_account(
    invitations: Invitations, accounts: StaffAccounts, ada: Staff
) -> None:
    token = invitations.invite("Zoe", Role.AUDITOR, by=ada.id)

    def use(number: int) -> bool:
        try:
            invitations.accept(token, f"zoe{number}", PASSWORD)
        except InvitationGoneError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(8))) == 1
    assert len(accounts.in_use()) == 2


def test_the_database_keeps_no_link(invitations: Invitations, ada: Staff, engine: Engine) -> None:
    token = invitations.invite("Zoe", Role.AUDITOR, by=ada.id)

    with engine.connect() as connection:
        assert token not in str(connection.execute(sa.select(staff_invitations)).all())


def test_a_newer_link_for_a_password_ends_the_older(invitations: Invitations, ada: Staff) -> None:
    older, newer = (invitations.renew(ada, by=ada.id) for _ in range(2))

    with pytest.raises(InvitationGoneError):
        invitations.find(older)
    assert invitations.find(newer).name == "ada"


def test_a_disabled_account_gets_no_new_password(
    invitations: Invitations, accounts: StaffAccounts, ada: Staff
) -> None:
    bob = accounts.add("bob", PASSWORD)
    token = invitations.renew(bob, by=ada.id)
    accounts.disable("bob")

    with pytest.raises(InvitationGoneError):
        invitations.accept(token, "bob", PASSWORD)


@pytest.mark.parametrize(("role", "admitted"), [(Role.LEAD, False), (Role.AUDITOR, True)])
def test_who_will_read_cases_waits_for_a_lead(
    invitations: Invitations, accounts: StaffAccounts, ada: Staff, role: Role, admitted: bool
) -> None:
    token = invitations.invite("Zoe", role, by=ada.id)

    zoe = invitations.accept(token, "zoe", PASSWORD)

    assert accounts.verify("zoe", PASSWORD) == zoe
    assert zoe.admitted is admitted
    assert not zoe.may(Permission.READ_CASES)
    accounts.admit("zoe")
    named = accounts.named("zoe")
    assert named is not None
    assert named.may(Permission.READ_CASES) is (role is Role.LEAD)


def test_two_administrators_who_disable_each_other_at_once_leave_one(
    accounts: StaffAccounts, ada: Staff
) -> None:
    accounts.add("abe", PASSWORD, role=Role.ADMINISTRATOR)

    def shut(name: str) -> None:
        try:
            accounts.disable(name)
        except LastAdministratorError:
            return

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shut, ["ada", "abe"]))

    assert len(accounts.in_use()) == 1


def test_areas_are_kept_and_taken_away(accounts: StaffAccounts, ada: Staff) -> None:
    assert ada.areas is None
    accounts.set_areas("ada", frozenset({"wiltshire", "swindon"}))
    member = accounts.named("ada")
    assert member is not None
    assert member.areas == {"wiltshire", "swindon"}
    accounts.set_areas("ada", None)
    assert accounts.named("ada") == ada
