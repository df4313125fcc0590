"""Limits attempts to sign in, by sign-in name and by address."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from safeguarding.staff.accounts import normalised

WINDOW_MIN = 15


@dataclass(frozen=True)
class SignInLimits:
    """How many attempts are free in WINDOW_MIN minutes."""

    per_name: int = 10
    per_address: int = 30


class SignInThrottle:
    """Counts attempts in memory: the console is one process."""

    def __init__(self, limits: SignInLimits) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_name = RateLimitItemPerMinute(limits.per_name, WINDOW_MIN)
        self._per_address = RateLimitItemPerMinute(limits.per_address, WINDOW_MIN)

    def wait_s(self, name: str, address: str) -> int:
        """Count an attempt; 0 when it may go on, else the seconds to wait.

        A name without an account counts like any other, so the answer gives no name away.
        """
        keys = ((self._per_address, "address", address), (self._per_name, "name", _key(name)))
        waits = [self._left(*key) for key in keys if not self._limiter.hit(*key)]
        return max(waits, default=0)

    def forget(self, name: str) -> None:
        """Forget the attempts on a name whose owner has signed in."""
        self._limiter.clear(self._per_name, "name", _key(name))

    def _left(self, item: RateLimitItem, kind: str, key: str) -> int:
        until = self._limiter.get_window_stats(item, kind, key).reset_time
        return max(1, round(until - time.time()))


def _key(name: str) -> str:
    return hashlib.sha256(normalised(name).encode("utf-8", "surrogatepass")).hexdigest()
