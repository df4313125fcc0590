"""The widget in a browser: without JavaScript, in trouble, in a hurry, and for everyone."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Route, expect

from safeguarding.database.engine import migrate
from tests.fakes.rasa import FakeRasa, answering, running_rasa
from tests.records import KEYS

DESKTOP, PHONE, ZOOMED = (1280, 900), (320, 640), (320, 256)
"""ZOOMED is what 1280 by 1024 leaves at 400 %: the test of WCAG 1.4.10."""
WEATHER = "https://www.bbc.co.uk/weather"
ANSWER: dict[str, Any] = {
    "kind": "answer",
    "topic": "what_is_grooming",
    "title": "What is grooming?",
    "text": "Someone builds your trust to use you.\n\nIt is never your fault.",
    "steps": ["Tell an adult you trust.", "Or talk to Childline."],
    "sources": [
        {
            "title": "Grooming",
            "publisher": "NSPCC Learning",
            "url": "https://learning.nspcc.org.uk/grooming",
            "date": "2018-11",
        }
    ],
    "reviewed_on": "2026-11-25",
    "review_due": "2027-05-25",
    "approved": False,
    "choices": [{"id": "ask_talk_to_someone", "label": "Talk to someone"}],
}
CONTACTS: dict[str, Any] = {
    "kind": "contacts",
    "text": "These people can help.",
    "contacts": [
        {
            "id": "childline",
            "name": "Childline",
            "what": "For anyone under 19.",
            "ways": [
                {"kind": "phone", "label": "Call 0800 1111", "href": "tel:08001111"},
                {"kind": "web", "label": "Not a way", "href": "javascript:alert(1)"},
            ],
            "hours": "Open day and night.",
            "open_now": True,
            "checked_on": "2026-11-25",
        }
    ],
}
CONTROLS = "button, textarea, summary, .chat__exit, .chat__help a, a.contact__way"
TOO_SMALL = """(controls) => [...document.querySelectorAll(controls)]
    .filter((control) => control.checkVisibility())
    .map((control) => [control.textContent, control.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([words]) => words)"""
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@dataclass(frozen=True)
class Served:
    """A running gateway and the fake Rasa behind it."""

    url: str
    rasa: FakeRasa


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    state = tmp_path_factory.mktemp("gateway")
    database, port = f"sqlite:///{state / 'lantern.db'}", _free_port()
    migrate(database)
    with running_rasa() as rasa:
        settings = {
            "LANTERN_STATE_DIR": str(state),
            "LANTERN_DATABASE_URL": database,
            "LANTERN_FIELD_KEYS": KEYS,
            "LANTERN_TOKEN_KEY": "t" * 40,
            "LANTERN_CHANNEL_SECRET": "s" * 40,
            "LANTERN_RASA_URL": rasa.url,
            "LANTERN_RASA_TIMEOUT_S": "2",
            "LANTERN_GATEWAY_PORT": str(port),
            "LANTERN_WIDGET_ANCESTORS": "'self' http://localhost:*",
        }
        command = [sys.executable, "-m", "web.gateway"]
        log = (state / "gateway.log").open("wb")
        with log, subprocess.Popen(command, env=os.environ | settings, stdout=log) as process:
            try:
                _wait_for(f"http://127.0.0.1:{port}/healthz", process, state / "gateway.log")
                yield Served(f"http://127.0.0.1:{port}", rasa)
            finally:
                process.terminate()


@pytest.fixture
def gateway(running: Served) -> Served:
    """The gateway, with a Rasa that knows nothing of the test before."""
    running.rasa.behave = answering({"kind": "text", "text": "Hello from Rasa"})
    running.rasa.hold.set()
    running.rasa.received.clear()
    return running


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


@pytest.fixture
def context(browser: Browser, gateway: Served) -> Iterator[BrowserContext]:
    context = _context(browser, gateway, DESKTOP)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """The chat on a page of its own, after its opening."""
    return _opened(context.new_page())


def test_without_javascript_help_and_the_exit_are_there(browser: Browser, gateway: Served) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=gateway.url)
    page = context.new_page()
    page.route(f"{WEATHER}**", _weather)
    page.goto("/widget/")

    notice = page.locator("noscript .message--alone")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("This chat needs JavaScript")
    expect(notice).to_contain_text("press 55")
    expect(page.get_by_role("link", name="Call 999").first).to_have_attribute("href", "tel:999")
    expect(page.get_by_role("link", name="0800 1111").first).to_be_visible()
    expect(page.get_by_label("Type anything you like")).to_be_hidden()
    page.get_by_role("link", name="Leave now").click()

    expect(page).to_have_url(WEATHER)
    context.close()


def test_help_is_there_when_the_gateway_answers_nothing(
    context: BrowserContext, gateway: Served
) -> None:
    page = context.new_page()
    page.route("**/v1/**", lambda route: route.abort())
    page.goto("/widget/")

    log = page.get_by_role("log")
    expect(log.get_by_role("link", name="Call 0800 1111")).to_be_visible()
    expect(page.get_by_text("Lantern is writing")).to_be_hidden()


def test_a_message_is_answered_and_announced_once(page: Page) -> None:
    page.get_by_label("Type anything you like").fill("hello")
    page.keyboard.press("Enter")

    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("Hello from Rasa")
    expect(page.get_by_text("Lantern is writing")).to_be_hidden()
    expect(page.get_by_label("Type anything you like")).to_be_focused()


def test_shift_and_enter_make_a_new_line(page: Page, gateway: Served) -> None:
    words = page.get_by_label("Type anything you like")
    words.press_sequentially("one")
    words.press("Shift+Enter")
    words.press_sequentially("two")
    words.press("Enter")

    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    assert gateway.rasa.received[0]["text"] == "one\ntwo"


def test_an_answer_shows_its_steps_sources_and_dates(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER)
    _say(page, "what is grooming")

    log = page.get_by_role("log")
    expect(log.get_by_role("heading", name="What is grooming?")).to_be_visible()
    expect(log.get_by_text("Or talk to Childline.")).to_be_visible()
    expect(log.get_by_text("Checked on 25 November 2026.")).to_be_visible()
    expect(log.get_by_text("has not yet signed off")).to_be_visible()
    log.get_by_text("Where this comes from").click()
    source = log.get_by_role("link", name="Grooming")
    expect(source).to_have_attribute("href", "https://learning.nspcc.org.uk/grooming")
    expect(source).to_have_attribute("rel", re.compile("noreferrer"))
    expect(log.get_by_text("NSPCC Learning, 2018-11")).to_be_visible()


def test_a_button_is_a_message_of_its_own(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER)
    _say(page, "what is grooming")

    page.get_by_role("button", name="Talk to someone").click()

    expect(page.get_by_role("log").get_by_text("You: Talk to someone")).to_be_visible()
    expect(page.get_by_role("log").get_by_role("heading", level=2)).to_have_count(2)
    assert gateway.rasa.received[1]["choice"] == "ask_talk_to_someone"


def test_contacts_can_be_pressed_and_only_known_kinds_of_address(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.behave = answering(CONTACTS)
    _say(page, "who can help")

    log = page.get_by_role("log")
    expect(log.get_by_role("link", name="Call 0800 1111")).to_have_attribute("href", "tel:08001111")
    expect(log.get_by_text("Open now", exact=True)).to_be_visible()
    expect(log.get_by_text("Not a way")).to_be_hidden()


def test_the_rest_of_a_contact_is_folded_until_it_is_asked_for(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(CONTACTS)
    _say(page, "who can help")
    log = page.get_by_role("log")
    expect(log.get_by_text("Open day and night.")).to_be_hidden()

    log.locator("summary.contact__name").press("Enter")

    expect(log.get_by_text("Open day and night.")).to_be_visible()
    expect(log.get_by_text("Not a way")).to_be_visible()
    expect(log.get_by_role("link", name="Not a way")).to_have_count(0)


def test_a_disclosure_gets_the_help_card_even_when_rasa_says_nothing(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.behave = answering()
    _say(page, "my stepdad raped me")

    expect(page.get_by_role("log").locator(".message--help").first).to_contain_text("0800 1111")


def test_hostile_text_is_only_text(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(
        {
            "kind": "answer",
            "title": HOSTILE,
            "text": HOSTILE,
            "steps": [HOSTILE],
            "choices": [{"id": "safe_now", "label": HOSTILE}],
        }
    )
    _say(page, HOSTILE)

    expect(page.get_by_role("log").get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("[data-messages] img, [data-messages] script").count() == 0


def test_a_failed_message_shows_help_and_can_be_sent_again_as_the_same(
    page: Page, gateway: Served
) -> None:
    ids: list[str] = []

    def fail(route: Route) -> None:
        ids.append(json.loads(route.request.post_data or "")["id"])
        route.abort()

    page.route("**/v1/messages", fail)
    _say(page, "hello")
    log = page.get_by_role("log")
    expect(log.get_by_role("link", name="Call 0800 1111")).to_be_visible()
    expect(page.get_by_text("Lantern is writing")).to_be_hidden()
    page.unroute("**/v1/messages")

    with page.expect_request("**/v1/messages") as again:
        log.get_by_role("button", name="Send again").click()

    expect(log.get_by_text("Hello from Rasa")).to_be_visible()
    expect(log.get_by_role("button", name="Send again")).to_have_count(0)
    assert json.loads(again.value.post_data or "")["id"] == ids[0]


def test_a_gateway_that_hangs_ends_in_help(context: BrowserContext) -> None:
    page = context.new_page()
    _opened(page)
    page.route("**/v1/messages", lambda _route: None)
    _say(page, "hello")
    expect(page.get_by_text("Lantern is writing")).to_be_visible()

    expect(page.get_by_role("log").get_by_text("I can't answer just now")).to_be_visible(
        timeout=15_000
    )
    expect(page.get_by_text("Lantern is writing")).to_be_hidden()


def test_an_old_token_is_replaced_without_a_word(page: Page) -> None:
    refused = {"status": 401, "title": "", "detail": "", "help": ""}
    page.route("**/v1/messages", lambda route: route.fulfill(status=401, json=refused), times=1)

    _say(page, "hello")

    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()


def test_offline_says_that_calls_still_work(page: Page, context: BrowserContext) -> None:
    context.set_offline(True)

    expect(page.get_by_text("You are offline. Calls still work")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("You are offline. Calls still work")).to_be_hidden()


def test_leaving_is_first_in_the_tab_order(page: Page) -> None:
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Leave now")).to_be_focused()


def test_leaving_empties_the_page_forgets_and_replaces_it(
    page: Page, context: BrowserContext, gateway: Served
) -> None:
    page.goto("/docs/")
    _opened(page)
    _say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    before = _conversations(gateway)

    page.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)
    page.go_back()
    expect(page).to_have_url(f"{gateway.url}/docs/")
    _until(lambda: _conversations(gateway) < before)


def _conversations(gateway: Served) -> float:
    """How many are in progress."""
    figures = httpx.get(f"{gateway.url}/metrics").text
    return float(figures.partition("\nlantern_conversations ")[2].split()[0])


def test_shift_three_times_leaves(page: Page) -> None:
    page.get_by_label("Type anything you like").focus()

    for _ in range(3):
        page.keyboard.press("Shift")

    page.wait_for_url(WEATHER)


def test_capital_letters_do_not_leave(page: Page) -> None:
    words = page.get_by_label("Type anything you like")
    words.focus()
    for letter in "HELP ME":
        page.keyboard.press(f"Shift+{letter}")
    page.keyboard.press("Shift")
    page.keyboard.press("a")

    expect(words).to_have_value(re.compile("HELP"))
    expect(page.get_by_role("log")).to_be_visible()


def test_nothing_is_kept_in_the_browser(page: Page, context: BrowserContext) -> None:
    _say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert context.cookies() == []


def test_no_request_goes_anywhere_else(context: BrowserContext, gateway: Served) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto("/")
    _open_embedded(page)

    assert asked
    assert all(address.startswith(gateway.url) for address in asked)


def test_the_embedded_chat_opens_closes_and_keeps_the_focus(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    frame = _open_embedded(page)
    frame.get_by_label("Type anything you like").press("Escape")

    launcher = page.get_by_role("button", name="Chat with Lantern")
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    expect(page.locator("iframe")).to_be_hidden()


def test_leaving_from_the_embedded_chat_takes_the_whole_page_away(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    _open_embedded(page).get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_shift_three_times_leaves_from_the_embedded_chat_too(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    _open_embedded(page).get_by_label("Type anything you like").focus()

    for _ in range(3):
        page.keyboard.press("Shift")

    page.wait_for_url(WEATHER)


def test_it_works_on_a_page_of_another_origin(context: BrowserContext, school: int) -> None:
    page = _host_page(context, school, "localhost")
    frame = _open_embedded(page)

    frame.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_only_the_chat_itself_can_make_the_page_leave(context: BrowserContext, school: int) -> None:
    page = _host_page(context, school, "localhost")
    frame = _open_embedded(page)
    page.evaluate("postMessage({lantern: 'leave'}, '*')")

    expect(frame.get_by_role("log")).to_be_visible()
    assert page.url.startswith("http://localhost:")


def test_a_page_that_was_not_named_cannot_show_the_chat(
    context: BrowserContext, school: int
) -> None:
    page = _host_page(context, school, "127.0.0.1")
    page.get_by_role("button", name="Chat with Lantern").click()

    expect(page.locator("iframe")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_role("log")).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    browser: Browser, gateway: Served, size: tuple[int, int], colours: str
) -> None:
    context = _context(browser, gateway, size, colours)
    page = _opened(context.new_page())
    for message in (ANSWER, CONTACTS):
        gateway.rasa.behave = answering(message)
        _say(page, "my stepdad raped me")
        expect(page.get_by_role("log").get_by_text(message["text"][:20])).to_be_visible()

    for address in ("", "/", "/docs/"):
        if address:
            page.goto(address)
        report = Axe().run(page)
        assert report.violations_count == 0, report.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_every_control_is_large_enough_to_press(browser: Browser, gateway: Served) -> None:
    context = _context(browser, gateway, PHONE)
    page = _opened(context.new_page())
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    _say(page, "what is grooming")
    expect(page.get_by_role("log").get_by_text("These people can help.")).to_be_visible()

    small = page.evaluate(TOO_SMALL, CONTROLS)

    assert small == []
    context.close()


def _context(
    browser: Browser, gateway: Served, size: tuple[int, int], colours: str = "light"
) -> BrowserContext:
    context = browser.new_context(
        base_url=gateway.url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    )
    context.route(f"{WEATHER}**", _weather)
    return context


def _weather(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>Weather</title>")


def _host_page(context: BrowserContext, port: int, host: str) -> Page:
    """The school's page. The gateway of these tests allows it as localhost only."""
    page = context.new_page()
    page.goto(f"http://{host}:{port}/")
    return page


def _opened(page: Page) -> Page:
    page.goto("/widget/")
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    return page


def _open_embedded(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Chat with Lantern").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    return frame


def _say(page: Page, text: str) -> None:
    page.get_by_label("Type anything you like").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def _until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(f"The gateway did not start:\n{log.read_text(errors='replace')[-3000:]}")
