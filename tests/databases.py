"""A fresh, migrated database for each test: on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect, Engine, make_url

from ops.stack import POSTGRESQL, own_cluster
from storage.engine import connect, migrate


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """Return a server on which databases may be made: given, found running, or started here."""
    if given := os.environ.get("LANTERN_TEST_POSTGRES_URL"):
        yield make_url(given)
    elif found := _running():
        yield found
    elif programs := sorted(POSTGRESQL.glob("*/bin/initdb")):
        with own_cluster(programs[-1].parent) as started:
            yield started
    elif os.environ.get("CI") == "true":
        pytest.fail("CI must test on PostgreSQL: set LANTERN_TEST_POSTGRES_URL")
    else:
        pytest.skip("PostgreSQL is not here: set LANTERN_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres_template(postgres: URL) -> Iterator[str]:
    """Make a migrated database to copy from: quicker than to migrate for each test."""
    with database_on(postgres) as url:
        migrate(url.render_as_string(hide_password=False))
        assert url.database
        yield url.database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "lantern.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Make a migrated SQLite database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'lantern.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a migrated database that is gone after the test."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: URL = request.getfixturevalue("postgres")
    with database_on(server, request.getfixturevalue("postgres_template")) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def compiled() -> dict[str, tuple[Dialect, dict[Any, Any]]]:
    """Keep compiled statements for all tests, by database: compiling is a quarter of a test."""
    return {}


@pytest.fixture
def engine(
    database_url: str, compiled: dict[str, tuple[Dialect, dict[Any, Any]]]
) -> Iterator[Engine]:
    """Open connections to the database of the test."""
    made = connect(database_url)
    if made.name not in compiled:
        made.connect().close()  # makes the dialect ready
        compiled[made.name] = made.dialect, {}
    made.dialect, statements = compiled[made.name]
    made.update_execution_options(compiled_cache=statements)
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Make a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'lantern.db'}"
        return
    server: URL = request.getfixturevalue("postgres")
    with database_on(server) as url:
        yield url.render_as_string(hide_password=False)


@contextmanager
def database_on(server: URL, template: str = "template0") -> Iterator[URL]:
    """Make a database with a name of its own, and drop it afterwards."""
    name = f"lantern_test_{secrets.token_hex(6)}"
    admin = sa.create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield server.set(drivername="postgresql+psycopg", database=name)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        admin.dispose()


def _running() -> URL | None:
    for role in ("root", "postgres"):
        try:
            psycopg.connect(
                host="127.0.0.1", port=5432, user=role, dbname="postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            continue
        return URL.create("postgresql", role, host="127.0.0.1", port=5432, database="postgres")
    return None
