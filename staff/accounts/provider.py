"""The organisation's identity provider: OpenID Connect, by the authorization code with PKCE.

What proves who somebody is, is the ID token alone. The library checks its signature and claims; no
access token is kept, and nothing is asked about the person.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from cachetools import TTLCache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from safeguarding.clock import utc_now
from safeguarding.settings import SignOnSettings, is_private_to_both_ends
from staff.accounts.authentication_request import AuthenticationRequest
from staff.accounts.sign_ons import Identity

PATIENCE_S = 6.0
"""For all that is asked of the provider at once: a person looks at an empty page meanwhile."""
AT_ONCE = 32
"""How many may wait for the provider: strangers must not use up what the console can hold open."""
LEEWAY_S = 60
"""By how much the provider's clock and ours may differ."""
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a key that only the provider has: no "none", and none by the client's secret."""
LONGEST_SUBJECT = 255
_METADATA_KEPT_S = 600
_NONSENSE = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What the library raises for a token that does not hold, or is none."""
log = structlog.get_logger("console.sign_on")


class ProviderAwayError(Exception):
    """The provider did not answer, or not with what it should."""


class NotProvedError(Exception):
    """The provider's answer does not prove who somebody is. `why` is a fixed phrase."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Proved:
    """Who somebody is, by an ID token that holds."""

    identity: Identity
    multi_factor: bool
    """Whether the provider itself asked for a second step."""
    signed_in_at: datetime | None
    """When they last showed the provider who they are, where it says so."""


class Provider:
    """One provider, for the one client that this console is to it."""

    def __init__(
        self,
        settings: SignOnSettings,
        secret: str,
        now: Callable[[], datetime] = utc_now,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`secret` is the client's. Nothing is asked of the provider yet."""
        self._settings = settings
        self._secret = secret
        self._now = now
        self._patience_s = patience_s
        self._free = asyncio.Semaphore(AT_ONCE)
        self._metadata: TTLCache[str, Mapping[str, Any]] = TTLCache(
            1, _METADATA_KEPT_S, time.monotonic
        )

    @property
    def label(self) -> str:
        """Whose sign-in it is, for the button."""
        return self._settings.label

    async def address(self, asked: AuthenticationRequest) -> str:
        """Where the browser goes to sign in. Raises ProviderAwayError."""
        async with self._asking() as (client, metadata):
            again = {"prompt": "login", "max_age": "0"} if asked.again else {}
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=asked.state,
                nonce=asked.nonce,
                code_verifier=asked.code_verifier,
                **again,
            )
        return str(address)

    async def prove(self, asked: AuthenticationRequest, code: str, issuer: str | None) -> Proved:
        """Who came back with this code; `issuer` is what the answer says of where it is from.

        Raises ProviderAwayError, NotProvedError.
        """
        async with self._asking() as (client, metadata):
            named = metadata.get("authorization_response_iss_parameter_supported") is True
            if issuer != self._settings.issuer and (named or issuer is not None):
                raise NotProvedError("answer of another provider")
            token = await self._exchange(client, metadata, code, asked)
            keys = await _json(client, metadata["jwks_uri"])
        try:
            proved = self._read(token, keys, asked)
        except _NONSENSE as error:
            # The name of a claim or of an error, never what it holds.
            claim = getattr(error, "claim", "")
            log.warning("sign_on.not_proved", error=type(error).__name__, claim=claim)
            raise NotProvedError("identity not proved") from None
        if asked.again and not _since(proved, asked.began_at):
            raise NotProvedError("not asked again by the provider")
        return proved

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[tuple[AsyncOAuth2Client, Mapping[str, Any]]]:
        """A client, and what the provider says of itself; whatever fails is one kind of error."""
        if self._free.locked():
            raise ProviderAwayError
        try:
            async with (
                self._free,
                asyncio.timeout(self._patience_s),
                self._client() as client,
            ):
                yield client, await self._discover(client)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            log.warning("sign_on.provider_away", error=type(error).__name__)
            raise ProviderAwayError from None

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._settings.client_id,
            self._secret,
            scope="openid",
            redirect_uri=self._settings.return_url,
            code_challenge_method="S256",
            timeout=self._patience_s,
            follow_redirects=False,
        )

    async def _discover(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        """The provider's metadata. Raises ValueError when it is not this provider's own."""
        issuer = self._settings.issuer
        if issuer not in self._metadata:
            found = await _json(client, get_well_known_url(issuer, external=True))
            # One provider must not pass another's answers for its own.
            if found.get("issuer") != issuer:
                raise ValueError("issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not is_private_to_both_ends(str(found.get(name))):
                    raise ValueError(name)
            self._metadata[issuer] = found
        return self._metadata[issuer]

    async def _exchange(
        self,
        client: AsyncOAuth2Client,
        metadata: Mapping[str, Any],
        code: str,
        asked: AuthenticationRequest,
    ) -> dict[str, Any]:
        """What the provider gives for the code. Raises NotProvedError."""
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in ways:
            client.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - a method's name
        try:
            token: dict[str, Any] = await client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=asked.code_verifier,
            )
        except OAuthError as error:
            log.warning("sign_on.code_refused", error=type(error).__name__)
            raise NotProvedError("code refused by the provider") from None
        return token

    def _read(self, token: dict[str, Any], keys: Any, asked: AuthenticationRequest) -> Proved:
        """Check the ID token. Raises JoseError, or what the library raises for nonsense."""
        registry = JWSRegistry(algorithms=list(SIGNED_BY), strict_check_header=False)
        signed = jwt.decode(token["id_token"], KeySet.import_key_set(keys), registry=registry)
        params = {
            "nonce": asked.nonce,
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
        return Proved(
            Identity(self._settings.issuer, subject),
            multi_factor="mfa" in (claims.get("amr") or ()),
            signed_in_at=None if at is None else datetime.fromtimestamp(at, timezone.utc),
        )


async def _json(client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
    """A JSON object at an address of the provider's. Raises httpx2.HTTPError, ValueError."""
    response = await client.request("GET", url, withhold_token=True)
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        raise ValueError("json")  # noqa: TRY004 - whatever is no answer is one kind of error
    return found


def _since(proved: Proved, began_at: datetime) -> bool:
    at = proved.signed_in_at
    return at is not None and (began_at - at).total_seconds() <= LEEWAY_S
