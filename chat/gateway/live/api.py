"""The HTTP interface of the live chat: a long poll, and the same as server-sent events.

A page opens it only where the answer to a message said so. Where too many pages listen, it is told
after how many seconds it may ask again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, get_args

import msgspec
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import raw

from chat.gateway.api import GatewayParts, bearer_of, refusing
from chat.gateway.live.listening import Listening, LiveView
from chat.gateway.live.progress import Cursor, LivePhase
from chat.gateway.requests import LONGEST_CHAT_ID, Bearer
from web.budget import network_of
from web.http import client_address

LONGEST_WAIT_S = 20.0
STREAM_S = 55.0
"""How long a stream lasts, in seconds; the page then opens the next."""
COMMENT_S = 5.0
"""How often a quiet stream sends a comment, so that a page notices one that is held back."""
COMMENT = ": still here\n\n"
EVENTS = "text/event-stream"
live_api = Blueprint("live", url_prefix="/v1")


@live_api.get("/live")
@refusing
async def listen(request: Request, gateway: GatewayParts) -> HTTPResponse | None:
    """Return what is new for a page, within the seconds that it gives, or stream it."""
    bearer = bearer_of(request, gateway)
    wanted = read_listening(request)
    streams = EVENTS in (request.headers.get("accept") or "").lower()
    listeners = gateway.live.listeners
    view = gateway.live.view(bearer)
    idle = view is None or view["state"] == "none"
    address = network_of(client_address(request))
    waits = streams or wanted.wait_s > 0
    if not waits or not listeners.seats.take(address, idle=idle):
        found = await listeners.next(bearer, msgspec.structs.replace(wanted, wait_s=0.0))
        if waits:
            found["pause"] = listeners.pause()
        return _json(found)
    try:
        if streams:
            await _stream(request, gateway, bearer, wanted)
            return None
        return _json(await listeners.next(bearer, wanted, _gone(request)))
    finally:
        listeners.seats.leave(address)


def read_listening(request: Request) -> Listening:
    """Return what a page asks for; what cannot be read counts as not given."""
    given: Any = request.args
    after, state, typing = given.get("after"), given.get("state"), given.get("typing")
    chat = (given.get("chat") or "")[:LONGEST_CHAT_ID] or None
    return Listening(
        after=None if after is None else Cursor.read(after),
        wait_s=_seconds(given.get("wait")),
        state=state if state in get_args(LivePhase) else None,
        typing={"true": True, "1": True, "false": False, "0": False}.get(typing or ""),
        chat=chat,
    )


async def _stream(
    request: Request, gateway: GatewayParts, bearer: Bearer, wanted: Listening
) -> None:
    """Send each change as an event, until the stream is old, the page gone, or the server stops."""
    listeners, gone = gateway.live.listeners, _gone(request)
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    response: HTTPResponse = await request.respond(content_type=EVENTS, headers=headers)
    # The headers go with the first line, from which the page knows that nothing holds them back.
    await response.send(COMMENT)
    until = time.monotonic() + STREAM_S
    wanted = msgspec.structs.replace(wanted, wait_s=COMMENT_S)
    while time.monotonic() < until and not gone():
        view = await listeners.next(bearer, wanted, gone)
        if _differs(view, wanted):
            await response.send(f"data: {msgspec.json.encode(view).decode()}\n\n")
            shown = view["state"], view["typing"], view["chat"]
            sent = Cursor.read(view["cursor"])
            wanted = Listening(sent, COMMENT_S, *shown, confirms=False)
        else:
            await response.send(COMMENT)
        if listeners.is_stopping or not view["listen"]:
            break


def _differs(view: LiveView, shown: Listening) -> bool:
    return (
        shown.after is None
        or bool(view.get("messages"))
        or view["state"] != shown.state
        or view["typing"] != shown.typing
        or "pause" in view
    )


def _gone(request: Request) -> Callable[[], bool]:
    """Return whether the browser has closed the connection: its handler goes on all the same."""
    connection = request.conn_info
    return lambda: connection is not None and connection.lost


def _seconds(text: str | None) -> float:
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if math.isfinite(seconds) else 0.0


def _json(view: LiveView) -> HTTPResponse:
    return raw(msgspec.json.encode(view), content_type="application/json")
