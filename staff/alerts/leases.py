"""Renews the claim of a batch while its messages are sent, because one may take longer than it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from staff.alerts import queue

log = structlog.get_logger("dispatcher")


@contextmanager
def renewed(engine: Engine, by: str, every_s: float) -> Iterator[None]:
    """Renew the claim `by` every `every_s` seconds, on a thread of its own, until left."""
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(every_s):
            try:
                with engine.begin() as connection:
                    queue.renew(connection, by, utc_now())
            except SQLAlchemyError as error:
                log.warning("alert.claim_not_renewed", error=type(error).__name__)

    # A daemon thread that is not waited for: the database may hang, and renewing a claim that has
    # ended changes nothing.
    threading.Thread(target=renew, name="renew", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
