"""Live chats on the page of a case: join the conversation, and let it have chats again."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.cases.page import CaseForm, mark_of, show
from staff.console.pages import HOME, SEE_OTHER, address_of, chat_address, services
from staff.live.chats import CannotChatError

OFFER, UNBLOCK = "live-offer", "live-unblock"
live_chat_case = Blueprint("live_chat_case")


@live_chat_case.post(f"{HOME}/<case_id:str>/{OFFER}", unquote=True)
@requires(Permission.CHAT_LIVE)
async def offer(request: Request, case_id: str) -> HTTPResponse:
    """Let Lantern ask the young person whether the reader may join, and uncover the words."""
    console, session = services(request), session_of(request)
    if not console.live_chat:
        raise NotFound
    if asked := needs_confirmation(request, address_of(case_id)):
        return asked
    by = session.staff.id
    try:
        chat_id = await asyncio.to_thread(console.live_desk.offer, case_id, by=by)
        mark = mark_of(session)
        await asyncio.to_thread(console.live_desk.uncovered, chat_id, by=by, session=mark)
    except CannotChatError as error:
        errors = {OFFER: console.staff_chats.reason(error.reason)}
        return await show(request, case_id, CaseForm.by(request, OFFER), errors=errors, status=409)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(chat_address(chat_id), status=SEE_OTHER)


@live_chat_case.post(f"{HOME}/<case_id:str>/{UNBLOCK}", unquote=True)
@requires(Permission.SUPERVISE_CHATS)
async def unblock(request: Request, case_id: str) -> HTTPResponse:
    """Let a conversation that was kept from live chats have them again."""
    console, by = services(request), session_of(request).staff.id
    try:
        await asyncio.to_thread(console.live_desk.unblock, case_id, by=by)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(f"{address_of(case_id)}?done={UNBLOCK}", status=SEE_OTHER)
