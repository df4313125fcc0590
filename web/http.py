"""What both web faces share: security headers, plain errors, the same-site check."""

from __future__ import annotations

import html
import ipaddress
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.response import BaseHTTPResponse
from sanic.response import html as html_response
from sanic.response import json as json_response

HELP_WORDS = (
    "If you are in danger now, call 999. "
    "You can talk to Childline for free, any time, on 0800 1111."
)
App: TypeAlias = Sanic[Any, Any]
log = structlog.get_logger("web")

_WORDS = {
    400: ("That did not work", "Something in the request could not be read."),
    401: ("Please start again", "This page has been open for a long time."),
    403: ("Not allowed", "You cannot see this page."),
    404: ("Page not found", "There is no page here. Check the address."),
    405: ("That did not work", "This address cannot be used in that way."),
    408: ("That took too long", "The connection was slow. Please try again."),
    413: ("That is too long", "Please send it in smaller parts."),
    500: ("Something went wrong here", "It is our fault, not yours. Please try again later."),
    503: ("Not available just now", "Please try again in a few minutes."),
}

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
        response.headers.setdefault("Cache-Control", "no-store")

    app.register_middleware(secure, "response")


def problem(
    status: int,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: object,
) -> HTTPResponse:
    """An error as problem details (RFC 9457), in plain words, always with the help numbers."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    return json_response(
        body | {"help": HELP_WORDS} | more,
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


def error_page(status: int, title: str, detail: str) -> HTTPResponse:
    """An error as a plain page: no script, no style, no template that could fail as well."""
    page = (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title></head><body><main><h1>{html.escape(title)}</h1>"
        f"<p>{html.escape(detail)}</p><p><strong>{html.escape(HELP_WORDS)}</strong></p>"
        "</main></body></html>"
    )
    return html_response(page, status=status)


class PlainErrors(ErrorHandler):
    """Every error as a page or a problem in plain words; what went wrong goes to the log only.

    Use: `app.error_handler = PlainErrors()`. Neither the answer nor the log quotes the request.
    """

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """Answer with the words for the status; an unforeseen exception counts as 500."""
        status = exception.status_code if isinstance(exception, SanicException) else 500
        ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if ours:
            log.error("request.failed", error=type(exception).__name__, at=_place(exception))
        title, detail = _WORDS.get(status) or _WORDS[500 if ours else 400]
        if wants_page(request):
            return error_page(status, title, detail)
        return problem(status, title, detail)


def _place(exception: BaseException) -> str:
    """Where it was raised: the message itself may hold someone's words."""
    frames = traceback.extract_tb(exception.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def wants_page(request: Request) -> bool:
    """True when a person's browser asks for a page, not a script for data."""
    return "text/html" in (request.headers.get("accept") or "")


def client_address(request: Request) -> str:
    """The address of the person's machine; behind proxies, as the trusted ones report it.

    Set `app.config.PROXIES_COUNT` to `settings.trusted_proxies` (None for 0).
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
