"""The widget's files and the demonstration page, read once and served from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import empty, raw

from web.http import App, ContentPolicy

FOLDER = Path(__file__).resolve().parent.parent / "widget"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
pages = Blueprint("pages")


@dataclass(frozen=True)
class Page:
    """A file as it is served."""

    content: bytes
    kind: str
    tag: str


def read_pages(folder: Path = FOLDER) -> dict[str, Page]:
    """All files of the widget by name."""
    return {
        path.name: Page(path.read_bytes(), KINDS[path.suffix], _tag(path.read_bytes()))
        for path in sorted(folder.iterdir())
        if path.suffix in KINDS
    }


def policy_for(request: Request, ancestors: str) -> ContentPolicy:
    """Who may frame a page: the widget its hosts, everything else nobody."""
    if request.path == "/":
        return ContentPolicy(frame_src="'self'")
    if request.path == "/widget/embed.js":
        return ContentPolicy(shared=True)
    if request.path.startswith("/widget/"):
        return ContentPolicy(frame_ancestors=ancestors)
    return ContentPolicy()


@pages.get("/")
async def demo(request: Request) -> HTTPResponse:
    """A made-up school page with the widget on it."""
    return _served(request, "demo.html")


@pages.get("/widget/", strict_slashes=True)
async def chat(request: Request) -> HTTPResponse:
    """The chat itself, for an iframe or for a tab of its own."""
    return _served(request, "chat.html")


@pages.get("/widget/<name:str>")
async def file(request: Request, name: str) -> HTTPResponse:
    """A file of the widget."""
    return _served(request, name)


def keep_pages(app: App) -> None:
    """Read the files when the app is made: a missing one must be noticed then."""
    app.ctx.pages = read_pages()


def _served(request: Request, name: str) -> HTTPResponse:
    page = request.app.ctx.pages.get(name)
    if page is None:
        raise NotFound
    # A page leaves as little as possible on a shared computer; scripts may be kept and asked after.
    keep = "no-store" if name.endswith(".html") else "no-cache"
    headers = {"ETag": page.tag, "Cache-Control": keep}
    if request.headers.get("if-none-match") == page.tag:
        return empty(status=304, headers=headers)
    return raw(page.content, content_type=page.kind, headers=headers)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'
