"""The database, SQLite or PostgreSQL: opened so that a commit survives a crash, migrated, probed.

Every table of the project is made on `metadata`, and every moment in one is a `UtcDateTime`.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.abc import PQGen
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url

MIGRATIONS = Path(__file__).resolve().parent.parent / "ops" / "migrations"
READING = {"lantern_reading": True}
"""Execution options of a connection that only reads: it takes no write lock on SQLite."""
AWAY = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.InternalError,
    sa.exc.DisconnectionError,
    sa.exc.TimeoutError,
)
"""Errors of a database that is away or held up: the same may succeed later."""
_HELD_UP = {"40001", "40P01", "55P03", "57014"}
"""States of PostgreSQL in which others hold what a statement needs: the database is there."""
ANSWER_S = 15.0
"""How long one statement may take before its connection counts as dead: longer than the server
allows it, so that only a server that hangs is given up."""

_BUSY_MS = 5_000
_READ_ONLY = "readonly database"
"""SQLite's words for a connection that can only read."""
_SERVER_LIMITS = {
    "lock_timeout": _BUSY_MS,
    "statement_timeout": 2 * _BUSY_MS,
    # The client may be gone, and what it locked would hold up all others.
    "idle_in_transaction_session_timeout": 15_000,
    "timezone": "UTC",
}
_CONNECT_S = 3
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_MIGRATION_LOCK = 0x6C616E74
Result = TypeVar("Result")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment, read back in UTC on both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn `value` into what the driver stores. Raises ValueError without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        utc = value.astimezone(timezone.utc)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what the driver read into a moment in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


def is_away(error: sa.exc.SQLAlchemyError) -> bool:
    """Return whether an error means that the database is away, and not only a row held up."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, AWAY) and state not in _HELD_UP


def connect(url: str, *, answer_s: float | None = ANSWER_S) -> Engine:
    """Open the database at `url`; nothing is sent until the first query.

    `answer_s`: seconds that PostgreSQL may take for one statement; a server that hangs then raises
    OperationalError, and the pool starts anew. None waits for ever. Parameters stay out of error
    messages: they hold what a child wrote.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _connect_sqlite(address)
    if address.drivername in {"postgres", "postgresql"}:
        address = address.set(drivername="postgresql+psycopg")
    return _connect_postgresql(address, answer_s)


def migrate(url: str) -> None:
    """Bring the tables of the database at `url` up to date. Safe to run from two processes."""
    engine = connect(url, answer_s=None)
    config = _alembic_config()
    try:
        with engine.begin() as connection:
            _wait_for_other_migrations(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def newest_revision() -> str:
    """Return the migration that the tables of this version are at."""
    return str(ScriptDirectory.from_config(_alembic_config()).get_current_head())


def revision_of(connection: Connection) -> str | None:
    """Return the migration that the tables of a database are at; None without one."""
    return MigrationContext.configure(connection).get_current_revision()


def can_be_written(engine: Engine) -> bool:
    """Commit a write that leaves no trace in any table, and return whether it succeeded.

    A read-only copy or a database on a full disk still answers every query.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # SQLite writes the page that holds it, though the number is the same.
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
                return True
            if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on":
                return False
            # Only into the write-ahead log: with the commit it is on the server's disk.
            connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'lantern', 'probe')")
            return True
    except sa.exc.SQLAlchemyError:
        return False


class BoundedConnection(psycopg.Connection[Any]):
    """A PostgreSQL connection on which every answer of the server comes in time, or fails.

    The timeouts of the server are no help when the server, or the way to it, is frozen: TCP then
    acknowledges what is sent, and libpq waits without end.
    """

    within_s: float | None = None
    """Seconds for one statement; None waits for ever."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Wait for the server. Raises OperationalError; when it was late, the connection is closed.

        `timeout` is a caller's own bound, which `notifies` sets and handles.
        """
        bound_s = self.within_s if timeout is None else timeout
        started = time.monotonic()
        try:
            return super().wait(gen, interval, bound_s)
        except psycopg.OperationalError:
            late = bound_s is not None and time.monotonic() - started >= bound_s
            if timeout is None and late:
                # Its next answer would be to this question: nothing else may be asked on it.
                self.pgconn.finish()
            raise


def _connect_postgresql(address: URL, answer_s: float | None) -> Engine:
    arguments: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "options": " ".join(f"-c {name}={value}" for name, value in _SERVER_LIMITS.items()),
    }
    if answer_s is not None:
        arguments |= _KEEPALIVES | {"tcp_user_timeout": int(answer_s * 1e3)}
    engine = sa.create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_BUSY_MS / 1e3,
        connect_args=arguments,
    )

    def open_bounded(_dialect: object, _record: object, args: Any, known: Any) -> object:
        connection = BoundedConnection.connect(*args, **known)
        connection.within_s = answer_s
        return connection

    sa.event.listen(engine, "do_connect", open_bounded)
    return engine


def _connect_sqlite(address: URL) -> Engine:
    engine = sa.create_engine(
        address,
        hide_parameters=True,
        pool_timeout=_BUSY_MS / 1e3,
        connect_args={"timeout": _BUSY_MS / 1e3},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    sa.event.listen(engine, "handle_error", _leave_read_only)
    return engine


def _leave_read_only(context: sa.engine.ExceptionContext) -> None:
    """Make the pool start anew where a connection can only read.

    One that was opened while the file could not be written, or before the file was replaced, would
    stay read-only after the fault is over.
    """
    if _READ_ONLY in str(context.original_exception):
        context.is_disconnect = True


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


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _wait_for_other_migrations(connection: Connection) -> None:
    """Wait for any other process that is migrating. SQLite's write lock does the same."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
