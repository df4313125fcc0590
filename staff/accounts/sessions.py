"""Signed-in sessions of staff: an opaque token outside, its digest in the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.clock import utc_now
from staff.accounts.accounts import Staff, member_of
from staff.accounts.tables import digest_of, staff, staff_sessions
from storage.engine import READING

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
STEP_UP = timedelta(minutes=15)
"""Unused for so long, a session is confirmed again before it shows what a child wrote."""
HALF = timedelta(minutes=5)
"""How long somebody whose password was right has for the second step."""
_SEEN_EVERY = timedelta(seconds=30)


@dataclass(frozen=True)
class Session:
    """One signed-in browser."""

    staff: Staff
    form_token: str
    """What every form of this session carries, so that no other site can forge one."""
    id: str = ""
    """Names the session and opens nothing: the digest of its token."""
    fresh: bool = True
    """False when it was unused for STEP_UP and nobody has confirmed since who sits there."""
    secured: bool = False
    """Whether it has passed a second step."""


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: str
    browser: str
    started_at: datetime
    seen_at: datetime


class StaffSessions:
    """Sessions that end after half an hour unused, and after twelve hours in any case."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def start(
        self, staff_id: str, *, browser: str = "", half: bool = False, secured: bool = False
    ) -> str:
        """Begin a session and return its token, which is kept nowhere. Sweeps out ended ones.

        A half session opens nothing but the page of the second step. `browser` is for the list.
        """
        token = secrets.token_urlsafe(32)
        now = self._now()
        row = {
            "token_hash": digest_of(token),
            "staff_id": staff_id,
            "started_at": now,
            "seen_at": now,
            "confirmed_at": now,
            "half": half,
            "secured": secured,
            "browser": browser,
        }
        with self._engine.begin() as connection:
            connection.execute(sa.delete(staff_sessions).where(~self._going_on(now)))
            connection.execute(sa.insert(staff_sessions).values(**row))
        return token

    def find(self, token: str, *, counts_as_use: bool = True) -> Session | None:
        """The session of a token, or None when it has ended or never was.

        Counts as use, unless a page asks by itself, without anybody there.
        """
        now = self._now()
        row = self._row(token, ~staff_sessions.c.half & self._going_on(now))
        if row is None:
            return None
        idle = now - row["seen_at"]
        if counts_as_use and idle >= _SEEN_EVERY:
            self._touch(token, now, stale=idle > STEP_UP)
        return Session(
            staff=member_of(row),
            form_token=_form_token(token),
            id=digest_of(token),
            fresh=row["confirmed_at"] is not None and idle <= STEP_UP,
            secured=row["secured"],
        )

    def find_half(self, token: str) -> Staff | None:
        """Whose password was right a moment ago, and who has yet to pass the second step."""
        begun = staff_sessions.c.started_at >= self._now() - HALF
        row = self._row(token, staff_sessions.c.half & begun)
        return None if row is None else member_of(row)

    def confirm(self, session_id: str) -> None:
        """Whoever sits there has just shown again who they are."""
        self._set(session_id, confirmed_at=self._now())

    def secure(self, session_id: str) -> None:
        """A second step was passed within the session."""
        self._set(session_id, confirmed_at=self._now(), secured=True)

    def new_challenge(self, token: str) -> bytes:
        """Random bytes for a passkey to sign; kept with the session until they are taken."""
        challenge = secrets.token_bytes(32)
        self._set(digest_of(token), challenge=challenge.hex())
        return challenge

    def take_challenge(self, token: str) -> bytes:
        """The bytes that were kept, once; where there are none, others, which nobody has signed."""
        mine = staff_sessions.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            query = sa.select(staff_sessions.c.challenge).where(mine).with_for_update()
            kept = connection.execute(query).scalar()
            connection.execute(sa.update(staff_sessions).where(mine).values(challenge=None))
        return bytes.fromhex(kept) if kept else secrets.token_bytes(32)

    def of(self, staff_id: str) -> list[OpenSession]:
        """The sessions of an account that go on, the newest first."""
        table = staff_sessions
        columns = (table.c.token_hash, table.c.browser, table.c.started_at, table.c.seen_at)
        mine = (table.c.staff_id == staff_id) & ~table.c.half & self._going_on(self._now())
        query = sa.select(*columns).where(mine).order_by(table.c.started_at.desc())
        with self._reading.connect() as connection:
            return [OpenSession(*row) for row in connection.execute(query)]

    def revoke(self, staff_id: str, session_id: str) -> bool:
        """End one session of this account. False when it has none of this id."""
        table = staff_sessions
        mine = (table.c.staff_id == staff_id) & (table.c.token_hash == session_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(sa.delete(table).where(mine)).rowcount)

    def end(self, token: str) -> None:
        """End a session; one that is not there stays so."""
        mine = staff_sessions.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(staff_sessions).where(mine))

    def _row(self, token: str, which: sa.ColumnElement[bool]) -> RowMapping | None:
        query = (
            sa.select(
                staff,
                staff_sessions.c.seen_at,
                staff_sessions.c.confirmed_at,
                staff_sessions.c.secured,
            )
            .join(staff_sessions, staff_sessions.c.staff_id == staff.c.id)
            .where(
                staff_sessions.c.token_hash == digest_of(token),
                which,
                staff.c.disabled_at.is_(None),
            )
        )
        with self._reading.connect() as connection:
            return connection.execute(query).mappings().first()

    def _going_on(self, now: datetime) -> sa.ColumnElement[bool]:
        return (staff_sessions.c.seen_at >= now - IDLE) & (
            staff_sessions.c.started_at >= now - LONGEST
        )

    def _touch(self, token: str, now: datetime, *, stale: bool) -> None:
        # Kept in the row: reading another page first must not make a session fresh again.
        values = {"seen_at": now} | ({"confirmed_at": None} if stale else {})
        self._set(digest_of(token), **values)

    def _set(self, session_id: str, **values: object) -> None:
        mine = staff_sessions.c.token_hash == session_id
        with self._engine.begin() as connection:
            connection.execute(sa.update(staff_sessions).where(mine).values(**values))


def _form_token(token: str) -> str:
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()
