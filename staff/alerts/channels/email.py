"""Email by SMTP, with TLS from the start or by STARTTLS. Every wait has an end."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from threading import Timer
from typing import Literal

from staff.alerts.channels.channel import NotSentError
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.rota.recipients import TEAM

WAIT_S = 10.0
"""How long the server may say nothing."""
LONGEST_S = 30.0
"""How long a whole sending may take: a server may say a letter every nine seconds."""
Security = Literal["starttls", "tls", "none"]
_REFUSED_FOR_GOOD = 500


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = None
    wait_s: float = WAIT_S
    longest_s: float = LONGEST_S
    trusted: ssl.SSLContext | None = None
    """What its certificate is checked against; None: what this machine trusts."""


class EmailChannel:
    """Sends one email an alert, each on a connection of its own."""

    def __init__(self, server: MailServer, sender: str, team: str | None) -> None:
        """`team` is the mailbox of the whole team."""
        self._server = server
        self._sender = sender
        self._team = team

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it to the recipient's address. Raises NotSentError."""
        to = self._team if delivery.recipient == TEAM else delivery.email
        if not to:
            raise NotSentError("no address", for_good=True)
        try:
            with self._connected() as server:
                server.send_message(self._message(to, delivery, notice))
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            for_good = all(code >= _REFUSED_FOR_GOOD for code in codes)
            raise NotSentError("recipient refused", for_good=for_good) from None
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise NotSentError(type(error).__name__) from None

    def _message(self, to: str, delivery: Delivery, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = notice.subject
        message["From"] = self._sender
        message["To"] = to
        message["Date"] = formatdate()
        # Of one alert the same for every attempt, so that a mailbox can tell a second copy.
        domain = self._sender.rpartition("@")[2].strip("<> ") or "lantern"
        message["Message-ID"] = f"<{delivery.mark}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Lantern-Delivery"] = str(delivery.id)
        message.set_content(notice.body)
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._new()
        cut = Timer(self._server.longest_s, _cut, [server])
        cut.daemon = True
        cut.start()
        try:
            server.connect(self._server.host, self._server.port)
            if self._server.security == "starttls":
                server.starttls(context=self._context())
            if self._server.user is not None:
                server.login(self._server.user, self._server.password or "")
            yield server
            # What was taken stays taken, however the goodbye goes.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            cut.cancel()
            server.close()

    def _new(self) -> smtplib.SMTP:
        wait_s = self._server.wait_s
        if self._server.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=wait_s, context=self._context())
        else:
            server = smtplib.SMTP(timeout=wait_s)
        # The name that certificates are checked for; smtplib sets it only where the constructor
        # connects, and that could not be cut.
        server._host = self._server.host  # type: ignore[attr-defined]
        return server

    def _context(self) -> ssl.SSLContext:
        return self._server.trusted or ssl.create_default_context()


def _cut(server: smtplib.SMTP) -> None:
    """End a connection from outside: the thread that waits on it gets an error."""
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)
