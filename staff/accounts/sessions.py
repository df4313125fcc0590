"""Sessions of staff. The browser has a random token; the database has its digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from staff.accounts.accounts import AccountRecords, Staff, digest_of, member_of
from staff.accounts.tables import staff, staff_sessions

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
STEP_UP = timedelta(minutes=15)
"""A session unused for this long must be confirmed before it shows what a child wrote."""
PENDING = timedelta(minutes=5)
"""The time allowed for the second step after a right password."""
_SEEN_EVERY = timedelta(seconds=30)
_BROWSERS = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "CrOS": "Chromebook",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Session:
    """A signed-in browser."""

    staff: Staff
    form_token: str
    """Every form of this session carries it, so that another site cannot forge a form."""
    id: str = ""
    """The digest of the token; it does not open the session."""
    fresh: bool = True
    """False when it was unused for STEP_UP and has not been confirmed since."""
    secured: bool = False
    """Whether it has passed the second step."""


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: str
    browser: str
    started_at: datetime
    seen_at: datetime


class StaffSessions(AccountRecords):
    """All sessions. Each ends after IDLE without use, and after LONGEST in any case."""

    def start(
        self, staff_id: str, *, browser: str = "", pending: bool = False, secured: bool = False
    ) -> str:
        """Begin a session and return its token; delete sessions that have ended.

        A pending session only opens the page of the second step. `browser` is a label for the list.
        """
        token = secrets.token_urlsafe(32)
        now = self._now()
        row = {
            "token_hash": digest_of(token),
            "staff_id": staff_id,
            "started_at": now,
            "seen_at": now,
            "confirmed_at": now,
            "half": pending,
            "secured": secured,
            "browser": browser,
        }
        with self._engine.begin() as connection:
            connection.execute(sa.delete(staff_sessions).where(~self._is_open(now)))
            connection.execute(sa.insert(staff_sessions).values(**row))
        return token

    def find(self, token: str, *, counts_as_use: bool = True) -> Session | None:
        """Return the session of a token, or None when there is none or it has ended.

        `counts_as_use` is False for requests that a page sends by itself.
        """
        now = self._now()
        row = self._row(token, ~staff_sessions.c.half & self._is_open(now))
        if row is None:
            return None
        idle = now - row["seen_at"]
        if counts_as_use and idle >= _SEEN_EVERY:
            # Stored, because reading another page first must not make the session fresh again.
            stale = {"confirmed_at": None} if idle > STEP_UP else {}
            self._set(digest_of(token), seen_at=now, **stale)
        return Session(
            staff=member_of(row),
            form_token=hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest(),
            id=digest_of(token),
            fresh=row["confirmed_at"] is not None and idle <= STEP_UP,
            secured=row["secured"],
        )

    def find_pending(self, token: str) -> Staff | None:
        """Return the member of staff whose session waits for the second step."""
        recent = staff_sessions.c.started_at >= self._now() - PENDING
        row = self._row(token, staff_sessions.c.half & recent)
        return None if row is None else member_of(row)

    def confirm(self, session_id: str) -> None:
        """Mark the session as fresh: its user has just proved their identity again."""
        self._set(session_id, confirmed_at=self._now())

    def secure(self, session_id: str) -> None:
        """Mark the session as one that has passed the second step."""
        self._set(session_id, confirmed_at=self._now(), secured=True)

    def unsecure(self, staff_id: str) -> None:
        """Mark every session of an account as one without a second step: it was taken away."""
        own = staff_sessions.c.staff_id == staff_id
        self._change(sa.update(staff_sessions).where(own).values(secured=False))

    def new_challenge(self, token: str) -> bytes:
        """Return random bytes for a passkey to sign; store them with the session."""
        challenge = secrets.token_bytes(32)
        self._set(digest_of(token), challenge=challenge.hex())
        return challenge

    def take_challenge(self, token: str) -> bytes:
        """Return the stored bytes and delete them; without any, return new random ones."""
        own = staff_sessions.c.token_hash == digest_of(token)
        with self._engine.begin() as connection:
            query = sa.select(staff_sessions.c.challenge).where(own).with_for_update()
            stored = connection.execute(query).scalar()
            connection.execute(sa.update(staff_sessions).where(own).values(challenge=None))
        return bytes.fromhex(stored) if stored else secrets.token_bytes(32)

    def of(self, staff_id: str) -> list[OpenSession]:
        """Return the open sessions of an account, newest first."""
        table = staff_sessions
        columns = (table.c.token_hash, table.c.browser, table.c.started_at, table.c.seen_at)
        own = (table.c.staff_id == staff_id) & ~table.c.half & self._is_open(self._now())
        query = sa.select(*columns).where(own).order_by(table.c.started_at.desc())
        with self._reading.connect() as connection:
            return [OpenSession(*row) for row in connection.execute(query)]

    def revoke(self, staff_id: str, session_id: str) -> bool:
        """End one session of the account. Return False when it has none with this id."""
        table = staff_sessions
        own = (table.c.staff_id == staff_id) & (table.c.token_hash == session_id)
        return self._change(sa.delete(table).where(own))

    def end(self, token: str) -> None:
        """End the session of a token, if there is one."""
        own = staff_sessions.c.token_hash == digest_of(token)
        self._change(sa.delete(staff_sessions).where(own))

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
        return self._first(query)

    def _is_open(self, now: datetime) -> sa.ColumnElement[bool]:
        return (staff_sessions.c.seen_at >= now - IDLE) & (
            staff_sessions.c.started_at >= now - LONGEST
        )

    def _set(self, session_id: str, **values: object) -> None:
        own = staff_sessions.c.token_hash == session_id
        self._change(sa.update(staff_sessions).where(own).values(**values))


def browser_of(user_agent: str) -> str:
    """Return a label such as "Firefox, Windows" for a User-Agent header.

    The header itself is not shown, because anyone can write anything into it.
    """
    browser, system = (
        next((label for sign, label in names.items() if sign in user_agent), "unknown")
        for names in (_BROWSERS, _SYSTEMS)
    )
    return f"{browser}, {system}"
