"""Logs of every process: one JSON object a line, with an event and keys, never a person's words."""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import Counter

WATCHED = (
    "alert.beyond_area",
    "alert.given_up",
    "alert.nobody_on_duty",
    "alert.reached_nobody",
    "audit.anchor_broken",
    "audit.not_anchored",
    "assessing.failed",
    "assessing.gave_up",
    "case.severity_changed",
    "daily.failed",
    "database.corrupt",
    "dispatcher.hangs",
    "dispatcher.no_channel",
    "escalation.lost",
    "escalation.not_spooled",
    "handoff.not_recorded",
    "handoff.unreadable",
    "handoff.without_case",
    "sign_on.provider_away",
    "spool.not_recorded",
    "spool.unreadable",
)
"""Events that page the person on call or need attention soon (docs/runbook.md)."""
LOGGED = Counter(
    "lantern_log_events",
    "Watched events of the log, by name.",
    ["event"],
    registry=None,
)
"""Counts watched events for the metrics of each process."""

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's events to stdout as JSON."""
    for event in WATCHED:
        # A counter that starts at 0 shows the first event as an increase.
        LOGGED.labels(event)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _count,
                _without_traceback,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    # A log that cannot be written would print the exception being handled, words and all.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx names every address it calls, alembic every step, aiosmtpd who is written to.
    for name in ("httpx", "httpcore", "alembic", "mail.log"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It quotes what the server answered, and that quotes phone numbers.
    logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL)
    for name in ("sanic.root", "sanic.error", "sanic.server", "sanic.websockets"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _count(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Count a watched event by its name; the text after it are ids."""
    name = str(event["event"]).partition(" ")[0]
    if name in WATCHED:
        LOGGED.labels(name).inc()
    return event


def _without_traceback(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Name the exception only: its message and its traceback may quote a person."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    kind = raised[0] if isinstance(raised, tuple) else type(raised) if raised else None
    if kind is not None:
        event["error"] = kind.__name__
    event.pop("stack_info", None)
    return event
