"""Retention clocks: how long a closed case is kept, and which cases are due for disposal.

A case and those merged into it form a group, which is kept and disposed of as one. The default
periods and their sources: docs/retention.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.cases.case import Case, CaseStatus
from staff.cases.cases import case_of
from staff.cases.tables import cases

_PAGE = 500
"""Cases that one query reads."""
SEXUAL_ABUSE = frozenset(
    {"sexual_abuse", "sexual_exploitation", "grooming", "image_abuse", "harmful_sexual_behaviour"}
)
"""The risk categories of child sexual abuse, whose records are kept longest."""


class RetentionClock(str, Enum):
    """The clock of a case. The values are in the audit trail: never rename one."""

    CONCERN = "concern"
    """A concern or less, by the judgement of staff or else the assessment."""
    URGENT = "urgent"
    """Urgent or immediate, judged in the same way."""
    SEXUAL_ABUSE = "sexual abuse"
    """In a category of SEXUAL_ABUSE, and not a false alarm."""


@dataclass(frozen=True)
class CaseGroup:
    """A case and those merged into it."""

    case: Case
    merged: tuple[Case, ...] = ()

    @property
    def all(self) -> tuple[Case, ...]:
        """All cases of the group, the one that the others were merged into first."""
        return (self.case, *self.merged)

    @property
    def held(self) -> bool:
        """Whether one of the cases is under a legal hold, which keeps them all."""
        return any(each.legal_hold for each in self.all)

    @property
    def newest_at(self) -> datetime:
        """When the newest message of the group came."""
        return max(each.newest_at for each in self.all)


@dataclass(frozen=True)
class RetentionPeriods:
    """How long each clock runs."""

    years: Mapping[RetentionClock, int]

    @classmethod
    def of(cls, settings: Settings) -> RetentionPeriods:
        """Return the periods of this installation."""
        return cls(
            {
                RetentionClock.CONCERN: settings.keep_concern_years,
                RetentionClock.URGENT: settings.keep_urgent_years,
                RetentionClock.SEXUAL_ABUSE: settings.keep_sexual_abuse_years,
            }
        )

    def due_at(self, group: CaseGroup) -> datetime | None:
        """Return when a group is due for disposal; None while it is open.

        The clock starts at closing, or with a later message.
        """
        case = group.case
        if case.status is not CaseStatus.CLOSED or case.closed_at is None:
            return None
        return in_years(max(case.closed_at, group.newest_at), self.years[clock_of(case)])


def clock_of(case: Case) -> RetentionClock:
    """Return the clock of a case, by the judgement of staff or else the assessment."""
    # Until staff say what it is about, what may be sexual abuse is kept as long.
    possible = case.possible_categories if case.staff_categories is None else ()
    if case.severity > Severity.NONE and SEXUAL_ABUSE.intersection(case.categories + possible):
        return RetentionClock.SEXUAL_ABUSE
    return RetentionClock.URGENT if case.severity >= Severity.URGENT else RetentionClock.CONCERN


def in_years(at: datetime, years: int) -> datetime:
    """Return the same day in another year; 1 March for a 29 February that it does not have."""
    try:
        return at.replace(year=at.year + years)
    except ValueError:
        return at.replace(year=at.year + years, month=3, day=1)


@dataclass(frozen=True)
class Due:
    """A group that is due for disposal."""

    group: CaseGroup
    clock: RetentionClock
    since: datetime
    """When it ran out."""


def due(connection: Connection, clocks: RetentionPeriods, now: datetime) -> Iterator[Due]:
    """Yield every group that is due, in the order of ids. Decrypts nothing."""
    # A clock that started later cannot have run out.
    latest_start = in_years(now, -min(clocks.years.values()))
    closed = (
        sa.select(cases)
        .where(
            cases.c.merged_into.is_(None),
            cases.c.status == CaseStatus.CLOSED.value,
            cases.c.closed_at <= latest_start,
        )
        .order_by(cases.c.id)
        .limit(_PAGE)
    )
    last = ""
    while page := _read(connection, closed.where(cases.c.id > last)):
        last = page[-1].id
        for group in _with_merged(connection, page):
            due_group = is_due(group, clocks, now)
            if due_group is not None:
                yield due_group


def is_due(group: CaseGroup, clocks: RetentionPeriods, now: datetime) -> Due | None:
    """Return the group as due when it is closed, past its clock and not held; else None."""
    since = clocks.due_at(group)
    if since is None or since > now or group.held:
        return None
    return Due(group, clock_of(group.case), since)


def _with_merged(connection: Connection, heads: Sequence[Case]) -> list[CaseGroup]:
    query = sa.select(cases).where(cases.c.merged_into.in_([head.id for head in heads]))
    merged = _read(connection, query.order_by(cases.c.id))
    return [
        CaseGroup(head, tuple(each for each in merged if each.merged_into == head.id))
        for head in heads
    ]


def locked(connection: Connection, case_id: str) -> CaseGroup | None:
    """Return the group of this case, locked until the transaction ends; None when it is gone."""
    in_group = (cases.c.id == case_id) | (cases.c.merged_into == case_id)
    query = sa.select(cases).where(in_group).order_by(cases.c.id).with_for_update()
    group = _read(connection, query)
    head = next((case for case in group if case.id == case_id), None)
    if head is None or head.merged_into is not None:
        return None
    return CaseGroup(head, tuple(case for case in group if case is not head))


def _read(connection: Connection, query: sa.Select[Any]) -> list[Case]:
    return [case_of(row) for row in connection.execute(query).mappings()]
