"""What the pages of the console work with, handed in by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sanic import Request

from safeguarding.approvals import Approvals
from safeguarding.content.catalogue import Catalogue
from safeguarding.escalations.log import EscalationLog
from safeguarding.staff import StaffAccounts
from safeguarding.staff_sessions import Session, StaffSessions
from web.console.pages import Pages
from web.console.throttle import SignInThrottle


@dataclass(frozen=True)
class Services:
    """The collaborators of every page."""

    log: EscalationLog
    accounts: StaffAccounts
    sessions: StaffSessions
    approvals: Approvals
    catalogue: Callable[[], Catalogue]
    throttle: SignInThrottle
    pages: Pages
    insecure_cookies: bool
    now: Callable[[], datetime]


def services(request: Request) -> Services:
    """The services of the app that serves this request."""
    found: Services = request.app.ctx.services
    return found


def session_of(request: Request) -> Session:
    """The reader's session, on a page that only staff reach. Raises LookupError elsewhere."""
    session: Session | None = request.ctx.session
    if session is None:
        raise LookupError("this page is for staff only")
    return session


def field(request: Request, name: str) -> str:
    """A field of the form that was sent; empty when it was not."""
    form = request.form
    return str(form.get(name) or "") if form else ""
