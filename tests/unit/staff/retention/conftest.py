"""A database with an office at work, what disposes of its cases, and a drill of a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine, make_url

from safeguarding.settings import Settings
from staff.retention.disposal import Disposals
from tests.databases import database_on
from tests.drill import Drill
from tests.office import Office
from tests.programs import program
from tests.records import KEYS, NOON, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON - timedelta(days=40 * 365))


@pytest.fixture
def office(engine: Engine, clock: Clock) -> Office:
    return Office(engine, clock)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def disposals(engine: Engine, state: Path, clock: Callable[[], datetime]) -> Disposals:
    return Disposals(engine, state, "operator", clock)


@pytest.fixture
def drill(
    request: pytest.FixtureRequest,
    database_url: str,
    office: Office,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Drill]:
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    settings = replace(
        Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path / "state")}), database_url=database_url
    )
    other = replace(settings, state_dir=tmp_path / "elsewhere")
    if make_url(database_url).get_backend_name() == "sqlite":
        path = tmp_path / "elsewhere" / "lantern.db"
        elsewhere = replace(other, database_url=f"sqlite:///{path}")
        yield Drill(settings, elsewhere, office, clock, tmp_path / "copy")
        return
    program("pg_dump")
    with database_on(request.getfixturevalue("postgres")) as empty:
        url = empty.render_as_string(hide_password=False)
        elsewhere = replace(other, database_url=url)
        yield Drill(settings, elsewhere, office, clock, tmp_path / "copy")
