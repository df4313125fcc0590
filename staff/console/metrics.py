"""Prometheus metrics of the console. No label holds personal data."""

from __future__ import annotations

import asyncio

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import BaseHTTPResponse, raw
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.logs import LOGGED
from staff.accounts.auth import open_to_all
from staff.console.composition import services
from web.http import is_from_private_network

metrics = Blueprint("metrics")


class ConsoleMetrics:
    """The console's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(LOGGED)
        self.responses = Counter(
            "lantern_console_responses",
            "Answers of the console, by class of status.",
            ["status"],
            registry=self._registry,
        )
        self.database = Gauge(
            "lantern_console_database_up",
            "Whether the database answers.",
            registry=self._registry,
        )
        for status in ("2xx", "3xx", "4xx", "5xx"):
            self.responses.labels(status)

    def as_text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


async def count_response(request: Request, response: BaseHTTPResponse) -> None:
    """Count a response by class of status; registered as response middleware."""
    request.app.ctx.metrics.responses.labels(f"{response.status // 100}xx").inc()


@metrics.get("/metrics")
@open_to_all
async def show(request: Request) -> HTTPResponse:
    """Return the metrics to private networks; raise NotFound for all others."""
    if not is_from_private_network(request):
        raise NotFound
    console: ConsoleMetrics = request.app.ctx.metrics
    try:
        await asyncio.to_thread(services(request).accounts.exist)
    except SQLAlchemyError:
        console.database.set(0)
    else:
        console.database.set(1)
    return raw(console.as_text(), content_type=CONTENT_TYPE_LATEST)
