"""Looks for damaged pages of the database, in bounded time and without changing anything.

SQLite: `PRAGMA quick_check` reads every page from the file. It finds pages whose structure is
broken; bytes changed inside a text are not seen, because SQLite has no checksums.
PostgreSQL: the server counts the pages whose checksum was wrong when anyone read them, and the
newest pages of every table that this role may read are read now. Damage in other pages is seen when
a backup, the console or the server reads them. A server without checksums cannot tell.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from enum import Enum
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from storage.engine import READING

LIMIT_S = 20.0
"""Seconds for a whole check of SQLite: about the time for some gigabytes."""
_NEWEST_PAGES = 16
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""
_BROKEN_SQLITE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BROKEN_POSTGRESQL = {"XX001", "XX002"}
"""SQLSTATE of damaged data and of a damaged index."""


class PageState(Enum):
    """What a look at the pages found."""

    SOUND = "sound"
    CORRUPT = "corrupt"
    UNCHECKED = "unchecked"
    """The check could not be made, or not be finished in time."""


def page_state(engine: Engine, within_s: float = LIMIT_S) -> PageState:
    """Look for damaged pages. Raises nothing of the database's.

    `within_s` bounds the check of a SQLite file; PostgreSQL bounds each of its statements itself.
    """
    if engine.dialect.name == "sqlite":
        return _of_sqlite(str(engine.url.database or ""), within_s)
    try:
        with engine.connect().execution_options(**READING) as connection:
            return _of_postgresql(connection)
    except sa.exc.SQLAlchemyError as error:
        code = getattr(getattr(error, "orig", None), "sqlstate", None)
        return PageState.CORRUPT if code in _BROKEN_POSTGRESQL else PageState.UNCHECKED


def _of_sqlite(path: str, within_s: float) -> PageState:
    deadline = time.monotonic() + within_s
    try:
        # A connection of its own, because one of the pool has pages in its cache.
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        # The lowest byte is the kind of error; the others say more about it.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return PageState.CORRUPT if code in _BROKEN_SQLITE else PageState.UNCHECKED
    return PageState.SOUND if found == "ok" else PageState.CORRUPT


def _of_postgresql(connection: Connection) -> PageState:
    readable = connection.exec_driver_sql(
        """
        SELECT oid::regclass::text, pg_relation_size(oid) / current_setting('block_size')::int
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND has_table_privilege(oid, 'SELECT')
        """
    )
    for table, pages in readable.all():
        first = max(0, pages - _NEWEST_PAGES)
        # As text, so that what is stored beside the table is read, too.
        connection.exec_driver_sql(
            f"SELECT sum(length(t::text)) FROM {table} t WHERE ctid >= '({first},0)'"  # noqa: S608
        )
    failures = connection.exec_driver_sql(
        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
    ).scalar()
    if failures is None:
        return PageState.UNCHECKED
    return PageState.CORRUPT if failures else PageState.SOUND
