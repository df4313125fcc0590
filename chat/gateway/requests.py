"""Reads what browsers send without trusting it: bodies and tokens."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid4

import msgspec
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from safeguarding.content.choices import Choices
from safeguarding.taxonomy import taxonomy

MAX_BODY_BYTES = 64 * 1024
MOST_TYPED = 20_000
"""Characters that the chat page sends as one message, counted as a browser counts them. Each takes
three bytes at most, so that the message fits into a body in every language."""
CLOCKS_APART_S = 2 * 60 * 60
"""Seconds by which a token may be from the future: a clock set back by an hour locks no one out."""
LONGEST_CHAT_ID = 100
"""Characters of the id of a live chat; of a longer text no more is read."""
LIFETIME_S = 12 * 60 * 60
"""How long a token is valid, in seconds. Silence ends a conversation much sooner."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

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
    sender: str | None = None
    """The day's fingerprint of the address that it came from; see limits.py."""
    live: str | None = None
    """The id of the live chat that the page believes to be going on."""
    age_s: float = 0.0
    """How long ago the conversation began, in seconds."""


def kept_bytes(_path: str) -> int:
    """Return how many bytes of a body are kept: one more than is allowed, so that more is seen."""
    return MAX_BODY_BYTES + 1


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
    live = (_optional_text(fields, "live") or "")[:LONGEST_CHAT_ID] or None
    if text is not None:
        return IncomingMessage(message_id, clean(text), live=live)
    if choice not in choices:
        raise BodyError("unknown_choice")
    return IncomingMessage(message_id, choices[str(choice)].label, choice, live=live)


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
    issued_at: datetime | None = None
    """When the conversation began, with a time zone."""

    def age_s(self, now: datetime) -> float:
        """Return how long ago the conversation began, in seconds."""
        return (now - self.issued_at).total_seconds() if self.issued_at else 0.0


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
            plain, issued_at = self._claims(token or "")
            claims = msgspec.convert(plain, Claims)
        except (BadSignature, UnicodeError, msgspec.ValidationError):
            raise TokenError from None
        return Bearer(claims.c, Beginning(claims.a, claims.r), issued_at)

    def _claims(self, token: str) -> tuple[Any, datetime | None]:
        """Return the claims of a token, and when it was signed. Raises BadSignature.

        A token that was signed a little later than now is valid: another gateway's clock may be
        ahead, or this clock may have been set back.
        """
        try:
            claims, signed = self._serializer.loads(
                token, max_age=self._lifetime_s, return_timestamp=True
            )
        except SignatureExpired as found:
            signed = found.date_signed
            ahead = (signed - datetime.now(timezone.utc)).total_seconds() if signed else 0.0
            if found.payload is None or not 0 < ahead <= CLOCKS_APART_S:
                raise
            return self._serializer.load_payload(found.payload), signed
        return claims, signed
