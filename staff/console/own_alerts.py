"""The reader's own alerts: the browser's notifications, and the way from an alert to its case."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json, redirect

from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import HOME, LIVE, address_of

own_alerts = Blueprint("own_alerts")


@own_alerts.get(f"{HOME}/find/<reference:str>")
@requires(Permission.READ_CASES)
async def find(request: Request, reference: str) -> HTTPResponse:
    """Redirect the link of an alert, short enough for a text message, to its case."""
    case_id = await asyncio.to_thread(services(request).alerts.case_of, reference)
    if case_id is None:
        raise NotFound
    return redirect(address_of(case_id))


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
