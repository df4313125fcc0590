"""HTTP for gateway and console: security headers, plain errors, addresses, same-site check."""

from __future__ import annotations

import html
import ipaddress
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
import structlog
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.headers import parse_host
from sanic.response import BaseHTTPResponse
from sanic.response import html as html_response
from sanic.response import json as json_response

App: TypeAlias = Sanic[Any, Any]
log = structlog.get_logger("web")

_ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), "
        "browsing-topics=()"
    ),
    "X-Robots-Tag": "noindex, nofollow",
}
_TLS_ONLY = "max-age=63072000"
"""Browsers use only TLS for two years, for this host but not its subdomains."""


@dataclass(frozen=True)
class ContentPolicy:
    """A content security policy; by default a page loads its own origin, and nothing inline."""

    script_src: str = "'self'"
    style_src: str = "'self'"
    connect_src: str = "'self'"
    img_src: str = "'self'"
    font_src: str = "'none'"
    frame_src: str = "'none'"
    form_action: str = "'none'"
    frame_ancestors: str = "'none'"
    shared: bool = False
    """True for the embed script, which pages of other origins load."""

    def headers(self) -> dict[str, str]:
        """Return the response headers of this policy."""
        names = ("script_src", "style_src", "connect_src", "img_src", "font_src", "frame_src")
        parts = ["default-src 'none'", "base-uri 'none'"]
        parts += [f"{name.replace('_', '-')} {getattr(self, name)}" for name in names]
        parts += [f"form-action {self.form_action}", f"frame-ancestors {self.frame_ancestors}"]
        headers = {
            "Content-Security-Policy": "; ".join(parts),
            "Cross-Origin-Resource-Policy": "cross-origin" if self.shared else "same-origin",
        }
        if self.frame_ancestors == "'none'":
            headers["X-Frame-Options"] = "DENY"
        return headers


def add_security_headers(app: App, policy_for: Callable[[Request], ContentPolicy]) -> None:
    """Set the headers on every response, also of errors; a page's Cache-Control is kept."""

    async def secure(request: Request, response: BaseHTTPResponse) -> None:
        response.headers.update(_ALWAYS | policy_for(request).headers())
        # The scheme comes from a trusted proxy. Browsers ignore the header over plain HTTP.
        if request.scheme == "https":
            response.headers["Strict-Transport-Security"] = _TLS_ONLY
        response.headers.setdefault("Cache-Control", "no-store")

    app.register_middleware(secure, "response")


class ErrorPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/errors.yml, by HTTP status."""

    help: str
    """The help numbers, shown below every error."""
    title_400: str
    detail_400: str
    title_401: str
    detail_401: str
    title_403: str
    detail_403: str
    title_404: str
    detail_404: str
    title_405: str
    detail_405: str
    title_408: str
    detail_408: str
    title_413: str
    detail_413: str
    title_500: str
    detail_500: str
    title_503: str
    detail_503: str

    def of(self, status: int) -> tuple[str, str]:
        """Return title and detail of a status; of an unknown one, those of 400 or 500."""
        known = f"title_{status}" in self.__struct_fields__
        named = status if known else 500 if _is_ours(status) else 400
        return getattr(self, f"title_{named}"), getattr(self, f"detail_{named}")


class PlainErrors(ErrorHandler):
    """Answers every error with a page or problem details in plain words.

    Use: `app.error_handler = PlainErrors(phrases)`, with phrases read before the server starts, so
    that an error needs no file. Neither the answer nor the log quotes the request.
    """

    def __init__(self, phrases: ErrorPhrases) -> None:
        super().__init__()
        self._phrases = phrases

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """Answer with the phrases for the status; an unforeseen exception counts as 500."""
        if isinstance(exception, CancelledError):
            return self.problem(HTTPStatus.SERVICE_UNAVAILABLE)  # the client has gone
        status = exception.status_code if isinstance(exception, SanicException) else 500
        if _is_ours(status):
            log.error("request.failed", error=type(exception).__name__, at=_place(exception))
        if wants_page(request):
            return self.page(status)
        return self.problem(status)

    def problem(
        self,
        status: int,
        wording: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> HTTPResponse:
        """Return an error as problem details (RFC 9457), always with the help numbers.

        `wording` is a title and a detail; without it those of the status are used.
        """
        title, detail = wording or self._phrases.of(status)
        body = {"type": "about:blank", "status": status, "title": title, "detail": detail}
        return json_response(
            body | {"help": self._phrases.help} | more,
            status=status,
            headers=headers,
            content_type="application/problem+json",
        )

    def page(self, status: int) -> HTTPResponse:
        """Return an error as a plain page, without script, style or a template that could fail."""
        title, detail, numbers = map(html.escape, (*self._phrases.of(status), self._phrases.help))
        page = (
            '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title></head><body><main><h1>{title}</h1>"
            f"<p>{detail}</p><p><strong>{numbers}</strong></p></main></body></html>"
        )
        return html_response(page, status=status)


def _is_ours(status: int) -> bool:
    """Return whether the fault is the server's."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _place(exception: BaseException) -> str:
    """Return where it was raised; its message may hold a child's words."""
    frames = traceback.extract_tb(exception.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def wants_page(request: Request) -> bool:
    """Return whether a browser asks for a page, not a script for data."""
    return "text/html" in (request.headers.get("accept") or "")


def client_address(request: Request) -> str:
    """Return the client's address; behind proxies, as the trusted ones report it.

    Set `app.config.PROXIES_COUNT` to the number that the settings trust (None for 0).
    """
    return str(request.remote_addr or request.ip)


def is_addressed_to(request: Request, hosts: Collection[str]) -> bool:
    """Return whether a request is for one of these host names, at any port.

    Behind trusted proxies, the name that they report counts. A page must not be opened under a name
    that its visitor, or a page of another site, has chosen.
    """
    name, _port = parse_host(request.host)
    return name is not None and name.strip("[]") in hosts


def is_from_private_network(request: Request) -> bool:
    """Return whether the client's address is loopback or private.

    Behind a proxy that is not in the settings every client would look local: its forwarding header
    makes the answer False.
    """
    if not request.app.config.PROXIES_COUNT and "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_private
    except ValueError:
        return False


def is_same_site(request: Request) -> bool:
    """Return False when another site's page made this request, which protects forms.

    Browsers set Sec-Fetch-Site themselves; older ones still send Origin with a POST.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.host
