"""Signing in and out, a new password, who may see a page, and forms no other site can forge."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias
from urllib.parse import quote

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty, redirect

from safeguarding.staff.accounts import PasswordError
from safeguarding.staff.sessions import LONGEST, Session
from web.console import wording
from web.console.composition import Services, services
from web.console.pages import CONTENT, HOME, LIVE, SEE_OTHER, field, written_in
from web.http import client_address, is_same_site

Handler: TypeAlias = Callable[..., Awaitable[HTTPResponse]]

auth = Blueprint("auth")


def cookie_name(console: Services) -> str:
    """The session cookie; the prefix makes browsers refuse one set by another host."""
    return "lantern" if console.insecure_cookies else "__Host-lantern"


async def load_session(request: Request) -> None:
    """Request middleware: find out who reads."""
    console = services(request)
    token = request.cookies.get(cookie_name(console))
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


def staff_only(handler: Handler) -> Handler:
    """Let signed-in staff through, and of their forms only those that our own pages sent."""

    @wraps(handler)
    async def guarded(request: Request, **path: str) -> HTTPResponse:
        if request.method == "POST" and not is_same_site(request):
            return _refused(request)
        if request.ctx.session is None:
            return _signed_out(request)
        if request.method == "POST" and not _has_form_token(request):
            return _refused(request)
        return await handler(request, **path)

    return guarded


@auth.get("/sign-in")
async def sign_in_page(request: Request) -> HTTPResponse:
    """The sign-in form."""
    if request.ctx.session is not None:
        return redirect(_safe_next(str(request.args.get("next") or "")))
    return _sign_in(request, str(request.args.get("next") or ""))


@auth.post("/sign-in")
async def sign_in(request: Request) -> HTTPResponse:
    """Check name and password; start a session."""
    if not is_same_site(request):
        return _refused(request)
    console = services(request)
    name, onward = field(request, "name"), field(request, "next")
    if wait := console.throttle.wait_s(name, client_address(request)):
        return _too_many(request, onward, wait)
    staff = await asyncio.to_thread(console.accounts.verify, name, field(request, "password"))
    if staff is None:
        return _sign_in(request, onward, wording.WRONG_SIGN_IN, 401)
    console.throttle.forget(name)
    return await _start(console, staff.id, _safe_next(onward))


@auth.post("/sign-out")
@staff_only
async def sign_out(request: Request) -> HTTPResponse:
    """End the session here and in the database."""
    console = services(request)
    await asyncio.to_thread(console.sessions.end, str(request.cookies.get(cookie_name(console))))
    response = redirect("/sign-in", status=SEE_OTHER)
    # Makes the browser drop pages it keeps for the Back button.
    response.headers["Clear-Site-Data"] = '"cache"'
    _set_cookie(console, response, "", 0)
    return response


@auth.get("/alive")
@staff_only
async def alive(_request: Request) -> HTTPResponse:
    """Asked while somebody writes a long note: counts as use of the session."""
    return empty()


@auth.get("/password")
@staff_only
async def password_page(request: Request) -> HTTPResponse:
    """The form for a new password."""
    return _password_form(request, {})


@auth.post("/password")
@staff_only
async def change_password(request: Request) -> HTTPResponse:
    """Set it, which ends every session of the account, this one too."""
    console, staff = services(request), session_of(request).staff
    if wait := console.throttle.wait_s(staff.name, client_address(request)):
        return _password_form(request, {"current": wording.too_many_attempts(wait)}, 429)
    current = await asyncio.to_thread(
        console.accounts.verify, staff.name, field(request, "current")
    )
    if current is None:
        return _password_form(request, {"current": wording.WRONG_PASSWORD}, 400)
    try:
        await asyncio.to_thread(console.accounts.change_password, staff.id, field(request, "new"))
    except PasswordError:
        return _password_form(request, {"new": wording.PASSWORD_LENGTH}, 400)
    console.throttle.forget(staff.name)
    return redirect("/sign-in", status=SEE_OTHER)


async def _start(console: Services, staff_id: str, onward: str) -> HTTPResponse:
    token = await asyncio.to_thread(console.sessions.start, staff_id)
    response = redirect(onward, status=SEE_OTHER)
    _set_cookie(console, response, token, int(LONGEST.total_seconds()))
    return response


def _set_cookie(console: Services, response: HTTPResponse, token: str, seconds: int) -> None:
    response.add_cookie(
        cookie_name(console),
        token,
        path="/",
        secure=not console.insecure_cookies,
        httponly=True,
        samesite="Strict",
        max_age=seconds,
    )


def _sign_in(request: Request, onward: str, error: str = "", status: int = 200) -> HTTPResponse:
    return services(request).pages.render(
        "sign_in.html", status=status, error=error, onward=_safe_next(onward)
    )


def _password_form(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    return services(request).pages.render(
        "password.html", status=status, session=session_of(request), errors=errors
    )


def _too_many(request: Request, onward: str, wait: int) -> HTTPResponse:
    response = _sign_in(request, onward, wording.too_many_attempts(wait), 429)
    response.headers["Retry-After"] = str(wait)
    return response


def _signed_out(request: Request) -> HTTPResponse:
    if request.method == "POST":
        # What somebody wrote over half an hour must not be lost with their session.
        return services(request).pages.render(
            "signed_out.html", status=401, written=written_in(request)
        )
    return redirect(f"/sign-in?next={quote(request.path, safe='')}", status=SEE_OTHER)


def _refused(request: Request) -> HTTPResponse:
    session = request.ctx.session
    return services(request).pages.render("refused.html", status=403, session=session)


def _has_form_token(request: Request) -> bool:
    sent = field(request, "form_token").encode("utf-8", "replace")
    return hmac.compare_digest(sent, session_of(request).form_token.encode())


def _safe_next(onward: str) -> str:
    """A page of ours to go on to: never an address that a link from outside chose."""
    ours = onward == CONTENT or onward.startswith((f"{HOME}/", f"{CONTENT}/"))
    return onward if ours and "\\" not in onward else HOME
