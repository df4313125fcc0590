"""What both web faces share: security headers, plain errors, the same-site check."""

from __future__ import annotations

import html
import ipaddress
import traceback
from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
import structlog
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
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
"""For two years, browsers come by TLS alone: this host, not those below it."""


@dataclass(frozen=True)
class ContentPolicy:
    """What a page may load and who may frame it: by default its own origin, nothing inline."""

    script_src: str = "'self'"
    style_src: str = "'self'"
    connect_src: str = "'self'"
    img_src: str = "'self'"
    font_src: str = "'none'"
    frame_src: str = "'none'"
    form_action: str = "'none'"
    frame_ancestors: str = "'none'"
    shared: bool = False
    """True for a file that pages of other origins load by a tag: the embed script."""

    def headers(self) -> dict[str, str]:
        """The response headers that carry this policy."""
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
    """Put the headers on every response, errors included; a page's own Cache-Control is kept."""

    async def secure(request: Request, response: BaseHTTPResponse) -> None:
        response.headers.update(_ALWAYS | policy_for(request).headers())
        # As a proxy that we trust reports it. By plain HTTP it would bind nobody.
        if request.scheme == "https":
            response.headers["Strict-Transport-Security"] = _TLS_ONLY
        response.headers.setdefault("Cache-Control", "no-store")

    app.register_middleware(secure, "response")


class ErrorPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/errors.yml, by HTTP status."""

    help: str
    """The help numbers: they stand below every error."""
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
        """The title and the detail for a status; for another one those of 400 or of 500."""
        known = f"title_{status}" in self.__struct_fields__
        named = status if known else 500 if _is_ours(status) else 400
        return getattr(self, f"title_{named}"), getattr(self, f"detail_{named}")


class PlainErrors(ErrorHandler):
    """Every error as a page or a problem in plain words; what went wrong goes to the log only.

    Use: `app.error_handler = PlainErrors(phrases)`, with phrases read before the server starts: an
    error needs no file. Neither the answer nor the log quotes the request.
    """

    def __init__(self, phrases: ErrorPhrases) -> None:
        super().__init__()
        self._phrases = phrases

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """Answer with the phrases for the status; an unforeseen exception counts as 500."""
        if isinstance(exception, CancelledError):
            return self.problem(HTTPStatus.SERVICE_UNAVAILABLE)  # whoever asked has gone
        status = exception.status_code if isinstance(exception, SanicException) else 500
        if _is_ours(status):
            log.error("request.failed", error=type(exception).__name__, at=_place(exception))
        if wants_page(request):
            return self.page(status)
        return self.problem(status)

    def problem(
        self,
        status: int,
        said: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> HTTPResponse:
        """An error as problem details (RFC 9457), always with the help numbers.

        `said` is a title and a detail; without it those for the status.
        """
        title, detail = said or self._phrases.of(status)
        body = {"type": "about:blank", "status": status, "title": title, "detail": detail}
        return json_response(
            body | {"help": self._phrases.help} | more,
            status=status,
            headers=headers,
            content_type="application/problem+json",
        )

    def page(self, status: int) -> HTTPResponse:
        """An error as a plain page: no script, no style, no template that could fail as well."""
        title, detail, numbers = map(html.escape, (*self._phrases.of(status), self._phrases.help))
        page = (
            '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title></head><body><main><h1>{title}</h1>"
            f"<p>{detail}</p><p><strong>{numbers}</strong></p></main></body></html>"
        )
        return html_response(page, status=status)


def _is_ours(status: int) -> bool:
    """True when the fault is the server's, not the request's."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _place(exception: BaseException) -> str:
    """Where it was raised: the message itself may hold someone's words."""
    frames = traceback.extract_tb(exception.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def wants_page(request: Request) -> bool:
    """True when a person's browser asks for a page, not a script for data."""
    return "text/html" in (request.headers.get("accept") or "")


def client_address(request: Request) -> str:
    """The address of the person's machine; behind proxies, as the trusted ones report it.

    Set `app.config.PROXIES_COUNT` to what the settings trust (None for 0).
    """
    return str(request.remote_addr or request.ip)


def is_from_private_network(request: Request) -> bool:
    """True for loopback and private addresses.

    A proxy nobody told us of would make everyone look local: its forwarding header says no.
    """
    if not request.app.config.PROXIES_COUNT and "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_private
    except ValueError:
        return False


def is_same_site(request: Request) -> bool:
    """False when another site's page made this request: the check against forged forms.

    Browsers set Sec-Fetch-Site themselves; an older one still sends Origin with a POST.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.host
