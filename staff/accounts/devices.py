"""Browsers in which a member of staff has signed in before: an opaque token outside, a digest here.

A browser that is known has its own allowance of slips, so nobody's guessing keeps its owner out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import normalised
from staff.accounts.tables import digest_of, staff, staff_devices
from storage.engine import READING

KNOWN_FOR = timedelta(days=180)
"""After the last sign-in in it a browser counts as a stranger's."""


class KnownDevices:
    """Which browsers are known for which accounts. Thread-safe."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def knows(self, token: str, name: str) -> bool:
        """Whether the account with this sign-in name has signed in where `token` is kept."""
        if not token:
            return False
        query = (
            sa.select(staff_devices.c.staff_id)
            .join(staff, staff.c.id == staff_devices.c.staff_id)
            .where(
                staff_devices.c.token_hash == digest_of(token),
                staff_devices.c.seen_at >= self._now() - KNOWN_FOR,
                staff.c.name == normalised(name),
                staff.c.disabled_at.is_(None),
            )
        )
        with self._reading.connect() as connection:
            return connection.execute(query).first() is not None

    def remember(self, token: str, staff_id: str) -> str:
        """Note a sign-in; return the browser's new token, which replaces `token` ("" for none).

        The token changes with every sign-in: one that was planted or copied is worth nothing then.
        """
        fresh = secrets.token_urlsafe(32)
        now = self._now()
        table = staff_devices
        row = {"token_hash": digest_of(fresh), "staff_id": staff_id, "seen_at": now}
        old = table.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            connection.execute(
                sa.delete(table).where(
                    (table.c.seen_at < now - KNOWN_FOR) | (old & (table.c.staff_id == staff_id))
                )
            )
            connection.execute(sa.update(table).where(old).values(token_hash=row["token_hash"]))
            connection.execute(sa.insert(table).values(**row))
        return fresh
