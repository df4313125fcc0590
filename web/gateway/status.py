"""How the gateway is: alive, ready, and its figures."""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json as json_response
from sanic.response import raw

from web.gateway.parts import Parts
from web.http import is_from_private_network

status = Blueprint("status")


@status.get("/healthz")
async def alive(_request: Request) -> HTTPResponse:
    """200 while the gateway can answer. For load balancers: help works even when Rasa is down."""
    return json_response({"status": "ok"})


@status.get("/readyz")
async def ready(request: Request) -> HTTPResponse:
    """Each dependency; 503 while one of them is away. For staff networks only."""
    _staff_networks_only(request)
    parts: Parts = request.app.ctx.parts
    rasa, database, backlog = await asyncio.gather(
        parts.rasa.is_up(),
        asyncio.to_thread(parts.database_is_up),
        asyncio.to_thread(parts.recorder.backlog),
    )
    all_well = rasa and database and backlog == 0
    body = {
        "status": "ready" if all_well else "degraded",
        "rasa": "up" if rasa else "down",
        "database": "up" if database else "down",
        "spool": backlog,
    }
    return json_response(body, status=200 if all_well else 503)


@status.get("/metrics")
async def figures(request: Request) -> HTTPResponse:
    """Prometheus figures. For private networks only."""
    _staff_networks_only(request)
    parts: Parts = request.app.ctx.parts
    parts.metrics.conversations.set(len(parts.conversations))
    parts.metrics.backlog.set(await asyncio.to_thread(parts.recorder.backlog))
    return raw(parts.metrics.as_text(), content_type=CONTENT_TYPE_LATEST)


def _staff_networks_only(request: Request) -> None:
    if not is_from_private_network(request):
        raise NotFound
