"""The chat for everyone: told in order, named, reached by keys, large enough, in every look."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.running_widget import (
    DESKTOP,
    PHONE,
    ZOOMED,
    Served,
    new_context,
    opened,
    say,
    until,
)
from tests.e2e.shown import ANSWER, CONTACTS
from tests.fakes.rasa import answering

MODERN_PHONE = (390, 844)
CONTROLS = (
    "button:not(.chat__skip), textarea, summary, label:has(input), "
    ".chat__exit, .chat__help a, a.contact__way"
)
TOO_SMALL = """(controls) => [...document.querySelectorAll(controls)]
    .filter((control) => control.checkVisibility())
    .map((control) => [control.textContent, control.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([words]) => words)"""
LISTEN = """() => {
    window.told = [];
    const place = document.querySelector('[data-announcer]');
    new MutationObserver(() => window.told.push(place.textContent))
        .observe(place, { childList: true });
}"""
ARABIC = "مرحبا. اتصل على الرقم 0800 1111، مجانا."


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open the chat on a page of its own, and wait for its opening."""
    return opened(context.new_page())


def test_what_happens_is_told_in_order_and_not_left_to_be_read_twice(
    context: BrowserContext, gateway: Served
) -> None:
    page = context.new_page()
    page.clock.install()
    opened(page)
    page.evaluate(LISTEN)
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    gateway.rasa.hang()
    say(page, "my stepdad raped me")
    until(lambda: bool(gateway.rasa.received))
    page.clock.fast_forward("00:01")
    expect(page.get_by_role("status")).to_have_text("Lantern is writing.")
    gateway.rasa.hold.set()
    expect(page.get_by_role("status")).to_contain_text("Lantern says:")
    page.clock.fast_forward("00:11")
    expect(page.get_by_role("status")).to_be_empty()

    writing, answer, silence = page.evaluate("window.told")
    assert writing == "Lantern is writing."
    assert answer.startswith("Lantern says: Thank you for telling me. The help card is below")
    assert "More parts below: 2." in answer
    assert len(answer.split()) < 30
    assert silence == ""


def test_a_quick_answer_is_told_without_saying_that_it_is_being_written(
    context: BrowserContext,
) -> None:
    page = context.new_page()
    page.clock.install()
    opened(page)
    page.evaluate(LISTEN)
    say(page, "hello")
    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    assert page.evaluate("window.told") == ["Lantern says: Hello from Rasa"]


def test_the_page_has_landmarks_with_names(page: Page) -> None:
    for role, name in (
        ("banner", None),
        ("main", None),
        ("region", "Help right now"),
        ("form", "Your message"),
        ("log", "Our chat"),
    ):
        expect(page.get_by_role(role, name=name)).to_have_count(1)  # type: ignore[arg-type]


def test_turns_answers_and_services_are_headings(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    say(page, "what is grooming")

    log = page.get_by_role("log")
    expect(log.get_by_role("heading", name="Lantern says:", level=2)).to_have_count(2)
    expect(log.get_by_role("heading", name="What is grooming?", level=3)).to_be_visible()
    expect(log.get_by_role("heading", name="What you can do", level=4)).to_be_visible()
    expect(log.get_by_role("heading", name="Childline", level=3)).to_be_visible()
    expect(log.get_by_text("You: what is grooming")).to_be_visible()


def test_what_is_seen_on_a_control_is_what_it_is_called(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    say(page, "what is grooming")
    expect(page.get_by_role("log").get_by_text("These people can help.")).to_be_visible()

    named_otherwise = page.locator(
        ":is(a, button, summary, input, textarea):is([aria-label], [aria-labelledby], [title])"
    )
    expect(named_otherwise).to_have_count(0)
    expect(page.get_by_role("textbox", name="Type anything you like", exact=True)).to_be_visible()
    expect(page.locator("summary", has_text="More").last).to_have_text("More about Childline")


def test_the_box_and_the_top_are_two_keys_apart(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Type anything you like")).to_be_focused()

    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Go to the top")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Leave now")).to_be_focused()


def test_a_choice_leads_to_its_answer_and_opens_no_keyboard(page: Page, gateway: Served) -> None:
    gateway.rasa.behave = answering(ANSWER)
    page.get_by_role("button", name="I'm a young person").click()

    expect(_last_turn(page)).to_be_focused()
    expect(page.get_by_role("log").get_by_role("heading", name="What is grooming?")).to_be_visible()


def test_an_answer_takes_the_focus_from_nobody_who_has_moved_on(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.hang()
    page.get_by_role("button", name="I'm a young person").click()
    page.get_by_label("Type anything you like").focus()
    until(lambda: bool(gateway.rasa.received))
    gateway.rasa.hold.set()

    expect(page.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    expect(page.get_by_label("Type anything you like")).to_be_focused()


def test_the_safety_help_opens_from_the_menu(page: Page) -> None:
    page.get_by_text("Options").click()
    page.get_by_role("button", name="Is it safe to talk here?").click()

    expect(page.get_by_text("Can someone see your screen?")).to_be_visible()
    expect(page.locator("#safe")).to_be_focused()
    page.get_by_text("Options").press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Clear this chat and start again")).to_be_hidden()


def test_every_control_is_large_enough_to_press(browser: Browser, gateway: Served) -> None:
    context = new_context(browser, gateway, PHONE)
    page = opened(context.new_page())
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    say(page, "what is grooming")
    expect(page.get_by_role("log").get_by_text("These people can help.")).to_be_visible()
    page.get_by_text("Options").click()

    assert page.evaluate(TOO_SMALL, CONTROLS) == []
    for choice in page.locator(".message__choices .button").all():
        box = choice.bounding_box()
        assert box
        assert box["height"] >= 48
        assert box["width"] >= 290
    context.close()


def test_the_first_screen_of_a_phone_shows_all_of_it(browser: Browser, gateway: Served) -> None:
    context = new_context(browser, gateway, MODERN_PHONE)
    page = opened(context.new_page())

    assert page.locator("[data-log]").evaluate("(log) => log.scrollHeight <= log.clientHeight")
    for seen in ("I'm a young person", "I work with children", "Send", "Is it safe to talk here?"):
        expect(page.get_by_text(seen, exact=True).last).to_be_in_viewport(ratio=1)
    context.close()


def test_at_400_percent_exit_and_numbers_stay_and_take_less_than_a_quarter(
    browser: Browser, gateway: Served
) -> None:
    context = new_context(browser, gateway, ZOOMED)
    page = opened(context.new_page())
    gateway.rasa.behave = answering(ANSWER)
    say(page, "what is grooming")
    expect(page.get_by_role("log").get_by_text("It is never your fault.")).to_be_visible()

    box = page.get_by_role("banner").bounding_box()
    assert box
    assert box["y"] == 0
    assert box["height"] < ZOOMED[1] / 4
    for name in ("Leave now", "In danger? Call 999", "Childline 0800 1111"):
        expect(page.get_by_role("link", name=name)).to_be_in_viewport(ratio=1)
    context.close()


@pytest.mark.parametrize(
    "size",
    [(640, 512), (640, 450), (683, 325), (844, 390)],
    ids=["1280 by 1024", "1280 by 900", "1366 by 650", "a phone on its side"],
)
def test_at_200_percent_the_box_to_type_in_stays_on_the_screen(
    browser: Browser, gateway: Served, size: tuple[int, int]
) -> None:
    context = new_context(browser, gateway, size)
    page = opened(context.new_page())
    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    box, send = page.get_by_label("Type anything you like"), page.get_by_role("button", name="Send")
    for words in ("what is grooming", "and what then"):
        expect(box).to_be_in_viewport(ratio=1)
        expect(send).to_be_in_viewport(ratio=1)
        say(page, words)
        expect(page.get_by_role("log").get_by_text("These people can help.").last).to_be_visible()
    for control in (box, send, page.get_by_role("link", name="Leave now")):
        expect(control).to_be_in_viewport(ratio=1)
    log = page.get_by_role("log").bounding_box()
    assert log
    assert log["height"] > size[1] / 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_words_of_another_language_are_named_and_run_their_own_way_and_numbers_do_not(
    page: Page, gateway: Served
) -> None:
    gateway.rasa.behave = answering({"kind": "text", "text": ARABIC, "lang": "ar"})
    say(page, "مرحبا")

    bubble = page.get_by_role("log").get_by_text("0800 1111")
    expect(bubble).to_have_text(ARABIC.replace("0800 1111", "\u20660800 1111\u2069"))
    expect(bubble).to_have_css("direction", "rtl")
    assert bubble.evaluate("(words) => words.closest('[lang]').lang") == "ar"
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    exit_box = page.get_by_role("link", name="Leave now").bounding_box()
    assert exit_box
    assert exit_box["x"] < DESKTOP[0] / 2


@pytest.mark.parametrize(
    ("size", "look"),
    [
        (DESKTOP, {}),
        (PHONE, {"color_scheme": "dark"}),
        (MODERN_PHONE, {"forced_colors": "active"}),
        (ZOOMED, {}),
    ],
    ids=["desktop", "dark phone", "forced colours", "400 %"],
)
def test_axe_finds_nothing_and_nothing_is_cut_off_in_any_state(
    browser: Browser, gateway: Served, size: tuple[int, int], look: dict[str, Any]
) -> None:
    look |= {
        "base_url": gateway.url,
        "viewport": {"width": size[0], "height": size[1]},
        "reduced_motion": "reduce",
    }
    context = browser.new_context(**look)
    page = context.new_page()
    page.clock.install()
    log = opened(page).get_by_role("log")
    _sound(page, "opening")
    page.locator("#safe").click()
    page.get_by_text("Options").click()
    _sound(page, "safety and menu")
    page.get_by_text("Options").click()

    gateway.rasa.behave = answering(ANSWER, CONTACTS)
    gateway.rasa.hang()
    say(page, "my stepdad raped me")
    until(lambda: bool(gateway.rasa.received))
    _sound(page, "waiting")
    gateway.rasa.hold.set()
    expect(log.get_by_text("These people can help.")).to_be_visible()
    for folded in page.locator(".message summary").all():
        folded.click()
    _sound(page, "help card, answer and contacts, unfolded")

    page.route("**/v1/messages", lambda route: route.abort(), times=1)
    context.set_offline(True)
    say(page, "hello")
    expect(log.get_by_role("button", name="Send again")).to_be_visible()
    _sound(page, "offline, with the error")
    context.set_offline(False)

    page.clock.fast_forward("05:01")
    page.clock.fast_forward("20:01")
    expect(page.get_by_role("button", name="I'm still here")).to_be_visible()
    _sound(page, "quiet, and about to end")
    page.clock.fast_forward("02:01")
    expect(log.get_by_role("button", name="Start again")).to_be_visible()
    _sound(page, "ended")

    context.close()
    # The clock of a test says nothing of reloads.
    context = browser.new_context(**look)
    again = opened(context.new_page())
    say(again, "hello")
    expect(again.get_by_role("log").get_by_text("These people can help.")).to_be_visible()
    again.reload()
    expect(again.get_by_role("button", name="Carry on")).to_be_visible()
    _sound(again, "back")
    context.close()


@pytest.mark.parametrize("address", ["/", "/docs/"])
@pytest.mark.parametrize(("size", "colours"), [(DESKTOP, "light"), (ZOOMED, "dark")])
def test_axe_finds_nothing_on_the_pages_round_it(
    browser: Browser, gateway: Served, address: str, size: tuple[int, int], colours: str
) -> None:
    context = new_context(browser, gateway, size, colours)
    page = context.new_page()
    page.goto(address)

    _sound(page, address)
    context.close()


def _sound(page: Page, state: str) -> None:
    report = Axe().run(page)
    assert report.violations_count == 0, f"{state}: {report.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state


def _last_turn(page: Page) -> Locator:
    return page.get_by_role("log").get_by_role("heading", name="Lantern says:").last
