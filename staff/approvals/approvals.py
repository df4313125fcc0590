"""Approvals: records which lead approved which text of the content, and reports how many are.

A lead approves what they have read (`readings.py`). Decisions are never changed or deleted.
`python -m lantern approvals` prints the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping, make_url
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import LONDON, utc_now
from safeguarding.content.items import Item, opened
from safeguarding.content.reader import KINDS, Kinds, read_catalogue
from safeguarding.content.signing import (
    ApprovalDecision,
    ApprovalStatus,
    Decided,
    Standing,
    standing_of,
)
from safeguarding.settings import Settings
from staff.accounts.accounts import StaffAccounts, member_of
from staff.accounts.permissions import Permission
from staff.accounts.tables import staff
from staff.approvals.parts import PACE, ReadingPace
from staff.approvals.plan import SigningPlans, plan_line
from staff.approvals.readings import check_read
from staff.audit.trail import Event, append
from storage.approval_records import approvals, read_decisions
from storage.engine import READING, connect

_DONE = {
    ApprovalDecision.APPROVED: "content approved",
    ApprovalDecision.SENT_BACK: "content sent back",
}
"""The name of each decision on the audit trail."""


class NotALeadError(Exception):
    """The account is disabled, or its role may not decide on content."""


class NoteNeededError(ValueError):
    """Content was sent back without a reason."""


class AlreadySignedError(Exception):
    """This person has already approved these words."""


class Approvals:
    """Decisions on the content. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime] = utc_now,
        kinds: Kinds = KINDS,
        pace: ReadingPace = PACE,
    ) -> None:
        self._kinds = kinds
        self._pace = pace
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def decide(self, item: Item, decision: ApprovalDecision, *, by: str, note: str = "") -> None:
        """Record the decision of the lead `by` on the words of `item`.

        Raises NotALeadError, NoteNeededError, AlreadySignedError and, where the words are approved
        without having been read, NotReadError.
        """
        if decision is ApprovalDecision.SENT_BACK and not note.strip():
            raise NoteNeededError
        with self._engine.begin() as connection:
            member = _lead(connection, by)
            approves = decision is ApprovalDecision.APPROVED
            if approves and not self._standing(connection, item).may_approve(by):
                raise AlreadySignedError
            at = self._now()
            detail: dict[str, Any] = {"content": item.id, "digest": item.digest}
            if approves:
                read = check_read(connection, item, by, at, self._pace)
                took = at - (read.began_at or at)
                detail |= {"words": read.words, "read_s": int(took.total_seconds())}
            values = {
                "content_id": item.id,
                "digest": item.digest,
                "words": item.words,
                "decision": decision.value,
                "by": by,
                "name": member["shown_name"],
                "role": member["role"],
                "at": at,
                "note": note.strip(),
            }
            connection.execute(sa.insert(approvals).values(**values))
            append(connection, Event(at, by, _DONE[decision], detail=detail))

    def standings(self, items: Iterable[Item]) -> list[Standing]:
        """Return the current status of each item."""
        with self._reading.connect() as connection:
            decisions = read_decisions(connection)
        return [self._standing_of(item, decisions.get(item.id, ())) for item in items]

    def standing(self, item: Item) -> Standing:
        """Return the current status of one item."""
        with self._reading.connect() as connection:
            return self._standing(connection, item)

    def words(self, content_id: str, digest: str) -> Item | None:
        """Return the item as it was decided on, or None when there was no such decision."""
        same = (approvals.c.content_id == content_id) & (approvals.c.digest == digest)
        with self._reading.connect() as connection:
            words = connection.execute(sa.select(approvals.c.words).where(same).limit(1)).scalar()
        return None if words is None else opened(words)

    def _standing(self, connection: Connection, item: Item) -> Standing:
        return self._standing_of(item, read_decisions(connection, item.id).get(item.id, ()))

    def _standing_of(self, item: Item, decisions: Iterable[Decided]) -> Standing:
        return standing_of(item, decisions, self._now().astimezone(LONDON).date(), self._kinds)


def _lead(connection: Connection, staff_id: str) -> RowMapping:
    # What one person decides twice at once is decided one after the other.
    query = sa.select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    query = query.with_for_update()
    member = connection.execute(query).mappings().first()
    if member is None or not member_of(member).may(Permission.APPROVE_CONTENT):
        raise NotALeadError
    return member


NO_DATABASE = "approvals: no database yet"
STATUSES = {
    ApprovalStatus.APPROVED: "approved",
    ApprovalStatus.REVIEW_DUE: "approved with a review due within 90 days",
    ApprovalStatus.PAST_REVIEW: "past review",
    ApprovalStatus.WAITING: "waiting for a second person",
    ApprovalStatus.CHANGED: "changed since approval",
    ApprovalStatus.SENT_BACK: "sent back",
    ApprovalStatus.NEVER: "never approved",
}


def report(standings: Sequence[Standing]) -> str:
    """Return one line with the number of items, in all and of each status."""
    counts = Counter(standing.status for standing in standings)
    blocks = [f"{counts[status]} {words}" for status, words in STATUSES.items() if counts[status]]
    return f"approvals: {len(standings)} items: {', '.join(blocks) or 'none'}"


def current_report(database_url: str) -> str:
    """Return the report from this database and the line of the signing plan.

    Where there is no database, return a line that says so.
    Does not create one.
    """
    address = make_url(database_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return NO_DATABASE
    engine = connect(database_url)
    try:
        standings = Approvals(engine).standings(read_catalogue().items.values())
        plan = SigningPlans(engine).current(standings)
        leads = {each.task.staff_id for each in plan.signatures}
        names = StaffAccounts(engine).shown_names(leads)
        return f"{report(standings)}\n{plan_line(plan, names)}"
    except SQLAlchemyError:
        return f"{NO_DATABASE}, or it cannot be read"
    finally:
        engine.dispose()


@click.command()
def main() -> None:
    """Print how many items of the content are approved, and how far the signing plan is."""
    click.echo(current_report(Settings.from_env().database_url))
