"""Leaving the chat fast, closing it, clearing it; and what a reload finds: no word of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, FrameLocator, Page, expect

from tests.e2e.running_widget import (
    WEATHER,
    Served,
    open_embedded,
    opened,
    say,
    show_weather,
    until,
)
from tests.fakes.rasa import answering

CLOSED = """() => {
    const places = [...document.querySelectorAll('div')].map((place) => place.shadowRoot);
    const frame = places.find(Boolean).querySelector('iframe');
    frame.hidden = true;
    frame.contentWindow.postMessage({ lantern: 'closed' }, location.origin);
}"""
"""What the embedding page does when it closes the chat."""
SHOWN = "() => [...document.querySelectorAll('div')].find((place) => place.shadowRoot)"
SHOW = f"() => {{ ({SHOWN})().shadowRoot.querySelector('iframe').hidden = false; }}"
BACK = "You were chatting here a few minutes ago."


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open the chat on a page of its own, and wait for its opening."""
    return opened(context.new_page())


@pytest.fixture
def phone(browser: Browser, gateway: Served) -> Iterator[Page]:
    """Open the chat on a phone."""
    context = browser.new_context(
        base_url=gateway.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    context.route(f"{WEATHER}**", show_weather)
    yield opened(context.new_page())
    context.close()


def test_leaving_is_first_in_the_tab_order(page: Page) -> None:
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Leave now")).to_be_focused()


def test_leaving_empties_the_page_forgets_and_replaces_it(
    page: Page, context: BrowserContext, gateway: Served
) -> None:
    page.goto("/docs/")
    opened(page)
    _said_hello(page)

    page.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)
    page.go_back()
    expect(page).to_have_url(f"{gateway.url}/docs/")
    assert page.evaluate("sessionStorage.length") == 0
    until(gateway.forgot)


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


def test_a_phone_is_told_of_the_swipe_and_a_keyboard_of_its_key(page: Page, phone: Page) -> None:
    expect(page.get_by_text("press Shift 3 times")).to_have_count(2)
    expect(page.locator("#how")).to_contain_text("Shift")
    expect(page.locator("#how .for-touch")).to_be_hidden()

    expect(phone.locator("#how .for-touch")).to_be_visible()
    expect(phone.locator("#how .for-keys")).to_be_hidden()


@pytest.mark.parametrize("way", [1, -1], ids=["to the right", "to the left"])
def test_two_fingers_swiped_sideways_leave(phone: Page, way: int) -> None:
    _swipe(phone, lambda step: [(190 + way * 30 * step, 400), (200 + way * 30 * step, 480)])

    phone.wait_for_url(WEATHER)


@pytest.mark.parametrize(
    "fingers",
    [
        lambda step: [(300 - 40 * step, 400)],
        lambda step: [(180, 600 - 60 * step), (260, 600 - 60 * step)],
        lambda step: [(190 - 25 * step, 400), (200 + 25 * step, 400)],
        lambda step: [(190 + 8 * step, 400), (260 + 8 * step, 420)],
    ],
    ids=["one finger", "two that scroll", "two that zoom", "two that hardly move"],
)
def test_no_other_touch_leaves(phone: Page, fingers: Callable[[int], Any]) -> None:
    _swipe(phone, fingers)

    expect(phone.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    assert phone.url != WEATHER


def test_escape_leads_from_the_box_to_the_top(page: Page) -> None:
    page.get_by_label("Type anything you like").press("Escape")

    expect(page.get_by_role("link", name="Leave now")).to_be_focused()


def test_escape_in_a_frame_does_not_close_a_conversation_at_once(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    frame = open_embedded(page)
    _said_hello(frame)
    frame.get_by_label("Type anything you like").press("Escape")
    expect(frame.get_by_role("link", name="Leave now")).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.locator("iframe")).to_be_hidden()


def test_clearing_ends_the_conversation_and_begins_another(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.get_by_text("Options").click()
    page.get_by_role("button", name="Clear this chat and start again").click()

    log = page.get_by_role("log")
    expect(log.get_by_text("Who is asking?")).to_be_visible()
    expect(log.get_by_text("Hello from Rasa")).to_have_count(0)
    expect(log.get_by_role("heading", name="Lantern says:")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0
    until(gateway.forgot)


def test_an_answer_that_comes_after_clearing_is_not_shown(page: Page, gateway: Served) -> None:
    gateway.rasa.hang()
    say(page, "hello")
    until(lambda: bool(gateway.rasa.received))
    page.get_by_text("Options").click()
    page.get_by_role("button", name="Clear this chat and start again").click()
    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    with page.expect_response("**/v1/messages"):
        gateway.rasa.hold.set()

    expect(page.get_by_text("Lantern is writing")).to_be_hidden()
    expect(page.get_by_role("log").get_by_text("hello", exact=True)).to_have_count(0)
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(0)


def test_closing_the_chat_clears_it(context: BrowserContext, gateway: Served) -> None:
    page = context.new_page()
    page.goto("/")
    frame = open_embedded(page)
    _said_hello(frame)

    page.evaluate(CLOSED)
    until(gateway.forgot)
    page.evaluate(SHOW)

    expect(frame.get_by_role("log").get_by_text("Who is asking?")).to_have_count(1)
    expect(frame.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(0)


def test_closing_keeps_the_chat_where_that_was_chosen(
    context: BrowserContext, gateway: Served
) -> None:
    page = context.new_page()
    page.goto("/")
    frame = open_embedded(page)
    _said_hello(frame)
    frame.get_by_text("Options").click()
    frame.get_by_label("Keep this chat while I'm on this page").check()

    page.evaluate(CLOSED)
    page.evaluate(SHOW)

    expect(frame.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    say(frame, "still here")
    until(lambda: len(gateway.rasa.received) == 2)
    assert not gateway.forgot()


def test_nothing_closes_a_page_of_its_own_so_nothing_can_be_kept(page: Page) -> None:
    page.get_by_text("Options").click()

    expect(page.get_by_role("button", name="Clear this chat and start again")).to_be_visible()
    expect(page.get_by_label("Keep this chat while I'm on this page")).to_be_hidden()


def test_the_browser_keeps_a_token_and_no_word(page: Page, context: BrowserContext) -> None:
    assert page.evaluate("sessionStorage.length") == 0
    _said_hello(page)

    kept = page.evaluate("JSON.parse(sessionStorage.lantern)")
    assert set(kept) == {"token", "at"}
    assert "hello" not in page.evaluate("JSON.stringify(sessionStorage)").casefold()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 1]
    assert context.cookies() == []


def test_a_reload_offers_to_carry_on_and_shows_the_last_answer(page: Page, gateway: Served) -> None:
    _said_hello(page)
    gateway.rasa.behave = answering({"kind": "text", "text": "The last answer"})
    say(page, "my secret")
    expect(page.get_by_role("log").get_by_text("The last answer")).to_be_visible()

    page.reload()

    log = page.get_by_role("log")
    expect(log.get_by_text(BACK)).to_be_visible()
    expect(log.get_by_text("my secret")).to_have_count(0)
    assert not gateway.forgot()
    log.get_by_role("button", name="Carry on").click()
    expect(log.get_by_text("The last answer")).to_be_visible()
    expect(log.get_by_role("heading", name="Lantern says:").last).to_be_focused()
    say(page, "and then")
    until(lambda: len(gateway.rasa.received) == 3)
    assert len({message["conversation_id"] for message in gateway.rasa.received}) == 1


def test_starting_again_after_a_reload_ends_what_was(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.reload()

    page.get_by_role("button", name="Start again").click()

    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    expect(page.get_by_text(BACK)).to_have_count(0)
    until(gateway.forgot)


def test_a_reload_long_after_offers_nothing_and_ends_what_was(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.evaluate(
        "sessionStorage.lantern = JSON.stringify("
        "{...JSON.parse(sessionStorage.lantern), at: Date.now() - 16 * 60 * 1000})"
    )
    page.reload()

    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    until(gateway.forgot)


def test_a_reload_before_anything_was_said_begins_anew(page: Page) -> None:
    page.reload()

    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()


def test_coming_back_shows_nothing_that_was_said(page: Page, gateway: Served) -> None:
    _said_hello(page)
    page.goto("/docs/")
    page.go_back()

    expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    expect(page.get_by_text("Hello from Rasa")).to_have_count(0)
    until(gateway.forgot)


def test_another_page_of_the_same_site_can_carry_on(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    _said_hello(open_embedded(page))
    page.goto("/")
    page.get_by_role("button", name="Chat with Lantern").click()

    expect(page.frame_locator("iframe").get_by_role("log").get_by_text(BACK)).to_be_visible()


def test_storage_that_is_forbidden_stops_nothing(context: BrowserContext) -> None:
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('no'); }})"
    )
    _said_hello(opened(page))
    page.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)


def _said_hello(page: Page | FrameLocator) -> None:
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()


def _swipe(page: Page, fingers: Callable[[int], list[tuple[int, int]]]) -> None:
    """Real touches, as the browser gets them from a screen: eight steps of the fingers."""
    session = page.context.new_cdp_session(page)
    _touch(session, "touchStart", fingers(0))
    for step in range(1, 9):
        if page.url == WEATHER:
            return
        _touch(session, "touchMove", fingers(step))
    _touch(session, "touchEnd", [])


def _touch(session: CDPSession, kind: str, places: list[tuple[int, int]]) -> None:
    points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
