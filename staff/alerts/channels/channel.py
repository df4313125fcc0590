"""What every channel is: a way to hand one alert to whoever carries it to its reader."""

from __future__ import annotations

from typing import Protocol

from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery


class NotSentError(Exception):
    """It was not sent. Holds the kind of failure alone: servers quote addresses in their texts."""

    def __init__(self, kind: str, *, for_good: bool = False) -> None:
        """`for_good`: trying again is of no use, for the address itself is refused."""
        super().__init__(kind)
        self.kind = kind
        self.for_good = for_good


class Channel(Protocol):
    """A way to send. Used by one thread at a time; comes back within a minute, whatever happens."""

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it. Raises NotSentError; what it does not raise for has been taken."""
