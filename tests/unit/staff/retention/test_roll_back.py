"""An update is rolled back: the backup made before it holds the tables of before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL

from ops.backup import back_up
from ops.restore import put_back
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.trail import AuditLog
from staff.audit.verify import verify
from storage.engine import (
    MIGRATIONS,
    connect,
    migrate,
    newest_revision,
    revision_of,
)
from tests.databases import database_on


@pytest.fixture
def another_url(empty_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return a second empty database of the same kind."""
    if empty_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'another.db'}"
        return
    server: URL = request.getfixturevalue("postgres")
    with database_on(server) as url:
        yield url.render_as_string(hide_password=False)


def migrate_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def before_the_newest() -> str:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_revision(newest_revision())
    return str(newest.down_revision)


def at(url: str) -> tuple[str | None, int]:
    """Return the migration of a database and the number of events on its intact trail."""
    engine = connect(url)
    with engine.connect() as connection:
        found = verify(connection)
        assert found.broken is None
        revision = revision_of(connection)
    engine.dispose()
    return revision, found.count


def test_an_update_is_rolled_back_by_the_backup_made_before_it(
    empty_url: str, another_url: str, tmp_path: Path
) -> None:
    before = before_the_newest()
    migrate_to(empty_url, before)
    engine = connect(empty_url)
    AuditLog(engine).add("gateway", "viewed")
    engine.dispose()
    env = {"LANTERN_STATE_DIR": str(tmp_path / "var"), "LANTERN_DATABASE_URL": empty_url}
    place = tmp_path / "before-update"

    # This is the new program on the tables of before, as an update does it.
    back_up(Settings.from_env(env), place, utc_now())
    migrate(empty_url)
    assert at(empty_url) == (newest_revision(), 2)
    put_back(another_url, place)

    assert at(another_url) == (before, 1)
