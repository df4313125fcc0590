"""The list of alert channels. To add one, add its folder beside this file and a line here."""

from __future__ import annotations

from staff.alerts.channels.apprise import channel as apprise
from staff.alerts.channels.channel import Channel, ChannelFactory, ChannelSetup
from staff.alerts.channels.govuk_notify import channel as govuk_notify
from staff.alerts.channels.smtp import channel as smtp
from staff.alerts.channels.webhook import channel as webhook

CHANNELS: tuple[ChannelFactory, ...] = (
    smtp.channels,
    govuk_notify.channels,
    webhook.channels,
    apprise.channels,
)
"""Of two channels that send by the same way, the earlier one is used."""


def configured_channels(setup: ChannelSetup) -> dict[str, Channel]:
    """Return the channels of this installation by the way that they send. Raises SettingsError."""
    configured: dict[str, Channel] = {}
    for channels in CHANNELS:
        for way, channel in channels(setup).items():
            configured.setdefault(way, channel)
    return configured
