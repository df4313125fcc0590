"""The pages of single sign-on: signing in at the identity provider, and linking an account.

Each flow begins with a form of the console and a cookie, and ends at `returned`, where the provider
sends the browser. Only an invitation opens an account on the way.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import Staff, StaffNameError
from staff.accounts.accounts_page import (
    LONGEST_NAME,
    invitation_form,
    invitation_gone,
    record_accepted,
)
from staff.accounts.auth import (
    cookie_name,
    home_of,
    open_to_all,
    requires,
    safe_next,
    session_of,
    set_cookie,
)
from staff.accounts.invitations import InvitationGoneError
from staff.accounts.linked_identities import LinkedElsewhereError
from staff.accounts.own_account_page import check_proof
from staff.accounts.permissions import Permission
from staff.accounts.provider import (
    REQUEST_LASTS,
    AuthenticationRequest,
    ProvedIdentity,
    Provider,
    ProviderUnavailableError,
    Purpose,
    UnexpectedResponseError,
    UnprovedIdentityError,
)
from staff.accounts.sign_in_page import after_first_step, begin_session
from staff.console import wording
from staff.console.pages import ORGANISATION, SEE_OTHER, Services, field, services
from staff.console.recording import record, record_refusal

single_sign_on = Blueprint("single_sign_on")
Finish: TypeAlias = Callable[
    [Request, AuthenticationRequest, ProvedIdentity], Awaitable[HTTPResponse]
]
BY_PROVIDER = "single sign-on"
"""Marks these events on the trail, as opposed to those with a password."""
REFUSALS = {
    Purpose.SIGN_IN: "sign-in refused",
    Purpose.INVITATION: "invitation refused",
    Purpose.LINK: "single sign-on link refused",
    Purpose.CONFIRM: "confirmation refused",
}
"""The event to record when a flow fails."""
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
"""HTTP status by kind of failure; the template shows a text for each kind."""


@single_sign_on.post("/sign-in/organisation")
@open_to_all
async def sign_in(request: Request) -> HTTPResponse:
    """Begin a sign-in at the provider."""
    return await _begin(request, Purpose.SIGN_IN, onward=safe_next(field(request, "next"), ""))


@single_sign_on.post("/invitation/<token:str>/organisation")
@open_to_all
async def accept(request: Request, token: str) -> HTTPResponse:
    """Begin to accept an invitation with a sign-in at the provider instead of a password."""
    console, name = services(request), field(request, "name")
    try:
        invited = await to_thread(console.invitations.find, token)
        await to_thread(console.invitations.check_name, token, name[: LONGEST_NAME + 1])
    except InvitationGoneError:
        return invitation_gone(request)
    except StaffNameError:
        name_taken = True
    else:
        name_taken = len(name) > LONGEST_NAME
    if name_taken:
        return invitation_form(request, invited, {"name": wording.NAME_TAKEN}, 400)
    return await _begin(request, Purpose.INVITATION, invitation=token, name=name)


@single_sign_on.get(ORGANISATION)
@requires(Permission.OWN_ACCOUNT)
async def linking(request: Request) -> HTTPResponse:
    """Show whether one's account is linked, and the form that changes it."""
    return await _linking(request)


@single_sign_on.post(ORGANISATION)
@requires(Permission.OWN_ACCOUNT)
async def link(request: Request) -> HTTPResponse:
    """Begin to link an account. The proof stops a stranger at an unlocked screen."""
    session = session_of(request)
    if refusal := await check_proof(request, refused=REFUSALS[Purpose.LINK]):
        return await _linking(request, *refusal)
    return await _begin(request, Purpose.LINK, staff_id=session.staff.id, session_id=session.id)


@single_sign_on.post(f"{ORGANISATION}/unlink")
@requires(Permission.OWN_ACCOUNT)
async def unlink(request: Request) -> HTTPResponse:
    """Remove the link of one's account."""
    console, session = services(request), session_of(request)
    if not await to_thread(console.identities.unlink, session.staff.id):
        raise NotFound
    await record(request, "single sign-on unlinked", account=session.staff.id)
    return redirect(ORGANISATION, status=SEE_OTHER)


@single_sign_on.post("/confirm/organisation")
@requires(Permission.OWN_ACCOUNT)
async def confirm(request: Request) -> HTTPResponse:
    """Begin to confirm the session; the provider asks even in a browser that it knows."""
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
    """Handle the provider's response, with a code or with a refusal."""
    console, provider = services(request), _provider(request)
    cookie = str(request.cookies.get(_cookie_name(console)) or "")
    try:
        sign_on = console.requests.take(cookie, _argument(request, "state"))
    except UnexpectedResponseError as error:
        return await _refused(request, str(error), "not_asked")
    if not (code := _argument(request, "code")):
        return await _refused(request, "refused by the provider", "not_proved", sign_on)
    try:
        proved = await provider.prove(sign_on, code, _argument(request, "iss") or None)
    except ProviderUnavailableError:
        return await _refused(request, "provider does not answer", "away", sign_on)
    except UnprovedIdentityError as error:
        return await _refused(request, str(error), "not_proved", sign_on)
    response = await _FINISH[sign_on.purpose](request, sign_on, proved)
    set_cookie(console, response, _cookie_name(console), "", timedelta(), samesite="Lax")
    return response


async def _signed_in(
    request: Request, sign_on: AuthenticationRequest, proved: ProvedIdentity
) -> HTTPResponse:
    linked = await to_thread(services(request).identities.find, proved.identity)
    if linked is None:
        return await _refused(request, "no account is linked", "unknown", sign_on)
    if not linked.in_use:
        # The page is the same as for a stranger, and does not reveal the account.
        disabled = {"account": linked.staff.id}
        return await _refused(request, "account is shut", "unknown", sign_on, **disabled)
    return await _start(request, linked.staff, sign_on, proved)


async def _invited(
    request: Request, sign_on: AuthenticationRequest, proved: ProvedIdentity
) -> HTTPResponse:
    invitations = services(request).invitations
    try:
        invited = await to_thread(invitations.find, sign_on.invitation)
        member = await to_thread(
            invitations.accept, sign_on.invitation, sign_on.name, proved.identity
        )
    except InvitationGoneError:
        return invitation_gone(request)
    except StaffNameError:
        return await _refused(request, "name is taken", "name_taken", sign_on)
    except LinkedElsewhereError:
        return await _refused(request, "linked to another account", "linked_elsewhere", sign_on)
    await record_accepted(request, invited, member, by=BY_PROVIDER)
    return await _start(request, member, sign_on, proved)


async def _linked(
    request: Request, sign_on: AuthenticationRequest, proved: ProvedIdentity
) -> HTTPResponse:
    console = services(request)
    if await _asker(console, sign_on) is None:
        return await _refused(request, "session has ended", "signed_out", sign_on)
    try:
        await to_thread(console.identities.link, sign_on.staff_id, proved.identity)
    except LinkedElsewhereError:
        return await _refused(request, "linked to another account", "linked_elsewhere", sign_on)
    who = sign_on.staff_id
    await record(request, "single sign-on linked", who=who, account=who)
    return console.pages.onward(ORGANISATION)


async def _confirmed(
    request: Request, sign_on: AuthenticationRequest, proved: ProvedIdentity
) -> HTTPResponse:
    console = services(request)
    asker = await _asker(console, sign_on)
    if asker is None:
        return await _refused(request, "session has ended", "signed_out", sign_on)
    linked = await to_thread(console.identities.find, proved.identity)
    if linked is None or linked.staff.id != asker.id:
        return await _refused(request, "somebody else", "somebody_else", sign_on)
    await to_thread(console.sessions.confirm, sign_on.session_id)
    await record(request, "confirmed", who=asker.id, by=BY_PROVIDER)
    return console.pages.onward(safe_next(sign_on.onward, home_of(asker)))


_FINISH: dict[Purpose, Finish] = {
    Purpose.SIGN_IN: _signed_in,
    Purpose.INVITATION: _invited,
    Purpose.LINK: _linked,
    Purpose.CONFIRM: _confirmed,
}


async def _start(
    request: Request, member: Staff, sign_on: AuthenticationRequest, proved: ProvedIdentity
) -> HTTPResponse:
    """Begin the session; ask for our own second step where the provider asked for none."""
    if proved.multi_factor:
        return await begin_session(request, member, sign_on.onward, secured=True, by=BY_PROVIDER)
    return await after_first_step(request, member, sign_on.onward, by=BY_PROVIDER)


async def _begin(request: Request, purpose: Purpose, **more: str) -> HTTPResponse:
    console, provider = services(request), _provider(request)
    sign_on, cookie = console.requests.make(purpose, **more)
    try:
        address = await provider.address(sign_on)
    except ProviderUnavailableError:
        return await _refused(request, "provider does not answer", "away", sign_on)
    response = console.pages.onward(address)
    set_cookie(console, response, _cookie_name(console), cookie, REQUEST_LASTS, samesite="Lax")
    return response


async def _asker(console: Services, sign_on: AuthenticationRequest) -> Staff | None:
    """Return the member of staff whose session began the flow, while it is open."""
    sessions = await to_thread(console.sessions.of, sign_on.staff_id)
    if sign_on.session_id not in {each.id for each in sessions}:
        return None
    return await to_thread(console.accounts.of_id, sign_on.staff_id)


async def _refused(
    request: Request,
    why: str,
    kind: str,
    sign_on: AuthenticationRequest | None = None,
    **event: str,
) -> HTTPResponse:
    """Show why the flow ended; record `why` and `event` on the trail."""
    purpose = Purpose.SIGN_IN if sign_on is None else sign_on.purpose
    event |= {"account": sign_on.staff_id} if sign_on and sign_on.staff_id else {}
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
        linked=await to_thread(console.identities.linked_at, session.staff.id),
    )


def _provider(request: Request) -> Provider:
    """Return the provider. Raises NotFound where none is configured."""
    provider = services(request).provider
    if provider is None:
        raise NotFound
    return provider


def _argument(request: Request, name: str) -> str:
    return str(request.args.get(name) or "")


def _cookie_name(console: Services) -> str:
    return f"{cookie_name(console)}-sign-on"
