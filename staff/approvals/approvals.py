"""The approvals: who signed which texts of the content, and when. Kept for good.

`python -m lantern approvals` prints how much of the content is signed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping, make_url
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import LONDON, utc_now
from safeguarding.content.items import Item, opened
from safeguarding.content.kinds import KINDS, Kinds
from safeguarding.content.reader import read_catalogue
from safeguarding.content.signing import (
    ApprovalDecision,
    ApprovalStatus,
    Decided,
    Standing,
    approved_digests,
    standing_of,
)
from safeguarding.settings import Settings
from staff.accounts.accounts import member_of
from staff.accounts.permissions import Permission
from staff.accounts.tables import staff
from staff.audit.trail import Event, append
from storage.engine import READING, connect
from storage.metadata import UtcDateTime, metadata

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("content_id", sa.Text, nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("by", sa.Text, sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.CheckConstraint("decision IN ('approved', 'sent_back')", name="decision"),
)
"""Decisions on content. The words are ours, not a person's: they are kept as they are read."""

_DONE = {
    ApprovalDecision.APPROVED: "content approved",
    ApprovalDecision.SENT_BACK: "content sent back",
}
"""How the audit trail names a decision."""
_FACTS = [column for column in approvals.c if column.name != "words"]


class NotALeadError(Exception):
    """Only a lead in use may decide on content."""


class NoteNeededError(ValueError):
    """Content was sent back without a word on why."""


class AlreadySignedError(Exception):
    """This person's approval of these words is on record already."""


class Approvals:
    """Decisions on content, on the database of the escalations. Thread-safe.

    Every method raises SQLAlchemyError when the database cannot do its part.
    """

    def __init__(
        self, engine: Engine, now: Callable[[], datetime] = utc_now, kinds: Kinds = KINDS
    ) -> None:
        """Take an engine of `database.connect` on a migrated database."""
        self._kinds = kinds
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def decide(self, item: Item, decision: ApprovalDecision, *, by: str, note: str = "") -> None:
        """Record what a lead decides about the words of `item`.

        Raises NotALeadError, NoteNeededError, AlreadySignedError.
        """
        if decision is ApprovalDecision.SENT_BACK and not note.strip():
            raise NoteNeededError
        with self._engine.begin() as connection:
            member = _lead(connection, by)
            if decision is ApprovalDecision.APPROVED and not self._adds(connection, item, by):
                raise AlreadySignedError
            at = self._now()
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
            detail = {"content": item.id, "digest": item.digest}
            append(connection, Event(at, by, _DONE[decision], detail=detail))

    def standings(self, items: Iterable[Item]) -> list[Standing]:
        """Where each item stands now."""
        with self._reading.connect() as connection:
            given = _decisions(connection, sa.select(*_FACTS))
        today = self._now().astimezone(LONDON).date()
        return [standing_of(item, given.get(item.id, ()), today, self._kinds) for item in items]

    def standing(self, item: Item) -> Standing:
        """Where one item stands now."""
        with self._reading.connect() as connection:
            return self._standing(connection, item)

    def words(self, content_id: str, digest: str) -> Item | None:
        """The words that were decided on, or None when nobody ever decided on such."""
        mine = (approvals.c.content_id == content_id) & (approvals.c.digest == digest)
        with self._reading.connect() as connection:
            found = connection.execute(sa.select(approvals.c.words).where(mine).limit(1)).scalar()
        return None if found is None else opened(found)

    def approved(self) -> frozenset[tuple[str, str]]:
        """Content id and digest of all words that enough people have signed."""
        with self._reading.connect() as connection:
            given = _decisions(connection, sa.select(*_FACTS))
        every = (each for decisions in given.values() for each in decisions)
        return approved_digests(every, self._kinds)

    def _adds(self, connection: Connection, item: Item, by: str) -> bool:
        return self._standing(connection, item).may_approve(by)

    def _standing(self, connection: Connection, item: Item) -> Standing:
        query = sa.select(*_FACTS).where(approvals.c.content_id == item.id)
        given = _decisions(connection, query).get(item.id, [])
        today = self._now().astimezone(LONDON).date()
        return standing_of(item, given, today, self._kinds)


def _lead(connection: Connection, staff_id: str) -> RowMapping:
    query = sa.select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    member = connection.execute(query).mappings().first()
    if member is None or not member_of(member).may(Permission.APPROVE_CONTENT):
        raise NotALeadError
    return member


def _decisions(
    connection: Connection, query: sa.Select[tuple[object, ...]]
) -> Mapping[str, list[Decided]]:
    """The decisions by content id, oldest first."""
    found: dict[str, list[Decided]] = defaultdict(list)
    for row in connection.execute(query.order_by(approvals.c.id)).mappings():
        found[row["content_id"]].append(_decided(row))
    return found


def _decided(row: RowMapping) -> Decided:
    return Decided(
        content_id=row["content_id"],
        digest=row["digest"],
        decision=ApprovalDecision(row["decision"]),
        by=row["by"],
        name=row["name"],
        role=row["role"],
        at=row["at"],
        note=row["note"],
    )


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
    """One line: how many items there are, and how many of each status."""
    counts = Counter(standing.status for standing in standings)
    blocks = [f"{counts[status]} {words}" for status, words in STATUSES.items() if counts[status]]
    return f"approvals: {len(standings)} items: {', '.join(blocks) or 'none'}"


def current_report(database_url: str) -> str:
    """The report from this database, or one line on why there is none. Makes no database."""
    address = make_url(database_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return NO_DATABASE
    engine = connect(database_url)
    try:
        return report(Approvals(engine).standings(read_catalogue().items.values()))
    except SQLAlchemyError:
        return f"{NO_DATABASE}, or it cannot be read"
    finally:
        engine.dispose()


@click.command()
def main() -> None:
    """Print how many items of content are signed, as staff see it."""
    click.echo(current_report(Settings.from_env().database_url))
