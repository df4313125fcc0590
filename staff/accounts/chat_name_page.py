"""The form in which staff choose how a young person knows them in a live chat."""

from __future__ import annotations

from asyncio import to_thread

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from staff.accounts.auth import requires, session_of
from staff.accounts.chat_names import LONGEST_NAME, LONGEST_ROLE, ChatName, is_sound
from staff.accounts.permissions import Permission
from staff.console.pages import ACCOUNT, SEE_OTHER, Services, field, services
from staff.console.recording import record

CHAT_NAME = f"{ACCOUNT}/chat-name"
chat_name_page = Blueprint("chat_name_page")


@chat_name_page.get(CHAT_NAME)
@requires(Permission.CHAT_LIVE)
async def form(request: Request) -> HTTPResponse:
    """Show the form, with the sentence that a young person reads."""
    console, session = services(request), session_of(request)
    chosen = await to_thread(console.chat_names.of, session.staff.id)
    return await _form(request, chosen, {}, saved=request.args.get("saved") == "yes")


@chat_name_page.post(CHAT_NAME)
@requires(Permission.CHAT_LIVE)
async def choose(request: Request) -> HTTPResponse:
    """Keep the name and the role."""
    console, session = services(request), session_of(request)
    chosen = ChatName(field(request, "name").strip(), field(request, "role").strip())
    errors = _errors(console, chosen)
    if errors:
        return await _form(request, chosen, errors, status=400)
    await to_thread(console.chat_names.choose, session.staff.id, chosen)
    await record(request, "chat name changed")
    return redirect(f"{CHAT_NAME}?saved=yes", status=SEE_OTHER)


def _errors(console: Services, chosen: ChatName) -> dict[str, str]:
    errors, say = {}, console.staff_chats
    if not is_sound(chosen.name, LONGEST_NAME):
        errors["name"] = say.name_length.format(most=LONGEST_NAME)
    if not is_sound(chosen.role, LONGEST_ROLE):
        errors["role"] = say.role_length.format(most=LONGEST_ROLE)
    return errors


async def _form(
    request: Request,
    chosen: ChatName,
    errors: dict[str, str],
    *,
    saved: bool = False,
    status: int = 200,
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    usual = console.chat_names.usual(session.staff)
    shown = ChatName(chosen.name or usual.name, chosen.role or usual.role)
    offer = console.live_offer.format(name=shown.name, role=shown.role)
    return console.pages.render(
        "chat_name.html",
        status=status,
        session=session,
        say=console.staff_chats,
        chosen=chosen,
        usual=usual,
        offer=offer if not errors else "",
        errors=errors,
        saved=saved,
        longest_name=LONGEST_NAME,
        longest_role=LONGEST_ROLE,
    )
