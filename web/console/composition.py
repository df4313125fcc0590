"""Puts the console together: the settings in, what its pages work with out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sanic import Request

from safeguarding.clock import utc_now
from safeguarding.content.contacts.services import read_areas
from safeguarding.content.phrases import read_phrases
from safeguarding.content.reader import Catalogue, read_catalogue
from safeguarding.database.engine import connect
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.vault import Vault
from safeguarding.settings import Settings
from safeguarding.staff.accounts import StaffAccounts
from safeguarding.staff.approvals import Approvals
from safeguarding.staff.devices import KnownDevices
from safeguarding.staff.invitations import Invitations
from safeguarding.staff.passkeys import Passkeys
from safeguarding.staff.second_step import SecondSteps
from safeguarding.staff.sessions import StaffSessions
from safeguarding.taxonomy import CONTENT
from web.console.pages import Pages
from web.console.throttle import SignInLimits, SignInThrottle
from web.http import ErrorPhrases


@dataclass(frozen=True)
class Services:
    """The collaborators of every page, one of each in the process."""

    log: EscalationLog
    accounts: StaffAccounts
    sessions: StaffSessions
    devices: KnownDevices
    second_steps: SecondSteps
    passkeys: Passkeys
    invitations: Invitations
    approvals: Approvals
    catalogue: Callable[[], Catalogue]
    areas: dict[str, str]
    """Labels by id, of the areas that an account can be kept to."""
    throttle: SignInThrottle
    pages: Pages
    errors: ErrorPhrases
    insecure_cookies: bool
    require_second_step: bool
    now: Callable[[], datetime]


def compose(
    settings: Settings,
    *,
    log: EscalationLog | None = None,
    accounts: StaffAccounts | None = None,
    limits: SignInLimits | None = None,
    catalogue: Callable[[], Catalogue] = read_catalogue,
    now: Callable[[], datetime] = utc_now,
) -> Services:
    """The services of these settings; what is handed in takes the place of its own.

    Nothing is asked of the database yet. Raises ContentError, SettingsError, VaultError.
    """
    database = connect(settings.database_url)
    vault = Vault.of(settings)
    accounts = accounts or StaffAccounts(database, now)
    return Services(
        log=log or EscalationLog(database, vault),
        accounts=accounts,
        sessions=StaffSessions(database, now),
        devices=KnownDevices(database, now),
        second_steps=SecondSteps(database, vault, now),
        passkeys=Passkeys(database, now),
        invitations=Invitations(database, accounts, now),
        approvals=Approvals(database, now),
        catalogue=catalogue,
        areas={name: area.label for name, area in read_areas(CONTENT / "contacts").items()},
        throttle=SignInThrottle(limits or SignInLimits()),
        pages=Pages(unsigned_content=not settings.require_approval),
        errors=read_phrases(CONTENT / "phrases").of("errors", ErrorPhrases),
        insecure_cookies=settings.console_insecure_cookies,
        require_second_step=settings.require_second_step,
        now=now,
    )


def services(request: Request) -> Services:
    """The services of the app that serves this request."""
    found: Services = request.app.ctx.services
    return found
