"""Tells an open page of a live chat that something changed, by server-sent events.

An event carries a text that says nothing; what the page then fetches is checked as usual. The page
hears a beat every few seconds: without one it knows that a proxy holds the events back, and asks.
"""

from __future__ import annotations

import asyncio

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sqlalchemy.exc import SQLAlchemyError

from staff.accounts.auth import requires, session_of, token_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.console.pages import LIVE_CHATS_ITSELF, Services, services
from staff.live.page import chat_in_sight
from web.changes import ChangeWatch
from web.http import App

POLL_S = 0.2
"""How often the database is asked for a change while a page of a live chat is open."""
BEAT_S = 4.0
"""How often a quiet stream sends a beat."""
live_chat_stream = Blueprint("live_chat_stream")
log = structlog.get_logger("console.live_chats")


@live_chat_stream.before_server_stop
async def stop(app: App) -> None:
    """End the streams, which would hold up the server's end."""
    app.ctx.room_changes.stop()


@live_chat_stream.get(f"{LIVE_CHATS_ITSELF}/<chat_id:str>/events")
@requires(Permission.CHAT_LIVE)  # type: ignore[arg-type]  # sent piece by piece, not returned
async def stream(request: Request, chat_id: str) -> None:
    """Send an event whenever a live chat has changed, for as long as the session lasts.

    All pages wake when anything changes; one whose own chat has not changed hears a beat.
    """
    await chat_in_sight(request, chat_id)
    console, token, member = services(request), token_of(request), session_of(request).staff.id
    changes: ChangeWatch[str] = request.app.ctx.room_changes
    seen = str(request.args.get("seen") or "")
    mark: str | None = None
    response: HTTPResponse = await request.respond(
        content_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
    # The headers go with the first line: from then on, a page that is left is no error.
    await response.send("event: beat\ndata: 0\n\n")
    while not changes.stopped:
        newest = await changes.after(seen, within_s=BEAT_S)
        try:
            # An open page alone does not count as using the session.
            find = console.sessions.find
            session = await asyncio.to_thread(find, token, counts_as_use=False)
            now = mark if newest == seen else await asyncio.to_thread(_mark, console, chat_id)
        except SQLAlchemyError as error:
            log.warning("live_chats.unknown", error=type(error).__name__)
            await response.send("event: beat\ndata: 0\n\n")
            continue
        if session is None or session.staff.id != member:
            await response.send("event: ended\ndata: 0\n\n")
            break
        kind = "beat" if now == mark else "change"
        seen, mark = newest, now
        await response.send(f"event: {kind}\ndata: 0\n\n")


def _mark(console: Services, chat_id: str) -> str:
    """Return the mark of a chat; that of one that is gone differs from all others."""
    try:
        return console.live_room.mark(chat_id)
    except UnknownCaseError:
        return ""
