"""Signed-in sessions of staff: an opaque token outside, its digest in the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.database.engine import READING
from safeguarding.staff.accounts import Staff, member_of
from safeguarding.staff.tables import digest_of, staff, staff_sessions

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_SEEN_EVERY = timedelta(seconds=30)


@dataclass(frozen=True)
class Session:
    """One signed-in browser."""

    staff: Staff
    form_token: str
    """What every form of this session carries, so that no other site can forge one."""


class StaffSessions:
    """Sessions that end after half an hour unused, and after twelve hours in any case."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def start(self, staff_id: str) -> str:
        """Begin a session and return its token, which is kept nowhere. Sweeps out ended ones."""
        token = secrets.token_urlsafe(32)
        now = self._now()
        row = {"token_hash": digest_of(token), "staff_id": staff_id, "started_at": now}
        ended = (staff_sessions.c.seen_at < now - IDLE) | (
            staff_sessions.c.started_at < now - LONGEST
        )
        with self._engine.begin() as connection:
            connection.execute(sa.delete(staff_sessions).where(ended))
            connection.execute(sa.insert(staff_sessions).values(**row, seen_at=now))
        return token

    def find(self, token: str, *, counts_as_use: bool = True) -> Session | None:
        """The session of a token, or None when it has ended or never was.

        Counts as use, unless a page asks by itself, without anybody there.
        """
        now = self._now()
        query = (
            sa.select(staff, staff_sessions.c.seen_at)
            .join(staff_sessions, staff_sessions.c.staff_id == staff.c.id)
            .where(
                staff_sessions.c.token_hash == digest_of(token),
                staff_sessions.c.seen_at >= now - IDLE,
                staff_sessions.c.started_at >= now - LONGEST,
                staff.c.disabled_at.is_(None),
            )
        )
        with self._reading.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if counts_as_use and now - row["seen_at"] >= _SEEN_EVERY:
            self._touch(token, now)
        return Session(member_of(row), _form_token(token))

    def end(self, token: str) -> None:
        """End a session; one that is not there stays so."""
        mine = staff_sessions.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(staff_sessions).where(mine))

    def _touch(self, token: str, now: datetime) -> None:
        mine = staff_sessions.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            connection.execute(sa.update(staff_sessions).where(mine).values(seen_at=now))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _form_token(token: str) -> str:
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()
