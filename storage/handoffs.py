"""The hand-off mailbox: rows that the chat appends, durably, for the case worker of the staff side.

A row is sealed until it is done. Then its words are deleted and its key stays, so that a row
written twice, however late, is recognised. On PostgreSQL the gateway may only insert here: nothing
that it does reads the mailbox. ADR 36.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.escalation import (
    Escalation,
    Handoff,
    HandoffKind,
    handoff_as_record,
    handoff_from_record,
)
from safeguarding.taxonomy import Severity
from storage.engine import UtcDateTime, metadata
from storage.vault import Vault

CHANNEL = "handoffs"
"""The channel on which a trigger of the table sends a notice that rows were appended."""
POLL_S = 0.2
"""How long a reader on SQLite waits before it looks again, in seconds."""
LISTEN_S = 1.0
"""The same on PostgreSQL, where a notice comes at once: should none come, a reader looks anyway."""
ASSESSED, UNASSESSED = "assessed", "not_assessed"
"""The states of a row. One that is not assessed yet is for the assessment worker."""
log = structlog.get_logger("database")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""The type of the numbers that the database gives to the rows of a mailbox."""

handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column("number", NUMBER, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("sealed", sa.Text),
    sa.Column("done_at", UtcDateTime),
    sa.CheckConstraint(
        "kind IN ('callback', 'callback_withdrawn', 'letterbox_closed', 'letterbox_opened', "
        "'live_chat', 'message')",
        name="kind",
    ),
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
    # Of the rows that wait, each worker wants those of one state. With the moment beside it, the
    # index answers how many wait and since when, without the sealed words.
    sa.Index(
        "ix_handoffs_state",
        "state",
        "number",
        "written_at",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    ),
    # A number that was given is never given again, also when the newest row is deleted.
    sqlite_autoincrement=True,
)
SEALED: dict[sa.Table, tuple[str, ...]] = {handoffs: ("sealed",)}
"""The columns that hold an envelope of the key ring, until the row is done."""


@dataclass(frozen=True)
class HandoffFigures:
    """How many rows wait in the mailbox, and when the oldest of them was written."""

    waiting: int
    oldest_at: datetime | None
    unassessed: int
    """Rows that wait for their assessment; the others wait for the case worker."""
    unassessed_at: datetime | None


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
        return insert_new(self._engine, handoffs, _row(handoff, self._vault))

    def append_all(self, group: Sequence[Handoff]) -> None:
        """Append rows in one transaction, so that one write to the disk keeps all or none.

        Raises as `append` does.
        """
        rows = [_row(handoff, self._vault) for handoff in group]
        with self._engine.begin() as connection:
            connection.execute(_insert(self._engine, handoffs), rows)


def insert_new(engine: Engine, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there, and return whether it was new."""
    with engine.begin() as connection:
        return insert_once(connection, table, row)


def insert_once(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Do the same as part of a transaction."""
    insert = _insert(connection.engine, table).values(**row)
    return connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount > 0


def add(connection: Connection, handoff: Handoff, vault: Vault) -> None:
    """Append a row as part of a transaction, unless its key is there."""
    connection.execute(_insert(connection.engine, handoffs), _row(handoff, vault))


def _insert(engine: Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    # Without a conflict target, and without returning the number, no right to read is needed.
    insert: postgresql.Insert | sqlite.Insert = dialect.insert(table)
    return insert.on_conflict_do_nothing().inline()


def _row(handoff: Handoff, vault: Vault) -> dict[str, Any]:
    record = json.dumps(handoff_as_record(handoff), sort_keys=True)
    if isinstance(handoff, Escalation):
        # A repeat is the same record, a later assessment or another answer is another.
        key = f"{handoff.message_id}.{vault.fingerprint(record)}"
        kind, written_at = HandoffKind.MESSAGE, handoff.raised_at
        severity = handoff.assessment.severity
        state = UNASSESSED if handoff.waits_for_assessment else ASSESSED
    else:
        key, kind, written_at = handoff.id, handoff.kind, handoff.at
        severity, state = Severity.NONE, ASSESSED
    plain = {
        "key": key,
        "kind": kind.value,
        "conversation_id": handoff.conversation_id,
        "state": state,
        "severity": int(severity),
        "written_at": written_at,
    }
    return plain | {"sealed": vault.seal(record, **_place(plain))}


def opened(row: RowMapping, vault: Vault) -> Handoff:
    """Decrypt a row that waits.

    Raises VaultError, also when its plain columns were changed, KeyError, TypeError or ValueError.
    """
    record = json.loads(vault.open(row["sealed"], **_place(row)))
    return handoff_from_record(HandoffKind(row["kind"]), record)


def facts_of(row: Mapping[Any, Any]) -> str:
    """Return the plain columns that are proved with the words."""
    at = row["written_at"].astimezone(timezone.utc).isoformat(timespec="microseconds")
    return json.dumps([at, row["kind"], row["conversation_id"], row["state"], row["severity"]])


def _place(row: Mapping[Any, Any]) -> dict[str, str]:
    return {"table": "handoffs", "row": row["key"], "column": "sealed", "facts": facts_of(row)}


def waiting(
    connection: Connection, after: int, limit: int, *, unassessed_before: datetime | None = None
) -> list[tuple[int, str]]:
    """Return number and conversation of the rows that wait behind this number, in order.

    Of those that are not assessed, only the ones written before `unassessed_before`.
    """
    mine = handoffs.c.state == ASSESSED
    if unassessed_before is not None:
        mine |= handoffs.c.written_at < unassessed_before
    query = (
        sa.select(handoffs.c.number, handoffs.c.conversation_id)
        .where(handoffs.c.done_at.is_(None), handoffs.c.number > after, mine)
        .order_by(handoffs.c.number)
        .limit(limit)
    )
    return [(row.number, row.conversation_id) for row in connection.execute(query)]


def unassessed(connection: Connection, before: datetime, limit: int) -> list[int]:
    """Return the numbers of the rows that wait for their assessment, in order.

    Only of those written before the moment `before`.
    """
    query = (
        sa.select(handoffs.c.number)
        .where(
            handoffs.c.done_at.is_(None),
            handoffs.c.state == UNASSESSED,
            handoffs.c.written_at < before,
        )
        .order_by(handoffs.c.number)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def read(connection: Connection, numbers: Sequence[int]) -> Sequence[RowMapping]:
    """Return those of these rows that wait, without a lock."""
    mine = handoffs.c.number.in_(numbers)
    query = sa.select(handoffs).where(mine, handoffs.c.done_at.is_(None))
    return connection.execute(query.order_by(handoffs.c.number)).mappings().all()


def claim(connection: Connection, number: int) -> RowMapping | None:
    """Lock a row that waits until the transaction ends; None when it is done or another's."""
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


def drop(connection: Connection, number: int) -> None:
    """Delete a row that was claimed and is not for staff. A repeat of it is assessed again."""
    connection.execute(sa.delete(handoffs).where(handoffs.c.number == number))


def supersede(connection: Connection, message: Escalation, number: int, at: datetime) -> None:
    """Delete the words of the rows that wait for the assessment which row `number` has brought.

    A row that a worker has locked is left to it: what it finds is added to the record.
    """
    held = (
        sa.select(handoffs.c.number)
        .where(
            handoffs.c.conversation_id == message.conversation_id,
            handoffs.c.number != number,
            handoffs.c.state == UNASSESSED,
            handoffs.c.done_at.is_(None),
            handoffs.c.key.startswith(f"{message.message_id}.", autoescape=True),
        )
        .with_for_update(skip_locked=True)
    )
    same = handoffs.c.number.in_(connection.execute(held).scalars().all())
    connection.execute(sa.update(handoffs).where(same).values(sealed=None, done_at=at))


def earlier_wait(connection: Connection, row: Mapping[Any, Any]) -> bool:
    """Return whether a row of the same conversation waits that was appended before this one."""
    query = sa.select(handoffs.c.number).where(
        handoffs.c.conversation_id == row["conversation_id"],
        handoffs.c.number < row["number"],
        handoffs.c.done_at.is_(None),
    )
    return connection.execute(query.limit(1)).first() is not None


def discard(connection: Connection, conversation_id: str, until: datetime, at: datetime) -> int:
    """Delete the words of the rows that wait for a case that is disposed of; return how many.

    A row written after `until` is another hand-off, which a person has to read. A row that a worker
    has locked is left to it.
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
    """Return whether a later change of its call-back is done: left anew, or withdrawn.

    A row that a slow database wrote late has a higher number than what came after it, so the
    moment counts; of a withdrawal the number counts as well, for clocks differ.
    """
    later = handoffs.c.written_at > row["written_at"]
    behind = handoffs.c.number > row["number"]
    withdrawn = handoffs.c.kind == HandoffKind.CALLBACK_WITHDRAWN.value
    left = handoffs.c.kind == HandoffKind.CALLBACK.value
    return _is_done(connection, row, (withdrawn & (later | behind)) | (left & later))


def callback_left_since(connection: Connection, row: RowMapping) -> bool:
    """Return whether its call-back was left anew after this row withdrew it, and that is done."""
    left = handoffs.c.kind == HandoffKind.CALLBACK.value
    later = handoffs.c.written_at > row["written_at"]
    return _is_done(connection, row, left & later & (handoffs.c.number > row["number"]))


def _is_done(connection: Connection, row: RowMapping, which: sa.ColumnElement[bool]) -> bool:
    query = sa.select(handoffs.c.number).where(
        handoffs.c.conversation_id == row["conversation_id"],
        handoffs.c.done_at.is_not(None),
        which,
    )
    return connection.execute(query.limit(1)).first() is not None


def figures(connection: Connection) -> HandoffFigures:
    """Return how many rows wait, and since when."""
    counted = (
        sa.select(handoffs.c.state, sa.func.count(), sa.func.min(handoffs.c.written_at))
        .where(handoffs.c.done_at.is_(None))
        .group_by(handoffs.c.state)
    )
    by_state = {state: (count, at) for state, count, at in connection.execute(counted)}
    nothing = (0, None)
    return HandoffFigures(*by_state.get(ASSESSED, nothing), *by_state.get(UNASSESSED, nothing))


class HandoffListener:
    """Waits, for one thread, until rows are appended. Without notices it is slower, not wrong."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listening: Connection | None = None

    def wait(self, stop: threading.Event) -> None:
        """Return at the next notice, or after a short while. Never raises.

        Returns at once when it begins to listen: no notice comes of rows that were appended before.
        """
        if self._engine.dialect.name != "postgresql":
            stop.wait(POLL_S)
            return
        try:
            if self._listening is None:
                connection = self._engine.connect()
                self._listening = connection.execution_options(isolation_level="AUTOCOMMIT")
                self._listening.exec_driver_sql(f"LISTEN {CHANNEL}")
                return
            driver = self._listening.connection.driver_connection
            if not isinstance(driver, psycopg.Connection):
                raise TypeError("not a connection of psycopg")
            for _ in driver.notifies(timeout=LISTEN_S, stop_after=1):
                pass
        except (SQLAlchemyError, psycopg.Error) as error:
            log.warning("database.not_listening", error=type(error).__name__)
            self.close()
            stop.wait(LISTEN_S)

    def close(self) -> None:
        """Stop listening."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(SQLAlchemyError, psycopg.Error):
                # Not back into the pool: it would go on listening there.
                listening.invalidate()
                listening.close()
