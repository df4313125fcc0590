"""The interface of an alert channel, and what a channel is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from safeguarding.secret_files import NoSecretError
from safeguarding.settings import Settings
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.rota.recipients import TEAM


class NotSentError(Exception):
    """The message was not sent. Holds a kind of failure only: servers quote addresses."""

    def __init__(self, kind: str, *, for_good: bool = False) -> None:
        """`for_good`: the address itself is refused, so that another attempt is of no use."""
        super().__init__(kind)
        self.kind = kind
        self.for_good = for_good


class Channel(Protocol):
    """A way to send alerts. Used by one thread at a time; must return within a minute."""

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it. Raises NotSentError unless the message was accepted."""


@dataclass(frozen=True)
class ChannelSetup:
    """What a channel may need to know of the installation."""

    settings: Settings
    env: Mapping[str, str]
    """The variables of the environment: each channel reads its own LANTERN_* settings."""
    catcher_port: int | None = None
    """Port of the demonstration's mail catcher; None where alerts are really sent."""

    def secret(self, name: str) -> str:
        """Return a secret. Raises SettingsError when there is none."""
        return self.settings.secret(name, self.env)

    def optional_secret(self, name: str) -> str | None:
        """Return a secret, or None when there is none. Raises SettingsError for an unsound one."""
        try:
            return self.secret(name)
        except NoSecretError:
            return None


ChannelFactory = Callable[[ChannelSetup], Mapping[str, Channel]]
"""Makes the channels of one folder that are configured, by the way that they send: EMAIL, SMS or
WEBHOOK. Raises SettingsError for settings of which a part is missing."""


def email_address(delivery: Delivery, team: str | None) -> str:
    """Return the recipient's address, `team` for TEAM. Raises NotSentError when there is none."""
    address = team if delivery.recipient == TEAM else delivery.email
    if not address:
        raise NotSentError("no address", for_good=True)
    return address


def phone_number(delivery: Delivery) -> str:
    """Return the recipient's phone number. Raises NotSentError when there is none."""
    if not delivery.phone:
        raise NotSentError("no phone number", for_good=True)
    return delivery.phone
