"""The widget, the demonstration page and the description of the interface, from memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from rcssmin import cssmin
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import empty, raw
from sanic.response import html as html_response
from sanic.response import json as json_response

from chat.gateway.requests import MOST_TYPED
from chat.gateway.scripts import as_classic, in_one_piece
from safeguarding.content.phrases import Phrases
from safeguarding.content.reader import Content
from web.http import App, ContentPolicy

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "widget"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The files that are served as they lie there, once the phrases are in them."""
SCRIPT = "text/javascript; charset=utf-8"
MODULES = ("chat.mjs", "help.mjs", "help_worker.mjs")
"""The modules that a page names itself: they are served with all that they import."""
PAGES = {"chat.html": "chat_page", "demo.html": "school_page", "help.html": "help_page"}
"""The phrases that each page of the widget is rendered with."""
SPECIAL = {
    # Where the gateway is away, a page that has shown the button before shows it again, and help.
    "embed.js": {"Cache-Control": "max-age=300, stale-while-revalidate=86400"},
    "help_worker.mjs": {"Service-Worker-Allowed": "/chat"},
}
"""Headers that only these files need."""
GIVEN = '"{{ given }}"'
"""Where the embed script takes what it needs: on a page of somebody else's it can ask for none."""
ELSEWHERE = "https://www.bbc.co.uk/weather"
"""Where whoever leaves in a hurry is taken: a page that nobody wonders about."""
pages = Blueprint("pages")
docs = Blueprint("docs", url_prefix="/docs")


@dataclass(frozen=True)
class Page:
    """A file as it is served."""

    content: bytes
    kind: str
    tag: str


def keep_pages(app: App, content: Content) -> None:
    """Render all pages when the app is made: what is missing must be noticed then.

    Raises ContentError, jinja2.TemplateError, ValueError.
    """
    app.ctx.pages = read_pages(content.phrases)
    areas = [choice["id"].removeprefix("area_") for choice in content.choices.areas()]
    app.ctx.description = read_description(areas)
    app.ctx.docs = (
        _environment(HERE / "templates")
        .get_template("docs.html")
        .render(api=app.ctx.description, whole=partial(_whole, app.ctx.description))
    )


def read_pages(phrases: Phrases, folder: Path = FOLDER) -> dict[str, Page]:
    """All files of the widget by name, with the phrases that they show in their places."""
    environment = _environment(folder)
    files = {
        path.name: (_content(path, environment, phrases), KINDS[path.suffix])
        for path in sorted(folder.iterdir())
        if path.suffix in KINDS
    }
    scripts = {name: in_one_piece(folder / name) for name in MODULES}
    scripts["embed.js"] = _embed_script(folder, phrases)
    files |= {name: (script.encode(), SCRIPT) for name, script in scripts.items()}
    return {name: Page(content, kind, _tag(content)) for name, (content, kind) in files.items()}


def linked(text: str, words: str, href: str, **attributes: str) -> Markup:
    """The text with a link on `words`. Raises ValueError unless they stand in it just once."""
    before, found, after = escape(text).partition(escape(words))
    if not found or words in after:
        raise ValueError(f"{words!r} does not stand just once in {text!r}")
    more = Markup("").join(Markup(' {}="{}"').format(*pair) for pair in attributes.items())
    return Markup('{}<a href="{}"{}>{}</a>{}').format(before, href, more, found, after)


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


@pages.get("/chat")
async def chat_page(request: Request) -> HTTPResponse:
    """The chat in a tab of its own, at an address that can be told: nobody frames it."""
    return _served(request, "chat.html")


@pages.get("/widget/<name:str>")
async def file(request: Request, name: str) -> HTTPResponse:
    """A file of the widget."""
    return _served(request, name)


@docs.get("/")
async def read(request: Request) -> HTTPResponse:
    """The description of the interface as a page: no script, nothing from elsewhere."""
    return html_response(request.app.ctx.docs)


@docs.get("/openapi.json")
async def machine_readable(request: Request) -> HTTPResponse:
    """The same for programs."""
    return json_response(request.app.ctx.description)


def read_description(areas: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI description; the areas in it are those that have contacts."""
    described: dict[str, Any] = yaml.safe_load((HERE / "openapi.yml").read_text(encoding="utf-8"))
    described["components"]["schemas"]["Beginning"]["properties"]["area"]["enum"] = list(areas)
    return described


def _whole(described: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or the one it refers to ("#/components/responses/NoToken")."""
    for step in part.get("$ref", "").split("/")[1:]:
        part = part[step] if step in part else described[step]
    return part


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["linked"] = linked
    return environment


def _content(path: Path, environment: Environment, phrases: Phrases) -> bytes:
    if path.suffix == ".html":
        own, scripts = phrases.group(PAGES[path.name]), phrases.group("chat_scripts")
        page = environment.get_template(path.name).render(
            phrases=own, script_phrases=scripts, elsewhere=ELSEWHERE, most_typed=MOST_TYPED
        )
        return page.encode()
    return path.read_bytes()


def _embed_script(folder: Path, phrases: Phrases) -> str:
    """The one tag's script, with its phrases and its style sheet in it."""
    script, style = in_one_piece(folder / "embed.mjs"), (folder / "embed.css").read_text("utf-8")
    if script.count(GIVEN) != 1:
        raise ValueError(f"embed.mjs does not hold {GIVEN} just once")
    given = {**phrases.group("embed"), "elsewhere": ELSEWHERE, "style": cssmin(style)}
    return as_classic(script.replace(GIVEN, json.dumps(given, ensure_ascii=False)))


def _served(request: Request, name: str) -> HTTPResponse:
    page = request.app.ctx.pages.get(name)
    if page is None:
        raise NotFound
    # A page leaves as little as possible on a shared computer; scripts may be kept and asked after.
    keep = "no-store" if name.endswith(".html") else "no-cache"
    headers = {"ETag": page.tag, "Cache-Control": keep} | SPECIAL.get(name, {})
    # A proxy that compresses a file makes its tag a weak one.
    if (request.headers.get("if-none-match") or "").removeprefix("W/") == page.tag:
        return empty(status=304, headers=headers)
    return raw(page.content, content_type=page.kind, headers=headers)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'
