"""Staff accounts: who may read and review escalations, and who may sign content."""

from __future__ import annotations

import secrets
import unicodedata
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import IntegrityError

from safeguarding.clock import utc_now
from staff.accounts.passwords import LONGEST_PASSWORD, check_password
from staff.accounts.permissions import EVERYBODY, PERMISSIONS, READERS, Permission, Role
from staff.accounts.second_step import remove_second_step
from staff.accounts.tables import (
    staff,
    staff_devices,
    staff_invitations,
    staff_sessions,
    staff_sign_ons,
)
from storage.engine import READING


class StaffNameError(ValueError):
    """A sign-in name is empty or taken."""


class UnknownStaffError(LookupError):
    """No account in use has this id."""


class LastAdministratorError(Exception):
    """Without this account nobody could run the accounts."""


@dataclass(frozen=True)
class Staff:
    """One member of staff."""

    id: str
    """Permanent; records refer to it."""
    name: str
    """What they sign in with, normalised."""
    shown_name: str
    role: Role = Role.REVIEWER
    admitted: bool = True
    """False while a lead has not said that they may have the role an administrator gave them."""
    areas: frozenset[str] | None = None
    """The areas whose cases they see; None for all."""

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it; before a lead has admitted them only what everybody may."""
        allowed = PERMISSIONS[self.role] if self.admitted else EVERYBODY
        return permission in allowed


def normalised(name: str) -> str:
    """A sign-in name without what people do not see: case, spaces around, look-alike forms."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def check_in_use(connection: Connection, staff_id: str) -> None:
    """Raise UnknownStaffError unless this is the id of an account in use that reads cases."""
    query = sa.select(staff.c.id).where(
        staff.c.id == staff_id,
        staff.c.disabled_at.is_(None),
        staff.c.admitted,
        staff.c.role.in_([role.value for role in READERS]),
    )
    if connection.execute(query).first() is None:
        raise UnknownStaffError


class StaffAccounts:
    """The accounts. Thread-safe; every method raises SQLAlchemyError when the database cannot."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime] = utc_now,
        hasher: PasswordHasher | None = None,
    ) -> None:
        """Take a migrated database; `hasher` sets the cost of argon2id."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def add(
        self, name: str, password: str, shown_name: str | None = None, role: Role | None = None
    ) -> Staff:
        """Open an account; where no role is given, the first is a lead, and others are reviewers.

        Raises StaffNameError, PasswordError.
        """
        if role is None:
            role = Role.REVIEWER if self.exist() else Role.LEAD
        member = new_member(name, shown_name or name, role)
        kept = self.hash(password, member.name)
        with self._engine.begin() as connection:
            insert(connection, member, kept, self._now())
        return member

    def hash(self, password: str, name: str) -> str:
        """What is kept of a password for the account called `name`. Raises PasswordError."""
        check_password(password, name)
        return self._hasher.hash(password)

    def verify(self, name: str, password: str) -> Staff | None:
        """The member of staff, or None. An unknown name costs as much work as a known one."""
        row = self._named(name)
        known = row is not None and row["disabled_at"] is None
        kept = row["password_hash"] if row is not None else self._nobody
        # The longest password allowed bounds the work that a stranger can ask for.
        right = self._matches(kept, password[: LONGEST_PASSWORD + 1])
        if row is None or not known or not right:
            return None
        if self._hasher.check_needs_rehash(kept):
            with self._engine.begin() as connection:
                _set(connection, row["id"], password_hash=self._hasher.hash(password))
        return member_of(row)

    def change_password(self, staff_id: str, password: str) -> None:
        """Set a new password and end every session of the account. Raises PasswordError."""
        self._replace(staff_id, password, reset=False)

    def reset(self, staff_id: str, password: str) -> None:
        """The same for somebody who cannot sign in: second step and linked identity go as well."""
        self._replace(staff_id, password, reset=True)

    def _replace(self, staff_id: str, password: str, *, reset: bool) -> None:
        with self._reading.connect() as connection:
            query = sa.select(staff.c.name).where(staff.c.id == staff_id)
            name = connection.execute(query).scalar() or ""
        kept = self.hash(password, name)
        with self._engine.begin() as connection:
            set_password_hash(connection, staff_id, kept)
            if reset:
                remove_second_step(connection, staff_id)
                mine = staff_sign_ons.c.staff_id == staff_id
                connection.execute(sa.delete(staff_sign_ons).where(mine))

    def set_role(self, name: str, role: Role, *, admitted: bool = True) -> bool:
        """Give an account in use another role, at once. False when there is none.

        `admitted` is False where a lead has to agree. Raises LastAdministratorError.
        """
        with self._engine.begin() as connection:
            staff_id = _in_use(connection, name)
            if staff_id is None:
                return False
            if role is not Role.ADMINISTRATOR:
                _check_another_administrator(connection, staff_id)
            _set(connection, staff_id, role=role.value, admitted=admitted)
        return True

    def admit(self, name: str) -> bool:
        """A lead agrees that this account may have its role. False when there is none in use."""
        with self._engine.begin() as connection:
            staff_id = _in_use(connection, name)
            if staff_id is not None:
                _set(connection, staff_id, admitted=True)
        return staff_id is not None

    def set_areas(self, name: str, areas: frozenset[str] | None) -> bool:
        """Show only the cases of these areas, or of all (None). False when there is no account."""
        with self._engine.begin() as connection:
            staff_id = _in_use(connection, name)
            if staff_id is not None:
                kept = sa.null() if areas is None else sorted(areas)
                _set(connection, staff_id, areas=kept)
        return staff_id is not None

    def disable(self, name: str) -> bool:
        """Shut an account and end its sessions; what it did stays. False when there is none.

        Raises LastAdministratorError.
        """
        with self._engine.begin() as connection:
            query = sa.select(staff.c.id).where(staff.c.name == normalised(name))
            staff_id = connection.execute(query).scalar()
            if staff_id is None:
                return False
            _check_another_administrator(connection, staff_id)
            mine = (staff.c.id == staff_id) & staff.c.disabled_at.is_(None)
            connection.execute(sa.update(staff).where(mine).values(disabled_at=self._now()))
            for table in (staff_sessions, staff_devices, staff_invitations):
                connection.execute(sa.delete(table).where(table.c.staff_id == staff_id))
        return True

    def exist(self) -> bool:
        """Whether there is an account at all."""
        with self._reading.connect() as connection:
            return connection.execute(sa.select(staff.c.id).limit(1)).first() is not None

    def in_use(self) -> list[Staff]:
        """The accounts that are not disabled, by name."""
        query = sa.select(staff).where(staff.c.disabled_at.is_(None)).order_by(staff.c.name)
        with self._reading.connect() as connection:
            return [member_of(row) for row in connection.execute(query).mappings()]

    def of_id(self, staff_id: str) -> Staff | None:
        """The account in use with this id."""
        query = sa.select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
        with self._reading.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else member_of(row)

    def named(self, name: str) -> Staff | None:
        """The account in use with this sign-in name."""
        row = self._named(name)
        return None if row is None or row["disabled_at"] is not None else member_of(row)

    def is_taken(self, name: str) -> bool:
        """Whether an account has, or had, this sign-in name."""
        return self._named(name) is not None

    def shown_names(self, staff_ids: Iterable[str]) -> dict[str, str]:
        """The names to show for ids; an id that is no account's is left out."""
        query = sa.select(staff.c.id, staff.c.shown_name).where(staff.c.id.in_(set(staff_ids)))
        with self._reading.connect() as connection:
            return {row.id: row.shown_name for row in connection.execute(query)}

    def _named(self, name: str) -> RowMapping | None:
        query = sa.select(staff).where(staff.c.name == normalised(name))
        with self._reading.connect() as connection:
            return connection.execute(query).mappings().first()

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except VerificationError:
            return False


def new_member(name: str, shown_name: str, role: Role) -> Staff:
    """A member of staff who has no account yet. Raises StaffNameError."""
    member = Staff(str(uuid.uuid4()), normalised(name), shown_name.strip(), role)
    if not member.name:
        raise StaffNameError("A sign-in name is needed")
    return member


def insert(connection: Connection, member: Staff, password_hash: str, at: datetime) -> None:
    """Open the account of a new member. Raises StaffNameError when the name is taken."""
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
    """The member of staff of a row of the table."""
    areas = None if row["areas"] is None else frozenset(row["areas"])
    role = Role(row["role"])
    return Staff(row["id"], row["name"], row["shown_name"], role, row["admitted"], areas)


def set_password_hash(connection: Connection, staff_id: str, kept: str) -> None:
    """Replace the password, and end every session that the old one opened."""
    _set(connection, staff_id, password_hash=kept)
    connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))


def _set(connection: Connection, staff_id: str, **values: object) -> None:
    connection.execute(sa.update(staff).where(staff.c.id == staff_id).values(**values))


def _in_use(connection: Connection, name: str) -> str | None:
    mine = (staff.c.name == normalised(name)) & staff.c.disabled_at.is_(None)
    found: str | None = connection.execute(sa.select(staff.c.id).where(mine)).scalar()
    return found


def _check_another_administrator(connection: Connection, staff_id: str) -> None:
    administrators = (staff.c.role == Role.ADMINISTRATOR.value) & staff.c.disabled_at.is_(None)
    # Locked, so that two who shut each other's accounts at once do not both succeed.
    query = sa.select(staff.c.id).where(administrators).with_for_update()
    if list(connection.execute(query).scalars()) == [staff_id]:
        raise LastAdministratorError("This is the last administrator: open another account first")
