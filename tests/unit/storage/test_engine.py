"""SQLite is opened for safety; errors quote nobody."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from storage.engine import READING, connect


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("recursive_triggers", 1)],
)
def test_sqlite_keeps_what_it_acknowledged(engine: Engine, pragma: str, value: object) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_errors_do_not_quote_what_was_written(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as raised, engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:words)"), {"words": "my secret"})

    assert "my secret" not in str(raised.value)


def test_a_reader_does_not_wait_for_a_writer(engine: Engine) -> None:
    reading = engine.execution_options(**READING)

    with engine.begin(), reading.connect() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM escalations").scalar() == 0


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_reached_by_the_driver_we_ship(scheme: str) -> None:
    engine = connect(f"{scheme}://someone@nowhere.invalid/lantern")

    assert engine.dialect.driver == "psycopg"
