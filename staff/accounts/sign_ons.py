"""Which account the organisation's identity provider opens: linked by its owner, never guessed.

A provider's subject is permanent and nobody else's; a name or an email address is neither, so they
are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from safeguarding.clock import utc_now
from staff.accounts.accounts import Staff, member_of
from staff.accounts.tables import staff, staff_sign_ons
from storage.engine import READING


class LinkedElsewhereError(Exception):
    """This identity opens the account of somebody else already."""


@dataclass(frozen=True)
class Identity:
    """Somebody, as a provider knows them."""

    issuer: str
    subject: str


@dataclass(frozen=True)
class Linked:
    """The account that an identity is linked to."""

    staff: Staff
    in_use: bool
    """False when the account was shut: then it opens nothing."""


class SignOns:
    """The identities of all accounts, at most one each. Thread-safe."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def find(self, identity: Identity) -> Linked | None:
        """The account that this identity opens, or opened before it was shut."""
        query = (
            sa.select(staff)
            .join(staff_sign_ons, staff_sign_ons.c.staff_id == staff.c.id)
            .where(_is(identity))
        )
        with self._reading.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Linked(member_of(row), row["disabled_at"] is None)

    def linked_at(self, staff_id: str) -> datetime | None:
        """Since when an account has an identity; None when it has none."""
        mine = staff_sign_ons.c.staff_id == staff_id
        with self._reading.connect() as connection:
            query = sa.select(staff_sign_ons.c.linked_at).where(mine)
            found: datetime | None = connection.execute(query).scalar()
            return found

    def link(self, staff_id: str, identity: Identity) -> None:
        """From now on this identity opens this account. Raises LinkedElsewhereError."""
        with self._engine.begin() as connection:
            link_identity(connection, staff_id, identity, self._now())

    def unlink(self, staff_id: str) -> bool:
        """From now on the provider does not open this account. False when it did not before."""
        with self._engine.begin() as connection:
            return remove_identity(connection, staff_id)


def link_identity(connection: Connection, staff_id: str, identity: Identity, at: datetime) -> None:
    """Link in the caller's transaction, in place of any earlier link of the account.

    Raises LinkedElsewhereError; the transaction is then of no more use.
    """
    table = staff_sign_ons
    shut = sa.select(staff.c.id).where(staff.c.disabled_at.is_not(None))
    # Whoever comes back to the organisation gets a new account, and has the same subject as before.
    before = (table.c.staff_id == staff_id) | (_is(identity) & table.c.staff_id.in_(shut))
    connection.execute(sa.delete(table).where(before))
    row = {"issuer": identity.issuer, "subject": identity.subject, "linked_at": at}
    try:
        connection.execute(sa.insert(table).values(staff_id=staff_id, **row))
    except IntegrityError:
        raise LinkedElsewhereError from None


def remove_identity(connection: Connection, staff_id: str) -> bool:
    """Unlink in the caller's transaction. False when there was no link."""
    mine = staff_sign_ons.c.staff_id == staff_id
    return bool(connection.execute(sa.delete(staff_sign_ons).where(mine)).rowcount)


def _is(identity: Identity) -> sa.ColumnElement[bool]:
    return (staff_sign_ons.c.issuer == identity.issuer) & (
        staff_sign_ons.c.subject == identity.subject
    )
