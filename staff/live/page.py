"""The page of a live chat: how it stands, what is written, and the forms of the one who has it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.live_chat import LONGEST_WORDS
from staff.accounts.accounts import Staff
from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.accounts.sessions import Session
from staff.cases.cases import UnknownCaseError
from staff.cases.page import mark_of
from staff.console.pages import (
    LIVE_CHATS,
    LIVE_CHATS_ITSELF,
    SEE_OTHER,
    Services,
    address_of,
    chat_address,
    services,
)
from staff.live.canned import canned_words
from staff.live.chat_view import Standing, lines_of, state_of, waits_since
from staff.live.chats import CannotChatError, StaleTermError
from staff.live.room import StaffChat
from staff.rota.rota import may_see

live_chat_page = Blueprint("live_chat_page")


@dataclass(frozen=True)
class Typed:
    """What a refused form gives back."""

    text: str = ""
    """The words to the young person."""
    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Error messages by the ids of their fields."""

    @property
    def kept(self) -> str:
        """Everything that was written, for the page to give back where its form is gone."""
        others = (self.fields.get(name, "") for name in ("note", "whisper", "reason"))
        return "\n\n".join(each for each in (self.text, *others) if each.strip())


@live_chat_page.get(f"{LIVE_CHATS}/<chat_id:str>")
@requires(Permission.CHAT_LIVE)
async def read(request: Request, chat_id: str) -> HTTPResponse:
    """Show a live chat; its words once the reader has uncovered those of the case."""
    return await show(request, chat_id)


@live_chat_page.post(f"{LIVE_CHATS}/<chat_id:str>/reveal")
@requires(Permission.CHAT_LIVE)
async def reveal(request: Request, chat_id: str) -> HTTPResponse:
    """Uncover the words for the rest of this session, after recording it on the audit trail."""
    chat = await chat_in_sight(request, chat_id)
    if asked := needs_confirmation(request, chat_address(chat_id)):
        return asked
    if not Standing(chat, session_of(request).staff).may_read:
        raise NotFound
    await uncover(request, chat)
    return redirect(chat_address(chat_id), status=SEE_OTHER)


@live_chat_page.get(f"{LIVE_CHATS_ITSELF}/<chat_id:str>/part")
@requires(Permission.CHAT_LIVE)
async def part(request: Request, chat_id: str) -> HTTPResponse:
    """Render what changes, for an open page to exchange."""
    console, session = services(request), session_of(request)
    chat = await chat_in_sight(request, chat_id)
    context = await asyncio.to_thread(context_of, console, chat, session)
    return console.pages.render("live_chat_part.html", session=session, typed=Typed(), **context)


async def show(
    request: Request, chat_id: str, typed: Typed | None = None, *, status: int = 200, done: str = ""
) -> HTTPResponse:
    """Render the page of a live chat. That the one who has it opens it tells that they are there.

    `typed` is what a form sent and the page gives back, `done` says what was just done.
    """
    console, session = services(request), session_of(request)
    chat = await chat_in_sight(request, chat_id)
    if Standing(chat, session.staff).is_mine:
        with suppress(StaleTermError, CannotChatError):
            by = session.staff.id
            await asyncio.to_thread(console.live_desk.beat, chat_id, by=by, term=chat.term)
    context = await asyncio.to_thread(context_of, console, chat, session)
    if context["confirm"] and request.method == "GET":
        return needs_confirmation(request, chat_address(chat_id)) or redirect(LIVE_CHATS)
    return console.pages.render(
        "live_chat.html",
        status=status,
        session=session,
        typed=typed or Typed(),
        done=done or console.staff_chats.done(str(request.args.get("done") or "")),
        **context,
    )


async def chat_in_sight(request: Request, chat_id: str) -> StaffChat:
    """Return a live chat in the areas of the reader. Raises NotFound."""
    room, areas = services(request).live_room, session_of(request).staff.areas
    try:
        return await asyncio.to_thread(room.chat, chat_id, areas)
    except UnknownCaseError:
        raise NotFound from None


async def uncover(request: Request, chat: StaffChat) -> None:
    """Record that the reader uncovers the words of the case, and so those of the chat."""
    desk, session = services(request).live_desk, session_of(request)
    by, mark = session.staff.id, mark_of(session)
    await asyncio.to_thread(desk.uncovered, chat.id, by=by, session=mark)


def context_of(console: Services, chat: StaffChat, session: Session) -> dict[str, Any]:
    """Return the context of the templates, with words only where the reader has uncovered them.

    Queries the database: call it in a thread.
    """
    reader, say, room = session.staff, console.staff_chats, console.live_room
    standing, mark = Standing(chat, reader), mark_of(session)
    case = console.cases.find(chat.case_id)
    uncovered = standing.may_read and console.cases.is_uncovered(case.id, reader.id, mark)
    shown = uncovered and session.fresh
    # Asked before the lines are read, so that no change falls between the two.
    change = room.newest()
    lines = room.transcript(chat.id, reader.areas) if shown else []
    people = {
        chat.owner,
        chat.transfer_to,
        *(name for each in lines for name in (each.by, each.to)),
    }
    names = console.accounts.shown_names(filter(None, people))
    return {
        "say": say,
        "chat": chat,
        "case": case,
        "standing": standing,
        "state_words": state_of(standing, names, say),
        "waits_since": waits_since(chat) if standing.is_mine else None,
        "now": console.now(),
        "href": chat_address(chat.id),
        "live_href": f"{LIVE_CHATS_ITSELF}/{chat.id}",
        "case_href": address_of(case.id),
        "change": change,
        "uncovered": uncovered,
        "confirm": uncovered and not session.fresh,
        "lines": lines_of(lines, chat, reader.id, names, say),
        "colleagues": _colleagues(console, case.area, reader) if standing.is_mine else [],
        "transfer_to": names.get(chat.transfer_to or "", ""),
        "canned": canned_words(console.live_replies, chat) if standing.is_mine else None,
        "nonce": secrets.token_hex(16),
        "longest": f"{LONGEST_WORDS:,}",
    }


def _colleagues(console: Services, area: str | None, reader: Staff) -> list[Staff]:
    """Return the colleagues on duty who may chat in the area of this one."""
    on_duty = set(console.rota.on_duty_now()) - {reader.id}
    return [
        each
        for each in console.accounts.in_use()
        if each.id in on_duty and each.may(Permission.CHAT_LIVE) and may_see(each.areas, area)
    ]
