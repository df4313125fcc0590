"""A reload that reaches nobody still shows help, and nothing of it stays in the browser."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_widget import (
    PHONE,
    WEATHER,
    Served,
    new_context,
    open_embedded,
    running_widget,
    say,
    until,
)
from tests.fakes.rasa import answering

LEFT_BEHIND = """async () => [
    (await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length]"""


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Served]:
    """A gateway of this test's own, to be killed."""
    with running_widget(tmp_path) as served:
        served.rasa.behave = answering({"kind": "text", "text": "Hello from Rasa"})
        yield served


def test_help_is_there_after_a_reload_without_the_gateway(browser: Browser, killed: Served) -> None:
    context = new_context(browser, killed, PHONE)
    page = _said_something(context)

    killed.process.stop(signal.SIGKILL)
    for _ in range(2):
        page.reload()
        expect(page.get_by_role("link", name="Call 999")).to_have_attribute("href", "tel:999")
        expect(page.get_by_role("link", name="Call 0800 1111")).to_be_visible()
    killed.process.start()
    killed.process.wait()
    page.get_by_role("link", name="Try the chat again").click()
    expect(page.get_by_role("log")).to_be_visible()
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
    say(frame, "hello")
    expect(frame.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    assert page.evaluate(LEFT_BEHIND) == [0, 0]
    assert page.evaluate("localStorage.length") == 0
    assert context.cookies() == []


def _said_something(context: BrowserContext) -> Page:
    """A tab of the chat, after its first message: from now on help is within its reach."""
    page = context.new_page()
    page.goto("/chat")
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    page.wait_for_function("navigator.serviceWorker.controller?.state === 'activated'")
    return page


def _nothing_stays(context: BrowserContext) -> None:
    other = context.new_page()
    other.goto("/docs/")
    until(lambda: other.evaluate(LEFT_BEHIND) == [0, 0])
