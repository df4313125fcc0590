"""The pages of passkeys: adding one on the account page, and signing in with one."""

from __future__ import annotations

from asyncio import to_thread

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect, text

from staff.accounts.auth import open_to_all, requires, session_of, token_of
from staff.accounts.permissions import Permission
from staff.accounts.second_step import PasskeyError, RelyingParty
from staff.accounts.sessions import browser_of
from staff.accounts.sign_in_page import begin_session, code_form, pending_sign_in
from staff.console import wording
from staff.console.pages import ACCOUNT, SECOND_STEP, SEE_OTHER, field, services
from staff.console.recording import record, record_refusal

passkeys = Blueprint("passkeys")


@passkeys.post(f"{ACCOUNT}/passkeys/options")
@requires(Permission.OWN_ACCOUNT)
async def options_to_add(request: Request) -> HTTPResponse:
    """Return the options for the script on the account page."""
    console, session = services(request), session_of(request)
    challenge = await to_thread(console.sessions.new_challenge, token_of(request))
    options = await to_thread(
        console.passkeys.options_to_add, session.staff, _relying_party(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post(f"{ACCOUNT}/passkeys")
@requires(Permission.OWN_ACCOUNT)
async def add(request: Request) -> HTTPResponse:
    """Store a passkey. The app must be set up first, because it comes with recovery codes."""
    console, session = services(request), session_of(request)
    challenge = await to_thread(console.sessions.take_challenge, token_of(request))
    if not await to_thread(console.second_steps.is_set_up, session.staff.id):
        return redirect(SECOND_STEP, status=SEE_OTHER)
    label = browser_of(request.headers.get("user-agent") or "")
    answer = field(request, "answer")
    try:
        await to_thread(
            console.passkeys.add, session.staff, answer, challenge, _relying_party(request), label
        )
    except PasskeyError:
        await record_refusal(request, "passkey not proved", what="passkey refused")
        return redirect(f"{ACCOUNT}?passkey=refused", status=SEE_OTHER)
    await record(request, "passkey added")
    return redirect(ACCOUNT, status=SEE_OTHER)


@passkeys.post(f"{ACCOUNT}/passkeys/<passkey_id:str>/remove")
@requires(Permission.OWN_ACCOUNT)
async def remove(request: Request, passkey_id: str) -> HTTPResponse:
    """Delete a passkey of one's own."""
    console, session = services(request), session_of(request)
    if not await to_thread(console.passkeys.remove, session.staff.id, passkey_id):
        raise NotFound
    await record(request, "passkey removed")
    return redirect(ACCOUNT, status=SEE_OTHER)


@passkeys.post("/sign-in/passkey/options")
@open_to_all
async def options_to_ask(request: Request) -> HTTPResponse:
    """Return the options for the script on the page of the second step."""
    console, staff = services(request), await pending_sign_in(request)
    if staff is None:
        return text("{}", status=401, content_type="application/json")
    challenge = await to_thread(console.sessions.new_challenge, token_of(request))
    options = await to_thread(
        console.passkeys.options_to_ask, staff.id, _relying_party(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post("/sign-in/passkey")
@open_to_all
async def sign_in(request: Request) -> HTTPResponse:
    """Begin the session when a passkey of the account signed the challenge."""
    console, onward = services(request), field(request, "next")
    staff = await pending_sign_in(request)
    if staff is None:
        return redirect("/sign-in", status=SEE_OTHER)
    challenge = await to_thread(console.sessions.take_challenge, token_of(request))
    answer = field(request, "answer")
    try:
        await to_thread(
            console.passkeys.check, staff.id, answer, challenge, _relying_party(request)
        )
    except PasskeyError:
        await record_refusal(
            request, "passkey not proved", what="second step refused", account=staff.id
        )
        return await code_form(request, onward, wording.WRONG_PASSKEY, 401)
    await to_thread(console.sessions.end, token_of(request))
    return await begin_session(request, staff, onward, secured=True)


def _relying_party(request: Request) -> RelyingParty:
    # A forged Host header is harmless: the passkey signs the site that the browser sees.
    scheme = "http" if services(request).insecure_cookies else "https"
    return RelyingParty(request.host.partition(":")[0], f"{scheme}://{request.host}")
