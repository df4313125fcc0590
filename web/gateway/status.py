"""How the gateway is: alive, ready, and its figures."""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json as json_response
from sanic.response import raw

from web.gateway.composition import Gateway
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
    gateway: Gateway = request.app.ctx.gateway
    rasa, database, backlog = await asyncio.gather(
        gateway.rasa.is_up(),
        asyncio.to_thread(gateway.database_is_up),
        asyncio.to_thread(gateway.recorder.backlog),
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
    gateway: Gateway = request.app.ctx.gateway
    gateway.metrics.conversations.set(len(gateway.conversations))
    gateway.metrics.backlog.set(await asyncio.to_thread(gateway.recorder.backlog))
    return raw(gateway.metrics.as_text(), content_type=CONTENT_TYPE_LATEST)


def _staff_networks_only(request: Request) -> None:
    if not is_from_private_network(request):
        raise NotFound
