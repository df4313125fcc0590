"""The widget in a browser: without JavaScript, in trouble, in a hurry, and for everyone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.running_widget import (
    DESKTOP,
    PHONE,
    WEATHER,
    ZOOMED,
    Served,
    new_context,
    opened,
    say,
    show_weather,
    until,
)
from tests.fakes.rasa import answering

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


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """The chat on a page of its own, after its opening."""
    return opened(context.new_page())


def test_without_javascript_help_and_the_exit_are_there(browser: Browser, gateway: Served) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=gateway.url)
    page = context.new_page()
    page.route(f"{WEATHER}**", show_weather)
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
    say(page, "what is grooming")

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
    say(page, "what is grooming")

    page.get_by_role("button", name="Talk to someone").click()

    expect(page.get_by_role("log").get_by_text("You: Talk to someone")).to_be_visible()
    expect(page.get_by_role("log").get_by_role("heading", level=2)).to_have_count(2)
    assert gateway.rasa.received[1]["choice"] == "ask_talk_to_someone"


def test_contacts_can_be_pressed_and_only_known_kinds_of_address(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.behave = answering(CONTACTS)
    say(page, "who can help")

    log = page.get_by_role("log")
    expect(log.get_by_role("link", name="Call 0800 1111")).to_have_attribute("href", "tel:08001111")
    expect(log.get_by_text("Open now", exact=True)).to_be_visible()
    expect(log.get_by_text("Not a way")).to_be_hidden()


def test_the_rest_of_a_contact_is_folded_until_it_is_asked_for(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(CONTACTS)
    say(page, "who can help")
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
    say(page, "my stepdad raped me")

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
    say(page, HOSTILE)

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
    say(page, "hello")
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
    opened(page)
    page.route("**/v1/messages", lambda _route: None)
    say(page, "hello")
    expect(page.get_by_text("Lantern is writing")).to_be_visible()

    expect(page.get_by_role("log").get_by_text("I can't answer just now")).to_be_visible(
        timeout=15_000
    )
    expect(page.get_by_text("Lantern is writing")).to_be_hidden()


def test_an_old_token_is_replaced_without_a_word(page: Page) -> None:
    refused = {"status": 401, "title": "", "detail": "", "help": ""}
    page.route("**/v1/messages", lambda route: route.fulfill(status=401, json=refused), times=1)

    say(page, "hello")

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
    opened(page)
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    before = gateway.conversations()

    page.get_by_role("link", name="Leave now").click()

    page.wait_for_url(WEATHER)
    page.go_back()
    expect(page).to_have_url(f"{gateway.url}/docs/")
    until(lambda: gateway.conversations() < before)


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
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert context.cookies() == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    browser: Browser, gateway: Served, size: tuple[int, int], colours: str
) -> None:
    context = new_context(browser, gateway, size, colours)
    page = opened(context.new_page())
    for message in (ANSWER, CONTACTS):
        gateway.rasa.behave = answering(message)
        say(page, "my stepdad raped me")
        expect(page.get_by_role("log").get_by_text(message["text"][:20])).to_be_visible()

    for address in ("", "/", "/docs/"):
        if address:
            page.goto(address)
        report = Axe().run(page)
        assert report.violations_count == 0, report.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_every_control_is_large_enough_to_press(browser: Browser, gateway: Served) -> None:
    context = new_context(browser, gateway, PHONE)
    page = opened(context.new_page())
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    say(page, "what is grooming")
    expect(page.get_by_role("log").get_by_text("These people can help.")).to_be_visible()

    small = page.evaluate(TOO_SMALL, CONTROLS)

    assert small == []
    context.close()
