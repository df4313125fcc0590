"""What all pages of the console share: services, addresses, form fields, rendered templates.

Templates are Jinja on the components of the GOV.UK design system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from sanic import HTTPResponse, Request
from sanic.response import html

from safeguarding.content.live_replies import LiveReplies
from safeguarding.content.reader import Catalogue
from staff.accounts.accounts import StaffAccounts
from staff.accounts.chat_names import ChatNames
from staff.accounts.devices import KnownDevices
from staff.accounts.invitations import Invitations
from staff.accounts.linked_identities import LinkedIdentities
from staff.accounts.passwords import SHORTEST_PASSWORD
from staff.accounts.permissions import Permission
from staff.accounts.provider import AuthenticationRequests, Provider
from staff.accounts.second_step import Passkeys, SecondSteps
from staff.accounts.sessions import IDLE, LONGEST, Session, StaffSessions
from staff.accounts.throttle import SignInThrottle
from staff.accounts.wrong_codes import WrongCodes
from staff.alerts.outbox import StaffAlerts
from staff.approvals.approvals import Approvals
from staff.approvals.plan import SigningPlans
from staff.approvals.readings import Readings
from staff.approvals.signing_phrases import SigningPhrases
from staff.attachments.attachments import Attachments
from staff.attachments.phrases import FilePhrases
from staff.audit.trail import AuditLog
from staff.cases.alarm_wording import FalseAlarmPhrases
from staff.cases.bursts import CaseBursts
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.child import ChildDetails
from staff.cases.false_alarms import FalseAlarms
from staff.cases.likeness import LikenessSearch
from staff.cases.links import CaseLinks
from staff.cases.merging import CaseMerge
from staff.cases.queue_details import QueueDetails
from staff.cases.search_wording import WordSearchPhrases
from staff.cases.tasks import CaseTasks
from staff.cases.word_search import WordSearch
from staff.console import wording
from staff.letterbox.desk import LetterboxDesk, LetterOpenings, LetterPhrases
from staff.live.desk import LiveDesk
from staff.live.may_chat import MayChat
from staff.live.phrases import StaffChatPhrases
from staff.live.room import LiveRoom
from staff.reports.case_file import ReleaseLog
from staff.reports.figures import CaseFigures
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.service import RotaService
from web.http import ErrorPhrases

STAFF = Path(__file__).resolve().parent.parent
"""Each feature keeps its own templates; their names are unique."""

HOME = "/escalations"
FALSE_ALARMS = "/false-alarms"
TASKS = "/tasks"
SEARCH = "/search"
CONTENT = "/content"
ACCOUNTS = "/accounts"
ROTA = "/rota"
STATISTICS = "/statistics"
EXPORTS = "/exports"
AUDIT = "/audit"
LIVE = "/live"
"""Addresses that open pages fetch by themselves begin with it and a slash."""
LIVE_CHATS = "/live-chats"
LIVE_CHATS_ITSELF = f"{LIVE}/chats"
"""What open pages of live chats fetch by themselves."""
ACCOUNT = "/account"
SECOND_STEP = f"{ACCOUNT}/second-step"
WRONG_CODES = f"{ACCOUNT}/wrong-codes"
"""The page that says, after a sign-in, that another person may know the password."""
ORGANISATION = f"{ACCOUNT}/organisation"
"""The page that links an account to the organisation's identity provider."""
SEE_OTHER = 303
LONGEST_NOTE = 10_000
"""Characters in the note of a form."""
_MOST_DIGITS = 15


def address_of(case_id: str) -> str:
    """Return the address of a case by its id, or by that of a message: never with words."""
    return f"{HOME}/{quote(case_id, safe='')}"


def chat_address(chat_id: str) -> str:
    """Return the address of a live chat."""
    return f"{LIVE_CHATS}/{quote(chat_id, safe='')}"


def content_address(content_id: str) -> str:
    """Return the address of one item of content."""
    return f"{CONTENT}/{quote(content_id, safe=':')}"


def here(address: str) -> Markup:
    """Return `aria-current` for a menu link to the page that is shown, or to its section."""
    path = Request.get_current().path
    if path == address:
        return Markup(' aria-current="page"')
    if path.startswith(f"{address}/"):
        return Markup(' aria-current="true"')
    return Markup()


def field(request: Request, name: str) -> str:
    """Return a field of the sent form, without NUL; empty where it is missing."""
    form = request.form
    return str(form.get(name) or "").replace("\x00", "") if form else ""


def note_in(request: Request) -> str:
    """Return the note of a form, its lines ended with LF rather than CR LF."""
    return field(request, "note").replace("\r\n", "\n")


def written_in(request: Request) -> str:
    """Return everything that was typed into a form, for the page to give back."""
    return "\n\n".join(filter(None, (note_in(request), field(request, "reference"))))


def number_in(text: str) -> int | None:
    """Return a number of at most 15 digits; None for any other text."""
    valid = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if valid else None


class ConsolePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/console.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"password_known": ("times", "when")}
    audit_own_areas: str
    password_known_title: str
    password_known: str
    password_known_to_do: str
    password_known_change: str
    password_known_own: str
    password_known_go_on: str


class Pages:
    """Renders templates. A name that a template misspells is an error, not an empty string."""

    def __init__(
        self,
        phrases: ConsolePhrases,
        *,
        unsigned_content: bool,
        asks_second_step: bool = False,
        organisation: str | None = None,
        **shared: object,
    ) -> None:
        """`unsigned_content` puts the notice of a demonstration on top of every page.

        With `asks_second_step` a session without one is shown no way to other pages.
        `organisation` is the one whose sign-in is offered beside our own. Templates see `shared`.
        """
        self._components = _component_environment()
        self._environment = Environment(
            loader=FileSystemLoader(sorted(STAFF.glob("*/templates"))),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            govuk=self._component,
            here=here,
            phrases=phrases,
            unsigned_content=unsigned_content,
            asks_second_step=asks_second_step,
            organisation=organisation,
            wording=wording,
            session_idle=IDLE,
            session_longest=LONGEST,
            shortest_password=SHORTEST_PASSWORD,
            Permission=Permission,
            **shared,
        )

    def render(
        self, template: str, *, status: int = 200, session: Session | None = None, **context: object
    ) -> HTTPResponse:
        """Return the page made from `template`; `session` is the reader's."""
        text = self._environment.get_template(template).render(session=session, **context)
        return html(text, status=status)

    def onward(self, address: str) -> HTTPResponse:
        """Return a page that goes on to `address` by itself.

        A redirect counts as coming from the page before: from another site it would go without our
        cookies, and after a form it may not lead to another site.
        """
        return self.render("onward.html", address=address)

    def _component(self, name: str, params: Mapping[str, Any]) -> Markup:
        # Templates call it as `govuk("error-summary", {...})`.
        template = self._components.get_template(
            f"govuk_frontend_jinja/components/{name}/macro.html"
        )
        macro = "govuk" + "".join(part.capitalize() for part in name.split("-"))
        return Markup(getattr(template.module, macro)(params))  # noqa: S704 - escaped by the macro


@dataclass(frozen=True)
class Services:
    """The services that pages use, one of each in the process."""

    cases: Cases
    bursts: CaseBursts
    details: QueueDetails
    casework: Casework
    merging: CaseMerge
    letterbox_desk: LetterboxDesk
    letter_phrases: LetterPhrases
    letter_openings: LetterOpenings
    live_desk: LiveDesk
    live_room: LiveRoom
    live_replies: LiveReplies
    may_chat: MayChat
    live_chat: bool
    """Whether this installation has live chats."""
    staff_chats: StaffChatPhrases
    live_offer: str
    """What a young person reads of a member of staff who offers to talk to them."""
    chat_names: ChatNames
    links: CaseLinks
    attachments: Attachments
    file_phrases: FilePhrases
    child_details: ChildDetails
    tasks: CaseTasks
    likeness: LikenessSearch
    false_alarms: FalseAlarms
    word_search: WordSearch
    figures: CaseFigures
    release_log: ReleaseLog
    accounts: StaffAccounts
    sessions: StaffSessions
    devices: KnownDevices
    second_steps: SecondSteps
    wrong_codes: WrongCodes
    passkeys: Passkeys
    identities: LinkedIdentities
    invitations: Invitations
    approvals: Approvals
    readings: Readings
    signing_plans: SigningPlans
    signing_phrases: SigningPhrases
    rota: RotaService
    refused_way_phrases: RefusedWayPhrases
    alarm_phrases: FalseAlarmPhrases
    search_phrases: WordSearchPhrases
    alerts: StaffAlerts
    audit: AuditLog
    client_digest: Callable[[str], str]
    """Returns the name of a machine on the audit trail, by its address."""
    catalogue: Callable[[], Catalogue]
    areas: dict[str, str]
    """Labels by id of the areas to which an account can be limited."""
    facts: Mapping[str, str]
    """What staff read of each fact that a person may say, by its id (content/facts.yml)."""
    row_facts: Mapping[str, str]
    """What a row of the queue says of a fact, by its id."""
    throttle: SignInThrottle
    provider: Provider | None
    """The organisation's identity provider, where there is one."""
    requests: AuthenticationRequests
    """Requests to the provider; each is answered once."""
    pages: Pages
    errors: ErrorPhrases
    url: str
    """Address of the console, with which links that leave it begin; without a slash at the end."""
    insecure_cookies: bool
    require_second_step: bool
    now: Callable[[], datetime]


def services(request: Request) -> Services:
    """Return the services of the app that serves this request."""
    console: Services = request.app.ctx.services
    return console


def _component_environment() -> Environment:
    # The components read parameters that were not passed, so they cannot be strict.
    loader = PackageLoader("govuk_frontend_jinja")
    return Environment(loader=PrefixLoader({"govuk_frontend_jinja": loader}), autoescape=True)
