"""The hand-off mailbox: what the chat appends, durably, for the case worker of the staff side.

A row is sealed until it is done. Then its words are deleted and its key stays, so that a row
written twice, however late, is recognised. On PostgreSQL the gateway may only insert here: nothing
that it does reads the mailbox. ADR 36.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.escalation import (
    Escalation,
    Handoff,
    HandoffKind,
    handoff_as_record,
    handoff_from_record,
)
from safeguarding.taxonomy import Severity
from storage.metadata import UtcDateTime, metadata
from storage.vault import Vault

CHANNEL = "handoffs"
"""The channel on which PostgreSQL says that rows were appended; a trigger of the table does."""
COUNTED = {"preserve_rowcount": True}
"""Execution options of an insert that must say how many rows were new."""
ASSESSED, NOT_ASSESSED = "assessed", "not_assessed"

handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.Identity(),
        primary_key=True,
    ),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("sealed", sa.Text),
    sa.Column("done_at", UtcDateTime),
    sa.CheckConstraint("kind IN ('callback', 'callback_withdrawn', 'message')", name="kind"),
    sa.CheckConstraint("state IN ('assessed', 'not_assessed')", name="state"),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
    # The words go with the work: no row that is done holds any.
    sa.CheckConstraint("(sealed IS NULL) = (done_at IS NOT NULL)", name="sealed"),
    sa.Index(
        "ix_handoffs_waiting",
        "number",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    ),
    # A number that was given is never given again, also when the newest row is deleted.
    sqlite_autoincrement=True,
)
SEALED: dict[sa.Table, tuple[str, ...]] = {handoffs: ("sealed",)}
"""The columns that hold an envelope of the key ring, until the row is done."""
_PROVED = ("kind", "conversation_id", "state", "severity")


@dataclass(frozen=True)
class HandoffFigures:
    """What waits in the mailbox."""

    waiting: int
    oldest_at: datetime | None
    """When the oldest row that waits was written."""


class HandoffMailbox:
    """Appends to the mailbox. Thread-safe; one a process."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault

    def append(self, handoff: Handoff) -> bool:
        """Append a row; True when it was not there before. Returns once it is on a disk.

        Appending the same twice is harmless, and the same message with another assessment is
        another row. Raises ValueError when its moment has no time zone; SQLAlchemyError when the
        database cannot do its part, and then nothing was kept.
        """
        row = _row(handoff, self._vault)
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        # Without a conflict target, and without returning the number, no right to read is needed.
        insert = dialect.insert(handoffs).values(**row).on_conflict_do_nothing().inline()
        with self._engine.begin() as connection:
            return connection.execute(insert, execution_options=COUNTED).rowcount > 0


def _row(handoff: Handoff, vault: Vault) -> dict[str, Any]:
    record = json.dumps(handoff_as_record(handoff), sort_keys=True)
    if isinstance(handoff, Escalation):
        # A repeat is the same record, a later assessment or another answer is another.
        key = f"{handoff.message_id}.{vault.fingerprint(record)}"
        kind, written_at = HandoffKind.MESSAGE, handoff.raised_at
        severity, state = handoff.assessment.severity, handoff.is_assessed
    else:
        key, kind, written_at = handoff.id, handoff.kind, handoff.at
        severity, state = Severity.NONE, True
    plain = {
        "key": key,
        "kind": kind.value,
        "conversation_id": handoff.conversation_id,
        "state": ASSESSED if state else NOT_ASSESSED,
        "severity": int(severity),
        "written_at": written_at,
    }
    return plain | {"sealed": vault.seal(record, **_place(plain))}


def opened(row: RowMapping, vault: Vault) -> Handoff:
    """What a row that waits holds.

    Raises VaultError, also when its plain columns were changed, KeyError, TypeError or ValueError.
    """
    record = json.loads(vault.open(row["sealed"], **_place(row)))
    return handoff_from_record(HandoffKind(row["kind"]), record)


def facts_of(row: Mapping[str, Any] | RowMapping) -> str:
    """The plain columns that are proved with the words."""
    at = row["written_at"].astimezone(timezone.utc).isoformat(timespec="microseconds")
    return json.dumps([at, *(row[name] for name in _PROVED)])


def _place(row: Mapping[str, Any] | RowMapping) -> dict[str, str]:
    return {
        "table": handoffs.name,
        "row": row["key"],
        "column": "sealed",
        "facts": facts_of(row),
    }


def waiting(connection: Connection, after: int, limit: int) -> list[tuple[int, str]]:
    """Number and conversation of the rows that wait behind this number, in order."""
    query = (
        sa.select(handoffs.c.number, handoffs.c.conversation_id)
        .where(handoffs.c.done_at.is_(None), handoffs.c.number > after)
        .order_by(handoffs.c.number)
        .limit(limit)
    )
    return [(row.number, row.conversation_id) for row in connection.execute(query)]


def claim(connection: Connection, number: int) -> RowMapping | None:
    """A row that waits, locked until the transaction ends; None when it is done or another's."""
    query = (
        sa.select(handoffs)
        .where(handoffs.c.number == number, handoffs.c.done_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    return connection.execute(query).mappings().first()


def mark_done(connection: Connection, number: int, at: datetime) -> None:
    """Delete the words of a row that was claimed, and keep the rest as its tombstone."""
    mine = handoffs.c.number == number
    connection.execute(sa.update(handoffs).where(mine).values(sealed=None, done_at=at))


def discard(connection: Connection, conversation_id: str, until: datetime, at: datetime) -> int:
    """Delete the words of what waits for a case that is disposed of; how many rows that were.

    What was written after `until` is another hand-off, that a person has to read. A row that a
    worker has in hand is left to it.
    """
    held = (
        sa.select(handoffs.c.number)
        .where(
            handoffs.c.conversation_id == conversation_id,
            handoffs.c.done_at.is_(None),
            handoffs.c.written_at <= until,
        )
        .with_for_update(skip_locked=True)
    )
    mine = handoffs.c.number.in_(connection.execute(held).scalars().all())
    gone = sa.update(handoffs).where(mine).values(sealed=None, done_at=at)
    return connection.execute(gone).rowcount


def callback_changed_since(connection: Connection, row: RowMapping) -> bool:
    """Whether a later change of its call-back is done: left anew, or withdrawn.

    A row that a slow database wrote late has a higher number than what came after it, so the
    moment counts; of a withdrawal the number counts as well, for clocks differ.
    """
    later, behind = _later(row), handoffs.c.number > row["number"]
    withdrawn = handoffs.c.kind == HandoffKind.CALLBACK_WITHDRAWN.value
    left = handoffs.c.kind == HandoffKind.CALLBACK.value
    return _is_done(connection, row, (withdrawn & (later | behind)) | (left & later))


def callback_left_since(connection: Connection, row: RowMapping) -> bool:
    """Whether its call-back was left anew after this row withdrew it, and that is done."""
    left = handoffs.c.kind == HandoffKind.CALLBACK.value
    return _is_done(connection, row, left & _later(row) & (handoffs.c.number > row["number"]))


def _later(row: RowMapping) -> sa.ColumnElement[bool]:
    written_at: datetime = row["written_at"]
    return handoffs.c.written_at > written_at


def _is_done(connection: Connection, row: RowMapping, which: sa.ColumnElement[bool]) -> bool:
    query = sa.select(handoffs.c.number).where(
        handoffs.c.conversation_id == row["conversation_id"],
        handoffs.c.done_at.is_not(None),
        which,
    )
    return connection.execute(query.limit(1)).first() is not None


def figures(connection: Connection) -> HandoffFigures:
    """How many rows wait, and since when."""
    query = sa.select(sa.func.count(), sa.func.min(handoffs.c.written_at)).where(
        handoffs.c.done_at.is_(None)
    )
    count, oldest_at = connection.execute(query).one()
    return HandoffFigures(count, oldest_at)
