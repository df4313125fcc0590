"""Which cases may be closed together as false alarms, and what stands in the way of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.cases.case import Case, CaseStatus
from staff.cases.cases import case_of, may_see
from staff.cases.closing import open_tasks, unfinished_live_chat
from staff.cases.likeness import CasePrint, Likeness, prints_of
from staff.cases.reads import read_by
from staff.cases.tables import cases, referrals, reviews, wishes
from storage.vault import Vault


class Barrier(str, Enum):
    """Why a case is not closed together with others."""

    GONE = "gone"
    """It is not there, or not for this reader, or part of another case."""
    CLOSED = "closed"
    PROPOSED = "proposed"
    IMMEDIATE = "immediate"
    IMMEDIATE_UNREAD = "immediate_unread"
    """It was assessed as immediate, staff lowered it, and this reader has not read it."""
    COLLEAGUE = "colleague"
    WISH = "wish"
    REFERRED = "referred"
    TASKS = "tasks"
    LIVE_CHAT = "live_chat"
    """A live chat runs, or was not wrapped up."""
    MERGED = "merged"
    UNREAD = "unread"
    CHANGED = "changed"
    """It has changed since the page was made."""


@dataclass(frozen=True)
class CaseReader:
    """The member of staff who would close cases together."""

    id: str
    session: str
    """The digest that names their session on the audit trail."""
    areas: Collection[str] | None
    """The areas whose cases they may see; None for all."""


@dataclass(frozen=True)
class AlarmCandidate:
    """A case as it stands for one reader who would close it with others."""

    case: Case
    read: bool
    barrier: Barrier | None
    same_as: str | None = None
    """Of an unread case, the reference of a read one that holds every word of it."""


def measured(
    connection: Connection,
    vault: Vault,
    found: Sequence[AlarmCandidate],
    reader: CaseReader,
    like: str | None = None,
) -> list[AlarmCandidate]:
    """Return the candidates; an unread one is barred unless a read one holds all its words.

    `like` is a false alarm besides them that counts as read if the reader has read and closed it.
    Raises VaultError.
    """
    unread = [each.case.id for each in found if not each.read and each.barrier is None]
    if not unread:
        return list(found)
    read = [each.case.id for each in found if each.read and each.barrier is None]
    if like is not None and _is_own_alarm(connection, like, reader):
        read.append(like)
    prints = prints_of(connection, vault, [*unread, *read])
    anchors = [prints[each] for each in read if each in prints]
    return [
        _measured(each, prints.get(each.case.id), anchors) if each.case.id in unread else each
        for each in found
    ]


def _measured(
    candidate: AlarmCandidate, own: CasePrint | None, anchors: Sequence[CasePrint]
) -> AlarmCandidate:
    for read in anchors:
        level = candidate.case.severity <= read.case.severity
        if own is not None and level and Likeness.SAME_WORDS in own.ways_like(read):
            return replace(candidate, same_as=read.case.reference)
    return replace(candidate, barrier=Barrier.UNREAD)


def candidates_among(
    connection: Connection, case_ids: Collection[str], reader: CaseReader
) -> list[AlarmCandidate]:
    """Return those of the cases that this reader may see, in the order of the queue."""
    order = (cases.c.severity.desc(), cases.c.due_at, cases.c.id)
    query = sa.select(cases).where(cases.c.id.in_(case_ids), may_see(reader.areas)).order_by(*order)
    found = [case_of(row) for row in connection.execute(query).mappings()]
    ids = [each.id for each in found]
    read = read_by(connection, ids, reader.id, reader.session)
    with_wish = _having(connection, wishes.c.case_id, ids)
    referred = _having(connection, referrals.c.case_id, ids)
    merged = _having(connection, cases.c.merged_into, ids)

    def barrier(case: Case) -> Barrier | None:
        lowered = case.assessed_severity > Severity.URGENT and case.id not in read
        others = {case.assigned_to, case.offered_to} - {None, reader.id}
        barriers = {
            Barrier.GONE: case.merged_into is not None,
            Barrier.CLOSED: case.status is CaseStatus.CLOSED,
            Barrier.PROPOSED: case.closing_by is not None,
            Barrier.IMMEDIATE: case.severity > Severity.URGENT,
            Barrier.IMMEDIATE_UNREAD: lowered,
            Barrier.COLLEAGUE: bool(others),
            Barrier.WISH: case.id in with_wish,
            Barrier.REFERRED: case.id in referred,
            Barrier.TASKS: open_tasks(connection, case.id) > 0,
            Barrier.LIVE_CHAT: unfinished_live_chat(connection, case.id) is not None,
            Barrier.MERGED: case.id in merged,
        }
        return next((each for each, stands in barriers.items() if stands), None)

    return [AlarmCandidate(each, each.id in read, barrier(each)) for each in found]


def _having(connection: Connection, column: sa.Column[str], ids: Collection[str]) -> set[str]:
    query = sa.select(column).where(column.in_(ids)).distinct()
    return set(connection.execute(query).scalars())


def _is_own_alarm(connection: Connection, case_id: str, reader: CaseReader) -> bool:
    """Return whether the reader has read this case and closed it, or proposed to, so."""
    columns = sa.select(reviews.c.by, reviews.c.outcome).where(reviews.c.case_id == case_id)
    last = connection.execute(columns.order_by(reviews.c.at.desc()).limit(1)).first()
    closed = last is not None and (last.by, last.outcome) == (
        reader.id,
        Outcome.FALSE_ALARM.value,
    )
    return closed and case_id in read_by(connection, [case_id], reader.id, reader.session)
