"""The page behind an invitation: whoever has the link chooses a name and a password."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from staff.accounts.accounts import StaffNameError
from staff.accounts.auth import forged, open_to_all
from staff.accounts.invitations import Invitation, InvitationGoneError
from staff.accounts.passwords import PasswordError
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import SEE_OTHER, field
from staff.console.recording import record
from web.http import is_same_site

invitation = Blueprint("invitation", url_prefix="/invitation")


@invitation.get("/<token:str>")
@open_to_all
async def opened(request: Request, token: str) -> HTTPResponse:
    """The form. Opening it does not use the link up: mail programs look at links as well."""
    try:
        found = await asyncio.to_thread(services(request).invitations.find, token)
    except InvitationGoneError:
        return gone(request)
    return form_of(request, found, {})


@invitation.post("/<token:str>")
@open_to_all
async def accepted(request: Request, token: str) -> HTTPResponse:
    """Open the account or set its password; then the link is used up."""
    if not is_same_site(request):
        return await forged(request)
    console = services(request)
    try:
        found = await asyncio.to_thread(console.invitations.find, token)
        member = await asyncio.to_thread(
            console.invitations.accept, token, field(request, "name"), field(request, "password")
        )
    except InvitationGoneError:
        return gone(request)
    except StaffNameError:
        return form_of(request, found, {"name": wording.NAME_TAKEN}, 400)
    except PasswordError as error:
        return form_of(request, found, {"password": wording.password_refused(error)}, 400)
    await record(
        request,
        "account opened" if found.staff_id is None else "password renewed",
        who=member.id,
        account=member.id,
        role=member.role.value,
    )
    return redirect("/sign-in", status=SEE_OTHER)


def form_of(
    request: Request, found: Invitation, errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    """The page of an invitation that can be used."""
    return services(request).pages.render(
        "invitation.html",
        status=status,
        invitation=found,
        errors=errors,
        name=field(request, "name"),
        address=request.path.removesuffix("/organisation"),
    )


def gone(request: Request) -> HTTPResponse:
    """The page in place of one that cannot be used any more."""
    return services(request).pages.render("invitation_gone.html", status=410)
