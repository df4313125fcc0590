"""Invitations: links that open an account or set a new password, once, within three days.

An account that reads cases waits for a lead to confirm it. Otherwise an administrator could invite
themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import (
    AccountRecords,
    Staff,
    StaffAccounts,
    StaffNameError,
    digest_of,
    insert,
    new_member,
    start_again,
)
from staff.accounts.linked_identities import Identity, link_identity
from staff.accounts.passwords import random_password
from staff.accounts.permissions import READERS, Role
from staff.accounts.tables import staff, staff_invitations

LASTS = timedelta(days=3)


class InvitationGoneError(LookupError):
    """The link does not exist, was used or has expired."""


@dataclass(frozen=True)
class Invitation:
    """The account that a link opens or renews."""

    shown_name: str
    role: Role
    expires_at: datetime
    staff_id: str | None
    """The account that gets a new password; None where an account is opened."""
    name: str
    """Sign-in name of that account; empty where the person chooses one."""


class Invitations(AccountRecords):
    """All invitations. The database has only digests of the tokens."""

    def __init__(
        self, engine: Engine, accounts: StaffAccounts, now: Callable[[], datetime] = utc_now
    ) -> None:
        super().__init__(engine, now)
        self._accounts = accounts

    def invite(self, shown_name: str, role: Role, *, by: str) -> str:
        """Return the token of a link that opens an account with this role."""
        return self._make(None, shown_name.strip(), role, by)

    def renew(self, member: Staff, *, by: str) -> str:
        """Return the token of a link that sets a new password; earlier links of the member end."""
        return self._make(member.id, member.shown_name, member.role, by)

    def find(self, token: str) -> Invitation:
        """Return the invitation of a token. Raises InvitationGoneError."""
        table = staff_invitations
        query = (
            sa.select(table, staff.c.name, staff.c.disabled_at, staff.c.role.label("role_now"))
            .join(staff, staff.c.id == table.c.staff_id, isouter=True)
            .where(table.c.token_hash == digest_of(token), table.c.expires_at >= self._now())
        )
        row = self._first(query)
        if row is None or row["disabled_at"] is not None:
            raise InvitationGoneError
        role = Role(row["role_now"] or row["role"])
        name = row["name"] or ""
        return Invitation(row["shown_name"], role, row["expires_at"], row["staff_id"], name)

    def accept(self, token: str, name: str, proof: str | Identity) -> Staff:
        """Open the account, or set its password, and delete the link.

        `proof` is the password, or the identity that opens the account without one. `name` is
        ignored where an account exists. Raises InvitationGoneError, StaffNameError, PasswordError,
        LinkedElsewhereError; the link still works after the last three.
        """
        invitation, member = self._accepting(token, name)
        # An account with an identity gets a password that no one knows.
        password = random_password(member.name) if isinstance(proof, Identity) else proof
        password_hash = self._accounts.hash(password, member.name)
        member = replace(member, id=invitation.staff_id or member.id)
        own = staff_invitations.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            if connection.execute(sa.delete(staff_invitations).where(own)).rowcount != 1:
                raise InvitationGoneError
            if invitation.staff_id is None:
                insert(connection, member, password_hash, self._now())
            else:
                start_again(connection, member.id, password_hash)
                same = staff.c.id == member.id
                connection.execute(sa.update(staff).where(same).values(admitted=member.admitted))
            if isinstance(proof, Identity):
                link_identity(connection, member.id, proof, self._now())
        return member

    def check_name(self, token: str, name: str) -> None:
        """Raise StaffNameError when an account cannot be opened with this name.

        Raises InvitationGoneError.
        """
        invitation, member = self._accepting(token, name)
        if invitation.staff_id is None and self._accounts.is_taken(member.name):
            raise StaffNameError("This sign-in name is taken")

    def _accepting(self, token: str, name: str) -> tuple[Invitation, Staff]:
        invitation = self.find(token)
        member = new_member(invitation.name or name, invitation.shown_name, invitation.role)
        return invitation, replace(member, admitted=invitation.role not in READERS)

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
        ended = table.c.expires_at < now
        if staff_id is not None:
            ended |= table.c.staff_id == staff_id
        with self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(ended))
            connection.execute(sa.insert(table).values(**row))
        return token
