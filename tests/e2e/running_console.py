"""A real console for a browser test, over a SQLite database of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from ops.build_static import STAMP
from ops.stack import Process, free_port
from storage.engine import connect, migrate
from tests.records import KEYS


@contextmanager
def own_database(folder: Path) -> Iterator[Engine]:
    """Make the database of a state folder."""
    migrate(_address(folder))
    engine = connect(_address(folder))
    yield engine
    engine.dispose()


def settings_of(folder: Path, port: int) -> dict[str, str]:
    """Return what a console reads to run on the database of this folder."""
    return {
        "LANTERN_STATE_DIR": str(folder),
        "LANTERN_DATABASE_URL": _address(folder),
        "LANTERN_FIELD_KEYS": KEYS,
        "LANTERN_TOKEN_KEY": "a key of the tests that is long enough",
        "LANTERN_CONSOLE_PORT": str(port),
        "LANTERN_CONSOLE_INSECURE_COOKIES": "true",
    }


@contextmanager
def running_console(
    folder: Path, *command: str, host: str = "127.0.0.1", **settings: str
) -> Iterator[str]:
    """Run a console, or the module `command`, on the database of this folder; yield its address.

    `settings` come on top of those that it needs.
    """
    if not STAMP.exists():
        pytest.fail("The console's style is missing: run ops/build_static.py")
    port = free_port()
    run = [sys.executable, "-m", *(command or ("staff.console",))]
    health = f"http://127.0.0.1:{port}/healthz"
    env = settings_of(folder, port) | settings
    process = Process("console", run, env, health, folder / "console.log")
    process.start()
    try:
        process.wait()
        yield f"http://{host}:{port}"
    finally:
        process.stop()


def _address(folder: Path) -> str:
    return f"sqlite:///{folder / 'lantern.db'}"
