"""Slows guessing down without locking a colleague out.

Whoever signs in from a browser that is known for the name, or from an address where the name has
signed in, has an allowance of their own: what strangers do to the name does not touch it. Strangers
are counted by name and address, by name, and by address, with waits that grow and end.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from staff.accounts.accounts import normalised

Key = tuple[str, ...]
Timer = Callable[[], float]

_FORGOTTEN_S = 3600
_HOME_S = 30 * 24 * 3600
_REMEMBERED = 100_000
"""Keys of each kind; a flood of made-up names pushes out the oldest, never uses up the memory."""


@dataclass(frozen=True)
class Attempt:
    """Somebody's try at a password."""

    name: str
    address: str
    device: str = ""
    """What tells a browser that is known for the name from others; empty for a stranger's."""


@dataclass(frozen=True)
class SignInLimits:
    """How many wrong attempts are free, before each further one has to wait."""

    own: int = 10
    """On a name, in a browser or from an address that is known for it."""
    per_pair: int = 5
    """On a name by strangers, from one address."""
    per_name: int = 20
    """On a name by strangers, from all addresses."""
    per_address: int = 30
    """On all names by strangers, from one address."""


class GrowingWait:
    """Counts by key; after `free` attempts each wait is twice the one before, up to `longest_s`."""

    def __init__(self, free: int, first_s: float, longest_s: float, timer: Timer) -> None:
        self._free, self._first_s, self._longest_s = free, first_s, longest_s
        self._timer = timer
        self._kept: TTLCache[Hashable, tuple[int, float]] = TTLCache(
            _REMEMBERED, _FORGOTTEN_S, timer
        )

    def left_s(self, key: Key) -> float:
        """Seconds until another attempt is allowed; 0 when it is now."""
        _, until = self._kept.get(key, (0, 0.0))
        return max(0.0, until - self._timer())

    def count(self, key: Key) -> None:
        """One more attempt."""
        count = self._kept.get(key, (0, 0.0))[0] + 1
        over = count - self._free
        wait = min(self._longest_s, self._first_s * 2.0 ** min(over, 30)) if over >= 0 else 0.0
        self._kept[key] = (count, self._timer() + wait)

    def take_back(self, key: Key) -> None:
        """One attempt less, for it was right; the wait that it began ends."""
        count, _ = self._kept.pop(key, (0, 0.0))
        if count > 1:
            self._kept[key] = (count - 1, 0.0)

    def clear(self, key: Key) -> None:
        """Forget a key's attempts."""
        self._kept.pop(key, None)


class SignInThrottle:
    """Counts attempts in memory: the console is one process. The clock is monotonic."""

    def __init__(self, limits: SignInLimits, timer: Timer = time.monotonic) -> None:
        self._own = GrowingWait(limits.own, 1, 60, timer)
        self._pair = GrowingWait(limits.per_pair, 30, 900, timer)
        self._name = GrowingWait(limits.per_name, 1, 60, timer)
        self._address = GrowingWait(limits.per_address, 1, 30, timer)
        self._codes = GrowingWait(limits.per_pair, 30, 900, timer)
        self._homes: TTLCache[Hashable, bool] = TTLCache(_REMEMBERED, _HOME_S, timer)

    def wait_s(self, attempt: Attempt) -> int:
        """Count an attempt; 0 when it may go on, else the seconds to wait, uncounted.

        A name without an account counts like any other, so the answer gives no name away.
        """
        counted = self._counted(attempt)
        wait = max(kind.left_s(key) for kind, key in counted)
        if wait > 0:
            return math.ceil(wait)
        for kind, key in counted:
            kind.count(key)
        return 0

    def succeeded(self, attempt: Attempt) -> None:
        """The attempt was right: forget the slips before it, and know the address from now on."""
        for kind, key in self._counted(attempt):
            if kind in {self._own, self._pair}:
                kind.clear(key)
            else:
                kind.take_back(key)
        self._homes[_key(attempt.name), attempt.address] = True

    def code_wait_s(self, staff_id: str) -> int:
        """Count an attempt at the second step of an account; 0, or the seconds to wait.

        Only who knows the password gets this far, so nobody else can make its owner wait.
        """
        key = (staff_id,)
        if (wait := self._codes.left_s(key)) > 0:
            return math.ceil(wait)
        self._codes.count(key)
        return 0

    def code_was_right(self, staff_id: str) -> None:
        """Forget the attempts at the second step of an account."""
        self._codes.clear((staff_id,))

    def _counted(self, attempt: Attempt) -> list[tuple[GrowingWait, Key]]:
        name, address = _key(attempt.name), attempt.address
        if attempt.device:
            return [(self._own, (name, "device", attempt.device))]
        if (name, address) in self._homes:
            return [(self._own, (name, "address", address))]
        return [(self._pair, (name, address)), (self._name, (name,)), (self._address, (address,))]


def _key(name: str) -> str:
    return hashlib.sha256(normalised(name).encode("utf-8", "surrogatepass")).hexdigest()
