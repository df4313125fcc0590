"""A fingerprint of where messages come from, so that staff see that a burst has one sender."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from datetime import datetime

LETTERS = 4
"""Hexadecimal digits of a fingerprint: so few that 65,000 addresses share each one."""
_PREFIX_V6 = 64
"""The bits of an IPv6 address that name a network: whoever is in it chooses the others."""


class SenderFingerprint:
    """Makes fingerprints of addresses: others each day, and none leads back to an address."""

    def __init__(self, key: str, now: Callable[[], datetime]) -> None:
        """`key` is a secret that all gateways share."""
        self._key = key.encode()
        self._now = now

    def of(self, address: str) -> str:
        """Return the fingerprint of an address, or of the network of an IPv6 address, today."""
        day = self._now().date().isoformat()
        of_day = hmac.digest(self._key, f"lantern sender {day}".encode(), "sha256")
        plain = _network(address).encode("utf-8", "surrogatepass")
        return hmac.digest(of_day, plain, "sha256").hex()[:LETTERS]


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, _PREFIX_V6), strict=False))
