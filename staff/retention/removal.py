"""Deletes cases with all that belongs to them. The audit trail stays: it holds ids and labels."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from staff.alerts.outbox import forget
from staff.cases.tables import cases
from storage import handoffs
from storage.metadata import metadata


def belonging() -> list[sa.Column[str]]:
    """The column, of every table that has one, which says to what case a row belongs.

    What others add to a case in a table of their own is so deleted with it.
    """
    tables = (table for table in reversed(metadata.sorted_tables) if table is not cases)
    return [
        key.parent for table in tables for key in table.foreign_keys if key.column.table is cases
    ]


def remove(connection: Connection, case_ids: Collection[str], at: datetime) -> dict[str, int]:
    """Delete these cases with their words and data keys; how many rows went, by table.

    Lock them before. Any other case that was merged into one of them stands alone again. What
    still waits in the hand-off mailbox for them loses its words, too; what was handed over after
    their newest message opens a case anew.
    """
    mine = sa.select(cases.c.conversation_id, cases.c.newest_at).where(cases.c.id.in_(case_ids))
    waited = sum(
        handoffs.discard(connection, row.conversation_id, row.newest_at, at)
        for row in connection.execute(mine).all()
    )
    counts = {column.table.name: _delete(connection, column, case_ids) for column in belonging()}
    counts["handoffs"] = waited
    counts["alerts"] = sum(forget(connection, each) for each in case_ids)
    merged = cases.c.merged_into.in_(case_ids)
    connection.execute(sa.update(cases).where(merged).values(merged_into=None))
    counts["cases"] = _delete(connection, cases.c.id, case_ids)
    return {name: count for name, count in sorted(counts.items()) if count}


def scrub(engine: Engine) -> bool:
    """Let what was deleted vanish from the database's files; False while somebody reads there.

    SQLite overwrites what is deleted (`secure_delete`), but keeps older pages in its write-ahead
    log until that is emptied. PostgreSQL keeps deleted rows until VACUUM, and their bytes until
    the table is written anew: that is done for the keys, without which the rest cannot be read, and
    for the mailboxes, which the key ring seals. A gateway that appends meanwhile uses its spool.
    """
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        finally:
            connection.close()
    names = sorted({column.table.name for column in belonging()} | {cases.name})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as autocommit:
        autocommit.exec_driver_sql("SET statement_timeout = 0")
        try:
            autocommit.exec_driver_sql("VACUUM (FULL) data_keys, handoffs, replies")
            autocommit.exec_driver_sql(f"VACUUM {', '.join(names)}")
        except sa.exc.OperationalError:  # somebody holds a lock for longer than we wait
            return False
        finally:
            autocommit.invalidate()  # nobody else gets a connection without a timeout
    return True


def _delete(connection: Connection, column: sa.Column[str], values: Collection[str]) -> int:
    return connection.execute(sa.delete(column.table).where(column.in_(values))).rowcount
