"""A copy of the database for a backup, and what it holds: taken while others write.

SQLite is copied by its online backup, PostgreSQL by its client program pg_dump.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url

from staff.audit import trail
from staff.cases.tables import cases, data_keys, escalations
from storage.engine import READING, connect
from storage.handoffs import handoffs

DATABASE_FILES = {"sqlite": "lantern.db", "postgresql": "lantern.dump"}
"""File name of the copy of the database, by its kind."""


class CopyError(Exception):
    """A copy cannot be taken or put back. Says why, without quoting a record."""


@dataclass(frozen=True)
class Contents:
    """The size and the newest event of a copy, to compare a restored one with."""

    cases: int
    messages: int
    number: int
    link: str
    """Link of the newest event of the audit trail."""
    key_ids: tuple[str, ...]
    """The keys of the ring that are needed to read it."""


def backend_of(url: str) -> str:
    """Return "sqlite" or "postgresql"."""
    return make_url(url).get_backend_name()


def contents_of(connection: Connection) -> Contents:
    """Return the contents of the database, without decrypting anything."""
    number, link = trail.last_link(connection)
    count = sa.select(sa.func.count())
    return Contents(
        cases=connection.execute(count.select_from(cases)).scalar_one(),
        messages=connection.execute(count.select_from(escalations)).scalar_one(),
        number=number,
        link=link,
        key_ids=tuple(sorted(_key_ids(connection))),
    )


def keys_needed(url: str) -> set[str]:
    """Return the ids of the keys that sealed the records of a database; none where there is none.

    Raises SQLAlchemyError.
    """
    if is_empty(url):
        return set()
    engine = connect(url)
    try:
        with engine.connect().execution_options(**READING) as connection:
            return _key_ids(connection)
    finally:
        engine.dispose()


def _key_ids(connection: Connection) -> set[str]:
    # An envelope reads "v2|key id|…".
    return {text.split("|")[1] for text in _envelopes(connection)}


def _envelopes(connection: Connection) -> Iterator[str]:
    """Return how the texts begin that the key ring sealed: case keys and waiting hand-offs."""
    # A copy may be taken before the tables are brought up to date.
    there = sa.inspect(connection).has_table
    sealed = (data_keys.c.wrapped, handoffs.c.sealed)
    for column in (each for each in sealed if there(each.table.name)):
        query = sa.select(sa.func.substr(column, 1, 80)).where(column.is_not(None))
        yield from connection.execute(query).scalars()


def copy_database(url: str, folder: Path) -> Contents:
    """Write a copy of one moment into the folder, while others write, and return its contents."""
    path = folder / DATABASE_FILES[backend_of(url)]
    if backend_of(url) == "sqlite":
        return _copy_sqlite(Path(make_url(url).database or ""), path)
    with _snapshot(url) as (connection, snapshot):
        command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges"]
        run_client([*command, f"--snapshot={snapshot}", f"--file={path}"], url)
        return contents_of(connection)


def is_empty(url: str) -> bool:
    """Return whether there is no database: no file, or no table. Raises SQLAlchemyError."""
    if backend_of(url) == "sqlite":
        return not Path(make_url(url).database or "").exists()
    engine = connect(url)
    try:
        return not sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, path: Path) -> Contents:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(path)) as copy,
        ):
            live.backup(copy)
            # The copy is one file: it has no write-ahead log.
            copy.execute("PRAGMA journal_mode=DELETE")
            [(sound,)] = copy.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.Error as error:
        raise CopyError(f"the database cannot be copied: {type(error).__name__}") from None
    if sound != "ok":
        raise CopyError("the database is damaged: its copy is not sound")
    path.chmod(0o600)
    # Not as Lantern opens one: that would give the copy a write-ahead log again.
    engine = sa.create_engine(f"sqlite:///{path}", hide_parameters=True)
    try:
        with engine.connect() as connection:
            return contents_of(connection)
    finally:
        engine.dispose()


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[Connection, str]]:
    """Open a transaction that sees one moment, and export it as a snapshot for pg_dump."""
    engine = connect(url)
    options = READING | {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")
        yield connection, connection.execute(sa.select(sa.func.pg_export_snapshot())).scalar_one()
    engine.dispose()


def run_client(command: list[str], url: str) -> None:
    """Run a client program of PostgreSQL, with the password in its environment.

    Raises CopyError when it is missing or fails.
    """
    program = shutil.which(command[0])
    if program is None:
        raise CopyError(f"{command[0]} is missing: install the client programs of PostgreSQL")
    found = make_url(url)
    place = URL.create(
        "postgresql", found.username, None, found.host, found.port, found.database, found.query
    )
    env = os.environ | ({"PGPASSWORD": str(found.password)} if found.password else {})
    target = f"--dbname={place.render_as_string(hide_password=False)}"
    done = subprocess.run(
        [program, target, *command[1:]], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        first = done.stderr.strip().partition("\n")[0]
        raise CopyError(f"{command[0]} failed: {first}")
