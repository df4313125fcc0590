"""At the end of `make chaos`: somebody deletes the end of the audit trail, in a copy.

`verify-audit` must pass on the copy as it is, and must name the anchor once the end is deleted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ops.stack import SERVICES
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.anchors import ANCHORS, write_anchor
from staff.audit.trail import audit_events
from storage.engine import connect

DELETED = 5
"""Events at the end of the trail that are deleted. The last of them is anchored."""


def tampered(settings: Settings, server: URL | None, folder: Path) -> dict[str, int]:
    """Return whether the intact copy disagrees, and whether the deleted end was not noticed.

    No process may run on the database any more. `folder` has room for a copy, and `server` is that
    of PostgreSQL. Raises SQLAlchemyError, OSError.
    """
    state = folder / "copy"
    shutil.copytree(settings.state_dir / ANCHORS, state / ANCHORS)
    with _copy(settings, server, state) as url:
        engine = connect(url)
        with engine.connect() as connection:
            write_anchor(state, connection, utc_now())
        intact = _verified(url, state)
        with engine.begin() as connection:
            _let_delete(connection)
            last = connection.execute(sa.select(sa.func.max(audit_events.c.id))).scalar_one()
            connection.execute(sa.delete(audit_events).where(audit_events.c.id > last - DELETED))
        engine.dispose()
        deleted = _verified(url, state)
    is_named = deleted.returncode == 1 and "BROKEN at event" in deleted.stdout
    is_named &= str(state / ANCHORS) in deleted.stdout
    for each, is_right in ((intact, intact.returncode == 0), (deleted, is_named)):
        if not is_right:
            click.echo(f"{each.stdout}{each.stderr}")
    return {"disagreeing": int(intact.returncode != 0), "unnoticed": int(not is_named)}


@contextmanager
def _copy(settings: Settings, server: URL | None, state: Path) -> Iterator[str]:
    """Copy the database; yield the address of the copy, which is gone afterwards."""
    if server is None:
        engine = sa.create_engine(settings.database_url)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{state / 'copy.db'}'")
        engine.dispose()
        yield f"sqlite:///{state / 'copy.db'}"
        return
    copy = f"{server.database}_copy"
    admin = sa.create_engine(
        server.set(drivername="postgresql+psycopg", database="template1"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        # A connection through the proxy may still be open.
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": server.database},
        )
        connection.exec_driver_sql(f'CREATE DATABASE "{copy}" TEMPLATE "{server.database}"')
        try:
            yield server.set(database=copy).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f'DROP DATABASE "{copy}" WITH (FORCE)')
            admin.dispose()


def _let_delete(connection: sa.Connection) -> None:
    """Remove what protects the trail, as somebody can who owns the database."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit_events DISABLE TRIGGER ALL")
        return
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
    for name in connection.exec_driver_sql(triggers).scalars().all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


def _verified(url: str, state: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LANTERN_DATABASE_URL": url, "LANTERN_STATE_DIR": str(state)}
    command = [str(SERVICES / "python"), "-m", "lantern", "verify-audit"]
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True)
