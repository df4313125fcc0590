"""The pages: their addresses, and Jinja templates on the components of the GOV.UK design system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from sanic import HTTPResponse, Request
from sanic.response import html

from staff.accounts.passwords import SHORTEST_PASSWORD
from staff.accounts.permissions import Permission
from staff.accounts.sessions import IDLE, LONGEST, Session
from staff.cases import wording as case_wording
from staff.console import dates, wording

STAFF = Path(__file__).resolve().parent.parent
"""Each feature keeps its own templates; the names are unique."""

HOME = "/escalations"
CONTENT = "/content"
ACCOUNTS = "/accounts"
ROTA = "/rota"
STATISTICS = "/statistics"
EXPORTS = "/exports"
AUDIT = "/audit"
LIVE = "/live"
"""What open pages ask by themselves."""
ACCOUNT = "/account"
SECOND_STEP = f"{ACCOUNT}/second-step"
ORGANISATION = f"{ACCOUNT}/organisation"
"""Whether the organisation's provider opens the account."""
SEE_OTHER = 303
LONGEST_NOTE = 10_000
"""Characters in the note of a form."""


def address_of(case_id: str) -> str:
    """The page of a case, or of the case of a message. Addresses hold ids, never words."""
    return f"{HOME}/{quote(case_id, safe='')}"


def content_address(content_id: str) -> str:
    """The page of one item of content."""
    return f"{CONTENT}/{quote(content_id, safe=':')}"


def here(address: str) -> Markup:
    """`aria-current` for the menu's link to the page that is shown, or to what it belongs to."""
    path = Request.get_current().path
    if path == address:
        return Markup(' aria-current="page"')
    if path.startswith(f"{address}/"):
        return Markup(' aria-current="true"')
    return Markup()


def field(request: Request, name: str) -> str:
    """A field of the form that was sent; empty when it was not. No NUL: no database keeps one."""
    form = request.form
    return str(form.get(name) or "").replace("\x00", "") if form else ""


def note_in(request: Request) -> str:
    """The note of a form. Browsers end lines with CR LF; records end them with LF."""
    return field(request, "note").replace("\r\n", "\n")


def written_in(request: Request) -> str:
    """All that somebody wrote into a form, so that a page can give it back to copy."""
    return "\n\n".join(filter(None, (note_in(request), field(request, "reference"))))


class Pages:
    """Renders templates. A name that a template misspells is an error, not an empty place."""

    def __init__(self, *, unsigned_content: bool, organisation: str | None = None) -> None:
        """`unsigned_content` puts the notice of a demonstration on top of every page.

        `organisation` is whose sign-in is offered beside our own; None where there is none.
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
            unsigned_content=unsigned_content,
            organisation=organisation,
            wording=wording,
            case_wording=case_wording,
            dates=dates,
            session_idle=IDLE,
            session_longest=LONGEST,
            shortest_password=SHORTEST_PASSWORD,
            Permission=Permission,
        )

    def render(
        self, template: str, *, status: int = 200, session: Session | None = None, **context: object
    ) -> HTTPResponse:
        """The page made from `template`; `session` is the reader's."""
        text = self._environment.get_template(template).render(session=session, **context)
        return html(text, status=status)

    def onward(self, address: str) -> HTTPResponse:
        """A page that goes on to `address` by itself.

        A redirect in its place would go on as if from the page before, on another site, and our
        own cookies would not go with it; and after a form it may not leave for another site.
        """
        return self.render("onward.html", address=address)

    def _component(self, name: str, params: Mapping[str, Any]) -> Markup:
        """A component of the design system: `govuk("error-summary", {...})`."""
        template = self._components.get_template(
            f"govuk_frontend_jinja/components/{name}/macro.html"
        )
        macro = "govuk" + "".join(part.capitalize() for part in name.split("-"))
        return Markup(getattr(template.module, macro)(params))  # noqa: S704 - escaped by the macro


def _component_environment() -> Environment:
    # The components ask for parameters that nobody gave, so they cannot be strict.
    loader = PackageLoader("govuk_frontend_jinja")
    return Environment(loader=PrefixLoader({"govuk_frontend_jinja": loader}), autoescape=True)
