"""An identity opens one account, an account has one identity, on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.invitations import Invitations
from staff.accounts.permissions import Role
from staff.accounts.sign_ons import Identity, LinkedElsewhereError, SignOns
from tests.records import PASSWORD, accounts_on

ISSUER = "https://login.example"
SOMEBODY = Identity(ISSUER, "u1")


@pytest.fixture
def accounts(engine: Engine) -> StaffAccounts:
    return accounts_on(engine)


@pytest.fixture
def sign_ons(engine: Engine) -> SignOns:
    return SignOns(engine)


@pytest.fixture
def ann(accounts: StaffAccounts) -> Staff:
    return accounts.add("ann", PASSWORD, role=Role.ADMINISTRATOR)


def opened(sign_ons: SignOns, identity: Identity) -> str | None:
    """The name of the account in use that this identity opens."""
    linked = sign_ons.find(identity)
    return linked.staff.name if linked and linked.in_use else None


def test_an_identity_is_its_issuer_and_its_subject_exactly(sign_ons: SignOns, ann: Staff) -> None:
    sign_ons.link(ann.id, SOMEBODY)

    assert opened(sign_ons, SOMEBODY) == "ann"
    for other in (
        Identity(ISSUER, "U1"),
        Identity(ISSUER, "u1 "),
        Identity(f"{ISSUER}/", "u1"),
        Identity("https://another.example", "u1"),
        Identity("", ""),
    ):
        assert sign_ons.find(other) is None


def test_a_newer_identity_takes_the_place_of_the_older(sign_ons: SignOns, ann: Staff) -> None:
    sign_ons.link(ann.id, SOMEBODY)
    sign_ons.link(ann.id, SOMEBODY)
    sign_ons.link(ann.id, Identity(ISSUER, "u2"))

    assert sign_ons.find(SOMEBODY) is None
    assert opened(sign_ons, Identity(ISSUER, "u2")) == "ann"
    assert sign_ons.unlink(ann.id) is True
    assert sign_ons.linked_at(ann.id) is None
    assert sign_ons.unlink(ann.id) is False


def test_of_eight_who_link_an_identity_at_once_one_succeeds(
    sign_ons: SignOns, accounts: StaffAccounts
) -> None:
    members = [accounts.add(f"member {number}", PASSWORD) for number in range(8)]

    def link(member: Staff) -> bool:
        try:
            sign_ons.link(member.id, SOMEBODY)
        except LinkedElsewhereError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(link, members)) == 1
    assert opened(sign_ons, SOMEBODY) is not None


def test_an_account_that_is_shut_stays_known_until_its_owner_has_another(
    sign_ons: SignOns, accounts: StaffAccounts, ann: Staff
) -> None:
    bob = accounts.add("bob", PASSWORD)
    sign_ons.link(bob.id, SOMEBODY)
    accounts.disable("bob")
    found = sign_ons.find(SOMEBODY)
    assert found
    assert (found.staff.name, found.in_use) == ("bob", False)

    sign_ons.link(ann.id, SOMEBODY)

    assert opened(sign_ons, SOMEBODY) == "ann"


def test_a_reset_and_a_link_for_a_new_password_end_what_was_linked(
    sign_ons: SignOns, accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    sign_ons.link(ann.id, SOMEBODY)
    accounts.change_password(ann.id, PASSWORD)
    assert opened(sign_ons, SOMEBODY) == "ann"

    accounts.reset(ann.id, PASSWORD)

    assert sign_ons.find(SOMEBODY) is None
    sign_ons.link(ann.id, SOMEBODY)
    invitations = Invitations(engine, accounts)
    invitations.accept(invitations.renew(ann, by=ann.id), "", PASSWORD)
    assert sign_ons.find(SOMEBODY) is None


def test_a_link_for_a_new_password_may_be_used_with_an_identity_and_then_no_password_opens_it(
    sign_ons: SignOns, accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    invitations = Invitations(engine, accounts)
    token = invitations.renew(ann, by=ann.id)

    assert invitations.accept_as(token, "", SOMEBODY).id == ann.id

    assert opened(sign_ons, SOMEBODY) == "ann"
    assert accounts.verify("ann", PASSWORD) is None


def test_whoever_an_administrator_lets_in_without_a_password_waits_for_a_lead_as_well(
    accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    invitations = Invitations(engine, accounts)
    token = invitations.invite("Zoe", Role.LEAD, by=ann.id)

    assert invitations.accept_as(token, "zoe", SOMEBODY).admitted is False
