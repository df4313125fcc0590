"""What a browser does, in a few lines: open a conversation, send, look."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

PATIENCE_S = 15.0


class Person:
    """Somebody in front of the widget."""

    def __init__(self, base: str, **known: str) -> None:
        self._base = base
        opened = httpx.post(f"{base}/v1/conversations", json=known, timeout=PATIENCE_S)
        opened.raise_for_status()
        self.opening: list[dict[str, Any]] = opened.json()["messages"]
        self.token: str = opened.json()["token"]

    def post(self, **body: Any) -> httpx.Response:
        """Send one message as it is."""
        headers = {"Authorization": f"Bearer {self.token}"}
        body.setdefault("id", str(uuid.uuid4()))
        return httpx.post(
            f"{self._base}/v1/messages", json=body, headers=headers, timeout=PATIENCE_S
        )

    def say(self, text: str, **fields: str) -> list[dict[str, Any]]:
        """Type something; the messages that come back."""
        return self._messages(self.post(text=text, **fields))

    def press(self, choice: str) -> list[dict[str, Any]]:
        """Press a button; the messages that come back."""
        return self._messages(self.post(choice=choice))

    def leave(self) -> None:
        """Press "Leave now"."""
        headers = {"Authorization": f"Bearer {self.token}"}
        httpx.delete(f"{self._base}/v1/conversations", headers=headers, timeout=PATIENCE_S)

    @staticmethod
    def _messages(response: httpx.Response) -> list[dict[str, Any]]:
        response.raise_for_status()
        messages: list[dict[str, Any]] = response.json()["messages"]
        assert messages, "an empty reply"
        return messages


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Return the kind of each message."""
    return [message["kind"] for message in messages]


def help_card(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the help card, which must come first."""
    assert messages[0]["kind"] == "help_card", kinds(messages)
    return messages[0]
