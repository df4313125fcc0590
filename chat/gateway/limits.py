"""Limits how many messages and new conversations are answered in full, and tells senders apart.

An address is never kept: what is counted or handed over is a keyed digest of it.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
)
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from chat.gateway.shared_store import derived_key
from safeguarding.settings import Settings

PER_CONVERSATION = RateLimitItemPerMinute(30)
PHRASES_PER_CONVERSATION = RateLimitItemPerHour(6)
PHRASES_PER_ADDRESS = RateLimitItemPerHour(60)
PHRASE_PER_ADDRESS, PHRASE_IN_ALL = RateLimitItemPerDay(5), RateLimitItemPerDay(20)
"""How often a letterbox may be tried: in a conversation, from an address (a whole school), and with
the same phrase from an address and from all. A stranger at one address who knows the phrase leaves
the owner three quarters of its tries, and all are free again after a day."""
MESSAGES_PER_BEGINNING = 3
"""An address may begin a third as many conversations as it may send messages."""
RETRY_AFTER_S = 60
SHARED_WAIT_S, AWAY_S = 0.1, 5.0
"""The longest wait for the shared counter, in seconds, and how long it is not asked after that."""
_NAME_DIGITS = 32
FINGERPRINT_LETTERS = 4
"""Hexadecimal digits of a fingerprint: so few that 65,000 addresses share each one."""
_PREFIX_V6 = 64
"""The bits of an IPv6 address that name a network: each sender in it chooses the others."""
log = structlog.get_logger("gateway.limits")


class RateLimits:
    """Counts messages and new conversations, in memory or in a Redis that gateways share.

    Over a limit there is still help: see messages.py.
    """

    def __init__(
        self,
        redis_url: str | None,
        token_key: str,
        *,
        per_address: RateLimitItem,
        beginnings: RateLimitItem,
        per_conversation: RateLimitItem = PER_CONVERSATION,
    ) -> None:
        options = {"implementation": "redispy"} if redis_url else {}
        where = f"async+{redis_url}" if redis_url else "async+memory://"
        self._limiter = MovingWindowRateLimiter(storage_from_string(where, **options))
        self._local = MovingWindowRateLimiter(storage_from_string("async+memory://"))
        self._away_until = 0.0
        self._naming = derived_key(token_key, b"lantern rate limit")
        self._per_conversation = per_conversation
        self._per_address = per_address
        self._beginnings = beginnings

    @classmethod
    def of(cls, settings: Settings, token_key: str) -> RateLimits:
        """Make the limits of the settings; a whole school may share one address."""
        messages = settings.messages_per_minute
        return cls(
            settings.redis_url,
            token_key,
            per_address=RateLimitItemPerMinute(messages),
            beginnings=RateLimitItemPerMinute(max(1, messages // MESSAGES_PER_BEGINNING)),
        )

    async def admits_message(self, conversation_id: UUID, address: str) -> bool:
        """Count a message; return False if its conversation or its address has sent too many."""
        return await self._hit(
            self._per_conversation, "conversation", str(conversation_id)
        ) and await self._hit(self._per_address, "address", address)

    async def admits_beginning(self, address: str) -> bool:
        """Count a new conversation; return False if its address has begun too many."""
        return await self._hit(self._beginnings, "beginning", address)

    async def admits_phrase(self, conversation_id: UUID, sender: str, phrase: str) -> bool:
        """Count a try to open a letterbox; return False if there were too many.

        `sender` is the fingerprint of an address, and `phrase` a digest. Right and wrong ones
        count alike, so that the result does not tell them apart.
        """
        counted = (
            (PHRASES_PER_CONVERSATION, "letterbox conversation", str(conversation_id)),
            (PHRASES_PER_ADDRESS, "letterbox address", sender),
            (PHRASE_PER_ADDRESS, "phrase address", f"{phrase} {sender}"),
            (PHRASE_IN_ALL, "phrase", phrase),
        )
        for item, kind, who in counted:
            if not await self._hit(item, kind, who):
                return False
        return True

    async def _hit(self, item: RateLimitItem, kind: str, who: str) -> bool:
        """Count in the shared counter, or in this process while that is away or hangs."""
        counter = self._name(kind, who)
        if time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(SHARED_WAIT_S):
                    return await self._limiter.hit(item, counter)
            except Exception as error:  # noqa: BLE001 - messages must get through without the counter
                log.warning("limits.unavailable", error=type(error).__name__)
                self._away_until = time.monotonic() + AWAY_S
        return await self._local.hit(item, counter)

    def _name(self, kind: str, who: str) -> str:
        """Return the name of a counter; it reveals neither conversation nor address to Redis."""
        plain = f"{kind} {who}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._naming, plain, "sha256").hex()[:_NAME_DIGITS]


class SenderFingerprint:
    """Makes fingerprints of addresses: they change each day, and none leads back to an address."""

    def __init__(self, key: str, now: Callable[[], datetime]) -> None:
        """`key` is a secret that all gateways share."""
        self._key = key.encode()
        self._now = now

    def of(self, address: str) -> str:
        """Return the fingerprint of an address, or of the network of an IPv6 address, today."""
        day = self._now().date().isoformat()
        of_day = hmac.digest(self._key, f"lantern sender {day}".encode(), "sha256")
        plain = _network(address).encode("utf-8", "surrogatepass")
        return hmac.digest(of_day, plain, "sha256").hex()[:FINGERPRINT_LETTERS]


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
