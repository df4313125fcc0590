"""Letterboxes: how a person finds the way back to their case by a phrase, and whose turn it is.

Chat and staff share this one table. The case worker writes a row when the hand-off mailbox brings
one; the gateway only reads it, to find a letterbox by a phrase that was typed. No column holds the
phrase, the answer or a word of a letter. ADR 53.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, Row

from safeguarding.escalation import LETTERBOX_LASTS, LetterboxOpened
from storage.engine import READING, UtcDateTime, metadata

BY_PERSON, BY_STAFF, BY_TIME = "person", "staff", "time"
"""Who closed a letterbox; BY_TIME when its days were over. The values are stored."""

letterboxes = sa.Table(
    "letterboxes",
    metadata,
    # The case that the conversation opened, also once that is part of another.
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("locator", sa.Text, index=True),
    sa.Column("secret", sa.Text),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("waits_since", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("closed_by", sa.Text),
    sa.CheckConstraint("closed_by IN ('person', 'staff', 'time')", name="closed_by"),
    # What finds and opens it goes when it closes.
    sa.CheckConstraint("(secret IS NULL) = (closed_at IS NOT NULL)", name="secret"),
    sa.CheckConstraint("(locator IS NULL) = (closed_at IS NOT NULL)", name="locator"),
)
"""`waits_since` is when the oldest letter of the person came that staff have not answered."""


@dataclass(frozen=True)
class FoundLetterbox:
    """What the chat needs of a letterbox."""

    case_id: str
    """The id of its case: that of the conversation which opened it."""
    secret: str
    """The slow hash of phrase and answer."""
    question: str


@dataclass(frozen=True)
class Letterbox:
    """A letterbox as staff see it."""

    case_id: str
    opened_at: datetime
    ends_at: datetime
    waits_since: datetime | None
    closed_at: datetime | None
    closed_by: str | None

    def is_open(self, now: datetime) -> bool:
        """Return whether the person can still open it."""
        return self.closed_at is None and now < self.ends_at


class Letterboxes:
    """Finds letterboxes for the chat. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        self._reading = engine.execution_options(**READING)

    def find(self, locator: str, at: datetime) -> FoundLetterbox | None:
        """Return the open letterbox with this locator; None where there is none, or two.

        Two may have one only if gateways gave out both in the same moment.
        """
        of = letterboxes.c
        query = sa.select(of.case_id, of.secret, of.question).where(
            of.locator == locator, of.closed_at.is_(None), of.ends_at > at
        )
        with self._reading.connect() as connection:
            rows = connection.execute(query.limit(2)).all()
        if len(rows) != 1:
            return None
        return FoundLetterbox(rows[0].case_id, rows[0].secret, rows[0].question)


def open_box(connection: Connection, change: LetterboxOpened) -> bool:
    """Open the letterbox of a case, or give it another phrase; False when a later one is known.

    A letterbox that was closed opens again.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "opened_at": change.at,
        "ends_at": change.at + LETTERBOX_LASTS,
        "locator": change.locator,
        "secret": change.secret,
        "question": change.question,
        "closed_at": None,
        "closed_by": None,
    }
    insert = dialect.insert(letterboxes).values(case_id=change.conversation_id, **row)
    # A slow database may bring two changes of one letterbox in reverse order.
    is_later = (letterboxes.c.opened_at < change.at) & (
        letterboxes.c.closed_at.is_(None) | (letterboxes.c.closed_at < change.at)
    )
    upsert = insert.on_conflict_do_update(index_elements=["case_id"], set_=row, where=is_later)
    return connection.execute(upsert, execution_options={"preserve_rowcount": True}).rowcount > 0


def close_box(connection: Connection, case_id: str, by: str, at: datetime) -> bool:
    """Close a letterbox that was opened before; False when it is closed, or there is none.

    Nobody can find or open it afterwards.
    """
    mine = (
        (letterboxes.c.case_id == case_id)
        & letterboxes.c.closed_at.is_(None)
        & (letterboxes.c.opened_at <= at)
    )
    closed = {"closed_at": at, "closed_by": by, "locator": None, "secret": None}
    done = sa.update(letterboxes).where(mine).values(**closed, waits_since=None)
    return connection.execute(done).rowcount > 0


def due_to_end(connection: Connection, at: datetime) -> list[str]:
    """Return the cases whose letterboxes are open although their days are over."""
    over = letterboxes.c.closed_at.is_(None) & (letterboxes.c.ends_at <= at)
    return list(connection.execute(sa.select(letterboxes.c.case_id).where(over)).scalars())


def letter_came(connection: Connection, case_id: str, at: datetime) -> bool:
    """Note that a letter waits; False when an earlier one does, or there is no letterbox."""
    mine = (letterboxes.c.case_id == case_id) & letterboxes.c.waits_since.is_(None)
    return (
        connection.execute(sa.update(letterboxes).where(mine).values(waits_since=at)).rowcount > 0
    )


def letter_answered(connection: Connection, case_id: str) -> bool:
    """Note that no letter waits any more; False when none did."""
    mine = (letterboxes.c.case_id == case_id) & letterboxes.c.waits_since.is_not(None)
    gone = sa.update(letterboxes).where(mine).values(waits_since=None)
    return connection.execute(gone).rowcount > 0


def of_cases(connection: Connection, case_ids: Collection[str]) -> list[Letterbox]:
    """Return the letterboxes of these cases, the oldest first."""
    mine = letterboxes.c.case_id.in_(case_ids)
    query = sa.select(letterboxes).where(mine).order_by(letterboxes.c.opened_at)
    return [_letterbox(row) for row in connection.execute(query)]


def _letterbox(row: Row[tuple[object, ...]]) -> Letterbox:
    return Letterbox(
        row.case_id, row.opened_at, row.ends_at, row.waits_since, row.closed_at, row.closed_by
    )
