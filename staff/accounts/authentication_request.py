"""What was asked of the identity provider, and kept in the browser that asks until it comes back.

The cookie is signed, lasts ten minutes and counts once. An answer without it was fetched by
somebody else, who would have this browser signed in as themselves.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

import msgspec
from cachetools import TTLCache
from itsdangerous import BadSignature, URLSafeSerializer

LASTS = timedelta(minutes=10)
_SALT = "lantern single sign-on"
_REMEMBERED = 100_000


class NotAskedError(Exception):
    """Nothing that this browser asked is answered by this. `why` is a fixed phrase."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Purpose(Enum):
    """What somebody wants the provider to say who they are for."""

    SIGN_IN = "sign_in"
    LINK = "link"
    """Of a member of staff who is signed in: have the provider open the account from now on."""
    CONFIRM = "confirm"
    """Of the same: show again who sits there."""
    INVITATION = "invitation"
    """Of whoever has an invitation: use it up without a password."""


class AuthenticationRequest(msgspec.Struct, frozen=True):
    """One request, as OpenID Connect calls it."""

    purpose: Purpose
    began_at: datetime
    state: str
    nonce: str
    code_verifier: str
    onward: str = ""
    """A page of ours to go on to."""
    staff_id: str = ""
    session_id: str = ""
    """Who asks, and in which session: a cookie of ours does not come back with the answer."""
    invitation: str = ""
    name: str = ""
    """The token of an invitation, and the sign-in name that was chosen with it."""

    @property
    def again(self) -> bool:
        """Whether the provider is to ask although it knows the browser."""
        return self.purpose is Purpose.CONFIRM


@dataclass(frozen=True)
class IssuedRequest:
    """A request and the cookie that keeps it."""

    request: AuthenticationRequest
    cookie: str


class AuthenticationRequests:
    """Makes requests and takes each back once. The console is one process: it remembers which."""

    def __init__(
        self,
        key: str,
        now: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`key` signs the cookies."""
        self._signer = URLSafeSerializer(key, salt=_SALT)
        self._now = now
        self._used: TTLCache[str, bool] = TTLCache(_REMEMBERED, LASTS.total_seconds() + 60, timer)

    def make(self, purpose: Purpose, **more: str) -> IssuedRequest:
        """A new request; `more` are fields of it."""
        request = AuthenticationRequest(
            purpose,
            self._now().astimezone(timezone.utc),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(48),
            **more,
        )
        return IssuedRequest(request, str(self._signer.dumps(msgspec.to_builtins(request))))

    def take(self, cookie: str, state: str) -> AuthenticationRequest:
        """The request that an answer with this state is for. Raises NotAskedError."""
        try:
            found = msgspec.convert(self._signer.loads(cookie), AuthenticationRequest)
        except (BadSignature, msgspec.ValidationError, UnicodeError):
            raise NotAskedError("not asked for in this browser") from None
        if not hmac.compare_digest(state.encode("utf-8", "replace"), found.state.encode()):
            raise NotAskedError("not what this browser asked for")
        if not timedelta() <= self._now() - found.began_at <= LASTS:
            raise NotAskedError("asked for too long ago")
        if found.state in self._used:
            raise NotAskedError("answered before")
        self._used[found.state] = True
        return found
