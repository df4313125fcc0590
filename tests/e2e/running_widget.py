"""A real gateway with the widget for browser tests, and the few things that they all do with it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import httpx
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Locator,
    Page,
    Route,
    expect,
)

from ops.stack import Process, free_port
from storage.engine import migrate
from tests.fakes.rasa import FakeRasa, running_rasa
from tests.records import KEYS

DESKTOP, PHONE, ZOOMED = (1280, 900), (320, 640), (320, 256)
"""ZOOMED is what 1280 by 1024 leaves at 400 %: the test of WCAG 1.4.10."""
TAG = '<script src="{url}/widget/embed.js" data-lantern {more} defer></script>'
WEATHER = "https://www.bbc.co.uk/weather"
TOKEN_KEY = "t" * 40
STARTS_S = 120
"""The longest time that a screening process takes to start, in seconds."""


@dataclass(frozen=True)
class Served:
    """A running gateway and the fake Rasa behind it."""

    url: str
    rasa: FakeRasa
    process: Process

    def forgot(self) -> bool:
        """Whether the gateway knows nothing more of the first conversation of this test."""
        first = self.rasa.received[0]["conversation_id"]
        claims = {"c": first, "a": None, "r": None}
        token = URLSafeTimedSerializer(TOKEN_KEY, salt="lantern.conversation.v1").dumps(claims)
        headers = {"Authorization": f"Bearer {token}"}
        last = httpx.get(f"{self.url}/v1/conversations", headers=headers).raise_for_status()
        return not last.json()["messages"]


@contextmanager
def running_widget(state: Path) -> Iterator[Served]:
    """Run a gateway on a state folder of its own. Pages of `localhost` may show its chat."""
    database, port = f"sqlite:///{state / 'lantern.db'}", free_port()
    migrate(database)
    with running_rasa() as rasa:
        settings = {
            "LANTERN_STATE_DIR": str(state),
            "LANTERN_DATABASE_URL": database,
            "LANTERN_FIELD_KEYS": KEYS,
            "LANTERN_TOKEN_KEY": TOKEN_KEY,
            "LANTERN_CHANNEL_SECRET": "s" * 40,
            "LANTERN_RASA_URL": rasa.url,
            "LANTERN_RASA_TIMEOUT_S": "2",
            "LANTERN_GATEWAY_PORT": str(port),
            "LANTERN_WIDGET_ANCESTORS": "'self' http://localhost:*",
        }
        run, url = [sys.executable, "-m", "chat.gateway"], f"http://127.0.0.1:{port}"
        log = state / "gateway.log"
        process = Process("gateway", run, settings, f"{url}/healthz", log)
        process.start()
        try:
            process.wait()
            yield Served(url, rasa, process)
        finally:
            process.stop()


def new_context(
    browser: Browser, gateway: Served, size: tuple[int, int], colours: str = "light"
) -> BrowserContext:
    """Open a browser of its own, with the weather page that people leave for."""
    context = browser.new_context(
        base_url=gateway.url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    )
    context.route(f"{WEATHER}**", show_weather)
    return context


def show_weather(route: Route) -> None:
    """Answer for the page that people leave for: tests call nobody."""
    route.fulfill(status=200, content_type="text/html", body="<title>Weather</title>")


def opened(page: Page) -> Page:
    """Open the chat on a page of its own, and wait for its opening."""
    page.goto("/widget/")
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    return page


def open_embedded(page: Page) -> FrameLocator:
    """Open the chat that a page embeds, by its button."""
    page.get_by_role("button", name="Chat with Lantern").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    return frame


def tag(gateway: Served, more: str = "") -> str:
    """Return the one tag, with `more` attributes."""
    return TAG.format(url=gateway.url, more=more)


def shown(context: BrowserContext, site: Site, path: str = "/") -> Page:
    """Return a page of the site, under the name by which the gateway of these tests allows it."""
    page = context.new_page()
    page.goto(site.url + path)
    return page


def say(page: Page | FrameLocator, text: str) -> None:
    """Write a message and send it."""
    page.get_by_label("Type anything you like").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def further_way(page: Page | FrameLocator, name: str) -> Locator:
    """Return the newest button of this name for a further way to get help, and open its fold."""
    found = page.get_by_role("button", name=name, include_hidden=True).last
    found.wait_for(state="attached")
    for fold in page.locator("details.more:not([open]) > summary").all():
        fold.click()
    return found


def said_hello(frame: Page | FrameLocator) -> None:
    """Send a message, and wait for the answer to it."""
    say(frame, "hello")
    expect(frame.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()


def until_assessing(served: Served) -> None:
    """Wait until the gateway assesses messages: its screening process reads a model first."""
    limit = time.monotonic() + STARTS_S
    while httpx.get(f"{served.url}/readyz", timeout=20).json()["screening"] != "up":
        assert time.monotonic() < limit, "the screening process does not start"
        time.sleep(0.2)


def until(true: Callable[[], bool]) -> None:
    """Wait for what comes true in another process."""
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.02)


class Site:
    """A site of somebody else's: its `pages`, and the headers that come with each of them."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(site) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = site.pages.get(self.path)
                self.send_response(404 if content is None else 200)
                for name, value in {"Content-Type": "text/html", **site.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write((content or "").encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler
