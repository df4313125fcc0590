"""Email by SMTP, with TLS from the start or by STARTTLS. Every wait has an end."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import formatdate
from threading import Timer
from typing import Literal

from safeguarding.settings import choice_setting, number_setting
from staff.alerts.channels.channel import Channel, ChannelSetup
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from staff.rota.refusals import MAILBOX_FULL
from staff.rota.rota import EMAIL

DEMONSTRATION_TEAM = "safeguarding-team@lantern.example"
"""The team's mailbox in a demonstration: the catcher keeps its mail."""
WAIT_S = 10.0
"""Seconds that the server may be silent."""
LONGEST_S = 30.0
"""Seconds that one message may take: a server could send one byte every nine seconds."""
Security = Literal["starttls", "tls", "none"]
SECURITIES: tuple[Security, ...] = ("starttls", "tls", "none")
_REFUSED, _FULL = 500, {452, 552}
"""The least reply code that refuses, and those of a mailbox without room (RFC 5321, 4.2.3)."""


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and how to talk to it."""

    host: str
    port: int
    security: Security
    user: str | None = None
    """Signs in with the secret `smtp_password`; None: without signing in."""
    password: str | None = None
    wait_s: float = WAIT_S
    longest_s: float = LONGEST_S
    trusted: ssl.SSLContext | None = None
    """Checks its certificate; None: the authorities that this machine trusts."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> SmtpServer | None:
        """Read the LANTERN_SMTP_* settings, without the password; None when no host is set.

        Raises SettingsError.
        """
        port = int(number_setting(env, "LANTERN_SMTP_PORT", 587))
        security = choice_setting(env, "LANTERN_SMTP_SECURITY", SECURITIES)
        host, user = env.get("LANTERN_SMTP_HOST"), env.get("LANTERN_SMTP_USER") or None
        return cls(host, port, security, user) if host else None


def channels(setup: ChannelSetup) -> Mapping[str, Channel]:
    """Return the channel to the mail server, or in a demonstration to the mail catcher."""
    alerts, server = setup.settings.alerts, SmtpServer.from_env(setup.env)
    if setup.catcher_port is not None:
        catcher = SmtpServer("127.0.0.1", setup.catcher_port, "none")
        team = alerts.team_email or DEMONSTRATION_TEAM
        return {EMAIL: EmailChannel(catcher, alerts.email_from, team)}
    if server is None:
        return {}
    if server.user is not None:
        server = replace(server, password=setup.secret("smtp_password"))
    return {EMAIL: EmailChannel(server, alerts.email_from, alerts.team_email)}


class EmailChannel:
    """Sends one email for each alert, on a connection of its own."""

    def __init__(self, server: SmtpServer, sender: str, team: str | None) -> None:
        """`team` is the mailbox of the whole team."""
        self._server = server
        self._sender = sender
        self._team = team

    def send(self, delivery: Delivery, notice: Notice) -> None:
        """Send it to the recipient's address. Raises NotSentError."""
        to = delivery.email_address(self._team)
        try:
            with self._connected() as server:
                server.send_message(self._message(to, delivery, notice))
        except smtplib.SMTPRecipientsRefused as error:
            # The mildest answer counts, where the team's mailbox is several addresses.
            code = min(code for code, _ in error.recipients.values())
            raise _not_taken(code, "recipient refused") from None
        except smtplib.SMTPDataError as error:
            raise _not_taken(error.smtp_code, "message refused") from None
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise NotSentError(type(error).__name__) from None

    def _message(self, to: str, delivery: Delivery, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = notice.subject
        message["From"] = self._sender
        message["To"] = to
        message["Date"] = formatdate()
        # The same for every attempt, so that a mailbox can recognise a second copy.
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
            # The message was accepted: a failure from here on does not matter.
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
        # smtplib checks the certificate for this name, and sets it only when the constructor
        # connects; but a connection made there could not be cut off.
        server._host = self._server.host  # type: ignore[attr-defined]
        return server

    def _context(self) -> ssl.SSLContext:
        return self._server.trusted or ssl.create_default_context()


def _not_taken(code: int, kind: str) -> NotSentError:
    """Return the error for a recipient whose mail the server does not take."""
    if code in _FULL:
        return NotSentError(MAILBOX_FULL, refused=True)
    return NotSentError(kind, refused=code >= _REFUSED)


def _cut(server: smtplib.SMTP) -> None:
    """Shut a connection down from another thread: the thread that waits on it gets an error."""
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)
