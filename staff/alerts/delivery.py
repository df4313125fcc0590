"""One delivery of an alert as a channel gets it, and the error of one that was not sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staff.alerts.outbox import Alert
from staff.rota.rota import TEAM


class NotSentError(Exception):
    """The message was not sent. Holds a kind of failure only: servers quote addresses."""

    def __init__(self, kind: str, *, refused: bool = False, for_good: bool = False) -> None:
        """Take what is known of the failure; without more, the message is tried again soon.

        `refused`: the recipient's address takes no messages; it is tried again with long pauses.
        `for_good`: there is no address, so that another attempt is of no use.
        """
        super().__init__(kind)
        self.kind = kind
        self.refused = refused
        self.for_good = for_good


@dataclass(frozen=True)
class Burst:
    """How far a burst has grown: alerts that look alike and came at nearly the same time."""

    began_at: datetime
    """When the first of its messages came."""
    more: int
    """Alerts after the first one."""


@dataclass(frozen=True)
class Delivery:
    """One alert, claimed for sending to one recipient by one channel."""

    id: int
    alert: Alert
    recipient: str
    email: str | None
    phone: str | None
    attempts: int
    """With this one."""
    claimed_by: str
    outside: bool = False
    """Whether the recipient may not see the area of the case: no one who may could be reached."""
    digest: str | None = None
    """The name of the digest that it is part of; None when it is sent alone."""
    others: tuple[Delivery, ...] = ()
    """The other deliveries in the same message; this one is the most severe."""

    burst: Burst | None = None
    """The burst of which it tells together with `others`; None for any other message."""
    error: str | None = None
    """The kind of failure of the attempt before; None when there was none."""

    @property
    def every(self) -> tuple[Delivery, ...]:
        """All deliveries in the message."""
        return (self, *self.others)

    @property
    def mark(self) -> str:
        """Identifies the message, so that a mailbox can recognise a second copy.

        The same for every attempt of a single delivery. A digest has a new mark each time, because
        it may hold more than the attempt before.
        """
        return f"digest-{self.digest}" if self.others else f"alert-{self.id}"

    def email_address(self, team: str | None) -> str:
        """Return the recipient's address, `team` for TEAM. Raises NotSentError if there is none."""
        address = team if self.recipient == TEAM else self.email
        if not address:
            raise NotSentError("no address", for_good=True)
        return address

    def phone_number(self) -> str:
        """Return the recipient's phone number. Raises NotSentError if there is none."""
        if not self.phone:
            raise NotSentError("no phone number", for_good=True)
        return self.phone
