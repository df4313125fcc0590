"""Puts the console together: the settings in, what its pages work with out."""

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
from staff.audit.audit_log import AuditLog, client_digest
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from staff.console.pages import Pages
from staff.console.refusals import Refusals
from staff.console.watch import Changes
from staff.reports.figures import CaseFigures
from staff.reports.release_log import ReleaseLog
from staff.rota.service import RotaService
from storage.engine import connect
from storage.vault import Vault
from web.http import ErrorPhrases


@dataclass(frozen=True)
class Services:
    """The collaborators of every page, one of each in the process."""

    cases: Cases
    casework: Casework
    sorting: CaseMerge
    figures: CaseFigures
    release_log: ReleaseLog
    changes: Changes
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
    """How the audit trail names the machine of an address."""
    catalogue: Callable[[], Catalogue]
    areas: dict[str, str]
    """Labels by id, of the areas that an account can be kept to."""
    throttle: SignInThrottle
    refusals: Refusals
    provider: Provider | None
    """The organisation's identity provider; None where there is none."""
    requests: AuthenticationRequests
    """What the provider was asked."""
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
    """The services of these settings; what is handed in takes the place of its own.

    Nothing is asked of the database yet. Raises ContentError, SettingsError, VaultError.
    """
    database, vault = connect(settings.database_url), Vault.of(settings)
    accounts = accounts or StaffAccounts(database, now)
    cases = Cases(database, vault)
    provider = _provider(settings, now)
    return Services(
        cases=cases,
        changes=Changes(cases.latest_change),
        casework=Casework(database, vault, now),
        sorting=CaseMerge(database, vault, now),
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
        refusals=Refusals(),
        provider=provider,
        requests=AuthenticationRequests(settings.secret("token_key"), now),
        pages=Pages(
            unsigned_content=not settings.require_approval,
            organisation=None if provider is None else provider.label,
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
    """The services of the app that serves this request."""
    found: Services = request.app.ctx.services
    return found
