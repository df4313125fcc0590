"""GOV.UK Notify: email and text messages by its own client.

The templates are made in Notify, once: an email of subject ((subject)) and body ((body)), and a
text message of ((text)).
"""

from __future__ import annotations

from notifications_python_client.errors import HTTPError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from staff.alerts.channels.channel import NotSentError
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.alerts.reach import TEAM

NOTIFY_URL = "https://api.notifications.service.gov.uk"
WAIT_S = 15
_BAD_REQUEST = 400


def notify_client(
    api_key: str, base_url: str = NOTIFY_URL, wait_s: float = WAIT_S
) -> NotificationsAPIClient:
    """A client of Notify. Not for several threads: each channel has its own."""
    return NotificationsAPIClient(api_key, base_url=base_url, timeout=wait_s)


class NotifyEmail:
    """Email by Notify."""

    def __init__(self, client: NotificationsAPIClient, template: str, team: str | None) -> None:
        """`team` is the mailbox of the whole team."""
        self._client = client
        self._template = template
        self._team = team

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Hand it to Notify. Raises NotSentError."""
        to = self._team if delivery.recipient == TEAM else delivery.email
        if not to:
            raise NotSentError("no address", for_good=True)
        try:
            self._client.send_email_notification(
                email_address=to,
                template_id=self._template,
                personalisation={"subject": notice.subject, "body": notice.body},
                reference=str(delivery.id),
            )
        except (HTTPError, InvalidResponse) as error:
            raise _not_sent(error) from None


class NotifySms:
    """Text messages by Notify."""

    def __init__(self, client: NotificationsAPIClient, template: str) -> None:
        self._client = client
        self._template = template

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Hand it to Notify. Raises NotSentError."""
        if not delivery.phone:
            raise NotSentError("no phone number", for_good=True)
        try:
            self._client.send_sms_notification(
                phone_number=delivery.phone,
                template_id=self._template,
                personalisation={"text": notice.text},
                reference=str(delivery.id),
            )
        except (HTTPError, InvalidResponse) as error:
            raise _not_sent(error) from None


def _not_sent(error: HTTPError | InvalidResponse) -> NotSentError:
    """400 says that the recipient or the template is wrong; all else may pass."""
    status = error.status_code
    return NotSentError(f"notify {status}", for_good=status == _BAD_REQUEST)
