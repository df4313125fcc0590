"""Passkeys: making one on the account page, and using one in place of the app's code."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect, text

from staff.accounts.auth import forged, open_to_all, requires, session_of, token_of
from staff.accounts.browsers import browser_of
from staff.accounts.passkeys import PasskeyError, Site
from staff.accounts.permissions import Permission
from staff.accounts.sign_in_page import code_form, half_signed_in, start
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import ACCOUNT, SECOND_STEP, SEE_OTHER, field
from staff.console.recording import record, record_refusal
from web.http import is_same_site

passkeys = Blueprint("passkeys")


@passkeys.post(f"{ACCOUNT}/passkeys/options")
@requires(Permission.OWN_ACCOUNT)
async def options_to_add(request: Request) -> HTTPResponse:
    """What the script on the account page hands to the browser."""
    console, session = services(request), session_of(request)
    challenge = await asyncio.to_thread(console.sessions.new_challenge, token_of(request))
    options = await asyncio.to_thread(
        console.passkeys.options_to_add, session.staff, _site(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post(f"{ACCOUNT}/passkeys")
@requires(Permission.OWN_ACCOUNT)
async def add(request: Request) -> HTTPResponse:
    """Keep what the browser made. The app comes first, for its recovery codes."""
    console, session = services(request), session_of(request)
    challenge = await asyncio.to_thread(console.sessions.take_challenge, token_of(request))
    if not await asyncio.to_thread(console.second_steps.is_set_up, session.staff.id):
        return redirect(SECOND_STEP, status=SEE_OTHER)
    label = browser_of(request.headers.get("user-agent") or "")
    answer = field(request, "answer")
    try:
        await asyncio.to_thread(
            console.passkeys.add, session.staff, answer, challenge, _site(request), label
        )
    except PasskeyError:
        await record_refusal(request, "passkey not proved", what="passkey refused")
        return redirect(f"{ACCOUNT}?passkey=refused", status=SEE_OTHER)
    await record(request, "passkey added")
    return redirect(ACCOUNT, status=SEE_OTHER)


@passkeys.post(f"{ACCOUNT}/passkeys/<passkey_id:str>/remove")
@requires(Permission.OWN_ACCOUNT)
async def remove(request: Request, passkey_id: str) -> HTTPResponse:
    """Forget one of one's own passkeys."""
    console, session = services(request), session_of(request)
    if not await asyncio.to_thread(console.passkeys.remove, session.staff.id, passkey_id):
        raise NotFound
    await record(request, "passkey removed")
    return redirect(ACCOUNT, status=SEE_OTHER)


@passkeys.post("/sign-in/passkey/options")
@open_to_all
async def options_to_ask(request: Request) -> HTTPResponse:
    """What the script of the second step hands to the browser."""
    if not is_same_site(request):
        return await forged(request)
    console, staff = services(request), await half_signed_in(request)
    if staff is None:
        return text("{}", status=401, content_type="application/json")
    challenge = await asyncio.to_thread(console.sessions.new_challenge, token_of(request))
    options = await asyncio.to_thread(
        console.passkeys.options_to_ask, staff.id, _site(request), challenge
    )
    return text(options, content_type="application/json")


@passkeys.post("/sign-in/passkey")
@open_to_all
async def sign_in(request: Request) -> HTTPResponse:
    """Start the session when a passkey of the account signed the challenge."""
    if not is_same_site(request):
        return await forged(request)
    console, staff, onward = (
        services(request),
        await half_signed_in(request),
        field(request, "next"),
    )
    if staff is None:
        return redirect("/sign-in", status=SEE_OTHER)
    challenge = await asyncio.to_thread(console.sessions.take_challenge, token_of(request))
    answer = field(request, "answer")
    try:
        await asyncio.to_thread(console.passkeys.check, staff.id, answer, challenge, _site(request))
    except PasskeyError:
        await record_refusal(
            request, "passkey not proved", what="second step refused", account=staff.id
        )
        return await code_form(request, onward, wording.WRONG_PASSKEY, 401)
    await asyncio.to_thread(console.sessions.end, token_of(request))
    return await start(request, staff, onward, secured=True)


def _site(request: Request) -> Site:
    """A made-up Host header helps nobody: a passkey signs for the site the browser really sees."""
    scheme = "http" if services(request).insecure_cookies else "https"
    return Site(request.host.partition(":")[0], f"{scheme}://{request.host}")
