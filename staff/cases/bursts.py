"""Bursts in the queue: cases that look alike and came one soon after the other are one row.

Whether cases belong to one burst was decided when staff were alerted of them (`BURST_GAP` in
staff/alerts/outbox.py). A burst is a row of the list only: its cases are found and counted as ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from staff.cases.case import Case
from staff.cases.cases import CaseFilter, case_of, in_order
from staff.cases.tables import cases
from storage.engine import READING

SHOWN_FROM = 3
"""Cases that match in a burst, for it to be one row."""
MOST_SHOWN = 25
"""Cases of a burst that its row opens to; all of them are in a separate list."""


@dataclass(frozen=True)
class CaseBurst:
    """The cases of a burst that match."""

    id: int
    number: int
    unassigned: int
    """Those that are assigned to no one."""
    first_at: datetime
    """When the first of them was raised."""
    newest_at: datetime
    """When the newest message of any of them came."""
    cases: tuple[Case, ...]
    """Those that its row opens to, in the order of the queue."""


@dataclass(frozen=True)
class QueueRow:
    """One row of the queue."""

    case: Case
    """The case; of a burst, the one that comes first."""
    burst: CaseBurst | None = None


class CaseBursts:
    """Reads the queue with each burst as one row. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)

    def rows(self, which: CaseFilter, *, offset: int, limit: int) -> list[QueueRow]:
        """Return a part of the queue; a burst stands where its first case would."""
        query = rows_in_order(which).offset(offset).limit(limit)
        with self._reading.connect() as connection:
            found = connection.execute(query).mappings().all()
            ids = {row["burst"] for row in found} - {None}
            bursts = {
                row["burst"]: _burst(connection, which, row)
                for row in connection.execute(_totals(which, ids)).mappings().all()
            }
        return [QueueRow(case_of(row), bursts.get(row["burst"])) for row in found]

    def count(self, which: CaseFilter, *, at_most: int) -> int:
        """Return the number of rows, but no more than `at_most`."""
        matching = rows_in_order(which).with_only_columns(cases.c.id).limit(at_most)
        query = sa.select(sa.func.count()).select_from(matching.subquery())
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()


def rows_in_order(which: CaseFilter) -> sa.Select[tuple[object, ...]]:
    """Return the query of the cases that have a row: of a burst, the first that matches."""
    other = cases.alias()
    alike = (other.c.burst == cases.c.burst) & sa.and_(*which.conditions(other))
    same, later = other.c.severity == cases.c.severity, other.c.due_at == cases.c.due_at
    earlier = (
        (other.c.severity > cases.c.severity)
        | (same & (other.c.due_at < cases.c.due_at))
        | (same & later & (other.c.id < cases.c.id))
    )
    first = ~sa.exists().where(alike, earlier)
    enough = sa.select(other.c.id).where(alike).limit(1).offset(SHOWN_FROM - 1).exists()
    return in_order(which).where(cases.c.burst.is_(None) | first | ~enough)


def _totals(which: CaseFilter, ids: set[int]) -> sa.Select[tuple[object, ...]]:
    number = sa.func.count()
    return (
        sa.select(
            cases.c.burst,
            number.label("number"),
            (number - sa.func.count(cases.c.assigned_to)).label("unassigned"),
            sa.func.min(cases.c.raised_at).label("first_at"),
            sa.func.max(cases.c.newest_at).label("newest_at"),
        )
        .where(cases.c.burst.in_(ids), *which.conditions())
        .group_by(cases.c.burst)
        .having(number >= SHOWN_FROM)
    )


def _burst(connection: Connection, which: CaseFilter, total: RowMapping) -> CaseBurst:
    shown = in_order(replace(which, burst=total["burst"])).limit(MOST_SHOWN)
    members = tuple(case_of(row) for row in connection.execute(shown).mappings())
    return CaseBurst(
        total["burst"],
        total["number"],
        total["unassigned"],
        total["first_at"],
        total["newest_at"],
        members,
    )
