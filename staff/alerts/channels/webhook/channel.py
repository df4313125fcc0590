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
from typing import Any, Literal

import httpx
import msgspec

from safeguarding.settings import choice_setting
from staff.alerts.channels.channel import Channel, ChannelSetup, refused_by
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from staff.rota.rota import WEBHOOK

Shape = Literal["json", "teams", "slack"]
SHAPES: tuple[Shape, ...] = ("json", "teams", "slack")
WAIT_S = 10.0


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
        body = msgspec.json.encode(_body(self._shape, delivery, notice))
        headers = {
            "Content-Type": "application/json",
            "X-Lantern-Delivery": str(delivery.id),
            "X-Lantern-Signature": signature(self._key, body, int(self._now())),
        }
        try:
            # The status is enough, and a body could go on for ever.
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if not response.is_success:
                    raise refused_by(response.status_code, "webhook")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotSentError(type(error).__name__) from None


def signature(key: bytes, body: bytes, at: int) -> str:
    """Return the value of X-Lantern-Signature; `at` is in seconds since 1970."""
    signed = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _body(shape: Shape, delivery: Delivery, notice: Notice) -> dict[str, Any]:
    """Return the body of a message: plain JSON, a card for Teams, blocks for Slack."""
    if shape == "teams":
        return _teams(notice)
    if shape == "slack":
        return _slack(notice)
    body = _facts(delivery) | {"link": notice.link, "subject": notice.subject}
    if delivery.others:
        body["together"] = [_facts(each) for each in delivery.every]
    return body


def _facts(delivery: Delivery) -> dict[str, Any]:
    alert = delivery.alert
    return {
        "delivery": delivery.id,
        "case": alert.case_id,
        "reference": alert.reference,
        "severity": alert.severity.label,
        "need": alert.need,
        "category": alert.category,
        "raised_at": alert.raised_at.isoformat(),
        "reason": alert.reason,
    }


def _slack(notice: Notice) -> dict[str, Any]:
    def plain(text: str) -> dict[str, str]:
        return {"type": "plain_text", "text": text}

    lines = "\n".join(line for line in notice.lines if line)
    button = {"type": "button", "text": plain(notice.open_button), "url": notice.link}
    return {
        "text": notice.subject,
        "blocks": [
            {"type": "header", "text": plain(notice.subject)},
            {"type": "section", "text": plain(lines)},
            {"type": "actions", "elements": [button]},
        ],
    }


def _teams(notice: Notice) -> dict[str, Any]:
    def block(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "TextBlock", "text": text, "wrap": True, **more}

    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            block(notice.subject, weight="Bolder", size="Medium"),
            *(block(line) for line in notice.lines if line),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": notice.open_button, "url": notice.link}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
