"""Links between accounts and identities at the organisation's identity provider.

The owner makes the link. An identity is its issuer and subject, which are permanent and unique; a
name or an email address is neither, and is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from staff.accounts.accounts import AccountRecords, Staff, member_of
from staff.accounts.tables import staff, staff_sign_ons


class LinkedElsewhereError(Exception):
    """The identity is already linked to another account."""


@dataclass(frozen=True)
class Identity:
    """A person as a provider knows them."""

    issuer: str
    subject: str


@dataclass(frozen=True)
class LinkedAccount:
    """The account that an identity is linked to."""

    staff: Staff
    in_use: bool
    """False when the account is disabled."""


class LinkedIdentities(AccountRecords):
    """The identities of all accounts, at most one each."""

    def find(self, identity: Identity) -> LinkedAccount | None:
        """Return the account that this identity is linked to, in use or disabled."""
        query = (
            sa.select(staff)
            .join(staff_sign_ons, staff_sign_ons.c.staff_id == staff.c.id)
            .where(_is(identity))
        )
        row = self._first(query)
        return None if row is None else LinkedAccount(member_of(row), row["disabled_at"] is None)

    def linked_at(self, staff_id: str) -> datetime | None:
        """Return when an account was linked; None without a link."""
        query = sa.select(staff_sign_ons.c.linked_at).where(staff_sign_ons.c.staff_id == staff_id)
        row = self._first(query)
        return None if row is None else row["linked_at"]

    def link(self, staff_id: str, identity: Identity) -> None:
        """Link an identity to an account. Raises LinkedElsewhereError."""
        with self._engine.begin() as connection:
            link_identity(connection, staff_id, identity, self._now())

    def unlink(self, staff_id: str) -> bool:
        """Remove the link of an account. Return False when it had none."""
        return self._change(sa.delete(staff_sign_ons).where(staff_sign_ons.c.staff_id == staff_id))


def link_identity(connection: Connection, staff_id: str, identity: Identity, at: datetime) -> None:
    """Link in the caller's transaction, and replace any earlier link of the account.

    Raises LinkedElsewhereError; the transaction must then be rolled back.
    """
    table = staff_sign_ons
    disabled = sa.select(staff.c.id).where(staff.c.disabled_at.is_not(None))
    # A person who returns to the organisation gets a new account and keeps their subject.
    earlier = (table.c.staff_id == staff_id) | (_is(identity) & table.c.staff_id.in_(disabled))
    connection.execute(sa.delete(table).where(earlier))
    row = {"issuer": identity.issuer, "subject": identity.subject, "linked_at": at}
    try:
        connection.execute(sa.insert(table).values(staff_id=staff_id, **row))
    except IntegrityError:
        raise LinkedElsewhereError from None


def _is(identity: Identity) -> sa.ColumnElement[bool]:
    return (staff_sign_ons.c.issuer == identity.issuer) & (
        staff_sign_ons.c.subject == identity.subject
    )
