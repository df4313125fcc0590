"""Text messages and team alerts by services that Apprise knows: Twilio, Vonage, AWS SNS.

The secret `apprise_sms_url` is an Apprise address with {phone} in the place of the number, for
example `twilio://SID:TOKEN@FROM/{phone}`. The secret `apprise_team_url` is the address of the
team's own channel. https://appriseit.com/services/ lists the addresses. Apprise does not say
whether a failure is permanent, so that every failure is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from safeguarding.settings import SettingsError
from staff.alerts.channels.channel import Channel, ChannelSetup
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from staff.rota.rota import SMS, WEBHOOK

if TYPE_CHECKING:
    import apprise

PHONE = "{phone}"
LONGEST_S = 30.0
"""How long one message may take, whatever the service does."""


def channels(setup: ChannelSetup) -> Mapping[str, Channel]:
    """Return the channels whose addresses are set."""
    configured: dict[str, Channel] = {}
    if sms_url := setup.optional_secret("apprise_sms_url"):
        if PHONE not in sms_url:
            raise SettingsError(f"The secret apprise_sms_url needs {PHONE} where the number goes")
        configured[SMS] = AppriseSms(sms_url)
    if team_url := setup.optional_secret("apprise_team_url"):
        configured[WEBHOOK] = AppriseTeam(team_url)
    return configured


class AppriseSms:
    """Text messages to members of staff."""

    def __init__(self, url: str, longest_s: float = LONGEST_S) -> None:
        """Take an Apprise address. Raises SettingsError when Apprise does not know it."""
        self._url = url
        self._longest_s = longest_s
        _service(self._address("+447700900123"), "apprise_sms_url")

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send the text. Raises NotSentError."""
        service = _service(self._address(delivery.phone_number()), "apprise_sms_url")
        _notify(service, "", notice.text, self._longest_s)

    def _address(self, phone: str) -> str:
        return self._url.replace(PHONE, quote(phone, safe=""))


class AppriseTeam:
    """Messages to the team's own channel."""

    def __init__(self, url: str, longest_s: float = LONGEST_S) -> None:
        """Take an Apprise address. Raises SettingsError when Apprise does not know it."""
        self._service = _service(url, "apprise_team_url")
        self._longest_s = longest_s

    def send(self, _delivery: Delivery, notice: Notice) -> None:
        """Send subject and body. Raises NotSentError."""
        _notify(self._service, notice.subject, notice.body, self._longest_s)


def _service(url: str, secret: str) -> apprise.Apprise:
    # Loaded only where it is used: it takes a third of a second.
    import apprise  # noqa: PLC0415

    # Its log quotes phone numbers and addresses of staff; the dispatcher logs the failure itself.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    # A redirect would show the credentials in the address to another server.
    asset = apprise.AppriseAsset(http_redirects=False)
    service = apprise.Apprise(asset=asset)
    if not service.add(url):
        raise SettingsError(f"The secret {secret} is not an address that Apprise knows")
    return service


def _notify(service: apprise.Apprise, title: str, body: str, longest_s: float) -> None:
    sent = service.notify(body=body, title=title, timeout=longest_s)
    if not sent:
        raise NotSentError(f"apprise {sent.status.name.lower()}")
