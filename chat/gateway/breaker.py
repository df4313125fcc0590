"""A circuit breaker: a server that fails again and again is left alone until it is well again."""

from __future__ import annotations

from enum import IntEnum

OPENS_AFTER = 3
"""Failures, one after the other, after which nothing more is sent."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


class BreakerState(IntEnum):
    """How much is sent; the number is the figure of it."""

    CLOSED = 0
    """All there is room for."""
    TRYING = 1
    """It says that it is well: one message at a time, until one is answered."""
    OPEN = 2
    """Nothing."""


class Breaker:
    """What is known of one server. Whoever uses it says how each message went; while it is open,
    somebody looks every `pause_s` seconds whether the server is well, and not with a message that
    a person waits for."""

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self.pause_s = _FIRST_PAUSE_S
        self._failures = 0

    def succeeded(self) -> None:
        """A message was answered."""
        self.state = BreakerState.CLOSED
        self.pause_s = _FIRST_PAUSE_S
        self._failures = 0

    def failed(self) -> bool:
        """A message was not answered; whether that opened it."""
        self._failures += 1
        if self.state is BreakerState.OPEN or (
            self.state is BreakerState.CLOSED and self._failures < OPENS_AFTER
        ):
            return False
        if self.state is BreakerState.TRYING:
            # It said that it was well and was not: it is asked less often.
            self.pause_s = min(self.pause_s * 2, _LONGEST_PAUSE_S)
        self.state = BreakerState.OPEN
        return True

    def says_it_is_well(self) -> None:
        """The server says so; a message will show."""
        self.state = BreakerState.TRYING
