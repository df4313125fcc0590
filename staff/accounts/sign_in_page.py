"""The pages to sign in with a password, to sign out and to change one's password."""

from __future__ import annotations

from asyncio import to_thread
from datetime import timedelta
from urllib.parse import quote

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty, redirect

from staff.accounts.accounts import Staff
from staff.accounts.auth import (
    cookie_name,
    home_of,
    open_to_all,
    requires,
    safe_next,
    session_of,
    set_cookie,
    token_of,
)
from staff.accounts.devices import KNOWN_FOR
from staff.accounts.passwords import PasswordError
from staff.accounts.permissions import Permission
from staff.accounts.sessions import LONGEST, PENDING, browser_of
from staff.accounts.throttle import SignInAttempt
from staff.accounts.wrong_codes import SIGNED_IN, mark_of
from staff.console import wording
from staff.console.pages import SEE_OTHER, WRONG_CODES, Services, field, services
from staff.console.recording import (
    record,
    record_failed_sign_in,
    record_if_possible,
    record_refusal,
)
from web.http import client_address

signing_in = Blueprint("sign_in")


@signing_in.get("/")
@open_to_all
async def home(request: Request) -> HTTPResponse:
    """Redirect to the start page of the session, or to the sign-in form."""
    session = request.ctx.session
    return redirect("/sign-in" if session is None else home_of(session.staff))


@signing_in.get("/sign-in")
@open_to_all
async def sign_in_page(request: Request) -> HTTPResponse:
    """Show the sign-in form."""
    onward, session = str(request.args.get("next") or ""), request.ctx.session
    if session is not None:
        return redirect(safe_next(onward, home_of(session.staff)))
    return _sign_in(request, onward)


@signing_in.post("/sign-in")
@open_to_all
async def sign_in(request: Request) -> HTTPResponse:
    """Check name and password, and begin a session."""
    console = services(request)
    name, onward = field(request, "name"), field(request, "next")
    attempt = await _attempt(request, name)
    if wait := console.throttle.wait_s(attempt):
        await record_failed_sign_in(request, name, "too many attempts", what="sign-in throttled")
        return _too_many(request, onward, wait)
    staff = await to_thread(console.accounts.verify, name, field(request, "password"))
    if staff is None:
        await record_failed_sign_in(request, name, "name or password")
        return _sign_in(request, onward, wording.WRONG_SIGN_IN, 401)
    console.throttle.succeeded(attempt)
    return await after_first_step(request, staff, onward)


@signing_in.post("/sign-out")
@requires(Permission.OWN_ACCOUNT, before_second_step=True)
async def sign_out(request: Request) -> HTTPResponse:
    """End the session in the browser and in the database."""
    console = services(request)
    await to_thread(console.sessions.end, token_of(request))
    await record_if_possible(request, "signed out")
    response = redirect("/sign-in", status=SEE_OTHER)
    # Makes the browser delete the pages that its Back button would show.
    response.headers["Clear-Site-Data"] = '"cache"'
    set_cookie(console, response, cookie_name(console), "", timedelta())
    return response


@signing_in.get("/alive")
@requires(Permission.OWN_ACCOUNT)
async def alive(_request: Request) -> HTTPResponse:
    """Count as use of the session; pages send this while a person writes a long note."""
    return empty()


@signing_in.get("/password")
@requires(Permission.OWN_ACCOUNT)
async def password_page(request: Request) -> HTTPResponse:
    """Show the form for a new password."""
    return _password_form(request, {})


@signing_in.post("/password")
@requires(Permission.OWN_ACCOUNT)
async def change_password(request: Request) -> HTTPResponse:
    """Set a new password, and end every session of the account, this one too."""
    console, staff = services(request), session_of(request).staff
    attempt = attempt_in_session(request)
    if wait := console.throttle.wait_s(attempt):
        await record_refusal(request, "too many attempts", what="password change refused")
        return _password_form(request, {"current": wording.too_many_attempts(wait)}, 429)
    current = await to_thread(console.accounts.verify, staff.name, field(request, "current"))
    if current is None:
        await record_refusal(request, "wrong password", what="password change refused")
        return _password_form(request, {"current": wording.WRONG_PASSWORD}, 400)
    try:
        await to_thread(console.accounts.change_password, staff, field(request, "new"))
    except PasswordError as error:
        await record_refusal(request, "password not fit", what="password change refused")
        return _password_form(request, {"new": str(error)}, 400)
    await record(request, "password changed")
    console.throttle.succeeded(attempt)
    return redirect("/sign-in", status=SEE_OTHER)


def _device_cookie_name(console: Services) -> str:
    # Identifies a known browser; it does not sign anyone in.
    return f"{cookie_name(console)}-device"


def device_of(request: Request) -> str:
    """Return the token of this browser's cookie; empty without one."""
    return str(request.cookies.get(_device_cookie_name(services(request))) or "")


async def _attempt(request: Request, name: str) -> SignInAttempt:
    device = device_of(request)
    known = await to_thread(services(request).devices.knows, device, name)
    return SignInAttempt(name, client_address(request), device if known else "")


def attempt_in_session(request: Request) -> SignInAttempt:
    """Return an attempt of the signed-in member of staff, counted apart from strangers'."""
    session = session_of(request)
    return SignInAttempt(session.staff.name, client_address(request), session.id)


async def after_first_step(
    request: Request, staff: Staff, onward: str, *, by: str = ""
) -> HTTPResponse:
    """Begin the session, or the second step where the account has one."""
    console = services(request)
    if not await to_thread(console.second_steps.is_set_up, staff.id):
        return await begin_session(request, staff, onward, by=by)
    token = await to_thread(console.sessions.start, staff.id, pending=True)
    address = f"/sign-in/code?next={quote(safe_next(onward, ''), safe='')}"
    response = _lead_to(request, address, by)
    set_cookie(console, response, cookie_name(console), token, PENDING)
    return response


async def begin_session(
    request: Request, staff: Staff, onward: str, *, secured: bool = False, by: str = ""
) -> HTTPResponse:
    """Begin a session after all steps, and remember the browser.

    `by` names, on the trail, the way to sign in at another site instead of with a password.
    """
    console = services(request)
    token = await to_thread(
        console.sessions.start,
        staff.id,
        browser=browser_of(request.headers.get("user-agent") or ""),
        secured=secured,
    )
    device = await to_thread(console.devices.remember, device_of(request), staff.id)
    detail = {"by": by} if by else {}
    if secured and not by:
        detail["sign_in"] = mark_of(token_of(request))
    await record(request, SIGNED_IN, who=staff.id, second_step=secured, **detail)
    address = safe_next(onward, home_of(staff))
    if await to_thread(console.wrong_codes.before_this_sign_in, staff.id):
        address = f"{WRONG_CODES}?next={quote(address, safe='')}"
    response = _lead_to(request, address, by)
    set_cookie(console, response, cookie_name(console), token, LONGEST)
    set_cookie(console, response, _device_cookie_name(console), device, KNOWN_FOR)
    return response


def _lead_to(request: Request, address: str, by: str) -> HTTPResponse:
    # From another site, the browser would follow a redirect without our cookies.
    if by:
        return services(request).pages.onward(address)
    return redirect(address, status=SEE_OTHER)


def _sign_in(request: Request, onward: str, error: str = "", status: int = 200) -> HTTPResponse:
    return services(request).pages.render(
        "sign_in.html", status=status, error=error, onward=safe_next(onward, "")
    )


def _password_form(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    return services(request).pages.render(
        "password.html", status=status, session=session_of(request), errors=errors
    )


def _too_many(request: Request, onward: str, wait: int) -> HTTPResponse:
    response = _sign_in(request, onward, wording.too_many_attempts(wait), 429)
    response.headers["Retry-After"] = str(wait)
    return response
