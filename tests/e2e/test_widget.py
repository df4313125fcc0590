"""The chat in a browser: what is said and shown, without JavaScript, and in trouble."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.running_widget import WEATHER, Served, opened, say, show_weather
from tests.e2e.shown import ANSWER, CONTACTS
from tests.fakes.rasa import answering

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open the chat on a page of its own, and wait for its opening."""
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
    expect(page.get_by_text("Options")).to_be_hidden()
    page.get_by_text("Is it safe to talk here?").last.click()
    expect(page.get_by_text("Can someone see your screen?")).to_be_visible()
    assert page.get_by_role("button").count() == 0
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
    expect(page.get_by_role("status")).to_have_text("Lantern says: Hello from Rasa")
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
    expect(log.get_by_text("Checked on 25 November 2026.")).to_be_hidden()
    log.get_by_text("Where this comes from").click()
    expect(log.get_by_text("Checked on 25 November 2026.")).to_be_visible()
    expect(log.get_by_text("has not yet signed off")).to_be_visible()
    source = log.get_by_role("link", name="Grooming")
    expect(source).to_have_attribute("href", "https://learning.nspcc.org.uk/grooming")
    expect(source).to_have_attribute("rel", re.compile("noreferrer"))
    expect(log.get_by_text("NSPCC Learning, 2018-11")).to_be_visible()


def test_a_button_is_a_message_of_its_own(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER)
    say(page, "what is grooming")

    page.get_by_role("button", name="Talk to someone").click()

    expect(page.get_by_role("log").get_by_text("You: Talk to someone")).to_be_visible()
    expect(page.get_by_role("log").get_by_role("heading", level=3)).to_have_count(2)
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

    log.locator("summary", has_text="More about Childline").press("Enter")

    expect(log.get_by_text("Open day and night.")).to_be_visible()
    expect(log.get_by_text("Not a way")).to_be_visible()
    expect(log.get_by_role("link", name="Not a way")).to_have_count(0)


def test_a_closed_service_says_when_it_opens(page: Page, gateway: Served) -> None:
    closed = {**CONTACTS["contacts"][0], "open_now": False, "opens_at": "Opens tomorrow 9am"}
    gateway.rasa.behave = answering({**CONTACTS, "contacts": [closed]})
    say(page, "who can help")

    expect(page.get_by_role("log").get_by_text("Opens tomorrow 9am")).to_be_visible()


def test_each_paragraph_is_a_bubble_and_a_help_card_is_one_whole(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.behave = answering(ANSWER)
    say(page, "my stepdad raped me")

    turn = page.get_by_role("log").get_by_role("listitem").filter(has_text="What is grooming?")
    expect(turn.locator(".message--help")).to_have_count(1)
    expect(turn.locator(".message--help .bubble")).to_have_count(0)
    expect(turn.locator("p.bubble")).to_have_count(2)


def test_words_typed_before_the_opening_go_into_the_same_conversation(
    context: BrowserContext, gateway: Served
) -> None:
    page = context.new_page()
    begun: list[Route] = []

    def hold(route: Route) -> None:
        begun.append(route)

    page.route("**/v1/conversations", hold)
    page.goto("/widget/")
    say(page, "first")
    page.wait_for_timeout(100)
    begun[0].continue_()
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(1)
    say(page, "second")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_have_count(2)

    assert len(begun) == 1
    assert len({message["conversation_id"] for message in gateway.rasa.received}) == 1


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


def test_a_message_too_long_to_send_is_kept_whole_and_the_page_says_so(page: Page) -> None:
    box = page.get_by_label("Type anything you like")
    text = "la " * 7_000
    box.fill("hello")
    box.evaluate(
        """(box, text) => {
          box.select();
          box.ownerDocument.execCommand("insertText", false, text);
        }""",
        text,
    )

    said = page.get_by_text("That's too long to send in one go, by 1000 characters.")
    expect(said.first).to_be_visible()
    box.press("Enter")
    assert box.input_value() == text
    assert page.get_by_role("log").get_by_text("la la").count() == 0

    box.fill("la la la")

    expect(said.first).to_be_hidden()
    box.press("Enter")
    expect(box).to_have_value("")
    expect(page.get_by_role("log").get_by_text("la la la")).to_be_visible()
