"""Chat and console as browsers see them: certificates, and what must not be seen."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from ops.doctor.finding import Check, Finding, Installation, cannot_tell, not_ready, ok

LEAST_LEFT = timedelta(days=14)
_WAIT_S = 5.0


def certificates(here: Installation) -> Finding:
    """The certificates of both hosts are trusted and last."""
    ends: list[datetime] = []
    for url in (here.settings.public_url, here.settings.alerts.console_url):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            return not_ready(f"{url} has no certificate", "serve it by https://")
        try:
            ends.append(_valid_until(parts.hostname, parts.port or 443, here.trusted))
        except ssl.SSLCertVerificationError as error:
            return not_ready(f"{parts.hostname}: {error.verify_message}", "renew the certificate")
        except (OSError, ValueError) as error:
            return cannot_tell(
                f"{parts.hostname} cannot be reached from here ({type(error).__name__})",
                "look at both from another machine: openssl s_client -connect …",
            )
    left = min(ends) - here.now()
    if left < LEAST_LEFT:
        return not_ready(f"one ends in {left.days} days", "see why it was not renewed")
    return ok(f"trusted, and last {left.days} days at least")


def front_door(here: Installation) -> Finding:
    """Browsers are held to TLS, and figures and readiness are not for the public."""
    base = here.settings.public_url
    with httpx.Client(verify=here.trusted, timeout=_WAIT_S, base_url=base) as client:
        try:
            page = client.get("/")
            shown = [path for path in ("/metrics", "/readyz") if client.get(path).is_success]
        except httpx.HTTPError as error:
            return cannot_tell(
                f"{base} does not answer from here ({type(error).__name__})",
                "look at it from another machine",
            )
    if page.status_code >= HTTPStatus.BAD_REQUEST:
        return not_ready(f"{base} answers {page.status_code}", "docs/runbook.md")
    if shown:
        return not_ready(f"{shown[0]} is public", "deploy/nginx/lantern.conf answers it with 404")
    if "Strict-Transport-Security" not in page.headers:
        return not_ready("Strict-Transport-Security is not sent", "deploy/nginx/lantern.conf")
    return ok("TLS is insisted on, figures are not shown")


def _valid_until(host: str, port: int, trusted: ssl.SSLContext) -> datetime:
    """Until when the certificate is valid. Raises OSError, SSLCertVerificationError."""
    with (
        socket.create_connection((host, port), timeout=_WAIT_S) as plain,
        trusted.wrap_socket(plain, server_hostname=host) as secured,
    ):
        found = secured.getpeercert() or {}
    seconds = ssl.cert_time_to_seconds(str(found["notAfter"]))
    return datetime.fromtimestamp(seconds, timezone.utc)


CHECKS: Mapping[str, Check] = {"certificates": certificates, "front door": front_door}
