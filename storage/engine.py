"""Opens and migrates the database: SQLite or PostgreSQL, so that a commit survives a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection, Engine, make_url

from storage import patience

MIGRATIONS = Path(__file__).resolve().parent.parent / "ops" / "migrations"
READING = {"lantern_reading": True}
"""Execution options of a connection that only reads: it takes no write lock on SQLite."""

_BUSY_MS = 5_000
_STATEMENT_MS = 2 * _BUSY_MS
_ABANDONED_MS = 15_000
"""After so long without a word the server ends a transaction: its client may be gone, and what it
locked would hold up everybody else."""
ANSWER_S = 15.0
"""How long one statement may take before its connection counts as dead: longer than the server
allows it, so that only a server that hangs is given up."""
_MIGRATION_LOCK = 0x6C616E74


def connect(url: str, *, answer_s: float | None = ANSWER_S) -> Engine:
    """Open the database at `url`; nothing is sent until the first query.

    `answer_s`: seconds that PostgreSQL may take for one statement; a server that hangs then raises
    OperationalError, and the pool starts anew. None waits for ever. Parameters stay out of error
    messages: they hold what a child wrote.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    bounds = {
        "lock_timeout": _BUSY_MS,
        "statement_timeout": _STATEMENT_MS,
        "idle_in_transaction_session_timeout": _ABANDONED_MS,
        "timezone": "UTC",
    }
    options = " ".join(f"-c {name}={value}" for name, value in bounds.items())
    engine = sa.create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_BUSY_MS / 1e3,
        connect_args=patience.connect_args(answer_s, options),
    )
    patience.bound(engine, answer_s)
    return engine


def migrate(url: str) -> None:
    """Bring the tables of the database at `url` up to date. Safe to run from two processes."""
    engine = connect(url, answer_s=None)
    config = _config()
    try:
        with engine.begin() as connection:
            _wait_for_other_migrations(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def newest_revision() -> str:
    """The migration that this version's tables are at."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision_of(connection: Connection) -> str | None:
    """The migration that a database's tables are at; None when it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _address(url: str) -> URL:
    address = make_url(url)
    if address.drivername in {"postgres", "postgresql"}:
        return address.set(drivername="postgresql+psycopg")
    return address


def _sqlite(address: URL) -> Engine:
    engine = sa.create_engine(
        address,
        hide_parameters=True,
        pool_timeout=_BUSY_MS / 1e3,
        connect_args={"timeout": _BUSY_MS / 1e3},
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
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
