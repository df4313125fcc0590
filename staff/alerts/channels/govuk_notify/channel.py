"""Email and text messages by GOV.UK Notify, through its own client.

The templates are made in Notify, once: an email of subject ((subject)) and body ((body)), and a
text message of ((text)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from notifications_python_client.errors import HTTPError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from staff.alerts.channels.channel import Channel, ChannelSetup, refused_by
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.rota.rota import EMAIL, SMS

URL = "https://api.notifications.service.gov.uk"
WAIT_S = 15


def channels(setup: ChannelSetup) -> Mapping[str, Channel]:
    """Return the channels that have the secret `notify_api_key` and a template."""
    key = setup.optional_secret("notify_api_key")
    url = setup.env.get("LANTERN_NOTIFY_URL", URL)
    configured: dict[str, Channel] = {}
    if key and (template := setup.env.get("LANTERN_NOTIFY_EMAIL_TEMPLATE")):
        team = setup.settings.alerts.team_email
        configured[EMAIL] = NotifyEmail(notify_client(key, url), template, team)
    if key and (template := setup.env.get("LANTERN_NOTIFY_SMS_TEMPLATE")):
        configured[SMS] = NotifySms(notify_client(key, url), template)
    return configured


def notify_client(api_key: str, base_url: str, wait_s: float = WAIT_S) -> NotificationsAPIClient:
    """Return a client of Notify. It is not thread-safe: each channel has its own."""
    return NotificationsAPIClient(api_key, base_url=base_url, timeout=wait_s)


class NotifyEmail:
    """Emails to members of staff and to the team."""

    def __init__(self, client: NotificationsAPIClient, template: str, team: str | None) -> None:
        """`team` is the mailbox of the whole team."""
        self._client = client
        self._template = template
        self._team = team

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it. Raises NotSentError."""
        _post(
            self._client.send_email_notification,
            email_address=delivery.email_address(self._team),
            template_id=self._template,
            personalisation={"subject": notice.subject, "body": notice.body},
            reference=str(delivery.id),
        )


class NotifySms:
    """Text messages to members of staff."""

    def __init__(self, client: NotificationsAPIClient, template: str) -> None:
        self._client = client
        self._template = template

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it. Raises NotSentError."""
        _post(
            self._client.send_sms_notification,
            phone_number=delivery.phone_number(),
            template_id=self._template,
            personalisation={"text": notice.text},
            reference=str(delivery.id),
        )


def _post(send: Callable[..., object], **message: object) -> None:
    """Send a message by a method of the client. Raises NotSentError."""
    try:
        send(**message)
    except (HTTPError, InvalidResponse) as error:
        raise refused_by(error.status_code, "notify") from None
