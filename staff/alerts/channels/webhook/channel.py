"""A signed POST to an address of the team: plain JSON, or a card for Teams or Slack.

The receiver can prove where it comes from: `X-Lantern-Signature: t=<seconds>,v1=<hex>` is the
HMAC-SHA256, by the shared key, of "<seconds>.<body>". `X-Lantern-Delivery` is the same for every
attempt.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

import httpx
import msgspec

from safeguarding.settings import choice_setting
from staff.alerts.channels.channel import Channel, ChannelSetup, NotSentError
from staff.alerts.channels.webhook.cards import Shape, body_of
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.rota.recipients import WEBHOOK

WAIT_S = 10.0
SHAPES: tuple[Shape, ...] = ("json", "teams", "slack")


def channels(setup: ChannelSetup) -> Mapping[str, Channel]:
    """Return the webhook where the secret `webhook_url` is set; it needs `webhook_key` too."""
    shape = choice_setting(setup.env, "LANTERN_WEBHOOK_SHAPE", SHAPES)
    url = setup.optional_secret("webhook_url")
    return {WEBHOOK: WebhookChannel(url, setup.secret("webhook_key"), shape)} if url else {}


class WebhookChannel:
    """Posts each alert to one address. Follows no redirect: another server must not get it."""

    def __init__(
        self,
        url: str,
        key: str,
        shape: Shape = "json",
        wait_s: float = WAIT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._key = key.encode()
        self._shape: Shape = shape
        self._client = httpx.Client(timeout=wait_s, follow_redirects=False)
        self._now = now

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Post it. Raises NotSentError unless the response is 2xx."""
        body = msgspec.json.encode(body_of(self._shape, delivery, notice))
        headers = {
            "Content-Type": "application/json",
            "X-Lantern-Delivery": str(delivery.id),
            "X-Lantern-Signature": signature(self._key, body, int(self._now())),
        }
        try:
            # The status is enough, and a body could go on for ever.
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if not response.is_success:
                    raise NotSentError(f"webhook {response.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotSentError(type(error).__name__) from None


def signature(key: bytes, body: bytes, at: int) -> str:
    """Return the value of X-Lantern-Signature; `at` is in seconds since 1970."""
    signed = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
