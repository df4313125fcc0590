"""What staff record about the child of a case: an age, and which pupil it is, where that is known.

Each entry stays, with who made it and when; of each kind the newest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum

from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import check_in_use
from staff.cases.case import CaseEvent, ChildDetail
from staff.cases.cases import case_of
from staff.cases.casework import CaseChange, locked
from staff.cases.tables import child_details
from storage.vault import Vault

OLDEST = 120
LONGEST_DETAIL = 200
"""Characters in what is recorded of a pupil."""


class DetailKind(str, Enum):
    """What can be recorded. The values are in the database: never rename one."""

    AGE = "age"
    KNOWN_PUPIL = "known_pupil"


class ChildDetails:
    """Records what staff know of a child. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault
        self._now = now

    def record(self, case_id: str, kind: DetailKind, value: str, *, by: str) -> None:
        """Record a detail; an empty value takes the one before back.

        Raises UnknownCaseError, UnknownStaffError, and ValueError for an age that is none, or for
        more than LONGEST_DETAIL characters.
        """
        value = checked(kind, value)
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            case = case_of(locked(connection, case_id))
            change = CaseChange(connection, self._vault, case, by, self._now())
            row = change.write(child_details, {"value": value}, kind=kind.value)
            change.update()
            change.record(CaseEvent.CHILD_DETAIL, detail=row, kind=kind.value, known=bool(value))


def checked(kind: DetailKind, value: str) -> str:
    """Return a value as it is recorded. Raises ValueError."""
    value = value.strip()
    if len(value) > LONGEST_DETAIL:
        raise ValueError("too long")
    if kind is DetailKind.AGE and value and not 1 <= int(value) <= OLDEST:
        raise ValueError("not an age")
    return str(int(value)) if kind is DetailKind.AGE and value else value


def newest(details: Iterable[ChildDetail]) -> dict[str, ChildDetail]:
    """Return the details that count, by kind; `details` are given oldest first."""
    last = {each.kind: each for each in details}
    return {kind: each for kind, each in last.items() if each.value}
