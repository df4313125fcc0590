"""Slows down password guessing without locking a colleague out.

Attempts from a known browser, or from an address where the name has signed in, are counted
separately, so that a stranger's attempts do not delay the owner. Strangers are counted by name and
address, by name, and by address. Waits grow and end; the `limits` library has no growing waits.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from cachetools import TTLCache

from staff.accounts.accounts import AccountRecords, digest_of, normalised
from staff.accounts.tables import staff, staff_devices

Key = tuple[str, ...]
Timer = Callable[[], float]

_COUNTED_S = 3600
_ADDRESS_KNOWN_S = 30 * 24 * 3600
_REMEMBERED = 100_000
"""Keys of each kind in memory; a flood of made-up names displaces the oldest."""
KNOWN_FOR = timedelta(days=180)
"""A browser is forgotten this long after the last sign-in in it."""


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt at a password."""

    name: str
    address: str
    device: str = ""
    """Identifies a browser that is known for the name; empty for an unknown browser."""


@dataclass(frozen=True)
class SignInLimits:
    """How many wrong attempts are allowed before each further one has to wait."""

    own: int = 10
    """Per name, in a browser or from an address that is known for it."""
    per_pair: int = 5
    """Per name and address, by strangers."""
    per_name: int = 20
    """Per name, by strangers at all addresses."""
    per_address: int = 30
    """Per address, by strangers at all names."""


class GrowingWait:
    """Counts attempts by key; after `free` of them each wait doubles, up to `longest_s`."""

    def __init__(self, free: int, first_s: float, longest_s: float, timer: Timer) -> None:
        self._free, self._first_s, self._longest_s = free, first_s, longest_s
        self._timer = timer
        self._counts: TTLCache[Hashable, tuple[int, float]] = TTLCache(
            _REMEMBERED, _COUNTED_S, timer
        )

    def left_s(self, key: Key) -> float:
        """Return the seconds until the next attempt is allowed; 0 when it is allowed now."""
        _, until = self._counts.get(key, (0, 0.0))
        return max(0.0, until - self._timer())

    def count(self, key: Key) -> None:
        """Count an attempt."""
        count = self._counts.get(key, (0, 0.0))[0] + 1
        over = count - self._free
        wait = min(self._longest_s, self._first_s * 2.0 ** min(over, 30)) if over >= 0 else 0.0
        self._counts[key] = (count, self._timer() + wait)

    def take_back(self, key: Key) -> None:
        """Remove an attempt that turned out to be right, and the wait that it began."""
        count, _ = self._counts.pop(key, (0, 0.0))
        if count > 1:
            self._counts[key] = (count - 1, 0.0)

    def clear(self, key: Key) -> None:
        """Forget a key's attempts."""
        self._counts.pop(key, None)


class SignInThrottle:
    """Counts attempts in memory, as the console is one process. The clock is monotonic."""

    def __init__(self, limits: SignInLimits, timer: Timer = time.monotonic) -> None:
        self._own = GrowingWait(limits.own, 1, 60, timer)
        self._pair = GrowingWait(limits.per_pair, 30, 900, timer)
        self._name = GrowingWait(limits.per_name, 1, 60, timer)
        self._address = GrowingWait(limits.per_address, 1, 30, timer)
        self._codes = GrowingWait(limits.per_pair, 30, 900, timer)
        self._known_addresses: TTLCache[Hashable, bool] = TTLCache(
            _REMEMBERED, _ADDRESS_KNOWN_S, timer
        )

    def wait_s(self, attempt: SignInAttempt) -> int:
        """Count an attempt and return 0, or return the seconds to wait without counting it.

        Names without an account are counted too, so that the result does not reveal them.
        """
        counted = self._counted(attempt)
        wait = max(kind.left_s(key) for kind, key in counted)
        if wait > 0:
            return math.ceil(wait)
        for kind, key in counted:
            kind.count(key)
        return 0

    def succeeded(self, attempt: SignInAttempt) -> None:
        """Forget earlier wrong attempts after a right one, and remember the address."""
        for kind, key in self._counted(attempt):
            if kind in {self._own, self._pair}:
                kind.clear(key)
            else:
                kind.take_back(key)
        self._known_addresses[digest_of(normalised(attempt.name)), attempt.address] = True

    def code_wait_s(self, staff_id: str) -> int:
        """Count an attempt at the second step and return 0, or return the seconds to wait.

        It needs the password first, so a stranger cannot make the owner wait.
        """
        key = (staff_id,)
        if (wait := self._codes.left_s(key)) > 0:
            return math.ceil(wait)
        self._codes.count(key)
        return 0

    def code_was_right(self, staff_id: str) -> None:
        """Forget the attempts at the second step of an account."""
        self._codes.clear((staff_id,))

    def _counted(self, attempt: SignInAttempt) -> list[tuple[GrowingWait, Key]]:
        name, address = digest_of(normalised(attempt.name)), attempt.address
        if attempt.device:
            return [(self._own, (name, "device", attempt.device))]
        if (name, address) in self._known_addresses:
            return [(self._own, (name, "address", address))]
        return [(self._pair, (name, address)), (self._name, (name,)), (self._address, (address,))]


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
