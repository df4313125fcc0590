"""Email reaches a real mail server; one that refuses, hangs or drips is given up in time."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from staff.rota.refusals import MAILBOX_FULL
from staff.rota.rota import TEAM
from tests.peers import MailServer, frozen_server, slow_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def channel(port: int, **more: object) -> EmailChannel:
    usual = SmtpServer("localhost", port, "none", wait_s=1.0, longest_s=2.0)
    return EmailChannel(replace(usual, **more), "lantern@example.org", "team@example.org")


def test_sends_one_email_with_the_words_of_the_alert(
    server: MailServer, delivery: Delivery, notice: Notice
) -> None:
    channel(server.port).send(delivery, notice)

    [mail] = server.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", notice.subject)
    assert mail["Message-ID"] == "<alert-7@example.org>"
    assert bytes(mail.get_payload(decode=True)).decode().replace("\r\n", "\n") == notice.body


def test_a_digest_is_never_taken_for_a_copy_of_an_alert(
    server: MailServer, delivery: Delivery, notice: Notice
) -> None:
    together = replace(delivery, digest="ab-0", others=(replace(delivery, id=8),))

    channel(server.port).send(together, notice)

    assert server.mails[0]["Message-ID"] == "<digest-ab-0@example.org>"


def test_the_team_has_a_mailbox(server: MailServer, delivery: Delivery, notice: Notice) -> None:
    channel(server.port).send(replace(delivery, recipient=TEAM, email=None), notice)

    assert server.mails[0]["To"] == "team@example.org"


ANSWERS = [
    ("550 no such user ann", True, "recipient refused"),
    ("552 mailbox full", True, MAILBOX_FULL),
    ("452 4.2.2 over quota", True, MAILBOX_FULL),
    ("451 later", False, "recipient refused"),
]


@pytest.mark.parametrize(("answer", "refused", "kind"), ANSWERS)
def test_an_address_that_is_refused_is_told_from_one_to_try_again_soon(
    server: MailServer, delivery: Delivery, notice: Notice, answer: str, refused: bool, kind: str
) -> None:
    server.refuse["ann@example.org"] = answer

    with pytest.raises(NotSentError) as raised:
        channel(server.port).send(delivery, notice)

    assert (raised.value.refused, raised.value.kind) == (refused, kind)
    assert "ann" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [("552 mailbox full", True), ("554 we want no such mail", True), ("451 not now", False)],
)
def test_a_refusal_after_the_message_counts_as_one_of_its_recipient(
    server: MailServer, delivery: Delivery, notice: Notice, answer: str, refused: bool
) -> None:
    server.closed = answer

    with pytest.raises(NotSentError) as raised:
        channel(server.port).send(delivery, notice)

    assert raised.value.refused is refused


def test_without_an_address_nothing_is_tried_again(delivery: Delivery, notice: Notice) -> None:
    with pytest.raises(NotSentError) as raised:
        channel(9).send(replace(delivery, email=None), notice)

    assert raised.value.for_good


def test_an_unreachable_server_is_tried_again(delivery: Delivery, notice: Notice) -> None:
    with pytest.raises(NotSentError):
        channel(9).send(delivery, notice)


@pytest.mark.parametrize("hanging", [frozen_server, slow_server])
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_server_that_hangs_is_left(
    hanging: Callable[[], AbstractContextManager[int]],
    security: str,
    delivery: Delivery,
    notice: Notice,
) -> None:
    with hanging() as port, pytest.raises(NotSentError):
        channel(port, security=security).send(delivery, notice)


@pytest.mark.parametrize("security", ["starttls"])
def test_tls_checks_the_certificate(
    security: str, tmp_path: Path, delivery: Delivery, notice: Notice
) -> None:
    certificate, key = self_signed(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))

    with MailServer(tls_context=serving, require_starttls=True) as server:
        with pytest.raises(NotSentError):
            channel(server.port, security=security).send(delivery, notice)
        channel(server.port, security=security, trusted=trusting).send(delivery, notice)
        assert len(server.mails) == 1


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Create a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
