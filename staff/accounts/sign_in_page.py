"""The pages to sign in, with or without a passkey, to sign out and to change one's password."""

from __future__ import annotations

from asyncio import to_thread
from datetime import timedelta
from urllib.parse import quote

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty, redirect, text

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
from staff.accounts.passwords import PasswordError
from staff.accounts.permissions import Permission
from staff.accounts.second_step import PasskeyError, RelyingParty, WrongCodeError
from staff.accounts.sessions import LONGEST, PENDING, browser_of
from staff.accounts.throttle import KNOWN_FOR, SignInAttempt
from staff.console import wording
from staff.console.pages import SEE_OTHER, Services, field, services
from staff.console.recording import (
    record,
    record_failed_sign_in,
    record_if_possible,
    record_refusal,
)
from web.http import client_address

signing_in = Blueprint("sign_in")
passkeys = Blueprint("passkeys")
"""The routes of passkeys, those of the account page included."""


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


@signing_in.get("/sign-in/code")
@open_to_all
async def code_page(request: Request) -> HTTPResponse:
    """Show the form of the second step, after a right password."""
    if await _pending_sign_in(request) is None:
        return redirect("/sign-in")
    return await _code_form(request, str(request.args.get("next") or ""))


@signing_in.post("/sign-in/code")
@open_to_all
async def check_code(request: Request) -> HTTPResponse:
    """Check a code of the app, or a recovery code, and begin the session."""
    console, onward = services(request), field(request, "next")
    staff = await _pending_sign_in(request)
    if staff is None:
        return redirect("/sign-in", status=SEE_OTHER)
    if wait := console.throttle.code_wait_s(staff.id):
        return await _code_form(request, onward, wording.too_many_attempts(wait), 429)
    try:
        await to_thread(console.second_steps.check, staff.id, field(request, "code"))
    except WrongCodeError:
        await record_refusal(request, "wrong code", what="second step refused", account=staff.id)
        return await _code_form(request, onward, wording.WRONG_CODE, 401)
    console.throttle.code_was_right(staff.id)
    await to_thread(console.sessions.end, token_of(request))
    return await begin_session(request, staff, onward, secured=True)


@passkeys.post("/sign-in/passkey/options")
@open_to_all
async def options_to_ask(request: Request) -> HTTPResponse:
    """Return the options for the script on the page of the second step."""
    console, staff = services(request), await _pending_sign_in(request)
    if staff is None:
        return text("{}", status=401, content_type="application/json")
    challenge = await to_thread(console.sessions.new_challenge, token_of(request))
    options = await to_thread(
        console.passkeys.options_to_ask, staff.id, relying_party(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post("/sign-in/passkey", name="sign_in")
@open_to_all
async def sign_in_with_passkey(request: Request) -> HTTPResponse:
    """Begin the session when a passkey of the account signed the challenge."""
    console, onward = services(request), field(request, "next")
    staff = await _pending_sign_in(request)
    if staff is None:
        return redirect("/sign-in", status=SEE_OTHER)
    challenge = await to_thread(console.sessions.take_challenge, token_of(request))
    answer = field(request, "answer")
    try:
        await to_thread(console.passkeys.check, staff.id, answer, challenge, relying_party(request))
    except PasskeyError:
        await record_refusal(
            request, "passkey not proved", what="second step refused", account=staff.id
        )
        return await _code_form(request, onward, wording.WRONG_PASSKEY, 401)
    await to_thread(console.sessions.end, token_of(request))
    return await begin_session(request, staff, onward, secured=True)


@signing_in.post("/sign-out")
@requires(Permission.OWN_ACCOUNT)
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


def _device_of(request: Request) -> str:
    return str(request.cookies.get(_device_cookie_name(services(request))) or "")


async def _attempt(request: Request, name: str) -> SignInAttempt:
    device = _device_of(request)
    known = await to_thread(services(request).devices.knows, device, name)
    return SignInAttempt(name, client_address(request), device if known else "")


def attempt_in_session(request: Request) -> SignInAttempt:
    """Return an attempt of the signed-in member of staff, counted apart from strangers'."""
    staff = session_of(request).staff
    return SignInAttempt(staff.name, client_address(request), f"session of {staff.id}")


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
    device = await to_thread(console.devices.remember, _device_of(request), staff.id)
    detail = {"by": by} if by else {}
    await record(request, "signed in", who=staff.id, second_step=secured, **detail)
    response = _lead_to(request, safe_next(onward, home_of(staff)), by)
    set_cookie(console, response, cookie_name(console), token, LONGEST)
    set_cookie(console, response, _device_cookie_name(console), device, KNOWN_FOR)
    return response


def _lead_to(request: Request, address: str, by: str) -> HTTPResponse:
    # From another site, the browser would follow a redirect without our cookies.
    if by:
        return services(request).pages.onward(address)
    return redirect(address, status=SEE_OTHER)


async def _pending_sign_in(request: Request) -> Staff | None:
    """Return the member of staff whose sign-in in this browser waits for the second step."""
    return await to_thread(services(request).sessions.find_pending, token_of(request))


async def _code_form(
    request: Request, onward: str, error: str = "", status: int = 200
) -> HTTPResponse:
    console, staff = services(request), await _pending_sign_in(request)
    keys = await to_thread(console.passkeys.of, staff.id) if staff else []
    return console.pages.render(
        "sign_in_code.html",
        status=status,
        errors={"code": error} if error else {},
        onward=safe_next(onward, ""),
        passkeys=keys,
    )


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


def relying_party(request: Request) -> RelyingParty:
    """Return this console as browsers see it."""
    # A forged Host header is harmless: the passkey signs the site that the browser sees.
    scheme = "http" if services(request).insecure_cookies else "https"
    return RelyingParty(request.host.partition(":")[0], f"{scheme}://{request.host}")
