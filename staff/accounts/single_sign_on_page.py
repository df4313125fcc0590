"""Signing in at the organisation's identity provider, and linking an account to it.

Everything begins with a form of ours and a cookie, and ends where the provider sends the browser
back to. No account is made on the way but by an invitation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import Staff, StaffNameError
from staff.accounts.accounts_page import LONGEST_NAME
from staff.accounts.auth import (
    cookie_name,
    forged,
    home_of,
    open_to_all,
    requires,
    safe_next,
    session_of,
    set_cookie,
)
from staff.accounts.authentication_request import (
    LASTS,
    AuthenticationRequest,
    NotAskedError,
    Purpose,
)
from staff.accounts.invitation_page import form_of, gone
from staff.accounts.invitations import InvitationGoneError
from staff.accounts.own_account_page import proved as proved_here
from staff.accounts.permissions import Permission
from staff.accounts.provider import NotProvedError, Proved, Provider, ProviderAwayError
from staff.accounts.sign_in_page import go_on, start
from staff.accounts.sign_ons import LinkedElsewhereError
from staff.accounts.throttle import Attempt
from staff.console import wording
from staff.console.composition import Services, services
from staff.console.pages import ORGANISATION, SEE_OTHER, field
from staff.console.recording import record, record_refusal
from web.http import client_address, is_same_site

single_sign_on = Blueprint("single_sign_on")
Arrive: TypeAlias = Callable[[Request, AuthenticationRequest, Proved], Awaitable[HTTPResponse]]
BY_PROVIDER = "single sign-on"
"""How the trail tells these events from those with a password."""
REFUSALS = {
    Purpose.SIGN_IN: "sign-in refused",
    Purpose.INVITATION: "invitation refused",
    Purpose.LINK: "single sign-on link refused",
    Purpose.CONFIRM: "confirmation refused",
}
"""What the trail calls it when a request leads nowhere."""
STATUSES = {
    "not_asked": 400,
    "not_proved": 401,
    "unknown": 403,
    "somebody_else": 403,
    "signed_out": 401,
    "linked_elsewhere": 409,
    "name_taken": 409,
    "away": 503,
}
"""Why it went no further: the part of the page that says so, and the status."""


@single_sign_on.post("/sign-in/organisation")
@open_to_all
async def sign_in(request: Request) -> HTTPResponse:
    """Begin to sign in at the provider."""
    if not is_same_site(request):
        return await forged(request)
    return await _begin(request, Purpose.SIGN_IN, onward=safe_next(field(request, "next"), ""))


@single_sign_on.post("/invitation/<token:str>/organisation")
@open_to_all
async def accept(request: Request, token: str) -> HTTPResponse:
    """Begin to use an invitation up with the provider's sign-in in place of a password."""
    if not is_same_site(request):
        return await forged(request)
    console, name = services(request), field(request, "name")
    try:
        found = await asyncio.to_thread(console.invitations.find, token)
        await asyncio.to_thread(console.invitations.check_name, token, name[: LONGEST_NAME + 1])
    except InvitationGoneError:
        return gone(request)
    except StaffNameError:
        return form_of(request, found, {"name": wording.NAME_TAKEN}, 400)
    if len(name) > LONGEST_NAME:
        return form_of(request, found, {"name": wording.NAME_TAKEN}, 400)
    return await _begin(request, Purpose.INVITATION, invitation=token, name=name)


@single_sign_on.get(ORGANISATION)
@requires(Permission.OWN_ACCOUNT)
async def linking(request: Request) -> HTTPResponse:
    """Whether the provider opens one's account, and the form that changes it."""
    return await _linking(request)


@single_sign_on.post(ORGANISATION)
@requires(Permission.OWN_ACCOUNT)
async def link(request: Request) -> HTTPResponse:
    """Begin to link; whoever finds a screen unlocked must not link an identity of their own."""
    console, session = services(request), session_of(request)
    attempt = Attempt(session.staff.name, client_address(request), f"session of {session.staff.id}")
    if wait := console.throttle.wait_s(attempt):
        return await _linking(request, wording.too_many_attempts(wait), 429)
    if not await proved_here(request, session.staff, field(request, "proof")):
        await record_refusal(request, "wrong password or code", what=REFUSALS[Purpose.LINK])
        return await _linking(request, wording.WRONG_PROOF, 400)
    console.throttle.succeeded(attempt)
    return await _begin(request, Purpose.LINK, staff_id=session.staff.id, session_id=session.id)


@single_sign_on.post(f"{ORGANISATION}/unlink")
@requires(Permission.OWN_ACCOUNT)
async def unlink(request: Request) -> HTTPResponse:
    """Have the provider open one's account no more."""
    console, session = services(request), session_of(request)
    if not await asyncio.to_thread(console.sign_ons.unlink, session.staff.id):
        raise NotFound
    await record(request, "single sign-on unlinked", account=session.staff.id)
    return redirect(ORGANISATION, status=SEE_OTHER)


@single_sign_on.post("/confirm/organisation")
@requires(Permission.OWN_ACCOUNT)
async def confirm(request: Request) -> HTTPResponse:
    """Begin to show again who sits there: the provider asks, even where it knows the browser."""
    session = session_of(request)
    return await _begin(
        request,
        Purpose.CONFIRM,
        staff_id=session.staff.id,
        session_id=session.id,
        onward=safe_next(field(request, "next"), ""),
    )


@single_sign_on.get("/sign-in/organisation/return")
@open_to_all
async def returned(request: Request) -> HTTPResponse:
    """Where the provider sends the browser back to, with a code or with a refusal."""
    console, provider = services(request), _provider(request)
    cookie = str(request.cookies.get(_cookie_name(console)) or "")
    try:
        asked = console.requests.take(cookie, _argument(request, "state"))
    except NotAskedError as error:
        return await _refused(request, error.why, "not_asked")
    if not (code := _argument(request, "code")):
        return await _refused(request, "refused by the provider", "not_proved", asked)
    try:
        proved = await provider.prove(asked, code, _argument(request, "iss") or None)
    except ProviderAwayError:
        return await _refused(request, "provider does not answer", "away", asked)
    except NotProvedError as error:
        return await _refused(request, error.why, "not_proved", asked)
    response = await _ARRIVALS[asked.purpose](request, asked, proved)
    set_cookie(console, response, _cookie_name(console), "", timedelta(), samesite="Lax")
    return response


async def _signed_in(
    request: Request, asked: AuthenticationRequest, proved: Proved
) -> HTTPResponse:
    linked = await asyncio.to_thread(services(request).sign_ons.find, proved.identity)
    if linked is None:
        return await _refused(request, "no account is linked", "unknown", asked)
    if not linked.in_use:
        # The page does not say that there was an account: it is the same as for any stranger.
        shut = {"account": linked.staff.id}
        return await _refused(request, "account is shut", "unknown", asked, **shut)
    return await _start(request, linked.staff, asked, proved)


async def _invited(request: Request, asked: AuthenticationRequest, proved: Proved) -> HTTPResponse:
    invitations = services(request).invitations
    try:
        found = await asyncio.to_thread(invitations.find, asked.invitation)
        member = await asyncio.to_thread(
            invitations.accept_as, asked.invitation, asked.name, proved.identity
        )
    except InvitationGoneError:
        return gone(request)
    except StaffNameError:
        return await _refused(request, "name is taken", "name_taken", asked)
    except LinkedElsewhereError:
        return await _refused(request, "linked to another account", "linked_elsewhere", asked)
    opened = found.staff_id is None
    await record(
        request,
        "account opened" if opened else "password renewed",
        who=member.id,
        account=member.id,
        role=member.role.value,
        by=BY_PROVIDER,
    )
    return await _start(request, member, asked, proved)


async def _linked(request: Request, asked: AuthenticationRequest, proved: Proved) -> HTTPResponse:
    console = services(request)
    if await _asker(console, asked) is None:
        return await _refused(request, "session has ended", "signed_out", asked)
    try:
        await asyncio.to_thread(console.sign_ons.link, asked.staff_id, proved.identity)
    except LinkedElsewhereError:
        return await _refused(request, "linked to another account", "linked_elsewhere", asked)
    who = asked.staff_id
    await record(request, "single sign-on linked", who=who, account=who)
    return console.pages.onward(ORGANISATION)


async def _confirmed(
    request: Request, asked: AuthenticationRequest, proved: Proved
) -> HTTPResponse:
    console = services(request)
    asker = await _asker(console, asked)
    if asker is None:
        return await _refused(request, "session has ended", "signed_out", asked)
    linked = await asyncio.to_thread(console.sign_ons.find, proved.identity)
    if linked is None or linked.staff.id != asker.id:
        return await _refused(request, "somebody else", "somebody_else", asked)
    await asyncio.to_thread(console.sessions.confirm, asked.session_id)
    await record(request, "confirmed", who=asker.id, by=BY_PROVIDER)
    return console.pages.onward(safe_next(asked.onward, home_of(asker)))


_ARRIVALS: dict[Purpose, Arrive] = {
    Purpose.SIGN_IN: _signed_in,
    Purpose.INVITATION: _invited,
    Purpose.LINK: _linked,
    Purpose.CONFIRM: _confirmed,
}


async def _start(
    request: Request, member: Staff, asked: AuthenticationRequest, proved: Proved
) -> HTTPResponse:
    """Our own second step follows where the provider has asked for none."""
    onward = services(request).pages.onward
    if proved.multi_factor:
        return await start(
            request, member, asked.onward, secured=True, answer=onward, by=BY_PROVIDER
        )
    return await go_on(request, member, asked.onward, answer=onward, by=BY_PROVIDER)


async def _begin(request: Request, purpose: Purpose, **more: str) -> HTTPResponse:
    console, provider = services(request), _provider(request)
    asked = console.requests.make(purpose, **more)
    try:
        address = await provider.address(asked.request)
    except ProviderAwayError:
        return await _refused(request, "provider does not answer", "away", asked.request)
    response = console.pages.onward(address)
    set_cookie(console, response, _cookie_name(console), asked.cookie, LASTS, samesite="Lax")
    return response


async def _asker(console: Services, asked: AuthenticationRequest) -> Staff | None:
    """Whose session began this, as long as it goes on."""
    sessions = await asyncio.to_thread(console.sessions.of, asked.staff_id)
    if asked.session_id not in {each.id for each in sessions}:
        return None
    return await asyncio.to_thread(console.accounts.of_id, asked.staff_id)


async def _refused(
    request: Request,
    why: str,
    kind: str,
    asked: AuthenticationRequest | None = None,
    **event: str,
) -> HTTPResponse:
    """The page that says kindly why it went no further; `why` and `event` go on the trail."""
    purpose = Purpose.SIGN_IN if asked is None else asked.purpose
    event |= {"account": asked.staff_id} if asked and asked.staff_id else {}
    await record_refusal(request, why, what=REFUSALS[purpose], by=BY_PROVIDER, **event)
    return services(request).pages.render(
        "sign_on_refused.html", status=STATUSES[kind], session=request.ctx.session, kind=kind
    )


async def _linking(request: Request, error: str = "", status: int = 200) -> HTTPResponse:
    console, session = services(request), session_of(request)
    _provider(request)
    return console.pages.render(
        "sign_on.html",
        status=status,
        session=session,
        errors={"proof": error} if error else {},
        linked=await asyncio.to_thread(console.sign_ons.linked_at, session.staff.id),
    )


def _provider(request: Request) -> Provider:
    """The provider; where there is none, none of these pages is there either."""
    provider = services(request).provider
    if provider is None:
        raise NotFound
    return provider


def _argument(request: Request, name: str) -> str:
    return str(request.args.get(name) or "")


def _cookie_name(console: Services) -> str:
    return f"{cookie_name(console)}-sign-on"
