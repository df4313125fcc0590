"""Tells open pages that something has changed, so that nobody has to load a list again.

Server-sent events carry a number and nothing else; what a page then fetches is checked as ever.
"""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json

from staff.accounts.auth import cookie_name, requires
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.console.composition import services
from web.http import App

STILL_HERE = ": still here\n\n"
live = Blueprint("live")


@live.before_server_stop
async def stop(app: App) -> None:
    """A stream that goes on would hold the server up."""
    app.ctx.services.changes.stop()


@live.get("/live")
@requires(Permission.READ_CASES)  # type: ignore[arg-type]  # sent piece by piece, not returned
async def stream(request: Request) -> None:
    """A number whenever something has changed, for as long as the session lasts."""
    console, token = services(request), str(request.cookies.get(cookie_name(services(request))))
    seen = _number(request.headers.get("last-event-id") or str(request.args.get("seen") or ""))
    response: HTTPResponse = await request.respond(
        content_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
    # The headers go with the first line: from then on, a page that is left is no error.
    await response.send(STILL_HERE)
    while not console.changes.stopped:
        newest = await console.changes.after(seen)
        # Whoever only has the page open does not use the session.
        find = console.sessions.find
        if await asyncio.to_thread(find, token, counts_as_use=False) is None:
            await response.send("event: ended\ndata: 0\n\n")
            break
        if newest > seen:
            seen = newest
            await response.send(f"id: {newest}\nevent: change\ndata: {newest}\n\n")
        else:
            await response.send(STILL_HERE)


@live.get("/live/case/<case_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def newest_of_case(request: Request, case_id: str) -> HTTPResponse:
    """The number of the newest event that changed this case, for a page that shows it."""
    try:
        found = await asyncio.to_thread(services(request).cases.changed, case_id)
    except UnknownCaseError:
        raise NotFound from None
    return json({"change": found})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0  # noqa: PLR2004
