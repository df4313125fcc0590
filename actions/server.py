"""The action server: rasa-sdk's application behind a secret, without conversations in its errors.

rasa-sdk itself answers an error with the whole call, which holds a conversation, and logs it.
"""

from __future__ import annotations

import hmac
from typing import Any, TypeAlias

import structlog
from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.response import json

from safeguarding.settings import ACTION_SECRET_HEADER

App: TypeAlias = Sanic[Any, Any]
HEALTH = "/health"
LARGEST_CALL = 1024 * 1024
"""Bytes of the largest call: one message, and the state of its conversation."""
WAITS_S = 10.0
"""Seconds without a byte after which a call that is not there yet is given up."""
log = structlog.get_logger("actions")


class DomainlessExecutor(ActionExecutor):
    """Runs actions whose calls hold no domain.

    Rasa 3.6 leaves it out (`enable_selective_domain` in endpoints.yml), because it is 100 kB to
    write and to read for every action. rasa-sdk 3.21 refuses a call without one.
    """

    def update_and_return_domain(
        self,
        payload: dict[str, Any],
        action_name: str,
    ) -> dict[str, Any]:
        """Return the domain of the call; empty without one."""
        return payload.get("domain") or {}


class QuietErrors(ErrorHandler):
    """Logs the name of an error, and nothing of the call."""

    def default(self, _request: Request, exception: Exception) -> HTTPResponse:
        """Answer with the status alone."""
        status = exception.status_code if isinstance(exception, SanicException) else 500
        log.error("actions.call_failed", reason=type(exception).__name__)
        return json({"error": "call failed"}, status=status)


def create_server(secret: str) -> App:
    """Make the application, with every action registered."""
    executor = DomainlessExecutor()
    executor.register_package("actions")
    app: App = create_app(executor, cors_origins=[])
    app.config.update(
        ACCESS_LOG=False,
        REQUEST_MAX_SIZE=LARGEST_CALL,
        REQUEST_TIMEOUT=WAITS_S,
        RESPONSE_TIMEOUT=WAITS_S,
    )
    app.error_handler = QuietErrors()

    async def admit(request: Request) -> HTTPResponse | None:
        offered = request.headers.get(ACTION_SECRET_HEADER) or ""
        # Sanic passes bytes that are no UTF-8 on as lone surrogates.
        known = hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), secret.encode())
        if known or request.path == HEALTH:
            return None
        return json({"error": "wrong or missing action secret"}, status=401)

    app.register_middleware(admit, "request")
    return app
