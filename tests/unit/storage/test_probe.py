"""A database that answers and cannot be written is down: nothing could be recorded in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from storage.engine import connect, migrate
from storage.probe import can_be_written
from tests.databases import database_on
from tests.integration.faults import unwritable


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
