"""Pages are damaged for real: bytes of a file are overwritten behind the back of the database."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from ops.stack import POSTGRESQL, own_cluster
from storage.engine import connect
from storage.integrity import PageState, page_state
from tests.databases import database_on

ROWS = 5_000
PAGE = 4_096
FILL = "CREATE TABLE many (number INTEGER PRIMARY KEY, words TEXT NOT NULL)"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make a SQLite file with many rows, closed and whole."""
    path = tmp_path / "a file with spaces & ?.db"
    engine = connect(URL.create("sqlite", database=str(path)).render_as_string())
    with engine.begin() as connection:
        connection.exec_driver_sql(FILL)
        rows = [(number, f"row {number} " * 20) for number in range(ROWS)]
        connection.exec_driver_sql("INSERT INTO many VALUES (?, ?)", rows)
    engine.dispose()
    return path


def sqlite_state(path: Path, within_s: float = 20.0) -> PageState:
    engine = connect(URL.create("sqlite", database=str(path)).render_as_string())
    try:
        return page_state(engine, within_s)
    finally:
        engine.dispose()


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def test_whole_pages_are_sound_and_a_damaged_one_is_found(filled: Path, tmp_path: Path) -> None:
    assert sqlite_state(filled) is PageState.SOUND

    pages = filled.stat().st_size // PAGE
    assert pages > 100
    for page in (1, pages // 2, pages - 1):
        copy = Path(shutil.copy(filled, tmp_path / f"copy-{page}.db"))
        overwrite(copy, page * PAGE, b"\xff" * 64)
        assert sqlite_state(copy) is PageState.CORRUPT


def test_a_file_that_is_cut_off_or_no_database_is_corrupt(filled: Path, tmp_path: Path) -> None:
    cut = Path(shutil.copy(filled, tmp_path / "cut.db"))
    with cut.open("r+b") as file:
        file.truncate(filled.stat().st_size // 2)
    overwrite(filled, 0, b"\xff" * 64)

    assert sqlite_state(cut) is PageState.CORRUPT
    assert sqlite_state(filled) is PageState.CORRUPT


def test_damage_is_found_behind_open_connections_that_have_read_the_page(filled: Path) -> None:
    engine = connect(URL.create("sqlite", database=str(filled)).render_as_string())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM many").scalar() == ROWS
    overwrite(filled, filled.stat().st_size // PAGE // 2 * PAGE, b"\xff" * 64)

    assert page_state(engine) is PageState.CORRUPT
    engine.dispose()


def test_what_cannot_be_checked_in_time_or_at_all_is_not_called_sound(
    filled: Path, tmp_path: Path
) -> None:
    assert sqlite_state(filled, within_s=-1) is PageState.UNCHECKED
    assert sqlite_state(tmp_path / "none.db") is PageState.UNCHECKED
    assert not (tmp_path / "none.db").exists()
    away = connect("postgresql://nobody@127.0.0.1:9/none")
    assert page_state(away) is PageState.UNCHECKED


# ---- PostgreSQL ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def cluster() -> Iterator[URL]:
    """Start a server with checksums, whose files can be overwritten here."""
    programs = sorted(POSTGRESQL.glob("*/bin/initdb"))
    if not programs:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must damage a PostgreSQL of its own: install its programs")
        pytest.skip(f"the programs of PostgreSQL are not in {POSTGRESQL}")
    with own_cluster(programs[-1].parent) as url:
        yield url


@contextmanager
def damaged_copy(server: URL, template: URL, byte: int) -> Iterator[Engine]:
    """Copy a database whose table `many` was overwritten at `byte`, before anyone has read that."""
    original = connect(str(template))
    with original.connect() as connection:
        file = connection.exec_driver_sql("SELECT pg_relation_filepath('many')").scalar_one()
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    original.dispose()
    admin = sa.create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    copied = f"{template.database}_copy"
    with admin.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        overwrite(Path(folder) / file, byte, b"\xff" * 64)
        connection.exec_driver_sql(
            f'CREATE DATABASE "{copied}" TEMPLATE "{template.database}" STRATEGY file_copy'
        )
    engine = connect(str(template.set(database=copied)))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{copied}" WITH (FORCE)')
    admin.dispose()


@pytest.fixture
def many(cluster: URL) -> Iterator[URL]:
    """Make a database with many rows."""
    with database_on(cluster) as url:
        engine = connect(str(url))
        with engine.begin() as connection:
            connection.exec_driver_sql(FILL)
            rows = [{"number": number, "words": f"row {number} " * 20} for number in range(ROWS)]
            connection.execute(sa.text("INSERT INTO many VALUES (:number, :words)"), rows)
        engine.dispose()
        yield url


def test_postgresql_says_that_the_newest_page_is_damaged(cluster: URL, many: URL) -> None:
    engine = connect(str(many))
    assert page_state(engine) is PageState.SOUND
    with engine.connect() as connection:
        size = connection.exec_driver_sql("SELECT pg_relation_size('many')").scalar_one()
    engine.dispose()

    with damaged_copy(cluster, many, size - 4_000) as copy:
        assert page_state(copy) is PageState.CORRUPT


def test_postgresql_says_it_of_an_old_page_once_anyone_has_read_it(cluster: URL, many: URL) -> None:
    with damaged_copy(cluster, many, 4_000) as copy:
        assert page_state(copy) is PageState.SOUND
        with copy.connect() as connection, pytest.raises(sa.exc.InternalError):
            connection.exec_driver_sql("SELECT count(*) FROM many")
        copy.dispose()  # a process of the server writes its figures when it ends
        limit = time.monotonic() + 20
        while page_state(copy) is not PageState.CORRUPT:
            assert time.monotonic() < limit
            time.sleep(0.1)
