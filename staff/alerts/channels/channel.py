"""The alert channels: their list, their interface, and what a channel is made from.

Each channel is a folder beside this file. Its `channel.py` has a function `channels(setup)`, which
returns the channels that are configured by the way that they send: EMAIL, SMS or WEBHOOK. It raises
SettingsError for settings of which a part is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Protocol

from safeguarding.settings import NoSecretError, Settings
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError

CHANNELS = ("smtp", "govuk_notify", "webhook", "apprise")
"""The folders of the channels. Of two that send by the same way, the earlier one is used."""

_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class Channel(Protocol):
    """A way to send alerts. Used by one thread at a time; must return within a minute."""

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it. Raises NotSentError unless the message was accepted."""


def refused_by(status: int, service: str) -> NotSentError:
    """Return the error for a message that a service answered with this status of HTTP.

    4xx says that the message, its recipient or our key is wrong, apart from the statuses that ask
    to wait; 3xx that the address is another one now.
    """
    refused = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return NotSentError(f"{service} {status}", refused=refused and status not in _LATER)


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


def configured_channels(setup: ChannelSetup) -> dict[str, Channel]:
    """Return the channels of this installation by the way that they send. Raises SettingsError."""
    configured: dict[str, Channel] = {}
    for name in CHANNELS:
        folder = import_module(f"staff.alerts.channels.{name}.channel")
        channels: Mapping[str, Channel] = folder.channels(setup)
        for way, channel in channels.items():
            configured.setdefault(way, channel)
    return configured
