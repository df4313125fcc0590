"""Figures of the console for the operator. No label holds anything of a person's."""

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

figures = Blueprint("figures")


class ConsoleMetrics:
    """The console's figures, in a registry of their own."""

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
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


async def count_response(request: Request, response: BaseHTTPResponse) -> None:
    """Response middleware: count it by class of status."""
    request.app.ctx.metrics.responses.labels(f"{response.status // 100}xx").inc()


@figures.get("/metrics")
@open_to_all
async def metrics(request: Request) -> HTTPResponse:
    """Prometheus figures. For private networks only; nginx answers it for everybody else."""
    if not is_from_private_network(request):
        raise NotFound
    found: ConsoleMetrics = request.app.ctx.metrics
    try:
        await asyncio.to_thread(services(request).accounts.exist)
    except SQLAlchemyError:
        found.database.set(0)
    else:
        found.database.set(1)
    return raw(found.as_text(), content_type=CONTENT_TYPE_LATEST)
