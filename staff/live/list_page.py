"""The list of live chats, the bar on every page, and whether one is ready to chat.

The bar says wherever a member of staff is in the console that a young person asks for a person,
that a colleague would like to hand over a chat, and that new words wait in a chat of their own.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.live_chat import LiveChatState
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.accounts.sessions import Session
from staff.console.pages import (
    LIVE_CHATS,
    LIVE_CHATS_ITSELF,
    SEE_OTHER,
    Services,
    chat_address,
    field,
    services,
)
from staff.live.chat_view import waits_since
from staff.live.chats import CannotChatError

ASKED = LiveChatState.ASKED
SOON_S, LATER_S = 5, 60
"""Seconds after which an open page asks again: for staff who may get a chat, and for others."""
live_chats_list = Blueprint("live_chats_list")


@live_chats_list.get(LIVE_CHATS)
@requires(Permission.CHAT_LIVE)
async def listed(request: Request) -> HTTPResponse:
    """Show one's own chats, who asks for a person, and for supervisors all that are running."""
    return await _list(request, "live_chats.html")


@live_chats_list.get(LIVE_CHATS_ITSELF)
@requires(Permission.CHAT_LIVE)
async def loaded_again(request: Request) -> HTTPResponse:
    """Show the same page to a browser without JavaScript that loads it again by itself.

    It renews that the reader is ready, and is no use of the session.
    """
    await asyncio.to_thread(_renew, services(request), session_of(request).staff.id)
    return await _list(request, "live_chats.html")


@live_chats_list.get(f"{LIVE_CHATS_ITSELF}/list")
@requires(Permission.CHAT_LIVE)
async def fragment(request: Request) -> HTTPResponse:
    """Render the list alone, for an open page to exchange when something has changed."""
    return await _list(request, "live_chats_list.html")


@live_chats_list.post(f"{LIVE_CHATS}/ready")
@requires(Permission.CHAT_LIVE)
async def ready(request: Request) -> HTTPResponse:
    """Note that the reader can chat now, or no longer."""
    console, by = services(request), session_of(request).staff.id
    is_ready = field(request, "ready") == "yes"
    why = ""
    try:
        await asyncio.to_thread(console.live_desk.be_ready, by=by, ready=is_ready)
    except CannotChatError as error:
        why = console.staff_chats.reason(error.reason)
    if field(request, "bar"):
        return await _bar(request, why)
    return (
        await _list(request, "live_chats.html", why)
        if why
        else redirect(LIVE_CHATS, status=SEE_OTHER)
    )


@live_chats_list.post(f"{LIVE_CHATS_ITSELF}/bar")
@requires(Permission.CHAT_LIVE)
async def bar(request: Request) -> HTTPResponse:
    """Render the bar, after renewing that the reader is ready where a page of theirs is in sight.

    Open pages send this by themselves.
    """
    if field(request, "in_sight") == "yes":
        await asyncio.to_thread(_renew, services(request), session_of(request).staff.id)
    return await _bar(request)


def _renew(console: Services, by: str) -> None:
    """Renew that they are ready, where they are. Call it in a thread."""
    with suppress(CannotChatError):
        console.live_desk.ready_beat(by=by)


async def _bar(request: Request, why: str = "") -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await asyncio.to_thread(_context, console, session)
    may_come = context["on_duty"] or context["mine"] or context["offers"]
    every_s = SOON_S if may_come else LATER_S
    return console.pages.render(
        "live_bar.html", session=session, every_s=every_s, why=why, **context
    )


async def _list(request: Request, template: str, why: str = "") -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await asyncio.to_thread(_context, console, session, running=True)
    return console.pages.render(template, session=session, why=why, **context)


def _context(console: Services, session: Session, *, running: bool = False) -> dict[str, Any]:
    """Return the context of the templates. Queries the database: call it in a thread."""
    reader, room, now = session.staff, console.live_room, console.now()
    change = console.cases.latest_change(reader.areas)
    on_duty = reader.id in console.rota.on_duty_now()
    supervises = reader.may(Permission.SUPERVISE_CHATS)
    runs = room.running(reader.areas) if on_duty or running else []
    mine, offers = room.mine(reader.id), room.offered_to(reader.id)
    until = room.ready_until(reader.id)
    people = {each.owner for each in (*runs, *mine, *offers)}
    return {
        "say": console.staff_chats,
        "now": now,
        "change": change,
        "on_duty": on_duty,
        "is_ready": until is not None and now < until,
        "mine": mine,
        "offers": offers,
        "asking": [each for each in runs if each.state is ASKED] if on_duty else [],
        "unwrapped": room.unwrapped(reader.id),
        "supervises": supervises,
        "running": runs if supervises and running else [],
        "names": console.accounts.shown_names(filter(None, people)),
        "chat_address": chat_address,
        "waits_since": waits_since,
    }
