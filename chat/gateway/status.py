"""How the gateway is: alive, ready, and its figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import nan
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json as json_response
from sanic.response import raw

from chat.gateway.bounded_pool import LateError
from chat.gateway.composition import Gateway
from web.budget import Budget
from web.http import is_from_private_network

Result = TypeVar("Result")
CHECK_S = 2.0
"""A dependency that has not answered after so many seconds is down."""
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
    rasa, redis, database, disk, backlog = await asyncio.gather(
        gateway.rasa.are_up(),
        gateway.conversations.redis(),
        _in_time(gateway, gateway.database_is_up),
        _in_time(gateway, gateway.recorder.disk_is_writable),
        _in_time(gateway, gateway.recorder.backlog),
    )
    unsaved = gateway.recorder.unsaved()
    draining = request.app.ctx.draining
    up = (*rasa.values(), redis != "down", database, disk)
    all_well = all(up) and backlog == 0 and unsaved == 0 and not draining
    body = {
        "status": "ready" if all_well else "draining" if draining else "degraded",
        "rasa": "up" if all(rasa.values()) else "degraded" if any(rasa.values()) else "down",
        "rasa_servers": {name: "up" if up else "down" for name, up in rasa.items()},
        "redis": redis,
        "database": "up" if database else "down",
        "disk": "up" if disk else "down",
        "spool": backlog,
        "unsaved": unsaved,
    }
    return json_response(body, status=200 if all_well else 503)


@status.get("/metrics")
async def figures(request: Request) -> HTTPResponse:
    """Prometheus figures. For private networks only."""
    _staff_networks_only(request)
    gateway: Gateway = request.app.ctx.gateway
    gateway.metrics.conversations.set(len(gateway.conversations))
    gateway.metrics.conversation_bytes.set(gateway.conversations.size)
    gateway.metrics.conversations_unsaved.set(gateway.conversations.unsaved())
    _measure_rasa(gateway)
    gateway.metrics.unsaved.set(gateway.recorder.unsaved())
    budget: Budget = request.app.ctx.budget
    gateway.metrics.connections.set(len(budget))
    gateway.metrics.most_connections.set(budget.most)
    gateway.metrics.closed_connections.labels("dropped").set(budget.dropped)
    gateway.metrics.closed_connections.labels("refused").set(budget.refused)
    backlog = await _in_time(gateway, gateway.recorder.backlog)
    gateway.metrics.backlog.set(nan if backlog is None else backlog)
    return raw(gateway.metrics.as_text(), content_type=CONTENT_TYPE_LATEST)


def _measure_rasa(gateway: Gateway) -> None:
    pool, metrics = gateway.rasa, gateway.metrics
    metrics.rasa_waiting.set(pool.waiting)
    metrics.rasa_asked_again.set(pool.asked_again)
    for server in pool.servers:
        metrics.rasa_under_way.labels(server.name).set(server.under_way)
        metrics.rasa_breaker.labels(server.name).set(server.breaker.state)


async def _in_time(gateway: Gateway, check: Callable[[], Result]) -> Result | None:
    """What the check found; None when it hangs."""
    try:
        return await gateway.checks.run(CHECK_S, check)
    except LateError:
        return None


def _staff_networks_only(request: Request) -> None:
    if not is_from_private_network(request):
        raise NotFound
