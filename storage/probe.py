"""Whether the database can be written: a read-only copy, or a full disk, answers every question."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine


def can_be_written(engine: Engine) -> bool:
    """Write something that leaves no trace in any table, and have it on the disk."""
    try:
        with engine.begin() as connection:
            return _write(connection)
    except sa.exc.SQLAlchemyError:
        return False


def _write(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        # SQLite writes the page that holds it, though the number is the same.
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
        return True
    read_only = connection.exec_driver_sql("SHOW transaction_read_only").scalar_one()
    if read_only == "on":
        return False
    # A record of the write-ahead log alone: with the commit it is on the server's disk.
    connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'lantern', 'probe')")
    return True
