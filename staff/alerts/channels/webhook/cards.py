"""The bodies of a webhook: plain JSON, a card for Teams, blocks for Slack."""

from __future__ import annotations

from typing import Any, Literal

from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery

Shape = Literal["json", "teams", "slack"]


def body_of(shape: Shape, delivery: Delivery, notice: Notice) -> dict[str, Any]:
    """Return the body of a message in one of the shapes."""
    if shape == "json":
        return _plain(delivery, notice)
    return _teams(notice) if shape == "teams" else _slack(notice)


def _plain(delivery: Delivery, notice: Notice) -> dict[str, Any]:
    body = _facts(delivery) | {"link": notice.link, "subject": notice.subject}
    if not delivery.others:
        return body
    return body | {"together": [_facts(each) for each in delivery.every]}


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
    lines = "\n".join(line for line in notice.lines if line)
    return {
        "text": notice.subject,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": notice.subject}},
            {"type": "section", "text": {"type": "plain_text", "text": lines}},
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": notice.open_button},
                        "url": notice.link,
                    }
                ],
            },
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
        "actions": [
            {"type": "Action.OpenUrl", "title": notice.open_button, "url": notice.link},
        ],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
