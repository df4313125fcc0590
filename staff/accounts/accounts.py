"""Staff accounts: names, passwords, roles and areas; what reads and changes their tables."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import IntegrityError

from safeguarding.clock import utc_now
from staff.accounts.passwords import LONGEST_PASSWORD, check_password
from staff.accounts.permissions import BASIC, PERMISSIONS, READERS, Permission, Role
from staff.accounts.tables import (
    staff,
    staff_devices,
    staff_invitations,
    staff_passkeys,
    staff_recovery_codes,
    staff_sessions,
    staff_sign_ons,
    staff_totp,
)
from storage.engine import READING


class StaffNameError(ValueError):
    """The sign-in name is empty or taken."""


class UnknownStaffError(LookupError):
    """There is no account in use with this id."""


class LastAdministratorError(Exception):
    """The account is the only one that may manage accounts."""


@dataclass(frozen=True)
class Staff:
    """One member of staff."""

    id: str
    """Permanent; records refer to it."""
    name: str
    """The sign-in name, normalised."""
    shown_name: str
    role: Role = Role.REVIEWER
    admitted: bool = True
    """False until a lead confirms the role that an administrator gave."""
    areas: frozenset[str] | None = None
    """The areas whose cases they see; None for all."""

    def may(self, permission: Permission) -> bool:
        """Return whether the role has the permission; without admission only the basic ones."""
        allowed = PERMISSIONS[self.role] if self.admitted else BASIC
        return permission in allowed


def normalised(name: str) -> str:
    """Return the name without differences of case, spacing and Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def digest_of(token: str) -> str:
    """Return the SHA-256 of a random token; tables hold this and not the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def check_in_use(connection: Connection, staff_id: str) -> None:
    """Raise UnknownStaffError unless an account in use with this id may read cases."""
    query = sa.select(staff.c.id).where(
        staff.c.id == staff_id,
        staff.c.disabled_at.is_(None),
        staff.c.admitted,
        staff.c.role.in_([role.value for role in READERS]),
    )
    if connection.execute(query).first() is None:
        raise UnknownStaffError


class AccountRecords:
    """Base of the classes that work with the tables of accounts.

    All of them are thread-safe, and raise SQLAlchemyError.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def _first(self, query: sa.Select[Any]) -> RowMapping | None:
        """Return the first row that a query finds."""
        with self._reading.connect() as connection:
            return connection.execute(query).mappings().first()

    def _change(self, statement: sa.Update | sa.Delete) -> bool:
        """Update or delete rows; return whether there were any."""
        with self._engine.begin() as connection:
            return bool(connection.execute(statement).rowcount)


class StaffAccounts(AccountRecords):
    """All staff accounts."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime] = utc_now,
        hasher: PasswordHasher | None = None,
    ) -> None:
        super().__init__(engine, now)
        self._hasher = hasher or PasswordHasher()
        self._dummy_hash = self._hasher.hash(secrets.token_urlsafe())

    def add(
        self, name: str, password: str, shown_name: str | None = None, role: Role | None = None
    ) -> Staff:
        """Open an account. Without `role` the first account is a lead, and others are reviewers.

        Raises StaffNameError, PasswordError.
        """
        if role is None:
            role = Role.REVIEWER if self.exist() else Role.LEAD
        member = new_member(name, shown_name or name, role)
        password_hash = self.hash(password, member.name)
        with self._engine.begin() as connection:
            insert(connection, member, password_hash, self._now())
        return member

    def hash(self, password: str, name: str) -> str:
        """Return the hash of a password for the account `name`. Raises PasswordError."""
        check_password(password, name)
        return self._hasher.hash(password)

    def verify(self, name: str, password: str) -> Staff | None:
        """Return the account, or None. An unknown name takes as long as a wrong password."""
        row = self._named(name)
        known = row is not None and row["disabled_at"] is None
        password_hash = row["password_hash"] if row is not None else self._dummy_hash
        # Longer input is cut, to limit the work that a stranger can cause.
        right = self._matches(password_hash, password[: LONGEST_PASSWORD + 1])
        if row is None or not known or not right:
            return None
        if self._hasher.check_needs_rehash(password_hash):
            right_hash = self._hasher.hash(password)
            self._change(
                sa.update(staff).where(staff.c.id == row["id"]).values(password_hash=right_hash)
            )
        return member_of(row)

    def change_password(self, member: Staff, password: str) -> None:
        """Set a new password and end every session of the account. Raises PasswordError."""
        password_hash = self.hash(password, member.name)
        with self._engine.begin() as connection:
            set_password_hash(connection, member.id, password_hash)

    def reset(self, member: Staff, password: str) -> None:
        """As `change_password`; also remove the second step and the linked identity."""
        password_hash = self.hash(password, member.name)
        with self._engine.begin() as connection:
            start_again(connection, member.id, password_hash)

    def set_role(self, name: str, role: Role, *, admitted: bool = True) -> bool:
        """Change the role of an account in use, at once. Return False when there is none.

        `admitted` is False where a lead has to confirm. Raises LastAdministratorError.
        """
        with self._engine.begin() as connection:
            query = sa.select(staff.c.id).where(_is_in_use(name))
            staff_id = connection.execute(query).scalar()
            if staff_id is None:
                return False
            if role is not Role.ADMINISTRATOR:
                _check_another_administrator(connection, staff_id)
            update = sa.update(staff).where(staff.c.id == staff_id)
            connection.execute(update.values(role=role.value, admitted=admitted))
        return True

    def admit(self, name: str) -> bool:
        """Confirm the role of an account in use. Return False when there is none."""
        return self._change(sa.update(staff).where(_is_in_use(name)).values(admitted=True))

    def set_areas(self, name: str, areas: frozenset[str] | None) -> bool:
        """Set the areas whose cases an account sees. Return False when there is no account."""
        value = sa.null() if areas is None else sorted(areas)
        return self._change(sa.update(staff).where(_is_in_use(name)).values(areas=value))

    def disable(self, name: str) -> bool:
        """Disable an account and end its sessions; its records stay. Return False without one.

        Raises LastAdministratorError.
        """
        with self._engine.begin() as connection:
            query = sa.select(staff.c.id).where(staff.c.name == normalised(name))
            staff_id = connection.execute(query).scalar()
            if staff_id is None:
                return False
            _check_another_administrator(connection, staff_id)
            in_use = (staff.c.id == staff_id) & staff.c.disabled_at.is_(None)
            connection.execute(sa.update(staff).where(in_use).values(disabled_at=self._now()))
            for table in (staff_sessions, staff_devices, staff_invitations):
                connection.execute(sa.delete(table).where(table.c.staff_id == staff_id))
        return True

    def exist(self) -> bool:
        """Return whether there is any account."""
        return self._first(sa.select(staff.c.id).limit(1)) is not None

    def in_use(self) -> list[Staff]:
        """Return the accounts in use, by name."""
        query = sa.select(staff).where(staff.c.disabled_at.is_(None)).order_by(staff.c.name)
        with self._reading.connect() as connection:
            return [member_of(row) for row in connection.execute(query).mappings()]

    def of_id(self, staff_id: str) -> Staff | None:
        """Return the account in use with this id."""
        return self._find((staff.c.id == staff_id) & staff.c.disabled_at.is_(None))

    def named(self, name: str) -> Staff | None:
        """Return the account in use with this sign-in name."""
        return self._find(_is_in_use(name))

    def is_taken(self, name: str) -> bool:
        """Return whether an account, in use or disabled, has this sign-in name."""
        return self._named(name) is not None

    def shown_names(self, staff_ids: Iterable[str]) -> dict[str, str]:
        """Return the display names of accounts by id; unknown ids are left out."""
        query = sa.select(staff.c.id, staff.c.shown_name).where(staff.c.id.in_(set(staff_ids)))
        with self._reading.connect() as connection:
            return {row.id: row.shown_name for row in connection.execute(query)}

    def _find(self, condition: sa.ColumnElement[bool]) -> Staff | None:
        row = self._first(sa.select(staff).where(condition))
        return None if row is None else member_of(row)

    def _named(self, name: str) -> RowMapping | None:
        return self._first(sa.select(staff).where(staff.c.name == normalised(name)))

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False


def new_member(name: str, shown_name: str, role: Role) -> Staff:
    """Return a member of staff with a new id. Raises StaffNameError."""
    member = Staff(str(uuid.uuid4()), normalised(name), shown_name.strip(), role)
    if not member.name:
        raise StaffNameError("A sign-in name is needed")
    return member


def insert(connection: Connection, member: Staff, password_hash: str, at: datetime) -> None:
    """Insert the account of a new member. Raises StaffNameError when the name is taken."""
    row = {
        "id": member.id,
        "name": member.name,
        "shown_name": member.shown_name,
        "password_hash": password_hash,
        "created_at": at,
        "role": member.role.value,
        "admitted": member.admitted,
    }
    try:
        connection.execute(sa.insert(staff).values(**row))
    except IntegrityError:
        raise StaffNameError("This sign-in name is taken") from None


def member_of(row: RowMapping) -> Staff:
    """Return a row of the table as a member of staff."""
    areas = None if row["areas"] is None else frozenset(row["areas"])
    role = Role(row["role"])
    return Staff(row["id"], row["name"], row["shown_name"], role, row["admitted"], areas)


def set_password_hash(connection: Connection, staff_id: str, password_hash: str) -> None:
    """Replace the password, and end every session of the account."""
    update = sa.update(staff).where(staff.c.id == staff_id)
    connection.execute(update.values(password_hash=password_hash))
    connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))


def start_again(connection: Connection, staff_id: str, password_hash: str) -> None:
    """Replace the password, and remove the second step and the linked identity.

    A person who needs a new password has often lost the phone as well, and an intruder may have
    linked an identity of their own.
    """
    set_password_hash(connection, staff_id, password_hash)
    remove_second_step(connection, staff_id)
    linked = staff_sign_ons.c.staff_id == staff_id
    connection.execute(sa.delete(staff_sign_ons).where(linked))


def remove_second_step(connection: Connection, staff_id: str) -> None:
    """Remove app, recovery codes and passkeys of an account, in the caller's transaction."""
    for table in (staff_totp, staff_recovery_codes, staff_passkeys):
        connection.execute(sa.delete(table).where(table.c.staff_id == staff_id))


def _is_in_use(name: str) -> sa.ColumnElement[bool]:
    return (staff.c.name == normalised(name)) & staff.c.disabled_at.is_(None)


def _check_another_administrator(connection: Connection, staff_id: str) -> None:
    administrators = (staff.c.role == Role.ADMINISTRATOR.value) & staff.c.disabled_at.is_(None)
    # Locked, so that two administrators cannot disable each other at the same moment.
    query = sa.select(staff.c.id).where(administrators).with_for_update()
    if list(connection.execute(query).scalars()) == [staff_id]:
        raise LastAdministratorError("This is the last administrator: open another account first")
