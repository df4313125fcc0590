"""A member of staff's own account: a new password."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty, redirect

from safeguarding.staff import PasswordError
from web.console.auth import SEE_OTHER, staff_only
from web.console.services import field, services, session_of
from web.http import client_address

account = Blueprint("account")


@account.get("/alive")
@staff_only
async def alive(_request: Request) -> HTTPResponse:
    """Asked while somebody writes a long note: counts as use of the session."""
    return empty()


@account.get("/password")
@staff_only
async def password_page(request: Request) -> HTTPResponse:
    """The form for a new password."""
    return _form(request, {})


@account.post("/password")
@staff_only
async def change_password(request: Request) -> HTTPResponse:
    """Set it, which ends every session of the account, this one too."""
    console, staff = services(request), session_of(request).staff
    if console.throttle.wait_s(staff.name, client_address(request)):
        return _form(
            request, {"current": "Too many attempts. Wait 15 minutes, then try again"}, 429
        )
    current = await asyncio.to_thread(
        console.accounts.verify, staff.name, field(request, "current")
    )
    if current is None:
        return _form(request, {"current": "The password you have now is not right"}, 400)
    try:
        await asyncio.to_thread(console.accounts.change_password, staff.id, field(request, "new"))
    except PasswordError as error:
        return _form(request, {"new": str(error)}, 400)
    console.throttle.forget(staff.name)
    return redirect("/sign-in", status=SEE_OTHER)


def _form(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    return services(request).pages.render(
        "password.html", status=status, session=session_of(request), errors=errors
    )
