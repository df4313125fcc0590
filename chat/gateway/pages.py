"""The widget, the demonstration page and the description of the interface, served from memory.

There is no build step. At the start, phrases are put into the pages, and each script is joined with
the modules that it imports: on a slow connection each level of imports costs a round trip, and the
embed script, on pages of other sites, can import nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from click import command, echo
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from rcssmin import cssmin
from rjsmin import jsmin
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import empty, raw
from sanic.response import html as html_response
from sanic.response import json as json_response

from chat.gateway.requests import MOST_TYPED
from safeguarding.content.phrases import Phrases
from safeguarding.content.reader import Content, read_content
from web.http import App, ContentPolicy, ErrorPhrases, PlainErrors

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "widget"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The files that are served as they are, apart from phrases."""
SCRIPT = "text/javascript; charset=utf-8"
MODULES = ("chat.mjs", "help.mjs", "help_worker.mjs")
"""The modules that pages name; each is served with all that it imports."""
LATER = ("say_it.mjs", "live.mjs")
"""The modules that a script loads when they are needed, with all that they import."""
PAGES = {"chat.html": "chat_page", "demo.html": "school_page", "help.html": "help_page"}
"""The group of phrases for each page."""
SPECIAL = {
    # While the gateway is down, pages that have shown the button before show it again, and help.
    "embed.js": {"Cache-Control": "max-age=300, stale-while-revalidate=86400"},
    "help_worker.mjs": {"Service-Worker-Allowed": "/chat"},
}
"""Further headers of single files."""
GIVEN = '"{{ given }}"'
"""The place in the embed script for its phrases and style sheet, which it cannot fetch itself."""
PLAIN = "/chat/plain"
"""The address of the chat without JavaScript; see plain_page.py."""
ELSEWHERE = "https://www.bbc.co.uk/weather"
"""The page that a person who leaves in a hurry is taken to: one that raises no questions."""
_IMPORT = re.compile(r'^import \{([\w,\s]+)\} from "\./(\w+)\.mjs";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
pages = Blueprint("pages")
docs = Blueprint("docs", url_prefix="/docs")


@dataclass(frozen=True)
class Page:
    """A file as it is served; `tag` is its ETag."""

    content: bytes
    kind: str
    tag: str


def keep_pages(app: App, content: Content) -> None:
    """Render all pages into `app.ctx`, so that faults show when the app is made.

    Raises ContentError, jinja2.TemplateError and ValueError.
    """
    app.ctx.pages = read_pages(content.phrases)
    areas = [choice["id"].removeprefix("area_") for choice in content.choices.areas()]
    described: dict[str, Any] = yaml.safe_load((HERE / "openapi.yml").read_text(encoding="utf-8"))
    described["components"]["schemas"]["Beginning"]["properties"]["area"]["enum"] = areas
    app.ctx.description = described
    app.ctx.docs = (
        templates_of(HERE / "templates")
        .get_template("docs.html")
        .render(api=described, whole=partial(_whole, described))
    )


def read_pages(phrases: Phrases, folder: Path = FOLDER) -> dict[str, Page]:
    """Return all files of the widget by name, with their phrases."""
    environment = templates_of(folder)
    files = {
        path.name: (_content(path, environment, phrases), KINDS[path.suffix])
        for path in sorted(folder.iterdir())
        if path.suffix in KINDS
    }
    scripts = {name: in_one_piece(folder / name) for name in (*MODULES, *LATER)}
    scripts["embed.js"] = _embed_script(folder, phrases)
    files |= {name: (script.encode(), SCRIPT) for name, script in scripts.items()}
    return {
        name: Page(content, kind, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        for name, (content, kind) in files.items()
    }


def linked(text: str, words: str, href: str, **attributes: str) -> Markup:
    """Return the text with a link on `words`. Raises ValueError unless they occur once."""
    before, found, after = escape(text).partition(escape(words))
    if not found or words in after:
        raise ValueError(f"{words!r} does not stand just once in {text!r}")
    more = Markup("").join(Markup(' {}="{}"').format(*pair) for pair in attributes.items())
    return Markup('{}<a href="{}"{}>{}</a>{}').format(before, href, more, found, after)


def policy_for(request: Request, ancestors: str) -> ContentPolicy:
    """Return the policy of a page: `ancestors` may frame the widget; no site may frame the rest."""
    if request.path == "/":
        return ContentPolicy(frame_src="'self'")
    if request.path == PLAIN:
        return ContentPolicy(script_src="'none'", connect_src="'none'", form_action="'self'")
    if request.path == "/widget/embed.js":
        return ContentPolicy(shared=True)
    if request.path.startswith("/widget/"):
        return ContentPolicy(frame_ancestors=ancestors)
    return ContentPolicy()


@pages.get("/")
async def demo(request: Request) -> HTTPResponse:
    """Serve a made-up school page with the widget on it."""
    return _served(request, "demo.html")


@pages.get("/widget/", strict_slashes=True)
async def chat(request: Request) -> HTTPResponse:
    """Serve the chat for an iframe or a tab."""
    return _served(request, "chat.html")


@pages.get("/chat")
async def chat_page(request: Request) -> HTTPResponse:
    """Serve the chat at a short address, for a tab only: no site may frame it."""
    return _served(request, "chat.html")


@pages.get("/widget/<name:str>")
async def file(request: Request, name: str) -> HTTPResponse:
    """Serve a file of the widget."""
    return _served(request, name)


@docs.get("/")
async def read(request: Request) -> HTTPResponse:
    """Serve the description of the interface as a page."""
    return html_response(request.app.ctx.docs)


@docs.get("/openapi.json")
async def machine_readable(request: Request) -> HTTPResponse:
    """Serve the description for programs."""
    return json_response(request.app.ctx.description)


def _whole(described: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Follow the reference of a part, such as "#/components/responses/NoToken", if it is one."""
    for step in part.get("$ref", "").split("/")[1:]:
        part = part[step] if step in part else described[step]
    return part


def templates_of(folder: Path) -> Environment:
    """Return the templates of a folder. What they show is escaped; what they lack is an error."""
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
    """Return the script of the embed tag, with its phrases and its style sheet."""
    script, style = in_one_piece(folder / "embed.mjs"), (folder / "embed.css").read_text("utf-8")
    if script.count(GIVEN) != 1:
        raise ValueError(f"embed.mjs does not hold {GIVEN} just once")
    given = {**phrases.group("embed"), "elsewhere": ELSEWHERE, "style": cssmin(style)}
    return as_classic(script.replace(GIVEN, json.dumps(given, ensure_ascii=False)))


def _served(request: Request, name: str) -> HTTPResponse:
    page = request.app.ctx.pages.get(name)
    if page is None:
        raise NotFound
    # Pages leave nothing on a shared computer; a browser may keep scripts and revalidate them.
    keep = "no-store" if name.endswith(".html") else "no-cache"
    headers = {"ETag": page.tag, "Cache-Control": keep} | SPECIAL.get(name, {})
    # A proxy that compresses a file makes its tag a weak one.
    if (request.headers.get("if-none-match") or "").removeprefix("W/") == page.tag:
        return empty(status=304, headers=headers)
    return raw(page.content, content_type=page.kind, headers=headers)


def in_one_piece(path: Path) -> str:
    """Join a module with all that it imports, each in its own scope, without comments.

    What the module itself exports it goes on exporting, for a script that loads it later.

    Raises ValueError for an import or an export that is not written in the style of the widget, and
    for modules that import each other.
    """
    parts: dict[str, str] = {}
    own = _body(path, parts, ())
    _understood(path, _EXPORT.sub("", own))
    return str(jsmin("".join([*parts.values(), own])))


def as_classic(script: str) -> str:
    """Wrap a script for a plain tag, so that it leaves no name on the page."""
    return f'(()=>{{"use strict";{script}\n}})();'


def _body(path: Path, parts: dict[str, str], importers: tuple[str, ...]) -> str:
    """Return the module with imports from `parts`, after putting what it imports there."""
    if path.stem in importers:
        raise ValueError(f"{path.name} imports itself, through {importers[-1]}")
    source = path.read_text(encoding="utf-8")
    for _, name in _IMPORT.findall(source):
        if name not in parts:
            module = path.with_name(f"{name}.mjs")
            parts[name] = _scoped(module, _body(module, parts, (*importers, path.stem)))
    return _IMPORT.sub(r"const {\1} = $\2;\n", source)


def _scoped(path: Path, body: str) -> str:
    names = ", ".join(_EXPORT.findall(body))
    body = _understood(path, _EXPORT.sub("", body))
    return f"const ${path.stem} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"


def _understood(path: Path, body: str) -> str:
    if left := _LEFT.search(body):
        raise ValueError(f"{path.name}: it is not known what this means here: {left[0]}")
    return body


def plain_errors(content: Content) -> PlainErrors:
    """Return the error handler with the phrases of the content. Raises ContentError."""
    return PlainErrors(content.phrases.of("errors", ErrorPhrases))


@command()
def main() -> None:
    """Print the help page that the proxy shows while the gateway is down."""
    page = plain_errors(read_content()).page(HTTPStatus.SERVICE_UNAVAILABLE)
    echo(page.body or b"")
