"""The browsers in which each account has signed in.

They keep a cookie that signs no one in. It proves that guesses of other browsers are not theirs.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa

from staff.accounts.accounts import AccountRecords, digest_of, normalised
from staff.accounts.tables import staff, staff_devices

KNOWN_FOR = timedelta(days=180)
"""A browser is forgotten this long after the last sign-in in it."""


class KnownDevices(AccountRecords):
    """The browsers in which each account has signed in.

    A browser keeps a random token; the database has its digest.
    """

    def knows(self, token: str, name: str) -> bool:
        """Return whether the account `name` has signed in in the browser with this token."""
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
        return self._first(query) is not None

    def remember(self, token: str, staff_id: str) -> str:
        """Record a sign-in; return the browser's new token, which replaces `token` ("" for none).

        The token changes with every sign-in, so that a planted or copied one stops working.
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
