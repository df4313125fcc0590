"""Builds the services that the pages of the console work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sanic import Request

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.content.reader import Catalogue, read_catalogue
from safeguarding.content.services import read_areas
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.accounts.accounts import StaffAccounts
from staff.accounts.invitations import Invitations
from staff.accounts.linked_identities import LinkedIdentities
from staff.accounts.passkeys import Passkeys
from staff.accounts.provider import AuthenticationRequests, Provider
from staff.accounts.second_step import SecondSteps
from staff.accounts.sessions import StaffSessions
from staff.accounts.throttle import KnownDevices, SignInLimits, SignInThrottle
from staff.alerts.outbox import StaffAlerts
from staff.approvals.approvals import Approvals
from staff.audit.trail import AuditLog, client_digest
from staff.cases import wording as case_wording
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from staff.console.pages import Pages
from staff.reports.case_file import ReleaseLog
from staff.reports.figures import CaseFigures
from staff.rota.service import RotaService
from storage.engine import connect
from storage.vault import Vault
from web.http import ErrorPhrases


@dataclass(frozen=True)
class Services:
    """The services that pages use, one of each in the process."""

    cases: Cases
    casework: Casework
    merging: CaseMerge
    figures: CaseFigures
    release_log: ReleaseLog
    accounts: StaffAccounts
    sessions: StaffSessions
    devices: KnownDevices
    second_steps: SecondSteps
    passkeys: Passkeys
    identities: LinkedIdentities
    invitations: Invitations
    approvals: Approvals
    rota: RotaService
    alerts: StaffAlerts
    audit: AuditLog
    client_digest: Callable[[str], str]
    """Returns the name of a machine on the audit trail, by its address."""
    catalogue: Callable[[], Catalogue]
    areas: dict[str, str]
    """Labels by id of the areas to which an account can be limited."""
    throttle: SignInThrottle
    provider: Provider | None
    """The organisation's identity provider, where there is one."""
    requests: AuthenticationRequests
    """Requests to the provider; each is answered once."""
    pages: Pages
    errors: ErrorPhrases
    insecure_cookies: bool
    require_second_step: bool
    now: Callable[[], datetime]


def compose(
    settings: Settings,
    *,
    accounts: StaffAccounts | None = None,
    throttle: SignInThrottle | None = None,
    catalogue: Callable[[], Catalogue] = read_catalogue,
    now: Callable[[], datetime] = utc_now,
) -> Services:
    """Return the services of these settings; an argument takes the place of its own service.

    Does not query the database. Raises ContentError, SettingsError, VaultError.
    """
    database, vault = connect(settings.database_url), Vault.of(settings)
    accounts = accounts or StaffAccounts(database, now)
    provider = _provider(settings, now)
    return Services(
        cases=Cases(database, vault),
        casework=Casework(database, vault, now),
        merging=CaseMerge(database, vault, now),
        figures=CaseFigures(database, now),
        release_log=ReleaseLog(database, vault, now),
        accounts=accounts,
        sessions=StaffSessions(database, now),
        devices=KnownDevices(database, now),
        second_steps=SecondSteps(database, vault, now),
        passkeys=Passkeys(database, now),
        identities=LinkedIdentities(database, now),
        invitations=Invitations(database, accounts, now),
        approvals=Approvals(database, now),
        rota=RotaService(database, now),
        alerts=StaffAlerts(database),
        audit=AuditLog(database, now),
        client_digest=partial(client_digest, key=settings.secret("token_key")),
        catalogue=catalogue,
        areas={name: area.label for name, area in read_areas(CONTENT / "contacts").items()},
        throttle=throttle or SignInThrottle(SignInLimits()),
        provider=provider,
        requests=AuthenticationRequests(settings.secret("token_key"), now),
        pages=Pages(
            unsigned_content=not settings.require_approval,
            organisation=None if provider is None else provider.label,
            case_wording=case_wording,
        ),
        errors=read_phrases(CONTENT / "phrases").of("errors", ErrorPhrases),
        insecure_cookies=settings.console_insecure_cookies,
        require_second_step=settings.require_second_step,
        now=now,
    )


def _provider(settings: Settings, now: Callable[[], datetime]) -> Provider | None:
    if settings.sign_on is None:
        return None
    return Provider(settings.sign_on, settings.secret("sso_client_secret"), now)


def services(request: Request) -> Services:
    """Return the services of the app that serves this request."""
    console: Services = request.app.ctx.services
    return console
