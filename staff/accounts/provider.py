"""The OpenID Connect client for the organisation's identity provider: code flow with PKCE.

Only the ID token proves an identity. The library checks its signature and claims. No access token
is kept, and no user information is requested.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import httpx2
import msgspec
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from cachetools import TTLCache
from itsdangerous import BadSignature, URLSafeSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from safeguarding.clock import utc_now
from safeguarding.settings import SignOnSettings, is_private_to_both_ends
from staff.accounts.linked_identities import Identity

TIMEOUT_S = 6.0
"""For all calls of one step together; the person sees an empty page meanwhile."""
CONCURRENT_CALLS = 32
"""Limits how many connections strangers can make the console hold open."""
LEEWAY_S = 60
"""Allowed difference between the provider's clock and ours."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with the provider's private key: neither "none" nor HMAC with the client's secret."""
LONGEST_SUBJECT = 255
_METADATA_KEPT_S = 600
_INVALID = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""Exceptions of the library for an invalid token, or for something that is no token."""
REQUEST_LASTS = timedelta(minutes=10)
log = structlog.get_logger("console.sign_on")


class UnexpectedResponseError(Exception):
    """The response belongs to no request of this browser. The message is a fixed phrase."""


class Purpose(Enum):
    """The reason for a request."""

    SIGN_IN = "sign_in"
    LINK = "link"
    """Link the account of a signed-in member of staff to an identity."""
    CONFIRM = "confirm"
    """Confirm the session of a signed-in member of staff."""
    INVITATION = "invitation"
    """Accept an invitation without a password."""


class AuthenticationRequest(msgspec.Struct, frozen=True):
    """An authentication request of OpenID Connect.

    The browser keeps it in a signed cookie, which lasts ten minutes and works once. A response
    without that cookie may come from an attacker who wants this browser signed in as themselves.
    """

    purpose: Purpose
    began_at: datetime
    state: str
    nonce: str
    code_verifier: str
    onward: str = ""
    """The page of the console to go on to."""
    staff_id: str = ""
    session_id: str = ""
    """The account and session that ask; the session cookie does not come with the response."""
    invitation: str = ""
    name: str = ""
    """Token of an invitation, and the sign-in name chosen with it."""


class AuthenticationRequests:
    """Creates requests and accepts each once, in memory, as the console is one process."""

    def __init__(
        self,
        key: str,
        now: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer = URLSafeSerializer(key, salt="lantern single sign-on")
        self._now = now
        self._used: TTLCache[str, bool] = TTLCache(
            100_000, REQUEST_LASTS.total_seconds() + 60, timer
        )

    def make(self, purpose: Purpose, **more: str) -> tuple[AuthenticationRequest, str]:
        """Return a new request and the value of its cookie; `more` are further fields."""
        request = AuthenticationRequest(
            purpose,
            self._now().astimezone(timezone.utc),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(48),
            **more,
        )
        return request, str(self._signer.dumps(msgspec.to_builtins(request)))

    def take(self, cookie: str, state: str) -> AuthenticationRequest:
        """Return the request that a response with this state is for.

        Raises UnexpectedResponseError.
        """
        try:
            request = msgspec.convert(self._signer.loads(cookie), AuthenticationRequest)
        except (BadSignature, msgspec.ValidationError, UnicodeError):
            raise UnexpectedResponseError("not asked for in this browser") from None
        if not hmac.compare_digest(state.encode("utf-8", "replace"), request.state.encode()):
            raise UnexpectedResponseError("not what this browser asked for")
        if not timedelta() <= self._now() - request.began_at <= REQUEST_LASTS:
            raise UnexpectedResponseError("asked for too long ago")
        if request.state in self._used:
            raise UnexpectedResponseError("answered before")
        self._used[request.state] = True
        return request


class ProviderUnavailableError(Exception):
    """The provider did not answer, or its answer was not valid."""


class UnprovedIdentityError(Exception):
    """The response does not prove an identity. The message is a fixed phrase."""


@dataclass(frozen=True)
class ProvedIdentity:
    """The content of a valid ID token."""

    identity: Identity
    multi_factor: bool
    """Whether the provider asked for a second step."""
    signed_in_at: datetime | None
    """Time of the last sign-in at the provider, where the token has it."""


class Provider:
    """One provider, and this console as its client."""

    def __init__(
        self,
        settings: SignOnSettings,
        secret: str,
        now: Callable[[], datetime] = utc_now,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._now = now
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(CONCURRENT_CALLS)
        self._metadata: TTLCache[str, Mapping[str, Any]] = TTLCache(
            1, _METADATA_KEPT_S, time.monotonic
        )

    async def address(self, request: AuthenticationRequest) -> str:
        """Return the address at which the browser signs in. Raises ProviderUnavailableError."""
        async with self._session() as (client, metadata):
            # To confirm a session, the provider asks even in a browser that it knows.
            confirming = request.purpose is Purpose.CONFIRM
            again = {"prompt": "login", "max_age": "0"} if confirming else {}
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=request.state,
                nonce=request.nonce,
                code_verifier=request.code_verifier,
                **again,
            )
        return str(address)

    async def prove(
        self, request: AuthenticationRequest, code: str, issuer: str | None
    ) -> ProvedIdentity:
        """Exchange the code for an ID token and check it; `issuer` is the response's `iss`.

        Raises ProviderUnavailableError, UnprovedIdentityError.
        """
        async with self._session() as (client, metadata):
            named = metadata.get("authorization_response_iss_parameter_supported") is True
            if issuer != self._settings.issuer and (named or issuer is not None):
                raise UnprovedIdentityError("answer of another provider")
            token = await self._exchange(client, metadata, code, request)
            keys = await _json(client, metadata["jwks_uri"])
        try:
            proved = self._read(token, keys, request)
        except _INVALID as error:
            # Names of a claim and an error are logged, and never a value.
            claim = getattr(error, "claim", "")
            log.warning("sign_on.not_proved", error=type(error).__name__, claim=claim)
            raise UnprovedIdentityError("identity not proved") from None
        if request.purpose is Purpose.CONFIRM:
            at = proved.signed_in_at
            if at is None or (request.began_at - at).total_seconds() > LEEWAY_S:
                raise UnprovedIdentityError("not asked again by the provider")
        return proved

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[AsyncOAuth2Client, Mapping[str, Any]]]:
        """Open a client and discover the metadata; turn every failure into one exception."""
        if self._free.locked():
            raise ProviderUnavailableError
        try:
            client = AsyncOAuth2Client(
                self._settings.client_id,
                self._secret,
                scope="openid",
                redirect_uri=self._settings.return_url,
                code_challenge_method="S256",
                timeout=self._timeout_s,
                follow_redirects=False,
            )
            async with self._free, asyncio.timeout(self._timeout_s), client:
                yield client, await self._discover(client)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            log.warning("sign_on.provider_away", error=type(error).__name__)
            raise ProviderUnavailableError from None

    async def _discover(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        """Return the provider's metadata. Raises ValueError when they are another provider's."""
        issuer = self._settings.issuer
        if issuer not in self._metadata:
            metadata = await _json(client, get_well_known_url(issuer, external=True))
            # A provider must not pass off another's responses as its own.
            if metadata.get("issuer") != issuer:
                raise ValueError("issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not is_private_to_both_ends(str(metadata.get(name))):
                    raise ValueError(name)
            self._metadata[issuer] = metadata
        return self._metadata[issuer]

    async def _exchange(
        self,
        client: AsyncOAuth2Client,
        metadata: Mapping[str, Any],
        code: str,
        request: AuthenticationRequest,
    ) -> dict[str, Any]:
        """Return the token response for the code. Raises UnprovedIdentityError."""
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in methods:
            client.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - a method's name
        try:
            token: dict[str, Any] = await client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=request.code_verifier,
            )
        except OAuthError as error:
            log.warning("sign_on.code_refused", error=type(error).__name__)
            raise UnprovedIdentityError("code refused by the provider") from None
        return token

    def _read(
        self, token: dict[str, Any], keys: Any, request: AuthenticationRequest
    ) -> ProvedIdentity:
        """Check the ID token. Raises an exception of _INVALID."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        signed = jwt.decode(token["id_token"], KeySet.import_key_set(keys), registry=registry)
        params = {
            "nonce": request.nonce,
            "client_id": self._settings.client_id,
            "access_token": token.get("access_token"),
        }
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
            "sub": {"essential": True},
            "nonce": {"essential": True},
        }
        claims = CodeIDToken(signed.claims, signed.header, options, params)
        claims.validate(now=int(self._now().timestamp()), leeway=LEEWAY_S)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise ValueError("sub")
        at = claims.get("auth_time")
        return ProvedIdentity(
            Identity(self._settings.issuer, subject),
            multi_factor="mfa" in (claims.get("amr") or ()),
            signed_in_at=None if at is None else datetime.fromtimestamp(at, timezone.utc),
        )


async def _json(client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
    """Fetch a JSON object from the provider. Raises httpx2.HTTPError, ValueError."""
    response = await client.request("GET", url, withhold_token=True)
    response.raise_for_status()
    content = response.json()
    if not isinstance(content, dict):
        raise ValueError("json")  # noqa: TRY004 - callers treat every bad answer alike
    return content
