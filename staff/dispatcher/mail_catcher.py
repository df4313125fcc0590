"""The mail server of a demonstration, which keeps the newest emails in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

KEPT = 200
"""Emails that are kept; older ones are dropped."""


@dataclass(frozen=True)
class Caught:
    """One email that was caught."""

    to: str
    subject: str
    body: str


class MailCatcher:
    """An SMTP server for this machine only, which forwards nothing."""

    def __init__(self, kept: int = KEPT) -> None:
        """`kept`: the number of emails to keep."""
        self._caught: deque[Caught] = deque(maxlen=kept)
        self._controller = _OnFreePort(self, hostname="127.0.0.1", port=0)

    def start(self) -> int:
        """Start listening on a thread; return the port. Raises OSError."""
        self._controller.start()
        return self._controller.port

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()

    def newest_first(self) -> list[Caught]:
        """Return the emails, newest first."""
        return list(reversed(self._caught))

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Keep an email: aiosmtpd calls this for each one."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
        part = message.get_body(("plain",))
        body = str(part.get_content()) if part else ""
        to = ", ".join(envelope.rcpt_tos)
        self._caught.append(Caught(to, str(message["Subject"] or ""), body))
        return "250 OK"


class _OnFreePort(Controller):
    """A controller for port 0, which reads from the socket what port the system chose."""

    def _trigger_server(self) -> None:
        listening: Any = self.server
        self.port = int(listening.sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]
