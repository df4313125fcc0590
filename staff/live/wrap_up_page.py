"""The form in which the person who had a live chat writes down what came of it."""

from __future__ import annotations

import asyncio
from datetime import date

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.accounts import Staff, UnknownStaffError
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.case import Case
from staff.cases.cases import UnknownCaseError
from staff.cases.page import readers_of
from staff.cases.wording import REAL_DATE
from staff.console.pages import (
    LIVE_CHATS,
    LONGEST_NOTE,
    SEE_OTHER,
    Services,
    address_of,
    chat_address,
    field,
    services,
)
from staff.console.wording import note_too_long
from staff.live.chat_view import Standing
from staff.live.chats import CannotChatError, StaleTermError
from staff.live.page import chat_in_sight
from staff.live.room import StaffChat
from staff.live.wrap_up import WrapUp

FIELDS = ("agreed", "next_step", "given_to", "due_on")
live_chat_wrap_up = Blueprint("live_chat_wrap_up")


@live_chat_wrap_up.get(f"{LIVE_CHATS}/<chat_id:str>/wrap-up")
@requires(Permission.CHAT_LIVE)
async def form(request: Request, chat_id: str) -> HTTPResponse:
    """Show the form, where the reader had the chat and has not filled it in."""
    chat = await chat_in_sight(request, chat_id)
    if not Standing(chat, session_of(request).staff).must_wrap_up:
        return redirect(chat_address(chat_id))
    return await _form(request, chat, {})


@live_chat_wrap_up.post(f"{LIVE_CHATS}/<chat_id:str>/wrap-up")
@requires(Permission.CHAT_LIVE)
async def keep(request: Request, chat_id: str) -> HTTPResponse:
    """Keep what came of the chat with its case."""
    chat, console = await chat_in_sight(request, chat_id), services(request)
    by = session_of(request).staff.id
    sent = {name: field(request, name).replace("\r\n", "\n") for name in FIELDS}
    errors = _errors(sent, console)
    if not errors:
        due_on = date.fromisoformat(sent["due_on"]) if sent["due_on"] else None
        given_to = sent["given_to"] or None
        wrap_up = WrapUp(sent["agreed"].strip(), sent["next_step"].strip(), given_to, due_on)
        try:
            await asyncio.to_thread(console.live_desk.wrap_up, chat_id, wrap_up, by=by)
        except UnknownStaffError:
            errors = {"given_to": console.staff_chats.select_person}
        except UnknownCaseError:
            raise NotFound from None
        except (StaleTermError, CannotChatError):
            # Written down already, or of a colleague's chat: the page of the chat says how it is.
            return redirect(chat_address(chat_id), status=SEE_OTHER)
        else:
            return redirect(f"{address_of(chat.case_id)}?done=wrap-up", status=SEE_OTHER)
    return await _form(request, chat, errors, status=400)


def _errors(sent: dict[str, str], console: Services) -> dict[str, str]:
    """Return the error messages by the names of the fields."""
    errors, say = {}, console.staff_chats
    if not sent["agreed"].strip():
        errors["agreed"] = say.enter_agreed
    for name in ("agreed", "next_step"):
        if len(sent[name]) > LONGEST_NOTE:
            errors[name] = note_too_long(LONGEST_NOTE)
    try:
        date.fromisoformat(sent["due_on"] or "2000-01-01")
    except ValueError:
        errors["due_on"] = REAL_DATE
    if not sent["next_step"].strip() and (sent["given_to"] or sent["due_on"]):
        errors["next_step"] = say.enter_next
    return errors


async def _form(
    request: Request, chat: StaffChat, errors: dict[str, str], *, status: int = 200
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    case, colleagues = await asyncio.to_thread(_of_case, console, chat, session.staff)
    return console.pages.render(
        "live_wrap_up.html",
        status=status,
        session=session,
        say=console.staff_chats,
        case=case,
        href=chat_address(chat.id),
        sent={name: field(request, name) for name in FIELDS},
        colleagues=colleagues,
        errors=errors,
    )


def _of_case(console: Services, chat: StaffChat, reader: Staff) -> tuple[Case, list[Staff]]:
    """Return the case that staff see, and the colleagues who may read it."""
    case = console.cases.find(chat.case_id)
    return case, [each for each in readers_of(console, case) if each.id != reader.id]
