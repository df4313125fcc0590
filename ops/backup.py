"""`python -m lantern backup`: copies everything that has to survive, except the keys.

A backup is a folder with a copy of the database, the files that wait in the state folder, and a
manifest with the hash of each file. The database is copied while it is in use: SQLite by its online
backup, PostgreSQL by its client program pg_dump.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.state_folder import write_whole
from staff.audit import trail
from staff.audit.trail import COMMAND_LINE, Event, operator
from staff.cases.tables import cases, data_keys, escalations
from staff.retention.ledger import FOLDER, Ledger, LedgerError
from storage.engine import READING, connect
from storage.handoffs import handoffs

FOLDERS = ("spool", FOLDER, "anchors")
"""Folders of the state that go into a backup: the spool, the ledger of disposals, the anchors."""
BACKED_UP = "backed up"
KIND = "lantern backup 1"
NAME = "manifest.json"
KEPT_APART = ("field_keys", "token_key", "channel_secret", "action_secret")
"""Secrets that are never in a backup: together they make everything readable."""
DATABASE_FILES = {"sqlite": "lantern.db", "postgresql": "lantern.dump"}
"""File name of the copy of the database, by its kind."""


class CopyError(Exception):
    """A copy cannot be taken or put back. Says why, without quoting a record."""


class ManifestError(ValueError):
    """The folder is not a complete backup. Says what is wrong."""


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


@dataclass(frozen=True)
class Manifest:
    """The description of a backup, written beside its files."""

    at: str
    """When the copying began, ISO 8601."""
    database: str
    """ "sqlite" or "postgresql"."""
    contents: Contents
    files: dict[str, str]
    """SHA-256 by path below the folder."""

    def as_bytes(self) -> bytes:
        """Return the content of the manifest's file."""
        record = {"kind": KIND, "kept_apart": KEPT_APART, **asdict(self)}
        return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a manifest and check its files. Raises ManifestError, OSError."""
        try:
            record = json.loads((folder / NAME).read_bytes())
            if record.pop("kind") != KIND:
                raise ManifestError(f"{folder / NAME} is of a kind that is not known")
            del record["kept_apart"]
            fields = record.pop("contents")
            contents = Contents(**{**fields, "key_ids": tuple(fields["key_ids"])})
            manifest = cls(**record, contents=contents)
        except FileNotFoundError:
            raise ManifestError(f"there is no {NAME} in {folder}") from None
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
            raise ManifestError(f"{folder / NAME} cannot be read") from None
        manifest._compare(folder)
        return manifest

    def _compare(self, folder: Path) -> None:
        for name, digest in self.files.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ManifestError(f"{name} lies outside the backup")
            if not path.is_file():
                raise ManifestError(f"{name} is missing")
            if hash_of(path) != digest:
                raise ManifestError(f"{name} is not what was written")
        extra = set(_files_below(folder)) - set(self.files) - {NAME}
        if extra:
            raise ManifestError(f"{min(extra)} is not on the manifest")


def _files_below(folder: Path) -> list[str]:
    """Return the path of every file below the folder, as a manifest names it."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def back_up(settings: Settings, place: Path, now: datetime) -> Manifest:
    """Write a backup into a folder that does not exist yet or is empty, whole or not at all.

    Raises FileExistsError, CopyError, LedgerError, OSError, SQLAlchemyError.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise FileExistsError(place)
    if is_empty(settings.database_url):
        raise CopyError("there is no database at LANTERN_DATABASE_URL")
    draft = place.parent / f".{place.name}.partial"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        manifest = _fill(settings, draft, now)
        # Every copy of the records is on the audit trail.
        detail = {
            "manifest": hashlib.sha256(manifest.as_bytes()).hexdigest(),
            "number": manifest.contents.number,
            "link": manifest.contents.link,
            "operator": operator(),
        }
        engine = connect(settings.database_url)
        with engine.begin() as connection:
            trail.append(connection, Event(now, COMMAND_LINE, BACKED_UP, detail=detail))
        engine.dispose()
        if place.exists():
            place.rmdir()
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _fill(settings: Settings, draft: Path, now: datetime) -> Manifest:
    engine = connect(settings.database_url)
    with engine.connect().execution_options(**READING) as connection:
        Ledger.of(settings.state_dir).catch_up(connection)
    engine.dispose()
    # The spool before the database, so that a record that moves meanwhile is in both.
    for name in FOLDERS:
        copy_files(settings.state_dir / name, draft / name)
    contents = _copy_database(settings.database_url, draft)
    files = {name: hash_of(draft / name) for name in _files_below(draft)}
    backend = backend_of(settings.database_url)
    manifest = Manifest(now.isoformat(), backend, contents, files)
    write_whole(draft / NAME, manifest.as_bytes())
    for path in [draft, *draft.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return manifest


def copy_files(source: Path, target: Path) -> int:
    """Copy the files of a folder that the other lacks and return how many.

    Hidden files are skipped: they are still being written. A file that vanishes meanwhile was moved
    into the database.
    """
    count = 0
    for path in sorted(source.glob("*")) if source.is_dir() else []:
        place = target / path.name
        if path.name.startswith(".") or not path.is_file() or place.exists():
            continue
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        write_whole(place, content)
        count += 1
    return count


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


def _copy_database(url: str, folder: Path) -> Contents:
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


@click.command()
@click.argument("place", type=click.Path(path_type=Path, file_okay=False))
def main(place: Path) -> None:
    """Copy database, spool, ledger, certificates and anchors to the folder PLACE, without keys."""
    try:
        manifest = back_up(Settings.from_env(), place, utc_now())
    except FileExistsError:
        raise click.ClickException(f"{place} is there already: name a new folder.") from None
    except (CopyError, LedgerError) as error:
        raise click.ClickException(f"{error}.") from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database failed: {type(error).__name__}.") from None
    except OSError as error:
        raise click.ClickException(f"It cannot be written: {error.strerror}.") from None
    held = manifest.contents
    click.echo(f"cases: {held.cases}, messages: {held.messages}, newest event: {held.number}")
    click.echo(f"The key ring is not in it. Keep apart: {', '.join(KEPT_APART)}.")
    if held.key_ids:
        click.echo(f"It can be read with these keys of field_keys: {', '.join(held.key_ids)}.")
