"""Waits until PostgreSQL says that rows were appended, or for a short while on SQLite."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg
import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

POLL_S = 0.2
"""How long a reader on SQLite waits before it looks again, in seconds."""
LISTEN_S = 1.0
"""The same on PostgreSQL, where a notice comes at once: should none come, a reader looks anyway."""
log = structlog.get_logger("database")


class Listener:
    """Listens on one channel, for one thread. It needs no notice to be right, only to be quick."""

    def __init__(self, engine: Engine, channel: str) -> None:
        """`channel` is a name of our own: it is part of the SQL."""
        self._engine = engine
        self._channel = channel
        self._listening: Connection | None = None

    def wait(self, stop: threading.Event) -> None:
        """Return at the next notice, or after a short while. Never raises.

        Returns at once when it has only begun to listen: what was appended before is not told.
        """
        if self._engine.dialect.name != "postgresql":
            stop.wait(POLL_S)
            return
        try:
            if self._listening is None:
                self._listening = self._listen()
                return
            driver = self._listening.connection.driver_connection
            if not isinstance(driver, psycopg.Connection):
                raise TypeError("not a connection of psycopg")
            for _ in driver.notifies(timeout=LISTEN_S, stop_after=1):
                pass
        except (SQLAlchemyError, psycopg.Error) as error:
            log.warning("database.not_listening", error=type(error).__name__)
            self.close()
            stop.wait(LISTEN_S)

    def close(self) -> None:
        """Listen no more."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(SQLAlchemyError, psycopg.Error):
                # Not back into the pool: it would go on listening there.
                listening.invalidate()
                listening.close()

    def _listen(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"LISTEN {self._channel}")
        return connection
