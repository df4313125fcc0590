"""Records what happens in the console on the audit trail: who did what, on which page.

A page that shows or hands out what a person wrote awaits `record` first: when that raises, nothing
is shown. Every answer with a status of 400 to 499 that its handler did not record is recorded on
its way out, so that no page has to think of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from cachetools import TTLCache
from sanic import Request
from sanic.response import BaseHTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from staff.console.pages import services
from web.http import client_address

VISITOR = "visitor"
"""The name on the trail of a person who is not signed in."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET_S = 3600
"""Seconds without a refusal after which counting begins anew."""
_REMEMBERED_CLIENTS = 100_000
_ALL_CLIENTS = ""
log = structlog.get_logger("console.audit")


class RefusalCounter:
    """Counts refusals of visitors, in memory, so that they cannot flood the audit trail.

    The trail keeps every event for ever and takes one at a time: a flood would fill the disk and
    hold up the record of what a child tells.
    """

    def __init__(
        self,
        per_client: int = 1_000,
        of_all: int = 10_000,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Record this many refusals one by one: of a client, and of all visitors together.

        There is a limit for all because an address is easily changed.
        """
        self._per_client, self._of_all = per_client, of_all
        self._counts: TTLCache[str, int] = TTLCache(_REMEMBERED_CLIENTS, _QUIET_S, timer)

    def count(self, client: str) -> dict[str, int] | None:
        """Count one more refusal; return what to record of the count, or None to record nothing.

        Up to the limits every refusal is recorded, without a count; beyond them one each time that
        the number has doubled, with the number.
        """
        own = self._count(client, self._per_client, "refused_to_client")
        if own is None:
            return None
        of_all = self._count(_ALL_CLIENTS, self._of_all, "refused_to_strangers")
        return None if of_all is None else own | of_all

    def _count(self, key: str, limit: int, name: str) -> dict[str, int] | None:
        number = self._counts[key] = self._counts.get(key, 0) + 1
        times, rest = divmod(number, limit)
        if number <= limit:
            return {}
        return None if rest or times & (times - 1) else {name: number}


async def record(
    request: Request,
    what: str,
    *,
    who: str | None = None,
    case_id: str | None = None,
    message_id: str | None = None,
    **detail: Any,
) -> None:
    """Append an event by the reader; `detail` as in `Event`: labels, counts, ids, no words.

    Raises SQLAlchemyError: then show and change nothing.
    """
    console = services(request)
    await asyncio.to_thread(
        console.audit.add,
        who or reader(request),
        what,
        case_id=case_id,
        message_id=message_id,
        detail=detail | {"client": console.client_digest(client_address(request))},
    )


async def record_if_possible(request: Request, what: str, **event: Any) -> None:
    """Append an event, or go on without it: for signing out and refusals, which must not fail."""
    try:
        await record(request, what, **event)
    except SQLAlchemyError as error:
        log.error(  # noqa: TRY400 - a traceback would quote the request
            "audit.unwritten", what=what, error=type(error).__name__
        )


async def record_refusal(
    request: Request, why: str, *, what: str = "refused", **event: Any
) -> None:
    """Record that this request is refused, and why: a fixed phrase, nothing that was sent.

    Never raises. Of a flood of refusals to visitors only some are recorded.
    """
    request.ctx.refusal_recorded = True
    counted: dict[str, int] | None = {}
    if reader(request) == VISITOR:
        refusals: RefusalCounter = request.app.ctx.refusals
        counted = refusals.count(client_address(request))
    if counted is not None:
        await record_if_possible(request, what, why=why, **_page_of(request), **event, **counted)


async def record_failed_sign_in(
    request: Request, name: str, why: str, *, what: str = "sign-in refused"
) -> None:
    """Record a failed sign-in: the account where there is one, never the name that was typed."""
    try:
        member = await asyncio.to_thread(services(request).accounts.named, name)
    except SQLAlchemyError:
        member = None
    account = {} if member is None else {"account": member.id}
    await record_refusal(request, why, what=what, **account)


async def record_refused_response(request: Request, response: BaseHTTPResponse) -> None:
    """Record a refusal that no handler recorded, the redirect to the sign-in page included.

    It is a response middleware.
    """
    status = response.status
    if getattr(request.ctx, "refusal_recorded", False):
        return
    if response.headers.get("location", "").startswith("/sign-in?next="):
        await record_refusal(request, "not signed in")
    elif HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        await record_refusal(request, HTTPStatus(status).phrase.lower(), status=status)


def reader(request: Request) -> str:
    """Return the id of the account that is signed in, or VISITOR."""
    session = getattr(request.ctx, "session", None)
    return VISITOR if session is None else str(session.staff.id)


def _page_of(request: Request) -> dict[str, str]:
    """Return the method and the name of the page, but not its address, which may hold anything."""
    method = request.method if request.method in METHODS else "other"
    if request.route is None:
        return {"method": method}
    return {"page": str(request.route.name).partition(".")[2], "method": method}
