"""The widget on a page of somebody else's: its button, its frame, and how to leave it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Locator,
    Page,
    expect,
)

from tests.e2e.running_widget import (
    DESKTOP,
    PHONE,
    WEATHER,
    ZOOMED,
    Served,
    Site,
    new_context,
    open_embedded,
    say,
    shown,
    tag,
    until,
)

PANEL = "Chat with Lantern"
TOO_SMALL = """() => {
    const root = document.querySelector(".lantern-chat").shadowRoot;
    return [...root.querySelectorAll("button, a")]
        .map((control) => [control.textContent, control.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.height < 44 || box.width < 44))
        .map(([words]) => words);
}"""


def test_no_request_goes_anywhere_else(context: BrowserContext, gateway: Served) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto("/")
    open_embedded(page)

    assert asked
    assert all(address.startswith(gateway.url) for address in asked)
    assert page.evaluate("localStorage.length") == 0
    assert context.cookies() == []


def test_the_button_says_what_it_does_and_takes_the_focus_back(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    launcher = page.get_by_role("button", name=PANEL)
    expect(launcher).to_have_attribute("aria-expanded", "false")
    expect(launcher).to_have_attribute("aria-haspopup", "dialog")
    frame = open_embedded(page)
    expect(page.get_by_role("dialog", name=PANEL)).to_be_visible()
    expect(page.locator("iframe")).to_have_attribute("title", PANEL)
    expect(page.locator("iframe")).to_be_focused()

    page.get_by_role("button", name="Close chat").click()
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    expect(page.locator("iframe")).to_be_hidden()

    launcher.click()
    frame.locator("body").press("Escape")
    expect(launcher).to_be_focused()


@pytest.mark.parametrize("from_where", ["the chat", "below the chat"])
def test_leaving_takes_the_whole_page_away_and_back_leads_to_neither(
    context: BrowserContext, school: Site, gateway: Served, from_where: str
) -> None:
    page = shown(context, school, "/start")
    page.goto(school.url)
    frame = open_embedded(page)
    say(frame, "hello")
    expect(frame.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()

    place = frame if from_where == "the chat" else page.get_by_role("dialog")
    place.get_by_text("Leave now", exact=True).first.click()

    page.wait_for_url(WEATHER)
    until(gateway.forgot)
    page.go_back()
    expect(page).to_have_url(f"{school.url}/start")
    page.go_forward()
    expect(page).to_have_url(WEATHER)


@pytest.mark.parametrize("keyboard", ["the chat", "the page"])
def test_shift_three_times_leaves(context: BrowserContext, school: Site, keyboard: str) -> None:
    page = shown(context, school)
    frame = open_embedded(page)
    if keyboard == "the page":
        page.get_by_role("link", name="Home").focus()
    else:
        frame.get_by_label("Type anything you like").focus()

    for _ in range(3):
        page.keyboard.press("Shift")

    page.wait_for_url(WEATHER)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_swipe_of_two_fingers_beside_the_open_chat_leaves(
    context: BrowserContext, school: Site, is_open: bool
) -> None:
    page = shown(context, school)
    if is_open:
        open_embedded(page)
    session = context.new_cdp_session(page)
    for step in range(5):
        points = [{"x": 100 + 40 * step, "y": y, "id": y} for y in (300, 380)]
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    if is_open:
        page.wait_for_url(WEATHER)
    else:
        page.get_by_role("button", name=PANEL).click()
        expect(page.get_by_role("dialog", name=PANEL)).to_be_visible()


def test_a_page_cannot_hold_back_whoever_leaves(context: BrowserContext, school: Site) -> None:
    page = shown(context, school)
    open_embedded(page)
    page.evaluate("""() => {
        onbeforeunload = (event) => { event.preventDefault(); return "stay"; };
        addEventListener("beforeunload", (event) => { event.preventDefault(); });
        window.postMessage = window.stop = () => {};
        for (const method of ["append", "remove", "replaceChildren"])
            Element.prototype[method] = () => { throw new Error(method); };
    }""")

    page.get_by_role("dialog").get_by_role("button", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_whoever_hangs_in_the_chat_can_still_leave(context: BrowserContext, school: Site) -> None:
    page = shown(context, school)
    open_embedded(page)
    page.frames[1].evaluate("void setTimeout(() => { for (;;); }, 0)")

    page.get_by_role("dialog").get_by_role("button", name="Leave now").click()

    page.wait_for_url(WEATHER)


def test_on_a_phone_it_fills_the_screen_and_the_page_behind_is_out_of_reach(
    browser: Browser, gateway: Served, school: Site
) -> None:
    context = new_context(browser, gateway, PHONE)
    page = shown(context, school)
    page.evaluate("document.body.style.height = '3000px'")
    open_embedded(page)

    panel = page.get_by_role("dialog", name=PANEL)
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": PHONE[0], "height": PHONE[1]}
    assert panel.evaluate("panel => panel.matches(':modal')")
    assert page.evaluate("getComputedStyle(document.documentElement).overflowY") == "hidden"
    page.get_by_role("button", name="Close chat").focus()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name=PANEL)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.documentElement).overflowY") == "visible"

    open_embedded(page)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    expect(panel).to_be_visible()
    until(lambda: not panel.evaluate("panel => panel.matches(':modal')"))
    context.close()


def _ways_to_leave(page: Page) -> list[Locator]:
    """Return what says "Leave now" on the screen, on the page and in the chat."""
    found = (page.get_by_text("Leave now", exact=True), _frame(page).get_by_text("Leave now"))
    return [way for places in found for way in places.all() if way.is_visible()]


def _frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


@pytest.mark.parametrize("size", [PHONE, (390, 844), (844, 390)])
def test_on_a_phone_there_is_one_leave_now_on_top_of_the_chat(
    browser: Browser, gateway: Served, school: Site, size: tuple[int, int]
) -> None:
    context = new_context(browser, gateway, size)
    page = shown(context, school, "/start")
    page.goto(school.url)
    frame = open_embedded(page)
    until(lambda: len(_ways_to_leave(page)) == 1)
    (leave,) = _ways_to_leave(page)
    box = leave.bounding_box()
    assert box
    assert box["y"] < 60
    assert box["height"] >= 44

    say(frame, "hello")
    expect(frame.get_by_role("log").get_by_text("hello", exact=True)).to_be_visible()
    frame.get_by_label("Type anything you like").press("Escape")
    expect(frame.get_by_text("Options")).to_be_focused()
    page.frames[1].evaluate("void setTimeout(() => { for (;;); }, 0)")
    leave.click()

    page.wait_for_url(WEATHER)
    page.go_back()
    expect(page).to_have_url(f"{school.url}/start")
    context.close()


def test_a_phone_on_which_the_chat_does_not_come_has_one_leave_now_too(
    browser: Browser, gateway: Served, school: Site
) -> None:
    context = new_context(browser, gateway, PHONE)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{school.port}/")
    page.get_by_role("button", name=PANEL).click()
    expect(page.get_by_role("link", name="Call 999")).to_be_visible()

    assert len(_ways_to_leave(page)) == 1
    context.close()


def test_a_screen_that_becomes_small_keeps_one_leave_now(
    browser: Browser, gateway: Served, school: Site
) -> None:
    context = new_context(browser, gateway, DESKTOP)
    page = shown(context, school)
    open_embedded(page)

    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    until(lambda: len(_ways_to_leave(page)) == 1)
    context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED])
def test_axe_finds_nothing_around_the_chat_and_in_its_place(
    browser: Browser, gateway: Served, school: Site, size: tuple[int, int], colours: str
) -> None:
    context = new_context(browser, gateway, size, colours)
    page = context.new_page()
    page.goto(gateway.url)
    open_embedded(page)
    _is_sound(page)

    # From this address nobody may show the chat: help stands in its place.
    page.goto(f"http://127.0.0.1:{school.port}/")
    page.get_by_role("button", name=PANEL).click()
    expect(page.get_by_role("link", name="Call 999")).to_be_visible()
    _is_sound(page)
    context.close()


def test_on_paper_there_is_no_button(context: BrowserContext, school: Site) -> None:
    page = shown(context, school)
    page.emulate_media(media="print")

    expect(page.get_by_text(PANEL)).to_be_hidden()


def test_a_site_chooses_side_colour_and_label(
    context: BrowserContext, site: Site, gateway: Served
) -> None:
    more = 'data-position="left" data-color="#ffdd00" data-label="worried"'
    site.pages["/"] = tag(gateway, more)
    page = shown(context, site)
    launcher = page.get_by_role("button", name="Worried? Ask Lantern")
    box = launcher.bounding_box()
    assert box
    assert box["x"] < DESKTOP[0] / 2
    colours = "button => [getComputedStyle(button).backgroundColor, getComputedStyle(button).color]"
    assert launcher.evaluate(colours) == ["rgb(255, 221, 0)", "rgb(0, 0, 0)"]
    launcher.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("log")).to_be_visible()

    plain = context.new_page()
    plain.goto("/widget/")
    # Yellow on white cannot be read: the chat wears the nearest shade of it that can.
    link = "() => getComputedStyle(document.documentElement).getPropertyValue('--link')"
    own = plain.evaluate(link)
    assert page.frames[1].evaluate(link) not in {"", "rgb(255,221,0)", own}
    # What must stand out for everybody keeps its colours.
    kept = """() => ["--exit", "--help-edge", "--now-edge"]
        .map((name) => getComputedStyle(document.documentElement).getPropertyValue(name))"""
    colours_of_help = plain.evaluate(kept)
    assert all(colours_of_help)
    assert page.frames[1].evaluate(kept) == colours_of_help


def test_two_tabs_are_two_conversations(
    context: BrowserContext, school: Site, gateway: Served
) -> None:
    for words in ("one", "two"):
        say(open_embedded(shown(context, school)), words)

    until(lambda: len(gateway.rasa.received) == 2)
    one, two = (message["conversation_id"] for message in gateway.rasa.received)
    assert one != two


def test_on_a_connection_of_three_seconds_help_is_there_at_once(
    context: BrowserContext, gateway: Served
) -> None:
    page = context.new_page()
    page.goto("/")
    slow = {"offline": False, "latency": 3000, "downloadThroughput": -1, "uploadThroughput": -1}
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)

    page.get_by_role("button", name=PANEL).click()

    panel = page.get_by_role("dialog", name=PANEL)
    expect(panel.get_by_text("The chat is opening.")).to_be_visible()
    expect(panel.get_by_role("link", name="Call 0800 1111")).to_be_visible()
    log = page.frame_locator("iframe").get_by_role("log")
    expect(log.get_by_text("Who is asking?")).to_be_visible(timeout=60_000)
    expect(panel.get_by_text("The chat is opening.")).to_be_hidden()


def _is_sound(page: Page) -> None:
    report = Axe().run(page, {"include": [".lantern-chat"]})
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
