"""Reads cases for those who work on them: the queue, and one case whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.audit import trail
from staff.cases.case import Case, CaseEvent, CaseStatus, WholeCase
from staff.cases.rows import (
    action_of,
    case_of,
    note_of,
    opened_row,
    referral_of,
    review_of,
    vault_of,
    wish_of,
)
from staff.cases.tables import (
    case_actions,
    case_notes,
    cases,
    escalations,
    referrals,
    reviews,
    wishes,
)
from storage.engine import READING
from storage.vault import Vault

_PREFIX, _LETTERS = "LN", 8
UNASSIGNED = "nobody"
"""Of `CaseFilter.assigned_to`: cases that nobody has taken."""


class UnknownCaseError(LookupError):
    """There is no such case, or not for this reader."""


@dataclass(frozen=True)
class CaseFilter:
    """Which cases. Every field that is None lets all through."""

    status: CaseStatus | None = CaseStatus.OPEN
    severity: Severity | None = None
    category: str | None = None
    need: str | None = None
    audience: str | None = None
    area: str | None = None
    assigned_to: str | None = None
    """Id of a staff account, or UNASSIGNED."""
    offered_to: str | None = None
    """Only what was handed over to this member of staff and waits for their answer."""
    second_person: str | None = None
    """Only what this member of staff may agree to close, because somebody else proposed it."""
    reference: str | None = None
    """A reference or its beginning, as people write it: case and dashes do not matter."""
    overdue_at: datetime | None = None
    """Only what should have been looked at by then."""
    areas: Collection[str] | None = None
    """The areas of the reader; cases of which no area is known belong to everybody."""
    opened_from: datetime | None = None
    opened_before: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a row of cases must fulfil."""
        equal = {
            cases.c.status: None if self.status is None else self.status.value,
            cases.c.severity: None if self.severity is None else int(self.severity),
            cases.c.need: self.need,
            cases.c.audience: self.audience,
            cases.c.area: self.area,
            cases.c.offered_to: self.offered_to,
        }
        found = [cases.c.merged_into.is_(None), cases.c.handoffs > 0]
        found += [column == value for column, value in equal.items() if value is not None]
        if self.category is not None:
            found.append(_has_category(self.category))
        if self.assigned_to is not None:
            found.append(_has(self.assigned_to))
        if self.second_person is not None:
            found.append(cases.c.closing_by != self.second_person)
        if self.reference is not None:
            begins = cases.c.reference.startswith
            readings = (begins(each, autoescape=True) for each in _references(self.reference))
            found.append(sa.or_(*readings))
        if self.overdue_at is not None:
            found.append(cases.c.due_at < self.overdue_at)
        if self.areas is not None:
            found.append(sa.or_(cases.c.area.is_(None), cases.c.area.in_(self.areas)))
        if self.opened_from is not None:
            found.append(cases.c.opened_at >= self.opened_from)
        if self.opened_before is not None:
            found.append(cases.c.opened_at < self.opened_before)
        return found


class Cases:
    """The cases on record, for reading. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._ring = vault

    def queue(self, which: CaseFilter, *, offset: int = 0, limit: int | None = 25) -> list[Case]:
        """A part of the list: the most severe first, then what is due first."""
        query = in_order(which).offset(offset).limit(limit)
        with self._reading.connect() as connection:
            return [case_of(row) for row in connection.execute(query).mappings()]

    def count(self, which: CaseFilter, *, at_most: int | None = None) -> int:
        """How many cases there are of this kind; of more than `at_most`, that number."""
        found = sa.select(cases.c.id).where(*which.conditions()).limit(at_most)
        query = sa.select(sa.func.count()).select_from(found.subquery())
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()

    def latest_change(self) -> int:
        """The number of the newest event about a case: it grows when anything has changed."""
        with self._reading.connect() as connection:
            return trail.newest(connection)

    def areas(self) -> list[str]:
        """The areas that cases are of, in the order of their names."""
        named = sa.select(cases.c.area).where(cases.c.area.is_not(None)).distinct()
        with self._reading.connect() as connection:
            return list(connection.execute(named.order_by(cases.c.area)).scalars())

    def revealed_since(self, since: datetime, *, by: str) -> int:
        """Of how many cases a member of staff has uncovered the words since then."""
        with self._reading.connect() as connection:
            found = trail.by_whom(connection, by, CaseEvent.REVEALED.value, since)
        return len({each.event.case_id for each in found})

    def changed(self, case_id: str) -> int:
        """The number of the newest event of a case but for mere reading. UnknownCaseError."""
        reading = {CaseEvent.VIEWED.value, CaseEvent.REVEALED.value}
        with self._reading.connect() as connection:
            case = _found(connection, case_id, None)
            links = trail.of_case(connection, case.id)
        return max((link.id for link in links if link.event.what not in reading), default=0)

    def find(self, case_id: str, areas: Collection[str] | None = None) -> Case:
        """One case without its words, merged or not. Raises UnknownCaseError."""
        with self._reading.connect() as connection:
            return _found(connection, case_id, areas)

    def exists(self, case_id: str) -> bool:
        """Whether there is such a case, for whomever."""
        query = sa.select(cases.c.id).where(cases.c.id == case_id)
        with self._reading.connect() as connection:
            return connection.execute(query).first() is not None

    def of_message(self, message_id: str) -> str:
        """The id of the case a message belongs to. Raises UnknownCaseError."""
        query = sa.select(escalations.c.case_id).where(escalations.c.message_id == message_id)
        with self._reading.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise UnknownCaseError
        return str(found)

    def of_reference(self, reference: str) -> Case:
        """The case with this reference, as people write it. Raises UnknownCaseError."""
        mine = cases.c.reference.in_(_references(reference))
        with self._reading.connect() as connection:
            row = connection.execute(sa.select(cases).where(mine)).mappings().first()
        if row is None:
            raise UnknownCaseError
        return case_of(row)

    def whole(
        self, case_id: str, areas: Collection[str] | None = None, *, with_merged: bool = True
    ) -> WholeCase:
        """One case with all its words, and with those merged into it unless they are not wanted.

        Raises UnknownCaseError, VaultError.
        """
        with self._reading.connect() as connection:
            case = _found(connection, case_id, areas)
            into = sa.select(cases).where(cases.c.merged_into == case.id)
            rows_of = connection.execute(into).mappings() if with_merged else ()
            merged = tuple(case_of(row) for row in rows_of)
            ids = [case.id, *(each.id for each in merged)]
            vaults = {each: vault_of(connection, self._ring, each) for each in ids}

            def rows(table: sa.Table, *order: str) -> list[Any]:
                mine = sa.select(table).where(table.c.case_id.in_(ids))
                ordered = mine.order_by(*(table.c[name] for name in order))
                return list(connection.execute(ordered).mappings())

            return WholeCase(
                case=case,
                messages=tuple(
                    opened_row(row, vaults[row["case_id"]])
                    for row in rows(escalations, "raised_at", "message_id")
                ),
                reviews=tuple(review_of(r, vaults[r["case_id"]]) for r in rows(reviews, "at")),
                notes=tuple(note_of(r, vaults[r["case_id"]]) for r in rows(case_notes, "at")),
                actions=tuple(action_of(r, vaults[r["case_id"]]) for r in rows(case_actions, "at")),
                referrals=tuple(
                    referral_of(r, vaults[r["case_id"]]) for r in rows(referrals, "at")
                ),
                wish=next(
                    (wish_of(r, vaults[r["case_id"]]) for r in reversed(rows(wishes, "at"))), None
                ),
                history=tuple(trail.of_case(connection, *ids)),
                merged=merged,
            )

    def message(self, message_id: str) -> Escalation:
        """One message, whole. Raises UnknownCaseError, VaultError."""
        mine = sa.select(escalations).where(escalations.c.message_id == message_id)
        with self._reading.connect() as connection:
            row = connection.execute(mine).mappings().first()
            if row is None:
                raise UnknownCaseError
            return opened_row(row, vault_of(connection, self._ring, row["case_id"]))


def in_order(which: CaseFilter) -> sa.Select[Any]:
    """The rows of cases as the queue has them. The index ix_cases_queue has this order."""
    order = (cases.c.severity.desc(), cases.c.due_at, cases.c.id)
    return sa.select(cases).where(*which.conditions()).order_by(*order)


def _found(connection: Connection, case_id: str, areas: Collection[str] | None) -> Case:
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().first()
    if row is None or (areas is not None and row["area"] not in {None, *areas}):
        raise UnknownCaseError
    return case_of(row)


def _has(whose: str) -> sa.ColumnElement[bool]:
    """Whether a case is somebody's, or offered to them; or nobody's."""
    if whose == UNASSIGNED:
        return cases.c.assigned_to.is_(None)
    return sa.or_(cases.c.assigned_to == whose, cases.c.offered_to == whose)


def _has_category(name: str) -> sa.ColumnElement[bool]:
    """Whether a category counts for a case: JSON text that names it, the same on both databases."""
    counts = sa.func.coalesce(
        sa.cast(cases.c.staff_categories, sa.Text), sa.cast(cases.c.categories, sa.Text)
    )
    return counts.contains(f'"{name}"', autoescape=True)


def _references(typed: str) -> set[str]:
    """What somebody typed, as a reference or the beginning of one, in every way it can be read.

    "LN" may be what all of them begin with, or the first two letters of one.
    """
    letters = "".join(each for each in typed.upper() if each.isalnum())
    readings = {letters[:_LETTERS], letters.removeprefix("LN")[:_LETTERS]}
    if len(letters) > _LETTERS:
        readings = {letters.removeprefix("LN")}
    parts = ([_PREFIX, each[:4], each[4:]] for each in readings)
    return {"-".join(filter(None, part)) for part in parts}
