"""The pages of one's own account: sessions, second step, passkeys, and confirming a session."""

from __future__ import annotations

from asyncio import to_thread

import segno
from markupsafe import Markup
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect, text

from staff.accounts.auth import home_of, requires, safe_next, session_of, token_of
from staff.accounts.permissions import Permission
from staff.accounts.second_step import PasskeyError, WrongCodeError, address_for_app
from staff.accounts.second_step_page import (
    code_attempt_in_session,
    passkeys,
    relying_party,
)
from staff.accounts.sessions import browser_of
from staff.accounts.sign_in_page import attempt_in_session
from staff.console import wording
from staff.console.pages import ACCOUNT, SECOND_STEP, SEE_OTHER, WRONG_CODES, field, services
from staff.console.recording import record, record_refusal

own_account = Blueprint("own_account")


@own_account.get(ACCOUNT)
@requires(Permission.OWN_ACCOUNT)
async def overview(request: Request) -> HTTPResponse:
    """Show the account, its sessions, and the state of its second step."""
    console, session = services(request), session_of(request)
    return console.pages.render(
        "account.html",
        session=session,
        sessions=await to_thread(console.sessions.of, session.staff.id),
        second_step=await to_thread(console.second_steps.is_set_up, session.staff.id),
        passkeys=await to_thread(console.passkeys.of, session.staff.id),
        passkey_refused=request.args.get("passkey") == "refused",
        codes_left=await to_thread(console.second_steps.codes_left, session.staff.id),
        linked=await to_thread(console.identities.linked_at, session.staff.id),
    )


@own_account.get(WRONG_CODES)
@requires(Permission.OWN_ACCOUNT)
async def wrong_codes(request: Request) -> HTTPResponse:
    """Show that wrong codes were typed after the right password, before this sign-in."""
    console, session = services(request), session_of(request)
    onward = safe_next(str(request.args.get("next") or ""), home_of(session.staff))
    typed = await to_thread(console.wrong_codes.before_this_sign_in, session.staff.id)
    if typed is None:
        return redirect(onward)
    return console.pages.render("wrong_codes.html", session=session, typed=typed, onward=onward)


@own_account.post(f"{ACCOUNT}/sessions/<session_id:str>/end")
@requires(Permission.OWN_ACCOUNT)
async def end_session(request: Request, session_id: str) -> HTTPResponse:
    """End a session of one's own in another browser."""
    console, session = services(request), session_of(request)
    if not await to_thread(console.sessions.revoke, session.staff.id, session_id):
        raise NotFound
    await record(request, "session ended")
    return redirect(ACCOUNT, status=SEE_OTHER)


@own_account.get(SECOND_STEP)
@requires(Permission.OWN_ACCOUNT, before_second_step=True)
async def second_step(request: Request) -> HTTPResponse:
    """Show the QR code for an app, or the form to remove the second step."""
    return await _second_step(request, {})


@own_account.post(SECOND_STEP)
@requires(Permission.OWN_ACCOUNT, before_second_step=True)
async def set_up(request: Request) -> HTTPResponse:
    """Require codes once a first code is right; show the recovery codes, once."""
    console, session = services(request), session_of(request)
    attempt = code_attempt_in_session(request)
    if wait := console.throttle.code_wait_s(attempt):
        return await _second_step(request, {"code": wording.too_many_attempts(wait)}, 429)
    try:
        codes = await to_thread(
            console.second_steps.set_up, session.staff.id, field(request, "code")
        )
    except WrongCodeError:
        return await _second_step(request, {"code": wording.WRONG_CODE}, 400)
    console.throttle.code_was_right(attempt)
    await to_thread(console.sessions.secure, session.id)
    await record(request, "second step set up")
    return console.pages.render("recovery_codes.html", session=session, codes=codes)


@own_account.post(f"{SECOND_STEP}/remove")
@requires(Permission.OWN_ACCOUNT)
async def remove(request: Request) -> HTTPResponse:
    """Stop requiring codes, after one last code. Where all need a step, its set-up follows."""
    console, session = services(request), session_of(request)
    attempt = code_attempt_in_session(request)
    if wait := console.throttle.code_wait_s(attempt):
        return await _second_step(request, {"code": wording.too_many_attempts(wait)}, 429)
    try:
        await to_thread(console.second_steps.check, session.staff.id, field(request, "code"))
    except WrongCodeError:
        return await _second_step(request, {"code": wording.WRONG_CODE}, 400)
    console.throttle.code_was_right(attempt)
    await to_thread(console.second_steps.remove, session.staff.id)
    await to_thread(console.sessions.unsecure, session.staff.id)
    await record(request, "second step removed")
    return redirect(SECOND_STEP if console.require_second_step else ACCOUNT, status=SEE_OTHER)


@passkeys.post(f"{ACCOUNT}/passkeys/options")
@requires(Permission.OWN_ACCOUNT)
async def options_to_add(request: Request) -> HTTPResponse:
    """Return the options for the script on the account page."""
    console, session = services(request), session_of(request)
    challenge = await to_thread(console.sessions.new_challenge, token_of(request))
    options = await to_thread(
        console.passkeys.options_to_add, session.staff, relying_party(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post(f"{ACCOUNT}/passkeys", name="add")
@requires(Permission.OWN_ACCOUNT)
async def add_passkey(request: Request) -> HTTPResponse:
    """Store a passkey. The app must be set up first, because it comes with recovery codes."""
    console, session = services(request), session_of(request)
    challenge = await to_thread(console.sessions.take_challenge, token_of(request))
    if not await to_thread(console.second_steps.is_set_up, session.staff.id):
        return redirect(SECOND_STEP, status=SEE_OTHER)
    label = browser_of(request.headers.get("user-agent") or "")
    answer = field(request, "answer")
    try:
        await to_thread(
            console.passkeys.add, session.staff, answer, challenge, relying_party(request), label
        )
    except PasskeyError:
        await record_refusal(request, "passkey not proved", what="passkey refused")
        return redirect(f"{ACCOUNT}?passkey=refused", status=SEE_OTHER)
    await record(request, "passkey added")
    return redirect(ACCOUNT, status=SEE_OTHER)


@passkeys.post(f"{ACCOUNT}/passkeys/<passkey_id:str>/remove", name="remove")
@requires(Permission.OWN_ACCOUNT)
async def remove_passkey(request: Request, passkey_id: str) -> HTTPResponse:
    """Delete a passkey of one's own."""
    console, session = services(request), session_of(request)
    if not await to_thread(console.passkeys.remove, session.staff.id, passkey_id):
        raise NotFound
    await record(request, "passkey removed")
    return redirect(ACCOUNT, status=SEE_OTHER)


@own_account.get("/confirm")
@requires(Permission.OWN_ACCOUNT)
async def confirm_page(request: Request) -> HTTPResponse:
    """Show the form that confirms a session which was unused for a while."""
    return await _confirm(request, str(request.args.get("next") or ""))


@own_account.post("/confirm")
@requires(Permission.OWN_ACCOUNT)
async def confirm(request: Request) -> HTTPResponse:
    """Continue when the password, or a code of the app, is right."""
    console, session, onward = services(request), session_of(request), field(request, "next")
    if refusal := await check_proof(request, refused="confirmation refused"):
        return await _confirm(request, onward, *refusal)
    await to_thread(console.sessions.confirm, session.id)
    await record(request, "confirmed")
    return redirect(safe_next(onward, home_of(session.staff)), status=SEE_OTHER)


async def check_proof(request: Request, *, refused: str) -> tuple[str, int] | None:
    """Check the field `proof`: the password or a code of the signed-in member of staff.

    Return None when it is right, else an error message and an HTTP status. `refused` is the event
    to record for a wrong one. A code is used up.
    """
    console, staff = services(request), session_of(request).staff
    proof = field(request, "proof")
    attempt = attempt_in_session(request)
    if wait := console.throttle.wait_s(attempt):
        return wording.too_many_attempts(wait), 429
    if not await to_thread(console.accounts.verify, staff.name, proof):
        code_attempt = code_attempt_in_session(request)
        if wait := console.throttle.code_wait_s(code_attempt):
            return wording.too_many_attempts(wait), 429
        try:
            await to_thread(console.second_steps.check, staff.id, proof)
        except WrongCodeError:
            await record_refusal(request, "wrong password or code", what=refused)
            return wording.WRONG_PROOF, 400
        console.throttle.code_was_right(code_attempt)
    console.throttle.succeeded(attempt)
    return None


async def _confirm(
    request: Request, onward: str, error: str = "", status: int = 200
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    return console.pages.render(
        "confirm.html",
        status=status,
        session=session,
        linked=await to_thread(console.identities.linked_at, session.staff.id),
        errors={"proof": error} if error else {},
        onward=safe_next(onward, ""),
    )


async def _second_step(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    console, session = services(request), session_of(request)
    is_set_up = await to_thread(console.second_steps.is_set_up, session.staff.id)
    secret = picture = ""
    if not is_set_up:
        secret = await to_thread(console.second_steps.offered, session.staff.id)
        code = segno.make(address_for_app(secret, session.staff.name), error="m")
        # Only paths and numbers, which the library computed.
        picture = Markup(code.svg_inline(scale=5))  # noqa: S704
    return console.pages.render(
        "second_step.html",
        status=status,
        session=session,
        errors=errors,
        done=is_set_up,
        secret=secret,
        picture=picture,
        asked=console.require_second_step and not session.secured,
    )
