"""Access control of the console: sessions, permissions, and forms that no other site can forge.

Every route has either `requires(Permission.X)` or `open_to_all`; a test checks all of them.
"""

from __future__ import annotations

import hmac
from asyncio import to_thread
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
from staff.console.pages import (
    ACCOUNTS,
    AUDIT,
    CONTENT,
    EXPORTS,
    FALSE_ALARMS,
    HOME,
    LIVE,
    LIVE_CHATS,
    ROTA,
    SEARCH,
    SECOND_STEP,
    SEE_OTHER,
    STATISTICS,
    TASKS,
    Services,
    field,
    services,
    written_in,
)
from staff.console.recording import record_refusal
from web.http import is_same_site

Handler: TypeAlias = Callable[..., Awaitable[HTTPResponse]]


def cookie_name(console: Services) -> str:
    """Return the name of the session cookie; its prefix makes browsers bind it to this host."""
    return "lantern" if console.insecure_cookies else "__Host-lantern"


def set_cookie(
    console: Services,
    response: HTTPResponse,
    name: str,
    value: str,
    max_age: timedelta,
    *,
    samesite: Literal["Strict", "Lax"] = "Strict",
) -> None:
    """Set a cookie that scripts and other sites cannot read.

    Browsers also send a "Lax" cookie when a person follows a link on another site.
    """
    response.add_cookie(
        name,
        value,
        path="/",
        secure=not console.insecure_cookies,
        httponly=True,
        samesite=samesite,
        max_age=int(max_age.total_seconds()),
    )


def token_of(request: Request) -> str:
    """Return the token in the session cookie; empty without one."""
    return str(request.cookies.get(cookie_name(services(request))) or "")


async def load_session(request: Request) -> None:
    """Load the session of a request, as middleware."""
    token = token_of(request)
    request.ctx.session = None
    if token and not request.path.startswith("/static/"):
        find = services(request).sessions.find
        by_itself = f"{request.path}/".startswith(f"{LIVE}/")
        request.ctx.session = await to_thread(find, token, counts_as_use=not by_itself)


def session_of(request: Request) -> Session:
    """Return the session, on a page for staff only. Raises LookupError elsewhere."""
    session: Session | None = request.ctx.session
    if session is None:
        raise LookupError("this page is for staff only")
    return session


def requires(
    permission: Permission, *, before_second_step: bool = False
) -> Callable[[Handler], Handler]:
    """Allow staff with `permission` only, and forms only from pages of this console.

    Where a second step is asked of everybody, a session without one is led to its set-up from every
    page, except those that are `before_second_step`.
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request, **path: str) -> HTTPResponse:
            if request.method == "POST" and not is_same_site(request):
                return await _forged(request)
            if request.ctx.session is None:
                return await _signed_out(request)
            if request.method == "POST" and not _has_form_token(request):
                return await _forged(request)
            if not before_second_step and _lacks_second_step(request):
                return redirect(SECOND_STEP, status=SEE_OTHER)
            if not session_of(request).staff.may(permission):
                return await _not_allowed(request, permission)
            if await _is_out_of_sight(request, path.get("case_id")):
                raise NotFound
            return await handler(request, **path)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard


async def _is_out_of_sight(request: Request, case_id: str | None) -> bool:
    """Return whether there is no such case or message in the areas of this member of staff.

    Whether it exists in another area makes no difference to what is done, and so to the answer.
    """
    areas = session_of(request).staff.areas
    if areas is None or case_id is None:
        return False
    return not await to_thread(services(request).cases.has, case_id, areas)


def open_to_all(handler: Handler) -> Handler:
    """Let a route need no sign-in; accept forms only from pages of this site."""

    @wraps(handler)
    async def guarded(request: Request, **path: str) -> HTTPResponse:
        if request.method == "POST" and not is_same_site(request):
            return await _forged(request)
        return await handler(request, **path)

    guarded.permission = None  # type: ignore[attr-defined]
    return guarded


def needs_confirmation(request: Request, back: str) -> HTTPResponse | None:
    """Redirect a session that is not fresh to the confirmation page, and then `back`.

    Pages that show a child's words return this response; None when the session is fresh.
    """
    if session_of(request).fresh:
        return None
    return redirect(f"/confirm?next={quote(back, safe='')}", status=SEE_OTHER)


def home_of(staff: Staff) -> str:
    """Return the start page of a member of staff."""
    if staff.may(Permission.READ_CASES):
        return HOME
    if staff.may(Permission.MANAGE_ACCOUNTS):
        return ACCOUNTS
    return AUDIT if staff.may(Permission.READ_AUDIT) else CONTENT


def safe_next(onward: str, otherwise: str) -> str:
    """Return `onward` if it is a page of the console, so that no link leads to another site."""
    cases = (HOME, FALSE_ALARMS, TASKS, SEARCH, LIVE_CHATS)
    pages = (*cases, CONTENT, ACCOUNTS, ROTA, STATISTICS, EXPORTS, AUDIT)
    ours = onward in pages or onward.startswith(tuple(f"{page}/" for page in pages))
    return onward if ours and "\\" not in onward else otherwise


async def _forged(request: Request) -> HTTPResponse:
    """Refuse a form that no page of this console sent."""
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


async def _signed_out(request: Request) -> HTTPResponse:
    # The trail says whether there was a session cookie, and never its token.
    sent = cookie_name(services(request)) in request.cookies
    await record_refusal(request, "not signed in", **({"session": "not known"} if sent else {}))
    if request.method == "POST":
        # A long note must not be lost because the session ended meanwhile.
        return services(request).pages.render(
            "signed_out.html", status=401, written=written_in(request)
        )
    return redirect(f"/sign-in?next={quote(request.path, safe='')}", status=SEE_OTHER)


def _has_form_token(request: Request) -> bool:
    sent = field(request, "form_token").encode("utf-8", "replace")
    return hmac.compare_digest(sent, session_of(request).form_token.encode())
