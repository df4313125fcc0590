"""Posts each event as JSON to an address (docs/record-schema.json), signed.

`X-Lantern-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256, by the shared key, of
"<seconds>.<body>". While the key changes there are two, one `v1` each, and the receiver takes the
message if either is right. `Idempotency-Key` is the id of the event, the same at every attempt.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

import httpx
import msgspec

from staff.records.adapters.adapter import WITHIN_S, Adapter
from staff.records.event import NotTakenError, RecordEvent, record_of
from staff.records.settings import RecordSettings

STEP_S = 10.0
"""Seconds that the server may take to accept a connection, or between two parts of an answer."""
_ABOUT_US = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
}
"""Say that the address or the key is wrong, which a person can set right: no event is to blame."""
_LATER = _ABOUT_US | {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""409 says that the same event is being taken just now."""


def adapter(settings: RecordSettings) -> Adapter:
    """Return the function that posts an event."""
    return OpenDoor(settings.url, settings.secrets).take


class OpenDoor:
    """One address. Follows no redirect: another server must not get what is for this one."""

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes],
        within_s: float = WITHIN_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._keys = keys
        self._within_s = within_s
        self._now = now
        # Asynchronous, because only so the whole exchange is bounded: a server that sends a letter
        # now and then never reaches the time-out of a step.
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(timeout=STEP_S, follow_redirects=False)

    def take(self, event: RecordEvent) -> None:
        """Post it. Raises NotTakenError unless the answer is 2xx."""
        body = msgspec.json.encode(record_of(event))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": event.id,
            "X-Lantern-Signature": signature(self._keys, body, int(self._now())),
        }
        try:
            status = self._loop.run(
                asyncio.wait_for(self._posted(body, headers), timeout=self._within_s)
            )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise NotTakenError(type(error).__name__) from None
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotTakenError(f"HTTP {status}", for_good=_is_for_good(status))

    async def _posted(self, body: bytes, headers: dict[str, str]) -> int:
        # The status is enough, and a body could go on for ever.
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers
        ) as response:
            return response.status_code


def signature(keys: Sequence[bytes], body: bytes, at: int) -> str:
    """Return the value of X-Lantern-Signature; `at` is in seconds since 1970."""
    signed = f"{at}.".encode() + body
    proofs = (hmac.new(key, signed, hashlib.sha256).hexdigest() for key in keys)
    return ",".join((f"t={at}", *(f"v1={proof}" for proof in proofs)))


def _is_for_good(status: int) -> bool:
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_refusal and status not in _LATER
