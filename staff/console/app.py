"""The staff console as a Sanic application, with the routes of no feature, such as `/metrics`."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.exceptions import BadRequest, NotFound, PayloadTooLarge
from sanic.response import BaseHTTPResponse, raw, text
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.content.facts import read_facts
from safeguarding.content.live_replies import read_live_replies
from safeguarding.content.phrases import read_phrases
from safeguarding.content.reader import Catalogue, read_catalogue
from safeguarding.content.services import read_areas
from safeguarding.logs import LOGGED
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.accounts.accounts import StaffAccounts
from staff.accounts.accounts_page import accounts, invitation
from staff.accounts.auth import load_session, open_to_all
from staff.accounts.chat_name_page import chat_name_page
from staff.accounts.chat_names import ChatNames
from staff.accounts.devices import KnownDevices
from staff.accounts.invitations import Invitations
from staff.accounts.linked_identities import LinkedIdentities
from staff.accounts.own_account_page import own_account
from staff.accounts.provider import AuthenticationRequests, Provider
from staff.accounts.second_step import Passkeys, SecondSteps
from staff.accounts.second_step_page import passkeys, second_step_pages
from staff.accounts.sessions import StaffSessions
from staff.accounts.sign_in_page import signing_in
from staff.accounts.single_sign_on_page import single_sign_on
from staff.accounts.throttle import SignInLimits, SignInThrottle
from staff.accounts.wrong_codes import WrongCodes
from staff.alerts.outbox import StaffAlerts
from staff.approvals.approvals import Approvals
from staff.approvals.page import content
from staff.approvals.parts import PACE, ReadingPace
from staff.approvals.plan import SigningPlans
from staff.approvals.plan_page import content_plan
from staff.approvals.reading_page import content_reading
from staff.approvals.readings import Readings
from staff.approvals.signing_phrases import SigningPhrases
from staff.attachments import wording as file_wording
from staff.attachments.attachments import LARGEST, Attachments
from staff.attachments.page import ATTACH, case_attachments
from staff.attachments.phrases import FilePhrases
from staff.attachments.scanning import VirusScanner
from staff.audit.page import audit
from staff.audit.trail import AuditLog, client_digest
from staff.cases import queue_wording
from staff.cases import wording as case_wording
from staff.cases.alarm_wording import FalseAlarmPhrases
from staff.cases.bursts import CaseBursts
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.child import ChildDetails
from staff.cases.false_alarms import FalseAlarms
from staff.cases.false_alarms_page import false_alarms
from staff.cases.likeness import LikenessSearch
from staff.cases.links import CaseLinks
from staff.cases.merging import CaseMerge
from staff.cases.page import case_page
from staff.cases.print_page import case_print
from staff.cases.queue_details import QueueDetails
from staff.cases.queue_page import QueuePhrases, queue
from staff.cases.search_page import word_search
from staff.cases.search_wording import WordSearchPhrases
from staff.cases.tasks import CaseTasks
from staff.cases.tasks_page import tasks
from staff.cases.word_search import WordSearch
from staff.cases.work_page import case_work
from staff.console.live import POLL_S, live, own_alerts
from staff.console.pages import ConsolePhrases, Pages, Services, services
from staff.console.recording import RefusalCounter, record_refused_response
from staff.letterbox.desk import LetterboxDesk, LetterOpenings, LetterPhrases
from staff.letterbox.page import letterbox_work
from staff.live.case_page import live_chat_case
from staff.live.desk import LiveDesk
from staff.live.list_page import live_chats_list
from staff.live.may_chat import MayChat
from staff.live.page import live_chat_page
from staff.live.phrases import StaffChatPhrases
from staff.live.room import LiveRoom
from staff.live.stream_page import POLL_S as LIVE_CHAT_POLL_S
from staff.live.stream_page import live_chat_stream
from staff.live.takers import LiveRolePhrases
from staff.live.work_page import live_chat_work
from staff.live.wrap_up_page import live_chat_wrap_up
from staff.reports.case_file import ReleaseLog
from staff.reports.case_file_page import case_files
from staff.reports.figures import CaseFigures
from staff.reports.figures_page import figures
from staff.rota.page import contact_preferences, rota
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.service import RotaService
from storage.engine import connect
from storage.vault import Vault
from web.changes import ChangeWatch
from web.connections import bound
from web.http import (
    App,
    ContentPolicy,
    ErrorPhrases,
    PlainErrors,
    add_security_headers,
    is_addressed_to,
    is_from_private_network,
)

STATIC = Path(__file__).resolve().parent / "static"
_POLICY = ContentPolicy(form_action="'self'")
_LARGEST_REQUEST = 256 * 1024
_LARGEST_UPLOAD = LARGEST + 64 * 1024
"""A file with the other fields of its form, in bytes."""
_FOR_MACHINES = frozenset({"/healthz", "/metrics"})

neutral = Blueprint("neutral")
metrics = Blueprint("metrics")


class ConsoleMetrics:
    """The console's metrics, in a registry of their own."""

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
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def create_app(settings: Settings, console: Services | None = None) -> App:
    """Build the console around these services, by default those of the settings.

    Raises ContentError, SettingsError, VaultError.
    """
    app: App = Sanic("lantern-console", configure_logging=False)
    app.config.update(
        REQUEST_MAX_SIZE=_LARGEST_UPLOAD,
        PROXIES_COUNT=settings.console_trusted_proxies or None,
        ACCESS_LOG=False,
        FALLBACK_ERROR_FORMAT="html",
    )
    app.ctx.services = console or compose(settings)
    app.ctx.metrics = ConsoleMetrics()
    app.ctx.refusals = RefusalCounter()
    app.ctx.changes = ChangeWatch(app.ctx.services.cases.latest_change, POLL_S, operator.lt)
    app.ctx.room_changes = ChangeWatch(
        app.ctx.services.live_room.newest, LIVE_CHAT_POLL_S, operator.ne
    )
    errors = PlainErrors(app.ctx.services.errors)
    app.error_handler = errors
    bound(app, settings.console_trusted_proxies, _largest_body, errors)
    if settings.console_hosts is not None:
        app.register_middleware(partial(_refuse_other_hosts, settings.console_hosts), "request")
    app.register_middleware(_refuse_large, "request")
    app.register_middleware(load_session, "request")
    app.register_middleware(_refuse_nul, "request")
    app.register_middleware(_keep_origin, "response")
    app.register_middleware(record_refused_response, "response")
    app.register_middleware(_count_response, "response")
    add_security_headers(app, lambda _request: _POLICY)
    # With an index, the address of a folder is not found; without one, it is an error.
    app.static("/static", STATIC, name="static", index="index.html")
    many_cases = (false_alarms, tasks, word_search)
    works = (case_page, case_print, case_work, letterbox_work, case_files, case_attachments)
    chats = (live_chats_list, live_chat_page, live_chat_work, live_chat_wrap_up, live_chat_stream)
    cases = (queue, live, *works, live_chat_case, *chats, *many_cases, figures)
    signing = (content, content_plan, content_reading)
    rotas = (rota, contact_preferences, own_alerts)
    own = (
        signing_in,
        second_step_pages,
        single_sign_on,
        own_account,
        chat_name_page,
        passkeys,
        invitation,
        accounts,
    )
    for blueprint in (neutral, metrics, *own, *cases, *signing, *rotas, audit):
        app.blueprint(blueprint)
    return app


def compose(
    settings: Settings,
    *,
    accounts: StaffAccounts | None = None,
    throttle: SignInThrottle | None = None,
    catalogue: Callable[[], Catalogue] = read_catalogue,
    now: Callable[[], datetime] = utc_now,
    pace: ReadingPace = PACE,
) -> Services:
    """Return the services of these settings; an argument takes the place of its own service.

    Does not query the database. Raises ContentError, SettingsError, VaultError.
    """
    database, vault = connect(settings.database_url), Vault.of(settings)
    phrases = read_phrases(CONTENT / "phrases")
    refused_way_phrases = phrases.of("refused_ways", RefusedWayPhrases)
    alarm_phrases = phrases.of("false_alarms", FalseAlarmPhrases)
    staff_chats = phrases.of("staff_chats", StaffChatPhrases)
    usual_roles = phrases.of("live_roles", LiveRolePhrases).by_role()
    accounts = accounts or StaffAccounts(database, now)
    asks_second_step = settings.asks_second_step()
    facts = read_facts(CONTENT / "facts.yml")
    provider = None
    if settings.sign_on is not None:
        provider = Provider(settings.sign_on, settings.secret("sso_client_secret"), now)
    return Services(
        cases=Cases(database, vault),
        bursts=CaseBursts(database),
        details=QueueDetails(database, vault),
        casework=Casework(database, vault, now),
        merging=CaseMerge(database, vault, now),
        letterbox_desk=LetterboxDesk(database, vault, now),
        letter_phrases=phrases.of("letters", LetterPhrases),
        letter_openings=phrases.of("letter_openings", LetterOpenings),
        live_desk=LiveDesk(database, vault, usual_roles, settings.live_chats_at_once, now),
        live_room=LiveRoom(database, vault),
        live_replies=read_live_replies(CONTENT / "live_replies.yml"),
        live_offer=phrases.group("live_chat")["offer"],
        may_chat=MayChat(database, settings.live_chats_at_once, now),
        live_chat=settings.live_chat,
        staff_chats=staff_chats,
        chat_names=ChatNames(database, usual_roles, now),
        links=CaseLinks(database, vault, now),
        file_phrases=phrases.of("files", FilePhrases),
        attachments=Attachments(database, vault, VirusScanner(settings.clamd), now),
        child_details=ChildDetails(database, vault, now),
        tasks=CaseTasks(database),
        likeness=LikenessSearch(database, vault),
        false_alarms=FalseAlarms(database, vault, now),
        word_search=WordSearch(database, vault),
        figures=CaseFigures(database, now),
        release_log=ReleaseLog(database, vault, now),
        accounts=accounts,
        sessions=StaffSessions(database, now),
        devices=KnownDevices(database, now),
        second_steps=SecondSteps(database, vault, now),
        wrong_codes=WrongCodes(database, now),
        passkeys=Passkeys(database, now),
        identities=LinkedIdentities(database, now),
        invitations=Invitations(database, accounts, now),
        approvals=Approvals(database, now, pace=pace),
        readings=Readings(database, now, pace),
        signing_plans=SigningPlans(database, now),
        signing_phrases=phrases.of("signing", SigningPhrases),
        rota=RotaService(database, now),
        refused_way_phrases=refused_way_phrases,
        alarm_phrases=alarm_phrases,
        search_phrases=phrases.of("word_search", WordSearchPhrases),
        alerts=StaffAlerts(database),
        audit=AuditLog(database, now),
        client_digest=partial(client_digest, key=settings.secret("token_key")),
        catalogue=catalogue,
        areas={name: area.label for name, area in read_areas(CONTENT / "contacts").items()},
        facts=facts.means,
        row_facts=facts.rows,
        throttle=throttle or SignInThrottle(SignInLimits()),
        provider=provider,
        requests=AuthenticationRequests(settings.secret("token_key"), now),
        pages=Pages(
            phrases.of("console", ConsolePhrases),
            unsigned_content=not settings.require_approval,
            asks_second_step=asks_second_step,
            organisation=None if settings.sign_on is None else settings.sign_on.label,
            case_wording=case_wording,
            file_wording=file_wording,
            queue_wording=queue_wording,
            refused_way_phrases=refused_way_phrases,
            alarm_phrases=alarm_phrases,
            queue_phrases=phrases.of("queue", QueuePhrases),
            staff_chats=staff_chats,
            live_chat=settings.live_chat,
        ),
        errors=phrases.of("errors", ErrorPhrases),
        url=settings.alerts.console_url.rstrip("/"),
        insecure_cookies=settings.console_insecure_cookies,
        require_second_step=asks_second_step,
        now=now,
    )


async def _refuse_other_hosts(hosts: Collection[str], request: Request) -> None:
    # What watches the console asks it by the address of its machine, and is told nothing of staff.
    if request.path not in _FOR_MACHINES and not is_addressed_to(request, hosts):
        raise BadRequest


def _largest_body(path: str) -> int:
    """Return how many bytes of a body are kept: one more than is allowed, so that more is seen."""
    return (_LARGEST_UPLOAD if path.endswith(f"/{ATTACH}") else _LARGEST_REQUEST) + 1


async def _refuse_large(request: Request) -> None:
    if len(request.body) >= _largest_body(request.path):
        raise PayloadTooLarge("")


async def _refuse_nul(request: Request) -> None:
    # Neither a file name nor PostgreSQL's text may hold a NUL.
    if b"%00" in request.raw_url:
        raise BadRequest


async def _keep_origin(_request: Request, response: BaseHTTPResponse) -> None:
    # With "no-referrer" browsers send `Origin: null` with our own forms, which is refused.
    response.headers["Referrer-Policy"] = "same-origin"


async def _count_response(request: Request, response: BaseHTTPResponse) -> None:
    request.app.ctx.metrics.responses.labels(f"{response.status // 100}xx").inc()


@metrics.get("/metrics")
@open_to_all
async def show(request: Request) -> HTTPResponse:
    """Return the metrics to private networks; raise NotFound for all others."""
    if not is_from_private_network(request):
        raise NotFound
    console: ConsoleMetrics = request.app.ctx.metrics
    try:
        await asyncio.to_thread(services(request).accounts.exist)
    except SQLAlchemyError:
        console.database.set(0)
    else:
        console.database.set(1)
    return raw(console.as_text(), content_type=CONTENT_TYPE_LATEST)


@neutral.get("/blank")
@open_to_all
async def blank(request: Request) -> HTTPResponse:
    """Show a page that says nothing, for when the screen can be overlooked."""
    return services(request).pages.render("blank.html")


@neutral.get("/healthz")
@open_to_all
async def healthz(_request: Request) -> HTTPResponse:
    """Answer while the process is alive."""
    return text("ok")
