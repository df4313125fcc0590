"""What open pages fetch by themselves: changes of cases, and the reader's own alerts.

A page learns that a case has changed, so that its reader need not load it again.

Server-sent events carry a number and nothing else; what a page then fetches is checked as usual.
The number is that of the newest event about a case on the audit trail. A quiet stream sends a beat:
a page that hears none knows that a proxy holds the events back, and asks.
"""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json, redirect

from staff.accounts.auth import requires, session_of, token_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.console import wording
from staff.console.pages import HOME, LIVE, address_of, number_in, services
from web.changes import ChangeWatch
from web.http import App

POLL_S = 1.0
"""How often the database is asked for a change while a page is open."""
KEEP_ALIVE_S = 15.0
"""How often a quiet stream sends a beat, so that no proxy takes it for dead."""
BEAT = "event: beat\ndata: 0\n\n"
live = Blueprint("live")
own_alerts = Blueprint("own_alerts")


@live.before_server_stop
async def stop(app: App) -> None:
    """End the streams, which would hold up the server's end."""
    app.ctx.changes.stop()


@live.get("/live")
@requires(Permission.READ_CASES)  # type: ignore[arg-type]  # sent piece by piece, not returned
async def stream(request: Request) -> None:
    """Send a number whenever a case has changed, for as long as the session lasts."""
    console, token = services(request), token_of(request)
    changes: ChangeWatch[int] = request.app.ctx.changes
    last = request.headers.get("last-event-id") or str(request.args.get("seen") or "")
    seen = looked_to = number_in(last) or 0
    areas = session_of(request).staff.areas
    response: HTTPResponse = await request.respond(
        content_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
    # The headers go with the first line: from then on, a page that is left is no error.
    await response.send(BEAT)
    clock = asyncio.get_running_loop().time
    quiet_until = clock() + KEEP_ALIVE_S
    while not changes.stopped:
        newest = await changes.after(looked_to, within_s=max(0.0, quiet_until - clock()))
        if areas is not None and newest > looked_to:
            # A change of a case in another area is not even told by the moment of a beat.
            looked_to = newest
            newest = await asyncio.to_thread(console.cases.latest_change, areas, after=seen)
            if newest <= seen and clock() < quiet_until:
                continue
        # An open page alone does not count as using the session.
        find = console.sessions.find
        session = await asyncio.to_thread(find, token, counts_as_use=False)
        if session is None:
            await response.send("event: ended\ndata: 0\n\n")
            break
        areas, quiet_until = session.staff.areas, clock() + KEEP_ALIVE_S
        if newest > seen:
            seen, looked_to = newest, max(newest, looked_to)
            await response.send(f"id: {newest}\nevent: change\ndata: {newest}\n\n")
        else:
            await response.send(BEAT)


@live.get("/live/case/<case_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def newest_of_case(request: Request, case_id: str) -> HTTPResponse:
    """Return the number of the newest event that changed this case, for an open page of it."""
    try:
        newest = await asyncio.to_thread(services(request).cases.changed, case_id)
    except UnknownCaseError:
        raise NotFound from None
    return json({"change": newest})


@own_alerts.get(f"{HOME}/find/<reference:str>")
@requires(Permission.READ_CASES)
async def find(request: Request, reference: str) -> HTTPResponse:
    """Redirect the link of an alert, short enough for a text message, to its case."""
    cases, areas = services(request).cases, session_of(request).staff.areas
    try:
        case = await asyncio.to_thread(cases.of_reference, reference, areas)
    except UnknownCaseError:
        raise NotFound from None
    return redirect(address_of(case.id))


@own_alerts.get(f"{LIVE}/alerts")
@requires(Permission.READ_CASES)
async def notifications(request: Request) -> HTTPResponse:
    """List the open alerts that have come to the reader, for their browser to show."""
    staff_id = session_of(request).staff.id
    waiting = await asyncio.to_thread(services(request).alerts.waiting_for, staff_id)
    shown = [
        {
            "id": alert.alert_id,
            "title": wording.alert_title(alert.severity, live_chat=alert.live_chat),
            "body": alert.reference,
            "href": address_of(alert.case_id),
        }
        for alert in waiting
    ]
    return json({"alerts": shown})
