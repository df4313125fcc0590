"""Connections to PostgreSQL that do not wait for ever for a server that has stopped answering."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen

Result = TypeVar("Result")

CONNECT_S = 3
"""How long opening a connection may take, in seconds."""
_PROBES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which every answer of the server comes within `within_s`, or fails.

    The timeouts of the server are no help when the server, or the way to it, is frozen: TCP then
    acknowledges what is sent, and libpq waits without end.
    """

    within_s: float | None = None
    """Seconds for one statement; None waits for ever."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Wait for the server. Raises OperationalError; when it was late, the connection is closed.

        `timeout` is a caller's own bound, for `notifies`: whoever sets one handles it.
        """
        bound_s = self.within_s if timeout is None else timeout
        started = time.monotonic()
        try:
            return super().wait(gen, interval, bound_s)
        except psycopg.OperationalError:
            late = bound_s is not None and time.monotonic() - started >= bound_s
            if timeout is None and late:
                # Its next answer would be to this question: nothing else may be asked on it.
                self.pgconn.finish()
            raise


def connect_args(within_s: float | None, options: str) -> dict[str, Any]:
    """What libpq is told: how long to try, and when a silent connection counts as dead."""
    bounds: dict[str, Any] = {"connect_timeout": CONNECT_S, "options": options}
    if within_s is None:
        return bounds
    return bounds | _PROBES | {"tcp_user_timeout": int(within_s * 1e3)}


def bound(engine: Engine, within_s: float | None) -> None:
    """Have the engine open connections that wait for so many seconds at most."""

    def open_bounded(_dialect: object, _record: object, args: Any, known: Any) -> object:
        connection = BoundedConnection.connect(*args, **known)
        connection.within_s = within_s
        return connection

    listen(engine, "do_connect", open_bounded)
