"""A person in the chat, in a real browser: offered, heard in order, cut off, held back, stopped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, expect
from sqlalchemy.engine import Engine

from safeguarding.live_chat import LiveChatEnd
from storage.engine import connect
from tests.e2e.holding_proxy import holding_proxy
from tests.e2e.live_staff import Sam, conversation_of, token_of
from tests.e2e.running_widget import (
    DESKTOP,
    WEATHER,
    ZOOMED,
    Served,
    Site,
    new_context,
    open_embedded,
    opened,
    running_widget,
    say,
    show_weather,
    shown,
    tag,
    until,
    until_assessing,
)
from tests.records import PASSWORD, accounts_on

PHONE, HALF = (390, 844), (640, 450)
"""HALF is what 1280 by 900 leaves at 200 %."""
DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
DANGER = "he is here now with a knife and he says he will kill me"
TOO_SMALL = """() => [...document.querySelectorAll(
        "[data-person] button, [data-danger] :is(a, button), .more :is(summary, button)",
    )].filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.textContent)"""
PATIENCE_MS = 20_000
FALLS_BACK_MS = 30_000


@dataclass(frozen=True)
class Chat:
    """A gateway, its database, and the account of a member of staff."""

    gateway: Served
    engine: Engine
    staff_id: str

    def sam(self, page: Page) -> Sam:
        """Return the member of staff for the conversation of a page."""
        return Sam(self.engine, self.staff_id, conversation_of(token_of(page)))


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    state = tmp_path_factory.mktemp("live")
    with running_widget(state) as served:
        until_assessing(served)
        engine = connect(f"sqlite:///{state / 'lantern.db'}")
        staff_id = accounts_on(engine).add("sam", PASSWORD, "Sam Smith").id
        yield Chat(served, engine, staff_id)
        engine.dispose()


@pytest.fixture
def context(browser: Browser, chat: Chat) -> Iterator[BrowserContext]:
    context = new_context(browser, chat.gateway, PHONE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open the chat and tell something that staff have to read."""
    return told(opened(context.new_page()))


def told(page: Page) -> Page:
    """Tell something that staff have to read."""
    page.set_default_timeout(PATIENCE_MS)
    say(page, DISCLOSURE)
    expect(page.locator(".message--help").last).to_be_visible(timeout=PATIENCE_MS)
    return page


def with_sam(page: Page, chat: Chat) -> Sam:
    """Let a person have the chat of a page."""
    sam = chat.sam(page)
    sam.open()
    expect(line(page)).to_contain_text("You're talking to Sam", timeout=PATIENCE_MS)
    return sam


def line(page: Page | FrameLocator) -> Locator:
    """Return the line that says who is in the chat."""
    return page.get_by_role("region", name="Who is here")


def bubbles(page: Page, by: str = "person") -> list[str]:
    """Return what one of them said, in the order of the page."""
    return page.locator(f".turn--{by} .bubble").all_inner_texts()


def shows(page: Page, text: str) -> None:
    found = page.locator(".turn .bubble", has_text=text)
    expect(found).to_have_count(1, timeout=PATIENCE_MS)
    expect(found).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Keep a picture for a person to judge, where one is wanted."""
    if folder := os.environ.get("LANTERN_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/live-{name}.png")


def test_an_offer_is_accepted_and_words_go_both_ways_until_the_young_person_stops(
    page: Page, chat: Chat
) -> None:
    sam = chat.sam(page)
    sam.offer()
    expect(line(page)).to_contain_text("Sam could talk to you here", timeout=PATIENCE_MS)
    page.get_by_role("log").get_by_role("button", name="Yes, please").click()
    expect(line(page)).to_contain_text("You're talking to Sam", timeout=PATIENCE_MS)
    expect(line(page)).to_contain_text("safeguarding adviser")
    sam.open()
    lantern = page.locator(".turn:not(.turn--own):not(.turn--person)").count()

    sam.say("Hi, I'm Sam. I've read what you wrote.")
    shows(page, "Hi, I'm Sam.")
    expect(page.get_by_role("status")).to_have_text(
        "Sam says: Hi, I'm Sam. I've read what you wrote."
    )
    expect(page.get_by_role("log").get_by_role("heading", name="Sam says:")).to_be_visible()
    box = page.get_by_label("Type anything you like")
    box.fill("thank you")
    sam.say("Where are you now?")
    shows(page, "Where are you now?")
    expect(box).to_be_focused()
    expect(box).to_have_value("thank you")
    box.press("Enter")
    say(page, "in my room")
    sam.say("That's good.")
    shows(page, "That's good.")

    assert bubbles(page)[-2:] == ["Where are you now?", "That's good."]
    assert [each.split("\n")[-1] for each in bubbles(page, "own")][-2:] == [
        "thank you",
        "in my room",
    ]
    # Lantern has said nothing by itself meanwhile.
    assert page.locator(".turn:not(.turn--own):not(.turn--person)").count() == lantern
    until(lambda: sam.unseen() == 0)
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "Sam" not in kept
    picture(page, "phone")

    line(page).get_by_role("button", name="Stop talking to Sam").click()
    expect(line(page)).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator(".turn").last).not_to_have_class(re.compile("turn--own"))


def test_not_now_takes_the_offer_away(page: Page, chat: Chat) -> None:
    chat.sam(page).offer()
    expect(line(page)).to_be_visible(timeout=PATIENCE_MS)
    line(page).get_by_role("button", name="Not now").click()

    expect(line(page)).to_be_hidden(timeout=PATIENCE_MS)


def test_typing_is_seen_and_ends_by_itself(page: Page, chat: Chat) -> None:
    sam = with_sam(page, chat)
    sam.types(4)
    expect(line(page)).to_contain_text("Sam is typing", timeout=PATIENCE_MS)
    picture(page, "typing")
    expect(line(page)).not_to_contain_text("Sam is typing", timeout=PATIENCE_MS)

    sam.types(600)
    expect(line(page)).to_contain_text("Sam is typing", timeout=PATIENCE_MS)
    page.route("**/v1/live**", lambda route: route.abort())
    page.context.set_offline(True)
    expect(line(page)).not_to_contain_text("Sam is typing", timeout=PATIENCE_MS)
    page.context.set_offline(False)


def test_a_cut_connection_loses_nothing_doubles_nothing_and_changes_no_order(
    page: Page, chat: Chat
) -> None:
    sam = with_sam(page, chat)
    sam.say("message one")
    shows(page, "message one")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    cut = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", {**cut, "offline": True})
    for word in ("two", "three", "four"):
        sam.say(f"message {word}")
    say(page, "are you there")
    again = page.get_by_role("button", name="Send again")
    expect(again).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(5_000)
    session.send("Network.emulateNetworkConditions", {**cut, "offline": False})
    shows(page, "message four")
    again.click()
    expect(again).to_have_count(0, timeout=PATIENCE_MS)
    sam.say("message five")
    shows(page, "message five")

    words = ("one", "two", "three", "four", "five")
    assert bubbles(page) == [f"message {word}" for word in words]
    until(lambda: sam.unseen() == 0)


def test_behind_a_proxy_that_holds_streams_it_asks_for_each_answer(
    browser: Browser, chat: Chat
) -> None:
    with holding_proxy(chat.gateway.url) as proxy:
        served = Served(proxy.url, chat.gateway.rasa, chat.gateway.process)
        context = new_context(browser, served, DESKTOP)
        page = told(opened(context.new_page()))
        sam = chat.sam(page)
        sam.open()
        expect(line(page)).to_contain_text("talking to Sam", timeout=FALLS_BACK_MS)
        for number in range(5):
            sam.say(f"message {number}")
        shows(page, "message 4")

        assert bubbles(page) == [f"message {number}" for number in range(5)]
        first, *others = proxy.live()
        assert first == "text/event-stream"
        assert others
        assert "text/event-stream" not in others
        context.close()


def test_after_a_reload_the_page_learns_who_is_there_once_it_is_carried_on(
    page: Page, chat: Chat
) -> None:
    sam = with_sam(page, chat)
    page.reload()
    expect(page.get_by_role("button", name="Carry on")).to_be_visible()
    sam.say("written meanwhile")
    page.wait_for_timeout(1_000)
    # Who sits there now may be another person.
    assert "written meanwhile" not in page.content()
    page.get_by_role("button", name="Carry on").click()

    shows(page, "written meanwhile")
    expect(line(page)).to_contain_text("You're talking to Sam")


def test_when_the_person_ends_it_their_last_words_come_and_lantern_is_back(
    page: Page, chat: Chat
) -> None:
    sam = with_sam(page, chat)
    sam.say("Bye for now.")
    sam.end(LiveChatEnd.HANDED_BACK)

    shows(page, "Bye for now.")
    expect(line(page)).to_be_hidden(timeout=PATIENCE_MS)
    until(lambda: sam.unseen() == 0)
    say(page, "what is grooming")
    expect(page.locator(".turn").last).not_to_have_class(
        re.compile("turn--own"), timeout=PATIENCE_MS
    )


def test_danger_shows_the_card_and_keeps_its_first_words_above(page: Page, chat: Chat) -> None:
    sam = with_sam(page, chat)
    say(page, DANGER)
    strip = page.locator("[data-danger]")
    expect(strip.get_by_role("link", name="Call 999")).to_have_attribute(
        "href", "tel:999", timeout=PATIENCE_MS
    )
    for number in range(6):
        sam.say(f"message {number}")
    shows(page, "message 5")

    expect(strip).to_be_in_viewport()
    picture(page, "danger")
    strip.get_by_role("button", name="Hide this").click()
    expect(strip).to_be_hidden()


@pytest.mark.parametrize("way", ["leave", "clear"])
def test_who_leaves_or_clears_hears_nothing_more(page: Page, chat: Chat, way: str) -> None:
    sam = with_sam(page, chat)
    asked: list[str] = []
    if way == "leave":
        page.get_by_role("link", name="Leave now").click()
        page.wait_for_url(WEATHER)
    else:
        page.get_by_text("Options", exact=True).click()
        page.get_by_role("button", name="Clear this chat and start again").click()
        expect(page.get_by_role("log").get_by_text("Who is asking?")).to_be_visible()
    page.on("request", lambda request: asked.append(request.url))
    sam.say("too late")
    page.wait_for_timeout(3_000)

    assert not [each for each in asked if "/v1/live" in each]
    assert "too late" not in page.content()
    expect(line(page)).to_have_count(0) if way == "leave" else expect(line(page)).to_be_hidden()


def test_it_works_by_keys_alone(page: Page, chat: Chat) -> None:
    sam = chat.sam(page)
    sam.offer()
    yes = line(page).get_by_role("button", name="Yes, please")
    expect(yes).to_be_visible(timeout=PATIENCE_MS)
    yes.focus()
    page.keyboard.press("Enter")
    expect(line(page)).to_contain_text("You're talking to Sam", timeout=PATIENCE_MS)
    sam.open()
    stop = line(page).get_by_role("button", name="Stop talking to Sam")
    stop.focus()
    sam.say("hello")
    shows(page, "hello")
    expect(stop).to_be_focused()
    page.keyboard.press("Space")

    expect(line(page)).to_be_hidden(timeout=PATIENCE_MS)


def test_further_ways_open_in_place_by_keys(page: Page) -> None:
    card = page.locator(".message--help").first
    more = card.locator("summary", has_text="More ways to get help")
    expect(card.get_by_role("button", name="Let someone get back to me")).to_be_hidden()
    more.focus()
    page.keyboard.press("Enter")

    expect(card.get_by_role("button", name="Let someone get back to me")).to_be_visible()
    expect(card.get_by_role("button", name="Let me come back to this")).to_be_visible()
    expect(more).to_be_focused()


@pytest.mark.parametrize(
    ("size", "colours"),
    [(PHONE, "dark"), (HALF, "light"), (DESKTOP, "light"), (ZOOMED, "dark")],
    ids=["dark phone", "200 %", "desktop", "400 %"],
)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    browser: Browser, chat: Chat, size: tuple[int, int], colours: str
) -> None:
    context = new_context(browser, chat.gateway, size, colours)
    page = told(opened(context.new_page()))
    page.locator("summary", has_text="More ways to get help").first.click()
    sam = with_sam(page, chat)
    sam.say("Hi, I'm Sam. " + "I've read what you wrote. " * 4)
    shows(page, "Hi, I'm Sam.")
    sam.types(60)
    expect(line(page)).to_contain_text("Sam is typing", timeout=PATIENCE_MS)
    say(page, DANGER)
    expect(page.locator("[data-danger]")).to_be_visible(timeout=PATIENCE_MS)
    picture(page, f"{size[0]}-{colours}")

    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(TOO_SMALL) == []
    if size != ZOOMED:
        expect(page.get_by_label("Type anything you like")).to_be_in_viewport(ratio=1)
        expect(line(page)).to_be_in_viewport(ratio=1)
    context.close()


# ---- on a page of somebody else's ----------------------------------------------------------------
def test_a_closed_chat_that_is_kept_says_that_there_is_a_message_and_no_word_of_it(
    context: BrowserContext, chat: Chat, site: Site
) -> None:
    site.pages["/"] = f"<!doctype html><title>School</title><h1>School</h1>{tag(chat.gateway)}"
    page = shown(context, site)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    frame = open_embedded(page)
    with page.expect_request("**/v1/messages") as sent:
        say(frame, DISCLOSURE)
    expect(frame.locator(".message--help").last).to_be_visible(timeout=PATIENCE_MS)
    # A frame of another site may keep nothing: what it sends holds the token.
    token = sent.value.headers["authorization"].partition(" ")[2]
    sam = Sam(chat.engine, chat.staff_id, conversation_of(token))
    sam.open()
    expect(line(frame)).to_contain_text("talking to Sam", timeout=PATIENCE_MS)
    picture(page, "embedded")
    sam.say("while it is open")
    expect(frame.locator(".bubble", has_text="while it is open")).to_be_visible()
    frame.get_by_text("Options", exact=True).click()
    frame.get_by_label("Keep this chat while I'm on this page").check()
    page.get_by_role("button", name="Close chat").click()
    launcher = page.get_by_role("button", name="Chat with Lantern")
    expect(launcher).to_be_visible()

    sam.say("are you still there")

    news = page.get_by_role("button", name="New message", exact=True)
    expect(news).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".lantern-chat").get_by_role("status").first).to_have_text("New message")
    host = page.evaluate("document.querySelector('.lantern-chat').shadowRoot.textContent")
    assert "are you still there" not in host
    assert "Sam" not in host
    picture(page, "launcher")
    news.click()
    expect(frame.locator(".bubble", has_text="are you still there")).to_be_visible()
    page.get_by_role("button", name="Close chat").click()
    expect(launcher).to_be_visible()


# ---- without JavaScript --------------------------------------------------------------------------
def test_all_of_it_works_without_javascript(browser: Browser, chat: Chat) -> None:
    context = browser.new_context(
        java_script_enabled=False,
        base_url=chat.gateway.url,
        viewport={"width": PHONE[0], "height": PHONE[1]},
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.route(f"{WEATHER}**", show_weather)
    page.goto("/chat")
    page.get_by_role("link", name="a plain page").click()
    box, send = page.get_by_label("Type anything you like"), page.get_by_role("button", name="Send")
    box.fill(DISCLOSURE)
    send.click()
    expect(page.locator(".message--help")).to_be_visible()
    page.get_by_text("More ways to get help").click()
    expect(page.get_by_role("button", name="Let me come back to this")).to_be_visible()
    picture(page, "plain-card")

    token = page.locator("input[name=token]").get_attribute("value")
    sam = Sam(chat.engine, chat.staff_id, conversation_of(str(token)))
    sam.offer()
    look = page.get_by_role("button", name="Look for new messages")
    look.click()
    region = line(page)
    expect(region).to_contain_text("Sam could talk to you here")
    expect(page.get_by_text("Would you like to talk to Sam?")).to_be_visible()
    region.get_by_role("button", name="Yes, please").click()
    expect(region).to_contain_text("You're talking to Sam")
    sam.open()
    sam.say("Hi, I'm Sam.")
    box.fill("half a sen")
    look.click()
    expect(page.get_by_text("Hi, I'm Sam.", exact=True)).to_be_visible()
    expect(box).to_have_value("half a sen")
    picture(page, "plain-live")
    box.fill("half a sentence is whole now")
    send.click()
    expect(page.get_by_text("half a sentence is whole now")).to_be_visible()
    expect(box).to_have_value("")
    until(lambda: sam.unseen() == 0)
    region.get_by_role("button", name="Stop talking to Sam").click()
    expect(region).to_be_hidden()
    expect(page.get_by_text("Hi, I'm Sam.", exact=True)).to_have_count(1)
    assert str(token) not in page.url
    assert context.cookies() == []
    page.get_by_role("link", name="Leave now").click()
    expect(page).to_have_url(WEATHER)
    context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP, ZOOMED], ids=["phone", "desktop", "400 %"])
def test_axe_finds_nothing_on_the_page_without_javascript(
    browser: Browser, chat: Chat, size: tuple[int, int], colours: str
) -> None:
    context = new_context(browser, chat.gateway, size, colours)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/chat/plain")
    page.get_by_label("Type anything you like").fill(DISCLOSURE)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message--help")).to_be_visible()

    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
