"""Reads what browsers send without trusting it: bodies and tokens. Limits how much they send."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid4

import msgspec
import structlog
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from safeguarding.content.choices import Choices
from safeguarding.settings import Settings
from safeguarding.taxonomy import taxonomy

MAX_BODY_BYTES = 64 * 1024
MOST_TYPED = 20_000
"""Characters that the chat page sends as one message, counted as a browser counts them. Each takes
three bytes at most, so that the message fits into a body in every language."""
CLOCKS_APART_S = 2 * 60 * 60
"""Seconds by which a token may be from the future: a clock set back by an hour locks no one out."""
LIFETIME_S = 12 * 60 * 60
"""How long a token is valid, in seconds. Silence ends a conversation much sooner."""
PER_CONVERSATION = RateLimitItemPerMinute(30)
MESSAGES_PER_BEGINNING = 3
"""An address may begin a third as many conversations as it may send messages."""
RETRY_AFTER_S = 60
SHARED_WAIT_S, AWAY_S = 0.1, 5.0
"""The longest wait for the shared counter, in seconds, and how long it is not asked after that."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
log = structlog.get_logger("gateway.limits")

Reason = Literal[
    "not_json", "not_an_object", "not_text", "not_a_uuid", "text_or_choice", "unknown_choice",
    "unknown_audience", "unknown_area",
]  # fmt: skip
"""Why a body is refused: the name of the phrase that states what is expected."""


class BodyError(Exception):
    """A body that cannot be used. It holds what is expected, never what was sent."""

    def __init__(self, reason: Reason, **fields: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = fields


class RefusalPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/refusals.yml, among them one for each Reason."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "not_text": ("field",),
        "unknown_audience": ("audiences",),
    }
    token_title: str
    token: str
    too_fast_title: str
    too_fast: str
    unreadable_title: str
    not_json: str
    not_an_object: str
    not_text: str
    not_a_uuid: str
    text_or_choice: str
    unknown_choice: str
    unknown_audience: str
    unknown_area: str

    def unreadable(self, error: BodyError) -> tuple[str, str]:
        """Return the title and the detail for a body that cannot be used."""
        phrase: str = getattr(self, error.reason)
        return self.unreadable_title, phrase.format(**error.fields)


@dataclass(frozen=True)
class Beginning:
    """What a person said about themselves before the first message."""

    audience: str | None = None
    area: str | None = None


@dataclass(frozen=True)
class IncomingMessage:
    """One message as a person sent it: typed words or a button."""

    id: UUID
    text: str
    """What was typed, or the label of the button."""
    choice: str | None = None


def read_beginning(body: bytes, choices: Choices) -> Beginning:
    """Read the body of POST /v1/conversations, which may be empty. Raises BodyError."""
    fields = _fields(body) if body.strip() else {}
    audience = _optional_text(fields, "audience")
    area = _optional_text(fields, "area")
    if audience is not None and audience not in taxonomy().audiences:
        raise BodyError("unknown_audience", audiences=", ".join(taxonomy().audiences))
    if area is not None and f"area_{area}" not in choices:
        raise BodyError("unknown_area")
    return Beginning(audience, area)


def read_message(body: bytes, choices: Choices) -> IncomingMessage:
    """Read the body of POST /v1/messages. Raises BodyError."""
    fields = _fields(body)
    message_id = _uuid(fields.get("id"))
    text, choice = _optional_text(fields, "text"), _optional_text(fields, "choice")
    if (text is None) == (choice is None):
        raise BodyError("text_or_choice")
    if text is not None:
        return IncomingMessage(message_id, clean(text))
    if choice not in choices:
        raise BodyError("unknown_choice")
    return IncomingMessage(message_id, choices[str(choice)].label, choice)


def clean(text: str) -> str:
    """Remove what a database or an encoder would refuse: NUL and lone surrogates."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\0", ""))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        # Not msgspec: it refuses lone surrogates, and a child's message must get through.
        fields = json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        raise BodyError("not_json") from None
    if not isinstance(fields, dict):
        raise BodyError("not_an_object")
    return fields


def _optional_text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BodyError("not_text", field=name)
    return value


def _uuid(value: object) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise BodyError("not_a_uuid") from None


class TokenError(Exception):
    """A token is missing, forged or expired."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of a token under one-letter names: conversation, audience and area."""

    c: UUID
    a: str | None = None
    r: str | None = None


@dataclass(frozen=True)
class Bearer:
    """The holder of a valid token."""

    conversation_id: UUID
    beginning: Beginning


class Tokens:
    """Issues and reads tokens with one secret key."""

    def __init__(self, key: str, lifetime_s: int = LIFETIME_S) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="lantern.conversation.v1")
        self._lifetime_s = lifetime_s

    def issue(self, beginning: Beginning) -> str:
        """Return a token for a new conversation with a random id."""
        claims = {"c": str(uuid4()), "a": beginning.audience, "r": beginning.area}
        return str(self._serializer.dumps(claims))

    def read(self, token: str | None) -> Bearer:
        """Return the holder of a token. Raises TokenError."""
        try:
            claims = msgspec.convert(self._claims(token or ""), Claims)
        except (BadSignature, UnicodeError, msgspec.ValidationError):
            raise TokenError from None
        return Bearer(claims.c, Beginning(claims.a, claims.r))

    def _claims(self, token: str) -> Any:
        """Return the claims of a token. Raises BadSignature.

        A token that was signed a little later than now is valid: another gateway's clock may be
        ahead, or this clock may have been set back.
        """
        try:
            return self._serializer.loads(token, max_age=self._lifetime_s)
        except SignatureExpired as found:
            signed = found.date_signed
            ahead = (signed - datetime.now(timezone.utc)).total_seconds() if signed else 0.0
            if found.payload is None or not 0 < ahead <= CLOCKS_APART_S:
                raise
            return self._serializer.load_payload(found.payload)


class RateLimits:
    """Counts messages and new conversations, in memory or in a Redis that gateways share.

    Over a limit there is still help: see messages.py.
    """

    def __init__(
        self,
        redis_url: str | None,
        key: str,
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
        self._key = key.encode()[:64]
        self._per_conversation = per_conversation
        self._per_address = per_address
        self._beginnings = beginnings

    @classmethod
    def of(cls, settings: Settings, key: str) -> RateLimits:
        """Make the limits of the settings; a whole school may share one address."""
        messages = settings.messages_per_minute
        return cls(
            settings.redis_url,
            key,
            per_address=RateLimitItemPerMinute(messages),
            beginnings=RateLimitItemPerMinute(max(1, messages // MESSAGES_PER_BEGINNING)),
        )

    async def admits_message(self, conversation_id: UUID, address: str) -> bool:
        """Count a message; return False if its conversation or its address has sent too many."""
        return await self._hit(
            self._per_conversation, "conversation", str(conversation_id)
        ) and await self._hit(self._per_address, "address", self._blurred(address))

    async def admits_beginning(self, address: str) -> bool:
        """Count a new conversation; return False if its address has begun too many."""
        return await self._hit(self._beginnings, "beginning", self._blurred(address))

    async def _hit(self, item: RateLimitItem, kind: str, who: str) -> bool:
        """Count in the shared counter, or in this process while that is away or hangs."""
        if time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(SHARED_WAIT_S):
                    return await self._limiter.hit(item, kind, who)
            except Exception as error:  # noqa: BLE001 - messages must get through without the counter
                log.warning("limits.unavailable", error=type(error).__name__)
                self._away_until = time.monotonic() + AWAY_S
        return await self._local.hit(item, kind, who)

    def _blurred(self, address: str) -> str:
        """Return a keyed digest of an address, which may be kept outside this process."""
        plain = address.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(plain, key=self._key, digest_size=16).hexdigest()
