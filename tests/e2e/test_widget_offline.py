"""Without the gateway there is still help, also after a reload, and nothing of it stays behind."""

from __future__ import annotations

import signal
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_widget import (
    WEATHER,
    Site,
    open_embedded,
    running_widget,
    said_hello,
    say,
    shown,
    tag,
    until,
)
from tests.fakes.rasa import answering

LEFT_BEHIND = """async () => [
    (await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length]"""


def test_a_gateway_that_is_killed_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    with running_widget(tmp_path) as served, Site() as site:
        served.rasa.behave = answering({"kind": "text", "text": "Hello from Rasa"})
        site.pages["/"] = tag(served)
        # Not `new_context`: what answers for the weather page would turn the browser's cache off.
        context = browser.new_context(base_url=served.url)
        alone, talking, waiting = (
            _said_something(context),
            shown(context, site),
            shown(context, site),
        )
        frame = open_embedded(talking)
        said_hello(frame)

        served.process.stop(signal.SIGKILL)
        log = frame.get_by_role("log")
        say(frame, "are you there")
        expect(log.get_by_role("link", name="Call 0800 1111").last).to_be_visible()
        for page in (waiting, shown(context, site)):
            _shows_help_in_place_of_the_chat(page)
        for _ in range(2):
            alone.reload()
            expect(alone.get_by_role("link", name="Call 999")).to_have_attribute("href", "tel:999")
            expect(alone.get_by_role("link", name="Call 0800 1111")).to_be_visible()

        served.process.start()
        served.process.wait()
        log.get_by_role("button", name="Send again").click()
        expect(log.get_by_text("Hello from Rasa")).to_have_count(2)
        waiting.get_by_role("button", name="Try the chat again").click()
        expect(waiting.frame_locator("iframe").get_by_role("log")).to_be_visible()
        alone.get_by_role("link", name="Try the chat again").click()
        expect(alone.get_by_role("log")).to_be_visible()
        context.close()


def test_offline_too_and_from_there_one_can_leave(context: BrowserContext) -> None:
    page = _said_something(context)
    context.set_offline(True)
    page.reload()
    expect(page.get_by_role("link", name="Text SHOUT to 85258")).to_be_visible()

    page.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)
    page.go_back()
    assert page.url == "about:blank"
    context.set_offline(False)
    _nothing_stays(context)


def test_it_goes_with_whoever_leaves(context: BrowserContext) -> None:
    page = _said_something(context)

    page.get_by_role("link", name="Leave now").first.click()

    page.wait_for_url(WEATHER)
    _nothing_stays(context)


def test_it_goes_with_the_last_tab(context: BrowserContext) -> None:
    page, other = _said_something(context), context.new_page()
    other.goto("/chat")
    other.evaluate("navigator.serviceWorker.ready")

    page.close()
    other.wait_for_timeout(4_000)
    assert other.evaluate(LEFT_BEHIND) == [1, 1]
    other.close()

    _nothing_stays(context)


def test_whoever_only_looks_leaves_nothing_behind(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/chat")
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()

    assert page.evaluate(LEFT_BEHIND) == [0, 0]


def test_in_the_page_of_a_school_nothing_is_kept(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    frame = open_embedded(page)
    said_hello(frame)

    assert page.evaluate(LEFT_BEHIND) == [0, 0]
    assert page.evaluate("localStorage.length") == 0
    assert context.cookies() == []


def _said_something(context: BrowserContext) -> Page:
    """Open a tab of the chat and say something: from now on help is within its reach."""
    page = context.new_page()
    page.goto("/chat")
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    said_hello(page)
    until(lambda: page.evaluate("navigator.serviceWorker.controller?.state") == "activated")
    return page


def _shows_help_in_place_of_the_chat(page: Page) -> None:
    page.get_by_role("button", name="Chat with Lantern").click()
    panel = page.get_by_role("dialog", name="Chat with Lantern")
    expect(panel.get_by_text("the chat can't open here")).to_be_visible(timeout=20_000)
    expect(panel.get_by_role("link", name="Call 999")).to_be_visible()
    expect(page.locator("iframe")).to_be_hidden()


def _nothing_stays(context: BrowserContext) -> None:
    other = context.new_page()
    other.goto("/docs/")
    until(lambda: other.evaluate(LEFT_BEHIND) == [0, 0])
