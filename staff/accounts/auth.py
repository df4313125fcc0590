"""Who reads, what they may see and do, and forms that no other site can forge.

Every route carries either `requires(Permission.X)` or `open_to_all`: a test walks them all.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import Literal, TypeAlias
from urllib.parse import quote

from sanic import HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import Staff
from staff.accounts.permissions import Permission
from staff.accounts.sessions import Session
from staff.cases.cases import UnknownCaseError
from staff.console.composition import Services, services
from staff.console.pages import (
    ACCOUNTS,
    AUDIT,
    CONTENT,
    EXPORTS,
    HOME,
    LIVE,
    ROTA,
    SECOND_STEP,
    SEE_OTHER,
    STATISTICS,
    field,
    written_in,
)
from staff.console.recording import record_refusal
from web.http import is_same_site

Handler: TypeAlias = Callable[..., Awaitable[HTTPResponse]]


def cookie_name(console: Services) -> str:
    """The session cookie; the prefix makes browsers refuse one set by another host."""
    return "lantern" if console.insecure_cookies else "__Host-lantern"


def set_cookie(
    console: Services,
    response: HTTPResponse,
    name: str,
    value: str,
    kept: timedelta,
    *,
    samesite: Literal["Strict", "Lax"] = "Strict",
) -> None:
    """Set a cookie out of the reach of scripts and of other sites.

    A "Lax" one also comes with a link on another site that somebody follows.
    """
    response.add_cookie(
        name,
        value,
        path="/",
        secure=not console.insecure_cookies,
        httponly=True,
        samesite=samesite,
        max_age=int(kept.total_seconds()),
    )


def token_of(request: Request) -> str:
    """The token in the session cookie; empty without one."""
    return str(request.cookies.get(cookie_name(services(request))) or "")


async def load_session(request: Request) -> None:
    """Request middleware: find out who reads."""
    console = services(request)
    token = token_of(request)
    static = request.path.startswith("/static/")
    found = None
    if token and not static:
        by_itself = request.path.startswith(LIVE)
        find = console.sessions.find
        found = await asyncio.to_thread(find, token, counts_as_use=not by_itself)
    request.ctx.session = found


def session_of(request: Request) -> Session:
    """The reader's session, on a page that only staff reach. Raises LookupError elsewhere."""
    session: Session | None = request.ctx.session
    if session is None:
        raise LookupError("this page is for staff only")
    return session


def requires(permission: Permission) -> Callable[[Handler], Handler]:
    """Let staff through who have `permission`; of their forms only those that our pages sent."""

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request, **path: str) -> HTTPResponse:
            if request.method == "POST" and not is_same_site(request):
                return await forged(request)
            if request.ctx.session is None:
                await record_refusal(request, "not signed in", **_cookie_sent(request))
                return _signed_out(request)
            if request.method == "POST" and not _has_form_token(request):
                return await forged(request)
            if not session_of(request).staff.may(permission):
                return await _not_allowed(request, permission)
            if permission is not Permission.OWN_ACCOUNT and _lacks_second_step(request):
                return redirect(SECOND_STEP, status=SEE_OTHER)
            if await _is_out_of_area(request, path.get("case_id")):
                raise NotFound
            return await handler(request, **path)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard


async def _is_out_of_area(request: Request, case_id: str | None) -> bool:
    """Whether there is such a case, and it is of an area that this reader does not see."""
    areas, cases = session_of(request).staff.areas, services(request).cases
    if areas is None or case_id is None:
        return False
    try:
        await asyncio.to_thread(cases.find, case_id, areas)
    except UnknownCaseError:
        return await asyncio.to_thread(cases.exists, case_id)
    return False


def open_to_all(handler: Handler) -> Handler:
    """Say of a route that it needs no sign-in."""
    handler.permission = None  # type: ignore[attr-defined]
    return handler


def fresh(session: Session) -> bool:
    """False when whoever sits there has to show again who they are, before they see words."""
    return session.fresh


def needs_confirmation(request: Request, back: str) -> HTTPResponse | None:
    """The way to the page that asks who sits there, and `back`; None when nobody need ask.

    For what shows a child's words: `if asked := needs_confirmation(request, back):` answer it.
    """
    if fresh(session_of(request)):
        return None
    return redirect(f"/confirm?next={quote(back, safe='')}", status=SEE_OTHER)


def home_of(staff: Staff) -> str:
    """Where this person's work begins."""
    if staff.may(Permission.READ_CASES):
        return HOME
    if staff.may(Permission.MANAGE_ACCOUNTS):
        return ACCOUNTS
    return AUDIT if staff.may(Permission.READ_AUDIT) else CONTENT


def safe_next(onward: str, otherwise: str) -> str:
    """A page of ours to go on to: never an address that a link from outside chose."""
    pages = (HOME, CONTENT, ACCOUNTS, ROTA, STATISTICS, EXPORTS, AUDIT)
    ours = onward in pages or onward.startswith(tuple(f"{page}/" for page in pages))
    return onward if ours and "\\" not in onward else otherwise


async def forged(request: Request) -> HTTPResponse:
    """The answer to a form that none of our pages sent."""
    await record_refusal(request, "form that no page of ours sent")
    session = request.ctx.session
    return services(request).pages.render("refused.html", status=403, session=session)


async def _not_allowed(request: Request, permission: Permission) -> HTTPResponse:
    await record_refusal(request, "not allowed", permission=permission.value)
    session = session_of(request)
    return services(request).pages.render(
        "not_allowed.html",
        status=403,
        session=session,
        written=written_in(request),
        href=home_of(session.staff),
    )


def _lacks_second_step(request: Request) -> bool:
    return services(request).require_second_step and not session_of(request).secured


def _signed_out(request: Request) -> HTTPResponse:
    if request.method == "POST":
        # What somebody wrote over half an hour must not be lost with their session.
        return services(request).pages.render(
            "signed_out.html", status=401, written=written_in(request)
        )
    return redirect(f"/sign-in?next={quote(request.path, safe='')}", status=SEE_OTHER)


def _cookie_sent(request: Request) -> dict[str, str]:
    """Tells a session that has ended or never was from none; its token is recorded nowhere."""
    sent = cookie_name(services(request)) in request.cookies
    return {"session": "not known"} if sent else {}


def _has_form_token(request: Request) -> bool:
    sent = field(request, "form_token").encode("utf-8", "replace")
    return hmac.compare_digest(sent, session_of(request).form_token.encode())
