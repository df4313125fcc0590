"""What is committed stays, errors quote no text, and a database that cannot be written is down."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError

from storage.engine import READING, UtcDateTime, can_be_written, connect, migrate
from tests.databases import database_on
from tests.integration.faults import unwritable

SUMMER = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


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


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])  # type: ignore[no-untyped-call]
def test_a_moment_comes_back_the_same_in_utc(dialect: object) -> None:
    column = UtcDateTime()

    stored = column.process_bind_param(SUMMER, dialect)  # type: ignore[arg-type]
    found = column.process_result_value(stored, dialect)  # type: ignore[arg-type]

    assert found == SUMMER
    assert found is not None
    assert found.tzinfo is timezone.utc


def test_refuses_a_moment_without_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001


def test_a_sqlite_file_that_cannot_be_written_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "lantern.db"
    url = f"sqlite:///{file}"
    migrate(url)
    engine = connect(url)

    assert can_be_written(engine)
    with unwritable(file):
        assert not can_be_written(engine)
        assert not can_be_written(connect(url))
    assert can_be_written(engine)


def test_a_connection_that_was_opened_to_only_read_is_left_once_the_fault_is_over(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'closed.db'}"
    migrate(url)
    engine = connect(url)
    with unwritable(tmp_path / "closed.db"), engine.connect() as connection:
        connection.execution_options(**READING).exec_driver_sql("SELECT 1")

    # The first write finds the connection that can only read; the next has a new one.
    assert [can_be_written(engine) for _ in range(2)] == [False, True]


def test_a_postgresql_that_only_reads_is_noticed(postgres: URL) -> None:
    with database_on(postgres) as url:
        writing, name = connect(str_of(url)), make_url(str_of(url)).database
        assert can_be_written(writing)
        with writing.begin() as connection:
            connection.exec_driver_sql(
                f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
            )
        writing.dispose()
        reading = connect(str_of(url))
        assert not can_be_written(reading)
        reading.dispose()


@pytest.mark.parametrize("url", ["postgresql://x@127.0.0.1:1/x", "sqlite:////none/at/all.db"])
def test_one_that_is_away_is_noticed(url: str) -> None:
    assert not can_be_written(connect(url))


def str_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)
