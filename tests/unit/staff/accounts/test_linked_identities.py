"""An identity opens one account, an account has one identity, on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.invitations import Invitations
from staff.accounts.linked_identities import Identity, LinkedElsewhereError, LinkedIdentities
from staff.accounts.permissions import Role
from tests.records import PASSWORD

ISSUER = "https://login.example"
SOMEBODY = Identity(ISSUER, "u1")


@pytest.fixture
def identities(engine: Engine) -> LinkedIdentities:
    return LinkedIdentities(engine)


@pytest.fixture
def ann(accounts: StaffAccounts) -> Staff:
    return accounts.add("ann", PASSWORD, role=Role.ADMINISTRATOR)


def opened(identities: LinkedIdentities, identity: Identity) -> str | None:
    """Return the name of the account in use that this identity opens."""
    linked = identities.find(identity)
    return linked.staff.name if linked and linked.in_use else None


def test_an_identity_is_its_issuer_and_its_subject_exactly(
    identities: LinkedIdentities, ann: Staff
) -> None:
    identities.link(ann.id, SOMEBODY)

    assert opened(identities, SOMEBODY) == "ann"
    for other in (
        Identity(ISSUER, "U1"),
        Identity(ISSUER, "u1 "),
        Identity(f"{ISSUER}/", "u1"),
        Identity("https://another.example", "u1"),
        Identity("", ""),
    ):
        assert identities.find(other) is None


def test_a_newer_identity_takes_the_place_of_the_older(
    identities: LinkedIdentities, ann: Staff
) -> None:
    identities.link(ann.id, SOMEBODY)
    identities.link(ann.id, SOMEBODY)
    identities.link(ann.id, Identity(ISSUER, "u2"))

    assert identities.find(SOMEBODY) is None
    assert opened(identities, Identity(ISSUER, "u2")) == "ann"
    assert identities.unlink(ann.id) is True
    assert identities.linked_at(ann.id) is None
    assert identities.unlink(ann.id) is False


def test_of_eight_who_link_an_identity_at_once_one_succeeds(
    identities: LinkedIdentities, accounts: StaffAccounts
) -> None:
    members = [accounts.add(f"member {number}", PASSWORD) for number in range(8)]

    def link(member: Staff) -> bool:
        try:
            identities.link(member.id, SOMEBODY)
        except LinkedElsewhereError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(link, members)) == 1
    assert opened(identities, SOMEBODY) is not None


def test_a_disabled_account_stays_linked_until_its_owner_has_another(
    identities: LinkedIdentities, accounts: StaffAccounts, ann: Staff
) -> None:
    bob = accounts.add("bob", PASSWORD)
    identities.link(bob.id, SOMEBODY)
    accounts.disable("bob")
    found = identities.find(SOMEBODY)
    assert found
    assert (found.staff.name, found.in_use) == ("bob", False)

    identities.link(ann.id, SOMEBODY)

    assert opened(identities, SOMEBODY) == "ann"


def test_a_reset_and_a_link_for_a_new_password_end_what_was_linked(
    identities: LinkedIdentities, accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    identities.link(ann.id, SOMEBODY)
    accounts.change_password(ann, PASSWORD)
    assert opened(identities, SOMEBODY) == "ann"

    accounts.reset(ann, PASSWORD)

    assert identities.find(SOMEBODY) is None
    identities.link(ann.id, SOMEBODY)
    invitations = Invitations(engine, accounts)
    invitations.accept(invitations.renew(ann, by=ann.id), "", PASSWORD)
    assert identities.find(SOMEBODY) is None


def test_a_link_for_a_new_password_may_be_used_with_an_identity_and_then_no_password_opens_it(
    identities: LinkedIdentities, accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    invitations = Invitations(engine, accounts)
    token = invitations.renew(ann, by=ann.id)

    assert invitations.accept(token, "", SOMEBODY).id == ann.id

    assert opened(identities, SOMEBODY) == "ann"
    assert accounts.verify("ann", PASSWORD) is None


def test_an_invited_lead_without_a_password_waits_for_a_lead_too(
    accounts: StaffAccounts, engine: Engine, ann: Staff
) -> None:
    invitations = Invitations(engine, accounts)
    token = invitations.invite("Zoe", Role.LEAD, by=ann.id)

    assert invitations.accept(token, "zoe", SOMEBODY).admitted is False
