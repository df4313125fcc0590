"""create_app(): settings in, the staff console out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.response import BaseHTTPResponse, text

from safeguarding.approvals import Approvals
from safeguarding.content.catalogue import Catalogue, read_catalogue
from safeguarding.escalations import wiring
from safeguarding.escalations.log import EscalationLog
from safeguarding.settings import Settings
from safeguarding.staff import StaffAccounts
from safeguarding.staff_sessions import StaffSessions
from web.console.account import account
from web.console.auth import auth, load_session
from web.console.content import content
from web.console.escalations import escalations
from web.console.pages import Pages
from web.console.queue import queue
from web.console.services import Services, services
from web.console.throttle import SignInLimits, SignInThrottle
from web.http import App, ContentPolicy, PlainErrors, add_security_headers

STATIC = Path(__file__).resolve().parent / "static"
_POLICY = ContentPolicy(form_action="'self'")
_LARGEST_REQUEST = 256 * 1024

neutral = Blueprint("neutral")


def create_app(
    settings: Settings,
    *,
    log: EscalationLog | None = None,
    accounts: StaffAccounts | None = None,
    sessions: StaffSessions | None = None,
    limits: SignInLimits | None = None,
    catalogue: Callable[[], Catalogue] = read_catalogue,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> App:
    """Build the console; what is not handed in comes from the settings.

    Raises SettingsError, VaultError.
    """
    engine = wiring.engine(settings)
    app: App = Sanic("lantern-console", configure_logging=False)
    app.config.update(
        REQUEST_MAX_SIZE=_LARGEST_REQUEST,
        PROXIES_COUNT=settings.trusted_proxies or None,
        ACCESS_LOG=False,
        FALLBACK_ERROR_FORMAT="html",
    )
    app.ctx.services = Services(
        log=log or wiring.escalation_log(settings),
        accounts=accounts or StaffAccounts(engine, now),
        sessions=sessions or StaffSessions(engine, now),
        approvals=Approvals(engine, now),
        catalogue=catalogue,
        throttle=SignInThrottle(limits or SignInLimits()),
        pages=Pages(unsigned_content=not settings.require_approval),
        insecure_cookies=settings.console_insecure_cookies,
        now=now,
    )
    app.error_handler = PlainErrors()
    app.register_middleware(load_session, "request")
    app.register_middleware(_keep_origin, "response")
    add_security_headers(app, lambda _request: _POLICY)
    app.static("/static", STATIC, name="static")
    for blueprint in (neutral, auth, queue, escalations, content, account):
        app.blueprint(blueprint)
    return app


async def _keep_origin(_request: Request, response: BaseHTTPResponse) -> None:
    """With "no-referrer" browsers send `Origin: null` with our own forms: the check needs it."""
    response.headers["Referrer-Policy"] = "same-origin"


@neutral.get("/blank")
async def blank(request: Request) -> HTTPResponse:
    """A page that tells nothing to whoever looks over a shoulder."""
    return services(request).pages.render("blank.html")


@neutral.get("/healthz")
async def healthz(_request: Request) -> HTTPResponse:
    """The process is alive."""
    return text("ok")
