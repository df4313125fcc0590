"""The action server's application: rasa-sdk's, for whoever knows the secret, and it quotes nobody.

rasa-sdk answers an error with the whole call, a conversation in it, and logs it.
"""

from __future__ import annotations

import hmac
from typing import Any, TypeAlias

import structlog
from rasa_sdk.endpoint import create_app
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.response import json

from actions.executor import DomainlessExecutor
from safeguarding.secret_files import ACTION_SECRET_HEADER

App: TypeAlias = Sanic[Any, Any]
HEALTH = "/health"
LARGEST_CALL = 1024 * 1024
"""Bytes of a call: one message, and what is known of its conversation."""
log = structlog.get_logger("actions")


class QuietErrors(ErrorHandler):
    """Errors by their name alone."""

    def default(self, _request: Request, exception: Exception) -> HTTPResponse:
        """Answer with the status."""
        status = exception.status_code if isinstance(exception, SanicException) else 500
        log.error("actions.call_failed", reason=type(exception).__name__)
        return json({"error": "call failed"}, status=status)


def create_server(secret: str) -> App:
    """The server of our actions, all of them registered."""
    executor = DomainlessExecutor()
    executor.register_package("actions")
    app: App = create_app(executor, cors_origins=[])
    app.config.update(ACCESS_LOG=False, REQUEST_MAX_SIZE=LARGEST_CALL)
    app.error_handler = QuietErrors()

    async def admit(request: Request) -> HTTPResponse | None:
        offered = request.headers.get(ACTION_SECRET_HEADER) or ""
        # Sanic gives what is no UTF-8 as halves of characters.
        known = hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), secret.encode())
        if known or request.path == HEALTH:
            return None
        return json({"error": "wrong or missing action secret"}, status=401)

    app.register_middleware(admit, "request")
    return app
