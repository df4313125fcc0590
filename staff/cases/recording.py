"""Puts what happens in the console on the audit trail: who, what, on which page, from where.

A page that shows what somebody wrote, or hands it out, first awaits `record`: when that raises,
nothing is shown. What is refused is refused in any case, so `record_refusal` never raises. Whatever
answers with a status of 400 to 499 and was not recorded by its handler is recorded on its way out,
so that a page need not think of it.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from sanic import Request
from sanic.response import BaseHTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from staff.console.composition import services
from web.http import client_address

VISITOR = "visitor"
"""Who it was, when nobody is signed in."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger("console.audit")


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
    """As `record`, for what must go on without a record: signing out, and refusing."""
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

    Of a flood of strangers' only some: see refusals.py.
    """
    request.ctx.refusal_recorded = True
    counted: dict[str, int] | None = {}
    if reader(request) == VISITOR:
        counted = services(request).refusals.counted(client_address(request))
    if counted is not None:
        await record_if_possible(request, what, why=why, **_form_of(request), **event, **counted)


async def record_failed_sign_in(
    request: Request, name: str, why: str, *, what: str = "sign-in refused"
) -> None:
    """Record a failed sign-in: the account where there is one, never the name that was typed."""
    try:
        member = await asyncio.to_thread(services(request).accounts.named, name)
    except SQLAlchemyError:
        member = None
    tried = {} if member is None else {"account": member.id}
    await record_refusal(request, why, what=what, **tried)


async def record_refused_response(request: Request, response: BaseHTTPResponse) -> None:
    """Response middleware: what nobody else recorded, sending away to sign in included."""
    status = response.status
    if getattr(request.ctx, "refusal_recorded", False):
        return
    if response.headers.get("location", "").startswith("/sign-in?next="):
        await record_refusal(request, "not signed in")
    elif HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        await record_refusal(request, HTTPStatus(status).phrase.lower(), status=status)


def reader(request: Request) -> str:
    """The id of the account that is signed in, or VISITOR."""
    session = getattr(request.ctx, "session", None)
    return VISITOR if session is None else str(session.staff.id)


def _form_of(request: Request) -> dict[str, str]:
    """The method and the name of the page, never its address: anything may be typed there."""
    method = request.method if request.method in METHODS else "other"
    if request.route is None:
        return {"method": method}
    return {"page": str(request.route.name).partition(".")[2], "method": method}
