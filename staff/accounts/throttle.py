"""Slows down guessing of passwords and codes without locking a colleague out.

Attempts from a known browser, or from an address where the name has signed in, are counted
separately, so that a stranger's attempts do not delay the owner. Strangers are counted by name and
address, by name, and by address; at the second step by account and address, and by account. Waits
grow and end; the `limits` library has no growing waits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from staff.accounts.accounts import digest_of, normalised

Key = tuple[str, ...]
Timer = Callable[[], float]

_COUNTED_S = 3600
_CODES_COUNTED_S = 24 * 3600
"""Seconds without an attempt after which the attempts of a key are forgotten."""
_ADDRESS_KNOWN_S = 30 * 24 * 3600
_REMEMBERED = 100_000
"""Keys of each kind in memory; a flood of made-up names displaces the oldest."""


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt at a password."""

    name: str
    address: str
    device: str = ""
    """Identifies a browser that is known for the name; empty for an unknown browser."""


@dataclass(frozen=True)
class CodeAttempt:
    """One attempt at the code of the second step."""

    staff_id: str
    address: str
    device: str = ""
    """Identifies a browser in which the account has signed in; empty for another browser."""


@dataclass(frozen=True)
class SignInLimits:
    """How many wrong attempts are allowed before each further one has to wait."""

    own: int = 10
    """Per name, in a browser or from an address that is known for it; codes in such a browser."""
    per_pair: int = 5
    """Per name or account, and address, by strangers."""
    per_name: int = 20
    """Per name, by strangers at all addresses."""
    per_address: int = 30
    """Per address, by strangers at all names."""
    codes_per_account: int = 100
    """Of codes per account, by strangers at all addresses. With the waits after it, strangers try
    some 200 codes of a million on a day, and three are right at any time: see ADR 51."""


class GrowingWait:
    """Counts attempts by key; after `free` of them each wait doubles, up to `longest_s`."""

    def __init__(
        self,
        free: int,
        first_s: float,
        longest_s: float,
        timer: Timer,
        counted_s: float = _COUNTED_S,
    ) -> None:
        self._free, self._first_s, self._longest_s = free, first_s, longest_s
        self._timer = timer
        self._counts: TTLCache[Hashable, tuple[int, float]] = TTLCache(
            _REMEMBERED, counted_s, timer
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
        day = _CODES_COUNTED_S
        self._own_codes = GrowingWait(limits.own, 1, 900, timer, day)
        self._pair_codes = GrowingWait(limits.per_pair, 30, 900, timer, day)
        self._account_codes = GrowingWait(limits.codes_per_account, 30, 900, timer, day)
        self._known_addresses: TTLCache[Hashable, bool] = TTLCache(
            _REMEMBERED, _ADDRESS_KNOWN_S, timer
        )

    def wait_s(self, attempt: SignInAttempt) -> int:
        """Count an attempt and return 0, or return the seconds to wait without counting it.

        Names without an account are counted too, so that the result does not reveal them.
        """
        return _admitted(self._counted(attempt))

    def succeeded(self, attempt: SignInAttempt) -> None:
        """Forget earlier wrong attempts after a right one, and remember the address."""
        for kind, key in self._counted(attempt):
            if kind in {self._own, self._pair}:
                kind.clear(key)
            else:
                kind.take_back(key)
        self._known_addresses[digest_of(normalised(attempt.name)), attempt.address] = True

    def code_wait_s(self, attempt: CodeAttempt) -> int:
        """Count an attempt at the second step and return 0, or return the seconds to wait.

        Strangers make each other wait, and never a browser in which the account has signed in.
        """
        return _admitted(self._counted_codes(attempt))

    def code_was_right(self, attempt: CodeAttempt) -> None:
        """Forget earlier wrong codes of this browser or address, and none of other strangers."""
        for kind, key in self._counted_codes(attempt):
            if kind is self._account_codes:
                kind.take_back(key)
            else:
                kind.clear(key)

    def _counted(self, attempt: SignInAttempt) -> list[tuple[GrowingWait, Key]]:
        name, address = digest_of(normalised(attempt.name)), attempt.address
        if attempt.device:
            return [(self._own, (name, "device", attempt.device))]
        if (name, address) in self._known_addresses:
            return [(self._own, (name, "address", address))]
        return [(self._pair, (name, address)), (self._name, (name,)), (self._address, (address,))]

    def _counted_codes(self, attempt: CodeAttempt) -> list[tuple[GrowingWait, Key]]:
        account, address = attempt.staff_id, attempt.address
        if attempt.device:
            return [(self._own_codes, (account, attempt.device))]
        return [(self._pair_codes, (account, address)), (self._account_codes, (account,))]


def _admitted(counted: list[tuple[GrowingWait, Key]]) -> int:
    """Count an attempt by each key and return 0, or return the seconds to wait."""
    wait = max(kind.left_s(key) for kind, key in counted)
    if wait > 0:
        return math.ceil(wait)
    for kind, key in counted:
        kind.count(key)
    return 0
