"""The widget on a page of somebody else's: the one tag, its button and its frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_widget import WEATHER, Served, open_embedded


@pytest.fixture
def school(gateway: Served) -> Iterator[int]:
    """The port of a site of its own, whose page embeds the chat with the one tag."""
    content = f'<h1>School</h1><script src="{gateway.url}/widget/embed.js" defer></script>'

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_no_request_goes_anywhere_else(context: BrowserContext, gateway: Served) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto("/")
    open_embedded(page)

    assert asked
    assert all(address.startswith(gateway.url) for address in asked)


def test_the_embedded_chat_opens_closes_and_keeps_the_focus(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    frame = open_embedded(page)
    frame.get_by_label("Type anything you like").press("Escape")

    launcher = page.get_by_role("button", name="Chat with Lantern")
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    expect(page.locator("iframe")).to_be_hidden()


def test_leaving_from_the_embedded_chat_takes_the_whole_page_away(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    open_embedded(page).get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_shift_three_times_leaves_from_the_embedded_chat_too(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    open_embedded(page).get_by_label("Type anything you like").focus()

    for _ in range(3):
        page.keyboard.press("Shift")

    page.wait_for_url(WEATHER)


def test_it_works_on_a_page_of_another_origin(context: BrowserContext, school: int) -> None:
    page = _host_page(context, school, "localhost")
    frame = open_embedded(page)

    frame.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_only_the_chat_itself_can_make_the_page_leave(context: BrowserContext, school: int) -> None:
    page = _host_page(context, school, "localhost")
    frame = open_embedded(page)
    page.evaluate("postMessage({lantern: 'leave'}, '*')")

    expect(frame.get_by_role("log")).to_be_visible()
    assert page.url.startswith("http://localhost:")


def test_a_page_that_was_not_named_shows_help_in_place_of_the_chat(
    context: BrowserContext, school: int
) -> None:
    page = _host_page(context, school, "127.0.0.1")
    page.get_by_role("button", name="Chat with Lantern").click()

    panel = page.get_by_role("dialog", name="Chat with Lantern")
    expect(panel.get_by_role("link", name="Call 999")).to_have_attribute("href", "tel:999")
    expect(panel.get_by_role("link", name="Call 0800 1111")).to_be_visible()
    expect(panel.get_by_text("the chat can't open here")).to_be_visible(timeout=20_000)
    expect(page.locator("iframe")).to_be_hidden()


def _host_page(context: BrowserContext, port: int, host: str) -> Page:
    """The school's page. The gateway of these tests allows it as localhost only."""
    page = context.new_page()
    page.goto(f"http://{host}:{port}/")
    return page
