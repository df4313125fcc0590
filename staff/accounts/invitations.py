"""Links that open an account or set a new password: each works once, and only for a while.

What an administrator gives to somebody who will read what children wrote waits for a lead: an
administrator could otherwise invite themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from staff.accounts.accounts import (
    Staff,
    StaffAccounts,
    StaffNameError,
    insert,
    new_member,
    set_password_hash,
)
from staff.accounts.passwords import random_password
from staff.accounts.permissions import READERS, Role
from staff.accounts.second_step import remove_second_step
from staff.accounts.sign_ons import Identity, link_identity, remove_identity
from staff.accounts.tables import digest_of, staff, staff_invitations
from storage.engine import READING

LASTS = timedelta(days=3)


class InvitationGoneError(LookupError):
    """The link was used, has expired, or never was."""


@dataclass(frozen=True)
class Invitation:
    """What a link is for."""

    shown_name: str
    role: Role
    expires_at: datetime
    staff_id: str | None
    """The account that gets a new password; None where one is opened."""
    name: str
    """That account's sign-in name; empty where the person chooses one."""


class Invitations:
    """The links. Thread-safe; a token is kept nowhere."""

    def __init__(
        self, engine: Engine, accounts: StaffAccounts, now: Callable[[], datetime] = utc_now
    ) -> None:
        """Take a migrated database and the accounts on it, whose cost of hashing holds here."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._accounts = accounts
        self._now = now

    def invite(self, shown_name: str, role: Role, *, by: str) -> str:
        """The token of a link with which somebody opens an account of this role."""
        return self._make(None, shown_name.strip(), role, by)

    def renew(self, member: Staff, *, by: str) -> str:
        """The token of a link with which this member sets a new password. Earlier ones end."""
        return self._make(member.id, member.shown_name, member.role, by)

    def find(self, token: str) -> Invitation:
        """What the link is for. Raises InvitationGoneError."""
        with self._reading.connect() as connection:
            return self._open(connection, token)

    def accept(self, token: str, name: str, password: str) -> Staff:
        """Open the account, or set its password, and use the link up.

        `name` counts only where an account is opened. Raises InvitationGoneError, StaffNameError,
        PasswordError; the link can be tried again after the last two.
        """
        found, member = self._accepting(token, name)
        return self._accept(token, found, member, self._accounts.hash(password, member.name))

    def accept_as(self, token: str, name: str, identity: Identity) -> Staff:
        """The same for whom the organisation's provider knows: the account gets no password.

        Raises InvitationGoneError, StaffNameError, LinkedElsewhereError; the link can be tried
        again after the last two.
        """
        found, member = self._accepting(token, name)
        nobodys = self._accounts.hash(random_password(member.name), member.name)
        return self._accept(token, found, member, nobodys, identity)

    def check_name(self, token: str, name: str) -> None:
        """Raise StaffNameError when an account cannot be opened with this name.

        Raises InvitationGoneError.
        """
        found, member = self._accepting(token, name)
        if found.staff_id is None and self._accounts.is_taken(member.name):
            raise StaffNameError("This sign-in name is taken")

    def _accepting(self, token: str, name: str) -> tuple[Invitation, Staff]:
        found = self.find(token)
        member = new_member(found.name or name, found.shown_name, found.role)
        return found, replace(member, admitted=found.role not in READERS)

    def _accept(
        self,
        token: str,
        found: Invitation,
        member: Staff,
        kept: str,
        identity: Identity | None = None,
    ) -> Staff:
        member = replace(member, id=found.staff_id or member.id)
        mine = staff_invitations.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            if connection.execute(sa.delete(staff_invitations).where(mine)).rowcount != 1:
                raise InvitationGoneError
            if found.staff_id is None:
                insert(connection, member, kept, self._now())
            else:
                self._renew(connection, member, kept)
            if identity is not None:
                link_identity(connection, member.id, identity, self._now())
        return member

    @staticmethod
    def _renew(connection: Connection, member: Staff, kept: str) -> None:
        set_password_hash(connection, member.id, kept)
        # Whoever needs a new password has often lost the phone as well.
        remove_second_step(connection, member.id)
        # And whoever got in without being asked may have linked an identity of their own.
        remove_identity(connection, member.id)
        same = staff.c.id == member.id
        connection.execute(sa.update(staff).where(same).values(admitted=member.admitted))

    def _make(self, staff_id: str | None, shown_name: str, role: Role, by: str) -> str:
        token, now, table = secrets.token_urlsafe(32), self._now(), staff_invitations
        row = {
            "token_hash": digest_of(token),
            "staff_id": staff_id,
            "shown_name": shown_name,
            "role": role.value,
            "invited_by": by,
            "made_at": now,
            "expires_at": now + LASTS,
        }
        over = table.c.expires_at < now
        if staff_id is not None:
            over |= table.c.staff_id == staff_id
        with self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(over))
            connection.execute(sa.insert(table).values(**row))
        return token

    def _open(self, connection: Connection, token: str) -> Invitation:
        table = staff_invitations
        query = (
            sa.select(table, staff.c.name, staff.c.disabled_at, staff.c.role.label("role_now"))
            .join(staff, staff.c.id == table.c.staff_id, isouter=True)
            .where(table.c.token_hash == digest_of(token), table.c.expires_at >= self._now())
        )
        row = connection.execute(query).mappings().first()
        if row is None or row["disabled_at"] is not None:
            raise InvitationGoneError
        return _invitation(row)


def _invitation(row: RowMapping) -> Invitation:
    return Invitation(
        shown_name=row["shown_name"],
        role=Role(row["role_now"] or row["role"]),
        expires_at=row["expires_at"],
        staff_id=row["staff_id"],
        name=row["name"] or "",
    )
