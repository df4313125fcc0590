"""One's own account: its sessions, the second step, and showing again who sits there."""

from __future__ import annotations

import asyncio

import segno
from markupsafe import Markup
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import Staff
from staff.accounts.auth import home_of, requires, safe_next, session_of
from staff.accounts.permissions import Permission
from staff.accounts.second_step import WrongCodeError, address_for_app
from staff.accounts.throttle import Attempt
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import ACCOUNT, SECOND_STEP, SEE_OTHER, field
from staff.console.recording import record, record_refusal
from web.http import client_address

own_account = Blueprint("own_account")


@own_account.get(ACCOUNT)
@requires(Permission.OWN_ACCOUNT)
async def overview(request: Request) -> HTTPResponse:
    """Who one is here, where one is signed in, and whether a second step is asked for."""
    console, session = services(request), session_of(request)
    return console.pages.render(
        "account.html",
        session=session,
        sessions=await asyncio.to_thread(console.sessions.of, session.staff.id),
        second_step=await asyncio.to_thread(console.second_steps.is_set_up, session.staff.id),
        passkeys=await asyncio.to_thread(console.passkeys.of, session.staff.id),
        passkey_refused=request.args.get("passkey") == "refused",
        codes_left=await asyncio.to_thread(console.second_steps.codes_left, session.staff.id),
        linked=await asyncio.to_thread(console.sign_ons.linked_at, session.staff.id),
    )


@own_account.post(f"{ACCOUNT}/sessions/<session_id:str>/end")
@requires(Permission.OWN_ACCOUNT)
async def end_session(request: Request, session_id: str) -> HTTPResponse:
    """End one's session in another browser: one left open, or one that is not one's own."""
    console, session = services(request), session_of(request)
    if not await asyncio.to_thread(console.sessions.revoke, session.staff.id, session_id):
        raise NotFound
    await record(request, "session ended")
    return redirect(ACCOUNT, status=SEE_OTHER)


@own_account.get(SECOND_STEP)
@requires(Permission.OWN_ACCOUNT)
async def second_step(request: Request) -> HTTPResponse:
    """The QR code for an app, or the way to take the second step away."""
    return await _second_step(request, {})


@own_account.post(SECOND_STEP)
@requires(Permission.OWN_ACCOUNT)
async def set_up(request: Request) -> HTTPResponse:
    """Begin to ask for codes, once one was right; show the recovery codes, once."""
    console, session = services(request), session_of(request)
    if wait := console.throttle.code_wait_s(session.staff.id):
        return await _second_step(request, {"code": wording.too_many_attempts(wait)}, 429)
    try:
        codes = await asyncio.to_thread(
            console.second_steps.set_up, session.staff.id, field(request, "code")
        )
    except WrongCodeError:
        return await _second_step(request, {"code": wording.WRONG_CODE}, 400)
    console.throttle.code_was_right(session.staff.id)
    await asyncio.to_thread(console.sessions.secure, session.id)
    await record(request, "second step set up")
    return console.pages.render("recovery_codes.html", session=session, codes=codes)


@own_account.post(f"{SECOND_STEP}/remove")
@requires(Permission.OWN_ACCOUNT)
async def remove(request: Request) -> HTTPResponse:
    """Ask for no more codes; a code is asked for once more."""
    console, session = services(request), session_of(request)
    if wait := console.throttle.code_wait_s(session.staff.id):
        return await _second_step(request, {"code": wording.too_many_attempts(wait)}, 429)
    try:
        await asyncio.to_thread(
            console.second_steps.check, session.staff.id, field(request, "code")
        )
    except WrongCodeError:
        return await _second_step(request, {"code": wording.WRONG_CODE}, 400)
    console.throttle.code_was_right(session.staff.id)
    await asyncio.to_thread(console.second_steps.remove, session.staff.id)
    await record(request, "second step removed")
    return redirect(ACCOUNT, status=SEE_OTHER)


@own_account.get("/confirm")
@requires(Permission.OWN_ACCOUNT)
async def confirm_page(request: Request) -> HTTPResponse:
    """Asked before words are shown in a session that was not used for a while."""
    return await _confirm(request, str(request.args.get("next") or ""))


@own_account.post("/confirm")
@requires(Permission.OWN_ACCOUNT)
async def confirm(request: Request) -> HTTPResponse:
    """Go on when the password, or a code of the app, is right."""
    console, session, onward = services(request), session_of(request), field(request, "next")
    attempt = Attempt(session.staff.name, client_address(request), f"session of {session.staff.id}")
    if wait := console.throttle.wait_s(attempt):
        return await _confirm(request, onward, wording.too_many_attempts(wait), 429)
    if not await proved(request, session.staff, field(request, "proof")):
        await record_refusal(request, "wrong password or code", what="confirmation refused")
        return await _confirm(request, onward, wording.WRONG_PROOF, 400)
    console.throttle.succeeded(attempt)
    await asyncio.to_thread(console.sessions.confirm, session.id)
    await record(request, "confirmed")
    return redirect(safe_next(onward, home_of(session.staff)), status=SEE_OTHER)


async def proved(request: Request, staff: Staff, proof: str) -> bool:
    """Whether `proof` is the password of this account, or a code of it, which is then used up."""
    console = services(request)
    if await asyncio.to_thread(console.accounts.verify, staff.name, proof):
        return True
    try:
        await asyncio.to_thread(console.second_steps.check, staff.id, proof)
    except WrongCodeError:
        return False
    return True


async def _confirm(
    request: Request, onward: str, error: str = "", status: int = 200
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    return console.pages.render(
        "confirm.html",
        status=status,
        session=session,
        linked=await asyncio.to_thread(console.sign_ons.linked_at, session.staff.id),
        errors={"proof": error} if error else {},
        onward=safe_next(onward, ""),
    )


async def _second_step(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    console, session = services(request), session_of(request)
    done = await asyncio.to_thread(console.second_steps.is_set_up, session.staff.id)
    secret = picture = ""
    if not done:
        secret = await asyncio.to_thread(console.second_steps.offered, session.staff.id)
        drawn = segno.make(address_for_app(secret, session.staff.name), error="m")
        # Paths and numbers, made here: nothing in it is anyone's text.
        picture = Markup(drawn.svg_inline(scale=5))  # noqa: S704
    return console.pages.render(
        "second_step.html",
        status=status,
        session=session,
        errors=errors,
        done=done,
        secret=secret,
        picture=picture,
        asked=console.require_second_step and not session.secured,
    )
