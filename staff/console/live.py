"""What open pages fetch by themselves: changes of cases, and the reader's own alerts.

A page learns that a case has changed, so that its reader need not load it again.

Server-sent events carry a number and nothing else; what a page then fetches is checked as usual.
The number is that of the newest event about a case on the audit trail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json, redirect
from sqlalchemy.exc import SQLAlchemyError

from staff.accounts.auth import requires, session_of, token_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.console import wording
from staff.console.pages import HOME, LIVE, address_of, number_in, services
from web.http import App

POLL_S = 1.0
KEEP_ALIVE_S = 15.0
"""How often a quiet stream sends a comment, so that no proxy takes it for dead."""
KEEP_ALIVE = ": still here\n\n"
live = Blueprint("live")
own_alerts = Blueprint("own_alerts")
log = structlog.get_logger("console.changes")


class ChangeWatch:
    """Polls for the newest event on behalf of every open page, while at least one waits."""

    def __init__(self, newest: Callable[[], int], every_s: float = POLL_S) -> None:
        """`newest` asks the database for the number of the newest event."""
        self._ask = newest
        self._every_s = every_s
        self._newest = 0
        self._waiting = 0
        self._grown = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self.stopped = False

    async def after(self, seen: int, within_s: float = KEEP_ALIVE_S) -> int:
        """Return the newest number as soon as it is above `seen`, else the known one in the end."""
        self._waiting += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while self._newest <= seen and not self.stopped:
                        await self._grown.wait()
            return self._newest
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Release every page that waits, because the server stops."""
        self.stopped = True
        self._wake()

    async def _poll(self) -> None:
        while self._waiting and not self.stopped:
            try:
                newest = await asyncio.to_thread(self._ask)
            except SQLAlchemyError as error:
                log.warning("changes.unknown", error=type(error).__name__)
            else:
                if newest != self._newest:
                    self._newest = newest
                    self._wake()
            await asyncio.sleep(self._every_s)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


@live.before_server_stop
async def stop(app: App) -> None:
    """End the streams, which would hold up the server's end."""
    app.ctx.changes.stop()


@live.get("/live")
@requires(Permission.READ_CASES)  # type: ignore[arg-type]  # sent piece by piece, not returned
async def stream(request: Request) -> None:
    """Send a number whenever a case has changed, for as long as the session lasts."""
    console, token = services(request), token_of(request)
    changes: ChangeWatch = request.app.ctx.changes
    last = request.headers.get("last-event-id") or str(request.args.get("seen") or "")
    seen = looked_to = number_in(last) or 0
    areas = session_of(request).staff.areas
    response: HTTPResponse = await request.respond(
        content_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
    # The headers go with the first line: from then on, a page that is left is no error.
    await response.send(KEEP_ALIVE)
    clock = asyncio.get_running_loop().time
    quiet_until = clock() + KEEP_ALIVE_S
    while not changes.stopped:
        newest = await changes.after(looked_to, within_s=max(0.0, quiet_until - clock()))
        if areas is not None and newest > looked_to:
            # A change of a case in another area is not even told by the moment of a comment.
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
            await response.send(KEEP_ALIVE)


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
            "title": wording.alert_title(alert.severity),
            "body": alert.reference,
            "href": address_of(alert.case_id),
        }
        for alert in waiting
    ]
    return json({"alerts": shown})
