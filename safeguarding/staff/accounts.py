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
from safeguarding.database.engine import READING
from safeguarding.staff.passwords import LONGEST_PASSWORD, check_password
from safeguarding.staff.permissions import PERMISSIONS, READERS, Permission, Role
from safeguarding.staff.tables import staff, staff_devices, staff_sessions


class StaffNameError(ValueError):
    """A sign-in name is empty or taken."""


class UnknownStaffError(LookupError):
    """No account in use has this id."""


@dataclass(frozen=True)
class Staff:
    """One member of staff."""

    id: str
    """Permanent; records refer to it."""
    name: str
    """What they sign in with, normalised."""
    shown_name: str
    role: Role = Role.REVIEWER

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it."""
        return permission in PERMISSIONS[self.role]


def normalised(name: str) -> str:
    """A sign-in name without what people do not see: case, spaces around, look-alike forms."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def check_in_use(connection: Connection, staff_id: str) -> None:
    """Raise UnknownStaffError unless this is the id of an account in use that reads cases."""
    query = sa.select(staff.c.id).where(
        staff.c.id == staff_id,
        staff.c.disabled_at.is_(None),
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
        member = Staff(str(uuid.uuid4()), normalised(name), (shown_name or name).strip(), role)
        if not member.name:
            raise StaffNameError("A sign-in name is needed")
        row = {
            "id": member.id,
            "name": member.name,
            "shown_name": member.shown_name,
            "password_hash": self._hash(password, member.name),
            "created_at": self._now(),
            "role": role.value,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(staff).values(**row))
        except IntegrityError:
            raise StaffNameError("This sign-in name is taken") from None
        return member

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
                _set_hash(connection, row["id"], self._hasher.hash(password))
        return _member(row)

    def change_password(self, staff_id: str, password: str) -> None:
        """Set a new password and end every session of the account. Raises PasswordError."""
        with self._reading.connect() as connection:
            query = sa.select(staff.c.name).where(staff.c.id == staff_id)
            name = connection.execute(query).scalar() or ""
        kept = self._hash(password, name)
        with self._engine.begin() as connection:
            _set_hash(connection, staff_id, kept)
            _end_sessions(connection, staff_id)

    def set_role(self, name: str, role: Role) -> bool:
        """Give an account in use another role, at once. False when there is none."""
        mine = (staff.c.name == normalised(name)) & staff.c.disabled_at.is_(None)
        with self._engine.begin() as connection:
            changed = connection.execute(sa.update(staff).where(mine).values(role=role.value))
        return bool(changed.rowcount)

    def disable(self, name: str) -> bool:
        """Shut an account and end its sessions; what it did stays. False when there is none."""
        with self._engine.begin() as connection:
            query = sa.select(staff.c.id).where(staff.c.name == normalised(name))
            staff_id = connection.execute(query).scalar()
            if staff_id is None:
                return False
            mine = (staff.c.id == staff_id) & staff.c.disabled_at.is_(None)
            connection.execute(sa.update(staff).where(mine).values(disabled_at=self._now()))
            _end_sessions(connection, staff_id)
            forget = sa.delete(staff_devices).where(staff_devices.c.staff_id == staff_id)
            connection.execute(forget)
        return True

    def exist(self) -> bool:
        """Whether there is an account at all."""
        with self._reading.connect() as connection:
            return connection.execute(sa.select(staff.c.id).limit(1)).first() is not None

    def in_use(self) -> list[Staff]:
        """The accounts that are not disabled, by name."""
        query = sa.select(staff).where(staff.c.disabled_at.is_(None)).order_by(staff.c.name)
        with self._reading.connect() as connection:
            return [_member(row) for row in connection.execute(query).mappings()]

    def named(self, name: str) -> Staff | None:
        """The account in use with this sign-in name."""
        row = self._named(name)
        return None if row is None or row["disabled_at"] is not None else _member(row)

    def shown_names(self, staff_ids: Iterable[str]) -> dict[str, str]:
        """The names to show for ids; an id that is no account's is left out."""
        query = sa.select(staff.c.id, staff.c.shown_name).where(staff.c.id.in_(set(staff_ids)))
        with self._reading.connect() as connection:
            return {row.id: row.shown_name for row in connection.execute(query)}

    def _named(self, name: str) -> RowMapping | None:
        query = sa.select(staff).where(staff.c.name == normalised(name))
        with self._reading.connect() as connection:
            return connection.execute(query).mappings().first()

    def _hash(self, password: str, name: str) -> str:
        check_password(password, name)
        return self._hasher.hash(password)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except VerificationError:
            return False


def _member(row: RowMapping) -> Staff:
    return Staff(row["id"], row["name"], row["shown_name"], Role(row["role"]))


def _set_hash(connection: Connection, staff_id: str, kept: str) -> None:
    connection.execute(sa.update(staff).where(staff.c.id == staff_id).values(password_hash=kept))


def _end_sessions(connection: Connection, staff_id: str) -> None:
    connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))
