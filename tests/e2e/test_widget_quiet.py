"""Nothing done for a while: a gentle word, a warning, and a chat that clears itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_widget import Served, opened, say, until

STILL_HERE = "I'm still here, so take all the time you need."
WARNING = "This chat clears itself in 2 minutes, unless you carry on."


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open the chat on a page whose clock the test moves."""
    page = context.new_page()
    page.clock.install()
    return opened(page)


def test_whoever_types_nothing_gets_a_gentle_word_once(page: Page) -> None:
    page.clock.fast_forward("04:50")
    expect(page.get_by_role("log").get_by_text(STILL_HERE)).to_have_count(0)
    page.clock.fast_forward("00:15")

    expect(page.get_by_role("log").get_by_text(STILL_HERE)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(STILL_HERE)
    page.keyboard.press("Tab")
    page.clock.fast_forward("06:00")
    expect(page.get_by_role("log").get_by_text(STILL_HERE)).to_have_count(1)


def test_the_gentle_word_waits_while_somebody_types(page: Page) -> None:
    page.clock.fast_forward("04:50")
    page.get_by_label("Type anything you like").press_sequentially("i")
    page.clock.fast_forward("04:50")

    expect(page.get_by_role("log").get_by_text(STILL_HERE)).to_have_count(0)


def test_a_chat_warns_before_it_clears_itself(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.clock.fast_forward("25:01")
    expect(page.get_by_text(WARNING).first).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(WARNING)
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    page.clock.fast_forward("02:00")

    log = page.get_by_role("log")
    expect(log.get_by_text("it's been cleared to keep it private")).to_be_visible()
    expect(log.get_by_text("Hello from Rasa")).to_have_count(0)
    expect(page.locator("[data-ending]")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0
    until(gateway.forgot)
    log.get_by_role("button", name="Start again").click()
    expect(log.get_by_text("Who is asking?")).to_be_visible()


def test_whoever_is_still_there_keeps_the_chat(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.clock.fast_forward("25:01")

    page.get_by_role("button", name="I'm still here").click()

    expect(page.locator("[data-ending]")).to_be_hidden()
    page.clock.fast_forward("10:00")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    assert not gateway.forgot()


def test_a_chat_in_which_nothing_was_said_has_nothing_to_clear(page: Page) -> None:
    page.clock.fast_forward("28:00")

    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    expect(page.locator("[data-ending]")).to_be_hidden()


def test_a_computer_that_wakes_up_later_shows_nothing(page: Page) -> None:
    _said_hello(page)
    page.clock.fast_forward("03:00:00")

    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(0)
    expect(page.get_by_role("log").get_by_text("it's been cleared")).to_be_visible()


def _said_hello(page: Page) -> None:
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
