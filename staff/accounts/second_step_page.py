"""The pages of the second step of a sign-in: a code, or a passkey, after a right password."""

from __future__ import annotations

from asyncio import to_thread

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect, text

from staff.accounts.accounts import Staff
from staff.accounts.auth import open_to_all, safe_next, session_of, token_of
from staff.accounts.second_step import PasskeyError, RelyingParty, WrongCodeError
from staff.accounts.sign_in_page import begin_session, device_of
from staff.accounts.throttle import CodeAttempt
from staff.accounts.wrong_codes import WRONG_CODE, mark_of
from staff.console import wording
from staff.console.pages import SEE_OTHER, field, services
from staff.console.recording import record_refusal
from web.http import client_address

second_step_pages = Blueprint("second_step")
passkeys = Blueprint("passkeys")
"""The routes of passkeys, those of the account page included."""


@second_step_pages.get("/sign-in/code")
@open_to_all
async def code_page(request: Request) -> HTTPResponse:
    """Show the form of the second step, after a right password."""
    if await _pending_sign_in(request) is None:
        return redirect("/sign-in")
    return await _code_form(request, str(request.args.get("next") or ""))


@second_step_pages.post("/sign-in/code")
@open_to_all
async def check_code(request: Request) -> HTTPResponse:
    """Check a code of the app, or a recovery code, and begin the session."""
    console, onward = services(request), field(request, "next")
    staff = await _pending_sign_in(request)
    if staff is None:
        return redirect("/sign-in", status=SEE_OTHER)
    attempt, code = await _code_attempt(request, staff), field(request, "code")
    if wait := console.throttle.code_wait_s(attempt):
        # A recovery code is too long to be guessed, so it opens the account of a person who has
        # to wait because of another person's codes.
        if not await to_thread(console.second_steps.use_recovery_code, staff.id, code):
            return await _too_many_codes(request, staff, onward, wait)
    else:
        try:
            await to_thread(console.second_steps.check, staff.id, code)
        except WrongCodeError:
            marks = {"known_browser": bool(attempt.device), "sign_in": mark_of(token_of(request))}
            await record_refusal(request, "wrong code", what=WRONG_CODE, account=staff.id, **marks)
            return await _code_form(request, onward, wording.WRONG_CODE, 401)
        console.throttle.code_was_right(attempt)
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
        await record_refusal(request, "passkey not proved", what=WRONG_CODE, account=staff.id)
        return await _code_form(request, onward, wording.WRONG_PASSKEY, 401)
    await to_thread(console.sessions.end, token_of(request))
    return await begin_session(request, staff, onward, secured=True)


async def _code_attempt(request: Request, staff: Staff) -> CodeAttempt:
    device = device_of(request)
    known = await to_thread(services(request).devices.knows, device, staff.name)
    return CodeAttempt(staff.id, client_address(request), device if known else "")


def code_attempt_in_session(request: Request) -> CodeAttempt:
    """Return an attempt of the signed-in member of staff at a code."""
    session = session_of(request)
    return CodeAttempt(session.staff.id, client_address(request), session.id)


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


async def _too_many_codes(request: Request, staff: Staff, onward: str, wait: int) -> HTTPResponse:
    await record_refusal(
        request, "too many attempts", what="second step throttled", account=staff.id
    )
    response = await _code_form(request, onward, wording.too_many_attempts(wait), 429)
    response.headers["Retry-After"] = str(wait)
    return response


def relying_party(request: Request) -> RelyingParty:
    """Return this console as browsers see it."""
    # A forged Host header would be harmless: the passkey signs the site that the browser sees.
    scheme = "http" if services(request).insecure_cookies else "https"
    return RelyingParty(request.host.partition(":")[0], f"{scheme}://{request.host}")
