"""Opens and migrates the database: SQLite or PostgreSQL, so that a commit survives a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import URL, Connection, Engine, make_url

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
READING = {"lantern_reading": True}
"""Execution options of a connection that only reads: it takes no write lock on SQLite."""

_BUSY_MS = 5_000
_CONNECT_S = 3
_MIGRATION_LOCK = 0x6C616E74


def connect(url: str) -> Engine:
    """Open the database at `url`; nothing is sent until the first query.

    Parameters stay out of error messages: they hold what a child wrote.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    timeouts = f"-c lock_timeout={_BUSY_MS} -c statement_timeout={2 * _BUSY_MS} -c timezone=UTC"
    return sa.create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"connect_timeout": _CONNECT_S, "options": timeouts},
    )


def migrate(url: str) -> None:
    """Bring the tables of the database at `url` up to date. Safe to run from two processes."""
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            _wait_for_other_migrations(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _address(url: str) -> URL:
    address = make_url(url)
    if address.drivername in {"postgres", "postgresql"}:
        return address.set(drivername="postgresql+psycopg")
    return address


def _sqlite(address: URL) -> Engine:
    engine = sa.create_engine(
        address, hide_parameters=True, connect_args={"timeout": _BUSY_MS / 1e3}
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late: a read followed by a write could deadlock.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # What is deleted is overwritten: a data key, above all.
        "secure_delete=ON",
        # Without it INSERT OR REPLACE would delete a row behind the back of its triggers.
        "recursive_triggers=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("lantern_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _wait_for_other_migrations(connection: Connection) -> None:
    """Wait for any other process that is migrating. SQLite's write lock does the same."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
