"""Groups: a case with those merged into it. They are kept together and disposed of together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from staff.cases.case import Case, CaseStatus
from staff.cases.rows import case_of
from staff.cases.tables import cases
from staff.retention.clocks import Clock, RetentionPeriods, clock_of

_PAGE = 500


@dataclass(frozen=True)
class CaseGroup:
    """A case and those merged into it."""

    case: Case
    merged: tuple[Case, ...] = ()

    @property
    def all(self) -> tuple[Case, ...]:
        """The case first."""
        return (self.case, *self.merged)

    @property
    def held(self) -> bool:
        """Whether a legal hold keeps one of them, and so all."""
        return any(each.legal_hold for each in self.all)

    @property
    def newest_at(self) -> datetime:
        """When the newest of its messages came."""
        return max(each.newest_at for each in self.all)


@dataclass(frozen=True)
class Due:
    """A group whose clock has run out."""

    group: CaseGroup
    clock: Clock
    since: datetime
    """When it ran out."""


def due(connection: Connection, clocks: RetentionPeriods, now: datetime) -> Iterator[Due]:
    """Every group to be disposed of, in the order of their ids. Opens nothing."""
    last = ""
    while page := _closed(connection, clocks.latest_start(now), last):
        last = page[-1].id
        for group in with_merged(connection, page):
            found = is_due(group, clocks, now)
            if found is not None:
                yield found


def is_due(group: CaseGroup, clocks: RetentionPeriods, now: datetime) -> Due | None:
    """Whether it is to be disposed of now: closed, past its clock, and not held."""
    since = clocks.due_at(group.case, group.merged)
    if since is None or since > now or group.held:
        return None
    return Due(group, clock_of(group.case), since)


def with_merged(connection: Connection, heads: list[Case]) -> list[CaseGroup]:
    """These cases as groups."""
    query = sa.select(cases).where(cases.c.merged_into.in_([head.id for head in heads]))
    under = [case_of(row) for row in connection.execute(query.order_by(cases.c.id)).mappings()]
    return [
        CaseGroup(head, tuple(each for each in under if each.merged_into == head.id))
        for head in heads
    ]


def locked(connection: Connection, case_id: str) -> CaseGroup | None:
    """The group under this case, locked until the transaction ends; None when it is gone."""
    mine = (cases.c.id == case_id) | (cases.c.merged_into == case_id)
    query = sa.select(cases).where(mine).order_by(cases.c.id).with_for_update()
    found = [case_of(row) for row in connection.execute(query).mappings()]
    head = next((case for case in found if case.id == case_id), None)
    if head is None or head.merged_into is not None:
        return None
    return CaseGroup(head, tuple(case for case in found if case is not head))


def opened_at(connection: Connection, case_id: str) -> datetime | None:
    """When a case was opened, merged or not, with it locked; None when it is gone."""
    query = sa.select(cases.c.opened_at).where(cases.c.id == case_id).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def _closed(connection: Connection, until: datetime, after: str) -> list[Case]:
    query = (
        sa.select(cases)
        .where(
            cases.c.merged_into.is_(None),
            cases.c.status == CaseStatus.CLOSED.value,
            cases.c.closed_at <= until,
            cases.c.id > after,
        )
        .order_by(cases.c.id)
        .limit(_PAGE)
    )
    return [case_of(row) for row in connection.execute(query).mappings()]
