"""The pages of the accounts, for administrators, for leads, and for invited people."""

from __future__ import annotations

from asyncio import to_thread

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import LastAdministratorError, Staff, StaffNameError
from staff.accounts.auth import open_to_all, requires, session_of
from staff.accounts.invitations import Invitation, InvitationGoneError
from staff.accounts.passwords import PasswordError
from staff.accounts.permissions import READERS, Permission, Role
from staff.console import wording
from staff.console.pages import ACCOUNTS, SEE_OTHER, field, services
from staff.console.recording import record

accounts = Blueprint("accounts")
invitation = Blueprint("invitation", url_prefix="/invitation")
COLLEAGUES = "/colleagues"
LONGEST_NAME = 80
ROLE_VALUES = {role.value: role for role in Role}


@accounts.get(ACCOUNTS)
@requires(Permission.MANAGE_ACCOUNTS)
async def listed(request: Request) -> HTTPResponse:
    """Show the accounts in use, and the form to invite a colleague."""
    return await _list(request, {})


@accounts.post(f"{ACCOUNTS}/invite")
@requires(Permission.MANAGE_ACCOUNTS)
async def invite(request: Request) -> HTTPResponse:
    """Create a link for a new colleague, and show it once."""
    console, session = services(request), session_of(request)
    shown_name, role = field(request, "shown_name").strip(), field(request, "role")
    errors = {}
    if not 0 < len(shown_name) <= LONGEST_NAME:
        errors["shown_name"] = wording.ENTER_SHOWN_NAME
    if role not in ROLE_VALUES:
        errors["role"] = wording.SELECT_ROLE
    if errors:
        return await _list(request, errors, 400)
    token = await to_thread(
        console.invitations.invite, shown_name, ROLE_VALUES[role], by=session.staff.id
    )
    await record(request, "account invited", role=role)
    return await _link(request, token)


@accounts.get(f"{ACCOUNTS}/<staff_id:str>")
@requires(Permission.MANAGE_ACCOUNTS)
async def read(request: Request, staff_id: str) -> HTTPResponse:
    """Show one account with the forms to change it."""
    return await _account(request, await _member(request, staff_id))


@accounts.post(f"{ACCOUNTS}/<staff_id:str>/role")
@requires(Permission.MANAGE_ACCOUNTS)
async def change_role(request: Request, staff_id: str) -> HTTPResponse:
    """Change the role, at once; a role that reads cases waits for a lead."""
    console, member = services(request), await _member(request, staff_id)
    role = ROLE_VALUES.get(field(request, "role"))
    if role is None:
        return await _account(request, member, {"role": wording.SELECT_ROLE}, 400)
    if role is not member.role:
        try:
            await to_thread(
                console.accounts.set_role, member.name, role, admitted=role not in READERS
            )
        except LastAdministratorError:
            return await _account(request, member, {"role": wording.LAST_ADMINISTRATOR}, 409)
        await record(request, "role changed", account=member.id, role=role.value)
    return redirect(f"{ACCOUNTS}?saved=role", status=SEE_OTHER)


@accounts.post(f"{ACCOUNTS}/<staff_id:str>/areas")
@requires(Permission.MANAGE_ACCOUNTS)
async def set_areas(request: Request, staff_id: str) -> HTTPResponse:
    """Set the areas whose cases the account sees; all of them when none is ticked."""
    console, member = services(request), await _member(request, staff_id)
    sent = request.form.getlist("areas") if request.form else []
    areas = frozenset(sent or []) & console.areas.keys()
    await to_thread(console.accounts.set_areas, member.name, areas or None)
    await record(request, "areas changed", account=member.id, areas=sorted(areas))
    return redirect(f"{ACCOUNTS}?saved=areas", status=SEE_OTHER)


@accounts.post(f"{ACCOUNTS}/<staff_id:str>/disable")
@requires(Permission.MANAGE_ACCOUNTS)
async def disable(request: Request, staff_id: str) -> HTTPResponse:
    """Disable an account; its records stay."""
    console, member = services(request), await _member(request, staff_id)
    try:
        await to_thread(console.accounts.disable, member.name)
    except LastAdministratorError:
        return await _account(request, member, {"disable": wording.LAST_ADMINISTRATOR}, 409)
    await record(request, "account shut", account=member.id)
    return redirect(f"{ACCOUNTS}?saved=disabled", status=SEE_OTHER)


@accounts.post(f"{ACCOUNTS}/<staff_id:str>/link")
@requires(Permission.MANAGE_ACCOUNTS)
async def renew(request: Request, staff_id: str) -> HTTPResponse:
    """Create a link with which a colleague sets a new password."""
    console, member = services(request), await _member(request, staff_id)
    token = await to_thread(console.invitations.renew, member, by=session_of(request).staff.id)
    await record(request, "invitation link made", account=member.id)
    return await _link(request, token)


@accounts.post(f"{ACCOUNTS}/<staff_id:str>/unlink")
@requires(Permission.MANAGE_ACCOUNTS)
async def unlink(request: Request, staff_id: str) -> HTTPResponse:
    """Remove the link to the identity provider; the owner may link the account again."""
    console, member = services(request), await _member(request, staff_id)
    if await to_thread(console.identities.unlink, member.id):
        await record(request, "single sign-on unlinked", account=member.id)
    return redirect(f"{ACCOUNTS}?saved=unlinked", status=SEE_OTHER)


@accounts.get(COLLEAGUES)
@requires(Permission.ADMIT_READERS)
async def colleagues(request: Request) -> HTTPResponse:
    """Show who may read cases, and who waits for a lead to confirm it."""
    everyone = await to_thread(services(request).accounts.in_use)
    readers = [member for member in everyone if member.role in READERS]
    return services(request).pages.render(
        "colleagues.html",
        session=session_of(request),
        waiting=[member for member in readers if not member.admitted],
        readers=[member for member in readers if member.admitted],
    )


@accounts.post(f"{COLLEAGUES}/<staff_id:str>/admit")
@requires(Permission.ADMIT_READERS)
async def admit(request: Request, staff_id: str) -> HTTPResponse:
    """Confirm that a colleague may read what children wrote."""
    console, member = services(request), await _member(request, staff_id)
    if not member.admitted:
        await to_thread(console.accounts.admit, member.name)
        await record(request, "reader admitted", account=member.id, role=member.role.value)
    return redirect(COLLEAGUES, status=SEE_OTHER)


@invitation.get("/<token:str>")
@open_to_all
async def opened(request: Request, token: str) -> HTTPResponse:
    """Show the form. This does not use up the link, because mail programs open links too."""
    try:
        invited = await to_thread(services(request).invitations.find, token)
    except InvitationGoneError:
        return invitation_gone(request)
    return invitation_form(request, invited, {})


@invitation.post("/<token:str>")
@open_to_all
async def accepted(request: Request, token: str) -> HTTPResponse:
    """Open the account or set its password, and use up the link."""
    console = services(request)
    try:
        invited = await to_thread(console.invitations.find, token)
        member = await to_thread(
            console.invitations.accept, token, field(request, "name"), field(request, "password")
        )
    except InvitationGoneError:
        return invitation_gone(request)
    except StaffNameError:
        return invitation_form(request, invited, {"name": wording.NAME_TAKEN}, 400)
    except PasswordError as error:
        return invitation_form(request, invited, {"password": str(error)}, 400)
    await record_accepted(request, invited, member)
    return redirect("/sign-in", status=SEE_OTHER)


async def record_accepted(
    request: Request, invited: Invitation, member: Staff, **detail: str
) -> None:
    """Record that an invitation opened the account of a member, or renewed its password."""
    what = "account opened" if invited.staff_id is None else "password renewed"
    detail |= {"account": member.id, "role": member.role.value}
    await record(request, what, who=member.id, **detail)


def invitation_form(
    request: Request, invited: Invitation, errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    """Show the form of an invitation."""
    return services(request).pages.render(
        "invitation.html",
        status=status,
        invitation=invited,
        errors=errors,
        name=field(request, "name"),
        address=request.path.removesuffix("/organisation"),
    )


def invitation_gone(request: Request) -> HTTPResponse:
    """Show that an invitation does not exist, was used or has expired."""
    return services(request).pages.render("invitation_gone.html", status=410)


async def _member(request: Request, staff_id: str) -> Staff:
    member = await to_thread(services(request).accounts.of_id, staff_id)
    if member is None:
        raise NotFound
    return member


async def _list(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    console = services(request)
    return console.pages.render(
        "accounts.html",
        status=status,
        session=session_of(request),
        members=await to_thread(console.accounts.in_use),
        refused=console.refused_way_phrases.lines(await to_thread(console.rota.refused)),
        roles=ROLE_VALUES,
        errors=errors,
        shown_name=field(request, "shown_name"),
        saved=str(request.args.get("saved") or ""),
    )


async def _account(
    request: Request, member: Staff, errors: dict[str, str] | None = None, status: int = 200
) -> HTTPResponse:
    console = services(request)
    return console.pages.render(
        "account_of.html",
        status=status,
        session=session_of(request),
        member=member,
        roles=ROLE_VALUES,
        areas=console.areas,
        linked=await to_thread(console.identities.linked_at, member.id),
        errors=errors or {},
    )


async def _link(request: Request, token: str) -> HTTPResponse:
    console = services(request)
    return console.pages.render(
        "account_link.html",
        session=session_of(request),
        invitation=await to_thread(console.invitations.find, token),
        link=f"{console.url}/invitation/{token}",
    )
