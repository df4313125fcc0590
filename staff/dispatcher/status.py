"""The status of the dispatcher over HTTP, and in a demonstration the emails that it sent."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from safeguarding.clock import utc_now
from safeguarding.logs import LOGGED
from staff.alerts.formatter import AlertPhrases
from staff.alerts.outbox import OutboxFigures
from staff.alerts.spooled import SpoolFigures, SpoolWatch
from staff.audit.verify import findings_of
from staff.dispatcher.database import DatabaseFigures, DatabaseProbe
from staff.dispatcher.mail_catcher import MailCatcher
from staff.loops import Beats
from staff.records.outbox import RecordFigures
from storage.handoffs import HandoffFigures

STALE_S = 60.0
"""Seconds without a beat after which a thread is reported to hang."""
LATE_S = 120.0
"""Seconds after which a due step or delivery is late."""
HANDOFF_LATE_S = 30.0
"""Seconds that a row of the hand-off mailbox may wait before the case worker counts as behind."""
UNASSESSED_LATE_S = 120.0
"""Seconds that a message may wait for its assessment before the assessment worker counts as
behind."""
_PAGE, _JSON, _TEXT = "text/html; charset=utf-8", "application/json", "text/plain; version=0.0.4"
NO_FIGURES = DatabaseFigures(
    OutboxFigures({}, {}, {}, None),
    HandoffFigures(0, None, 0, None),
    checked=None,
    records=RecordFigures(None, 0, 0, None, None),
    can_be_written=False,
)
Answer = tuple[HTTPStatus, str, bytes, dict[str, str]]


@dataclass(frozen=True)
class DispatcherState:
    """The state of the dispatcher."""

    status: str
    """ "ready" or "degraded"."""
    database: str
    threads: dict[str, float]
    """Seconds since the last beat of each thread."""
    channels: list[str]
    open: dict[str, int]
    queued: dict[str, int]
    failed: dict[str, int]
    late_s: float
    """How long the oldest step or delivery has been due, in seconds."""
    handoffs: int
    """Rows of the hand-off mailbox that are in no case yet."""
    handoffs_late_s: float
    """How long the oldest of them has waited, in seconds."""
    unassessed: int
    """Rows that wait for their assessment, which the gateway had no time for."""
    unassessed_late_s: float
    """How long the oldest of them has waited, in seconds."""
    spool: dict[str, int]
    """Files of the spool by severity; empty when the folder cannot be read."""
    spool_late_s: float
    """How long the oldest urgent or immediate one has waited, once staff are told of it."""
    audit_findings: int = 0
    """How much was wrong when `verify-audit --record` last ran: a broken trail, disagreements."""
    audit_checked_s: float | None = None
    """How long ago that was, in seconds; None: never."""
    records_queued: int = 0
    """Events that wait for the school's system of records."""
    records_dead: int = 0
    """Those that it did not take and that are not tried again."""
    records_late_s: float = 0.0
    """How long the oldest of those that wait has waited, in seconds."""


@dataclass(frozen=True)
class StatusPage:
    """Answers requests about the dispatcher."""

    database: DatabaseProbe
    beats: Beats
    channels: list[str]
    watch: SpoolWatch
    phrases: AlertPhrases
    catcher: MailCatcher | None

    def state(self) -> DispatcherState:
        """Return the state now. Waits for the database a short while only."""
        now, found, spool = utc_now(), self.database.figures(), self.watch.figures
        known = found or NO_FIGURES
        outbox, mailbox = known.outbox, known.mailbox
        late = _seconds_since(outbox.oldest_at, now)
        waits = _seconds_since(mailbox.oldest_at, now)
        unassessed = _seconds_since(mailbox.unassessed_at, now)
        ages = {name: round(age, 1) for name, age in self.beats.ages().items()}
        hangs = any(age > STALE_S for age in ages.values())
        in_time = late < LATE_S and waits < HANDOFF_LATE_S and unassessed < UNASSESSED_LATE_S
        drained = spool is not None and not spool.late
        well = known.can_be_written and not hangs and in_time and drained and self.channels
        spool = spool or SpoolFigures({}, 0, 0.0)
        return DispatcherState(
            status="ready" if well and not outbox.failed else "degraded",
            database="up" if known.can_be_written else "down",
            threads=ages,
            channels=self.channels,
            open=outbox.open,
            queued=outbox.queued,
            failed=outbox.failed,
            late_s=round(late, 1),
            handoffs=mailbox.waiting,
            handoffs_late_s=round(max(waits, 0.0), 1),
            unassessed=mailbox.unassessed,
            unassessed_late_s=round(max(unassessed, 0.0), 1),
            spool=dict(spool.waiting),
            spool_late_s=spool.late_s,
            audit_findings=findings_of(known.checked) if known.checked else 0,
            audit_checked_s=_seconds_since(known.checked.event.at, now) if known.checked else None,
            records_queued=known.records.queued,
            records_dead=known.records.failed,
            records_late_s=round(max(_seconds_since(known.records.oldest_at, now), 0.0), 1),
        )

    def answer(self, path: str) -> Answer:
        """Return status, type, body and further headers for a path."""
        if path == "/healthz":
            return HTTPStatus.OK, _JSON, b'{"status":"ok"}', {}
        if path == "/readyz":
            state = self.state()
            ready = state.status == "ready"
            code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
            return code, _JSON, json.dumps(asdict(state)).encode(), {}
        if path == "/metrics":
            return HTTPStatus.OK, _TEXT, metrics_of(self.state()), {}
        if path == "/" and self.catcher is not None:
            return self._page(self.catcher)
        return HTTPStatus.NOT_FOUND, _JSON, b'{"status":"not found"}', {}

    def _page(self, catcher: MailCatcher) -> Answer:
        nonce = secrets.token_urlsafe(16)
        templates = Environment(
            loader=PackageLoader("staff.dispatcher"), autoescape=True, undefined=StrictUndefined
        )
        page = templates.get_template("alerts.html").render(
            say=self.phrases, mails=catcher.newest_first(), nonce=nonce
        )
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; base-uri 'none'"
        )
        headers = {
            "Content-Security-Policy": f"{policy}; form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
        }
        return HTTPStatus.OK, _PAGE, page.encode(), headers


def _seconds_since(at: datetime | None, now: datetime) -> float:
    return (now - at).total_seconds() if at else 0.0


class StatusServer:
    """Serves a status page on threads of its own."""

    def __init__(self, status: StatusPage, host: str, port: int) -> None:
        """Bind to the port at once; 0 chooses a free one. Raises OSError."""

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                code, kind, body, headers = status.answer(self.path.partition("?")[0])
                self.send_response(code)
                usual = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
                about = {"Content-Type": kind, "Content-Length": str(len(body))}
                for name, value in {**about, **usual, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """No access log."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True

    def start(self) -> None:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def metrics_of(state: DispatcherState) -> bytes:
    """Return the state as Prometheus metrics."""
    registry = CollectorRegistry()
    registry.register(LOGGED)

    def gauge(name: str, about: str, value: float) -> None:
        Gauge(name, about, registry=registry).set(value)

    def gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> None:
        labelled = Gauge(name, about, [label], registry=registry)
        for each, value in values.items():
            labelled.labels(each).set(value)

    gauges("lantern_alerts_open", "Alerts that nobody has acknowledged.", "severity", state.open)
    gauges("lantern_deliveries_queued", "Deliveries that wait to be sent.", "channel", state.queued)
    gauges(
        "lantern_deliveries_failed",
        "Deliveries of open alerts that were given up.",
        "channel",
        state.failed,
    )
    gauges(
        "lantern_dispatcher_beat_age_seconds",
        "Time since each thread went round.",
        "thread",
        state.threads,
    )
    gauge(
        "lantern_alerts_late_seconds",
        "How long the oldest step or delivery has been due.",
        state.late_s,
    )
    gauge(
        "lantern_handoffs_waiting",
        "Rows of the hand-off mailbox that are in no case yet.",
        state.handoffs,
    )
    gauge(
        "lantern_handoffs_late_seconds",
        "How long the oldest of them has waited, in seconds.",
        state.handoffs_late_s,
    )
    gauges("lantern_spooled", "Hand-offs in the spool.", "severity", state.spool)
    gauge(
        "lantern_spooled_late_seconds",
        "How long the oldest urgent or immediate one has waited, once staff are told of it.",
        state.spool_late_s,
    )
    up = state.database == "up"
    gauge(
        "lantern_handoffs_unassessed",
        "Messages that wait for their assessment.",
        state.unassessed,
    )
    gauge(
        "lantern_handoffs_unassessed_late_seconds",
        "How long the oldest of them has waited, in seconds.",
        state.unassessed_late_s,
    )
    gauge(
        "lantern_audit_findings",
        "What was wrong with trail and records when they were last checked.",
        state.audit_findings,
    )
    gauge(
        "lantern_audit_check_age_seconds",
        "How long ago trail and records were checked.",
        float("inf") if state.audit_checked_s is None else state.audit_checked_s,
    )
    gauge(
        "lantern_records_queued",
        "Changes of cases that wait for the school's system of records.",
        state.records_queued,
    )
    gauge(
        "lantern_records_dead",
        "Changes of cases that the system of records did not take.",
        state.records_dead,
    )
    gauge(
        "lantern_records_late_seconds",
        "How long the oldest change has waited for the system of records, in seconds.",
        state.records_late_s,
    )
    gauge("lantern_dispatcher_database_up", "Whether the database can be read and written.", up)
    return generate_latest(registry)
