"""Conversation tokens: signed, anonymous, expiring. The server makes them; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from web.gateway.bodies import Beginning

LIFETIME_S = 12 * 60 * 60
"""Long enough that no one is cut off in the middle; silence ends a conversation much sooner."""


class TokenError(Exception):
    """No token, a forged one, or one that has expired."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says, under one-letter names: the conversation, the audience, the area."""

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
        """A token for a new conversation with a random id."""
        return str(
            self._serializer.dumps(
                {"c": str(uuid4()), "a": beginning.audience, "r": beginning.area}
            )
        )

    def read(self, token: str | None) -> Bearer:
        """Whoever holds this token. Raises TokenError."""
        try:
            said = self._serializer.loads(token or "", max_age=self._lifetime_s)
            claims = msgspec.convert(said, Claims)
        except (BadSignature, msgspec.ValidationError):
            raise TokenError from None
        return Bearer(claims.c, Beginning(claims.a, claims.r))
