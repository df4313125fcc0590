"""Copies a database while it is in use, and puts a copy into the place of a lost one.

SQLite is copied by its online backup, PostgreSQL by its client programs pg_dump and pg_restore.
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
from sqlalchemy.engine import URL, Connection, Engine, make_url

from staff.audit.trail import FIRST_LINK, audit_events
from staff.cases.tables import cases, data_keys, escalations
from storage.engine import READING, connect
from storage.handoffs import handoffs

NAMES = {"sqlite": "lantern.db", "postgresql": "lantern.dump"}
"""File name of a copy, by the kind of database."""


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


def contents(connection: Connection) -> Contents:
    """Return the contents of the database, without decrypting anything."""
    newest = sa.select(audit_events.c.id, audit_events.c.link).order_by(audit_events.c.id.desc())
    last = connection.execute(newest.limit(1)).first()
    envelopes = list(_envelopes(connection))
    return Contents(
        cases=_count(connection, cases),
        messages=_count(connection, escalations),
        number=last.id if last else 0,
        link=last.link if last else FIRST_LINK,
        # An envelope reads "v2|key id|…".
        key_ids=tuple(sorted({text.split("|")[1] for text in envelopes})),
    )


def _envelopes(connection: Connection) -> Iterator[str]:
    """Return how the texts begin that the key ring sealed: case keys and waiting hand-offs."""
    sealed = [data_keys.c.wrapped]
    # A copy may be taken before the tables are brought up to date.
    if sa.inspect(connection).has_table(handoffs.name):
        sealed.append(handoffs.c.sealed)
    for column in sealed:
        query = sa.select(sa.func.substr(column, 1, 80)).where(column.is_not(None))
        yield from connection.execute(query).scalars()


def take(url: str, folder: Path) -> Contents:
    """Write a copy of one moment into the folder, while others write, and return its contents.

    Raises CopyError, SQLAlchemyError, OSError.
    """
    path = folder / NAMES[backend_of(url)]
    if backend_of(url) == "sqlite":
        _copy_sqlite(Path(make_url(url).database or ""), path)
        return _read(f"sqlite:///{path}")
    with _snapshot(connect(url)) as (connection, snapshot):
        command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges"]
        _run([*command, f"--snapshot={snapshot}", f"--file={path}"], url)
        return contents(connection)


def is_empty(url: str) -> bool:
    """Return whether there is no database: no file, or no table. Raises SQLAlchemyError."""
    if backend_of(url) == "sqlite":
        return not Path(make_url(url).database or "").exists()
    engine = connect(url)
    try:
        return not sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def put_back(url: str, folder: Path) -> None:
    """Restore the copy in this folder to an empty database. Raises CopyError, OSError."""
    path = folder / NAMES[backend_of(url)]
    if backend_of(url) == "sqlite":
        place = Path(make_url(url).database or "")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        place.chmod(0o600)
        return
    _run(["pg_restore", "--single-transaction", "--no-owner", "--no-privileges", str(path)], url)


def _copy_sqlite(source: Path, path: Path) -> None:
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


def _read(url: str) -> Contents:
    engine = sa.create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return contents(connection)
    finally:
        engine.dispose()


@contextmanager
def _snapshot(engine: Engine) -> Iterator[tuple[Connection, str]]:
    """Open a transaction that sees one moment, and export it as a snapshot for pg_dump."""
    options = READING | {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")
        yield connection, connection.execute(sa.select(sa.func.pg_export_snapshot())).scalar_one()
    engine.dispose()


def _run(command: list[str], url: str) -> None:
    """Run a client program of PostgreSQL, with the password in its environment."""
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


def _count(connection: Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
