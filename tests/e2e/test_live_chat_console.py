"""Live chats in the console, in browsers of staff: with and without JavaScript, cut off, small.

The young person's side is what the case worker and the mailbox hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from safeguarding.clock import utc_now
from safeguarding.live_chat import LiveChatEnd, LiveChatStep
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.e2e.holding_proxy import holding_proxy
from tests.e2e.running_console import own_database, running_console
from tests.e2e.test_console_every_page import LOOKS, _lost_by_keyboard
from tests.live_on import LiveOffice
from tests.records import GIFTS, PASSWORD, Clock, assessment

SAY = real_content().phrases.group("staff_chats")
SOON_MS, PATIENCE_MS = 3_000, 15_000
FALLS_BACK_MS = 12_000
"""Longer than a page waits for the first word of a stream."""


class Now(Clock):
    """The clock of this machine: the console that runs has no other."""

    def __call__(self) -> datetime:
        return utc_now()


@dataclass(frozen=True)
class Console:
    """A running console and the office behind it."""

    url: str
    office: LiveOffice

    def accept(self, chat_id: str) -> None:
        """Let the young person say yes."""
        assert self.office.tell(LiveChatStep.ACCEPTED, chat_id)

    def open(self) -> str:
        """Return a chat that Ann has."""
        return self.office.open()

    def says(self, message_id: str, chat_id: str, text: str, **more: Any) -> None:
        """Let the young person write something."""
        told = {"text": text, "extra": {"live_chat": chat_id}, "turns_before": (), **more}
        self.office.write(message_id, **told)

    def shown(self) -> list[str]:
        """Return what a browser of the young person would show."""
        return [each.text for each in self.office.shown()]


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with own_database(tmp_path) as engine:
        office = LiveOffice(engine, Now())
        with running_console(tmp_path) as url:
            yield Console(url, office)


@pytest.fixture
def ann(browser: Browser, console: Console) -> Iterator[Page]:
    """Return a page of Ann, who is on duty."""
    page = signed_in(browser, console, "ann")
    yield page
    page.context.close()


def signed_in(browser: Browser, console: Console, name: str, **more: Any) -> Page:
    context = browser.new_context(base_url=console.url, **more)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    return page


def goes_to(page: Page, chat_id: str) -> Page:
    """Open the page of a chat with its words uncovered."""
    page.goto(f"/live-chats/{chat_id}")
    page.get_by_role("button", name=SAY["show_words"]).click()
    expect(log(page)).to_be_visible()
    return page


def log(page: Page) -> Any:
    return page.get_by_role("log", name=SAY["log"])


def box(page: Page) -> Any:
    return page.get_by_label(SAY["box"])


def send(page: Page, text: str) -> None:
    box(page).fill(text)
    page.get_by_role("button", name=SAY["send"], exact=True).click()


def faults(page: Page) -> list[str]:
    """Return what axe finds wrong with a page, and whether it is wider than the screen."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = Axe().run(page, options=options).response["violations"]
    said = [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return said + (["wider than the screen"] if wide else [])


def picture(page: Page, name: str) -> None:
    """Keep a picture for a person to judge, where one is wanted."""
    if folder := os.environ.get("LANTERN_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/live-{name}.png", full_page=True)


def test_a_chat_from_the_offer_to_what_came_of_it(console: Console, ann: Page) -> None:
    office, complaints = console.office, list[str]()
    ann.on("pageerror", lambda error: complaints.append(str(error)))
    ann.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    ann.goto("/escalations")
    ann.get_by_role("button", name=SAY["join"]).click()
    expect(ann.get_by_text(SAY["state_offered_mine"])).to_be_visible()
    # The first words are written while the young person is asked, and cannot be sent yet.
    box(ann).fill("Hi, I'm Ann.")
    expect(ann.get_by_role("button", name=SAY["send"], exact=True)).to_be_disabled()
    chat_id = ann.url.rsplit("/", 1)[1]

    console.accept(chat_id)

    expect(ann.get_by_role("status").filter(has_text=SAY["accepted"])).to_be_visible()
    expect(box(ann)).to_have_value("Hi, I'm Ann.")
    expect(box(ann)).to_be_focused()
    ann.keyboard.press("Control+Enter")
    expect(log(ann).get_by_text("Hi, I'm Ann.")).to_be_visible()
    expect(log(ann).get_by_text(SAY["unseen"])).to_be_visible()
    expect(box(ann)).to_have_value("")
    assert console.shown() == ["Hi, I'm Ann."]
    office.mailbox.shown("c1", office.shown()[0].number, utc_now())
    expect(log(ann).get_by_text(re.compile("^Seen"))).to_be_visible(timeout=SOON_MS)

    worse = assessment(Severity.IMMEDIATE, GIFTS)
    console.says("m2", chat_id, "hes outside", assessment=worse, shown=("Call 999 now.",))

    words = log(ann).get_by_role("listitem").filter(has_text="hes outside")
    expect(words.get_by_text("Immediate")).to_be_visible(timeout=SOON_MS)
    expect(log(ann).get_by_text("Call 999 now.")).to_be_visible()
    status = SAY["came_grave"].format(severity="immediate")
    expect(ann.get_by_role("status").filter(has_text=status)).to_be_visible()
    expect(ann.get_by_text("They have waited for an answer for")).to_be_visible()
    # What comes never takes the focus.
    expect(box(ann)).to_be_focused()

    ann.get_by_text(SAY["finish"]).click()
    ann.locator("input[name=closing]").first.check()
    ann.get_by_role("button", name=SAY["finish_send"]).click()
    expect(ann.get_by_role("heading", name=SAY["wrap_title"])).to_be_visible()
    ann.get_by_label(SAY["agreed"]).fill("We ring the police.")
    ann.get_by_role("button", name=SAY["wrap_send"]).click()
    expect(ann.get_by_text("What came of the live chat is on record.")).to_be_visible()
    expect(ann.get_by_text("Hi, I'm Ann.")).to_be_attached()
    assert len(console.shown()) == 1
    assert complaints == []


def test_words_wait_for_the_connection_and_arrive_once_in_order(
    console: Console, ann: Page
) -> None:
    chat_id = console.open()
    goes_to(ann, chat_id)
    cut = {"answers": 0}

    def lose_the_answer(route: Route) -> None:
        # The server has the words, and the page does not learn of it.
        cut["answers"] += 1
        route.fetch()
        route.abort()

    ann.route("**/say", lose_the_answer, times=1)
    send(ann, "one")
    expect(ann.get_by_text(SAY["offline"])).to_be_visible()
    ann.context.set_offline(True)
    send(ann, "two")
    send(ann, "three")
    expect(
        log(ann).get_by_text(SAY["unsent"]).or_(log(ann).get_by_text(SAY["sending"])).first
    ).to_be_visible()
    ann.wait_for_timeout(SOON_MS)
    assert console.shown() == ["one"]

    ann.context.set_offline(False)

    expect(ann.get_by_text(SAY["offline"])).to_be_hidden(timeout=PATIENCE_MS)
    expect(log(ann).get_by_text(SAY["unseen"])).to_have_count(3, timeout=PATIENCE_MS)
    assert console.shown() == ["one", "two", "three"]
    expect(log(ann).locator("[data-pending]")).to_have_count(0)
    assert cut["answers"] == 1
    lines = log(ann).locator("[data-kind=staff] .turn__text")
    expect(lines).to_have_text(["one", "two", "three"])


def test_an_impatient_hand_sends_one_message(console: Console, ann: Page) -> None:
    goes_to(ann, console.open())
    box(ann).fill("hello")

    ann.get_by_role("button", name=SAY["send"], exact=True).dblclick()
    ann.keyboard.press("Control+Enter")

    expect(log(ann).get_by_text(SAY["unseen"])).to_have_count(1)
    ann.wait_for_timeout(1_000)
    assert console.shown() == ["hello"]


def test_a_proxy_that_holds_events_back_only_makes_the_page_ask(
    console: Console, ann: Page
) -> None:
    chat_id = console.open()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    ann.route("**/events?*", hold)
    goes_to(ann, chat_id)

    console.says("m2", chat_id, "are you there")

    expect(log(ann).get_by_text("are you there")).to_be_visible(timeout=SOON_MS)
    assert held


def test_behind_a_proxy_that_holds_events_lists_bar_and_chat_are_still_true(
    browser: Browser, console: Console
) -> None:
    office = console.office
    chat_id = console.open()
    office.write("m8", "c2")
    with holding_proxy(console.url) as proxy:
        behind = Console(proxy.url, office)
        ann = signed_in(browser, behind, "ann")
        queue = ann.context.new_page()
        queue.goto("/escalations")
        chats = ann.context.new_page()
        chats.goto("/live-chats")
        case = ann.context.new_page()
        case.goto("/escalations/c1")
        goes_to(ann, chat_id)
        ann.wait_for_timeout(FALLS_BACK_MS)

        office.ask("asked", conversation_id="c2", address="c2")
        office.write("m3", "c3")
        console.says("m2", chat_id, "are you there")

        expect(log(ann).get_by_text("are you there")).to_be_visible(timeout=PATIENCE_MS)
        for page in (queue, chats, ann):
            bar = page.get_by_role("complementary", name=SAY["title"])
            answer = bar.get_by_role("button", name=SAY["answer"])
            expect(answer).to_be_visible(timeout=PATIENCE_MS)
        asking = chats.locator("[data-live-list]").get_by_role("button", name=SAY["answer"])
        expect(asking).to_be_visible(timeout=PATIENCE_MS)
        for case_id in ("c2", "c3"):
            # The row may stand in one that opens, with others that look alike.
            link = queue.locator(f"[data-live-list] [data-queue-link][href$='/{case_id}']")
            expect(link.first).to_be_attached(timeout=PATIENCE_MS)
        expect(case.locator("[data-live-changed]")).to_be_visible(timeout=PATIENCE_MS)
        held = [path for path, kind in proxy.asked if "event-stream" in kind]
        # Each of the lists and the case tried one stream, and so did the page after the sign-in.
        assert len([path for path in held if path.startswith("/live?")]) == 4
        ann.context.close()


def test_a_supervisor_whispers_and_takes_over_and_the_owner_keeps_what_was_typed(
    browser: Browser, console: Console, ann: Page
) -> None:
    chat_id = console.open()
    goes_to(ann, chat_id)
    lee = signed_in(browser, console, "lee")
    lee.goto("/live-chats")
    lee.get_by_role("link", name=console.office.room.chat(chat_id).reference).click()
    expect(lee.get_by_text(SAY["covered"])).to_be_visible()
    lee.get_by_role("button", name=SAY["show_words"]).click()
    lee.get_by_label(SAY["whisper_box"]).fill("Ask for the street.")
    lee.get_by_role("button", name=SAY["whisper_send"]).click()
    expect(log(ann).get_by_text("Ask for the street.")).to_be_visible(timeout=SOON_MS)
    assert console.shown() == []
    box(ann).fill("half a sen")

    lee.get_by_text(SAY["take_over"]).first.click()
    lee.get_by_role("button", name=SAY["take_over"]).click()

    expect(ann.get_by_text(SAY["state_other"].format(name="Lee Lamb"))).to_be_visible()
    expect(ann.get_by_label(SAY["kept"])).to_have_value("half a sen")
    expect(log(ann)).to_be_hidden()
    expect(box(lee)).to_be_visible()
    lee.context.close()


def by_keys_to(page: Page, target: Any) -> None:
    """Press Tab until this has the focus, and scroll to nothing that the keys do not reach."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement"):
            expect(target).to_be_in_viewport()
            return
    raise AssertionError(f"the keys do not reach {target}")


def test_a_supervisor_whispers_and_takes_over_by_keys_on_a_phone(
    browser: Browser, console: Console
) -> None:
    chat_id = console.open()
    ann, lee = (signed_in(browser, console, name, **LOOKS["dark phone"]) for name in ("ann", "lee"))
    goes_to(ann, chat_id)
    lee.goto("/live-chats")
    by_keys_to(lee, lee.get_by_role("link", name=console.office.room.chat(chat_id).reference))
    lee.keyboard.press("Enter")
    by_keys_to(lee, lee.get_by_role("button", name=SAY["show_words"]))
    lee.keyboard.press("Enter")
    expect(log(lee)).to_be_visible()
    missed = faults(lee)
    by_keys_to(lee, lee.get_by_label(SAY["whisper_box"]))
    lee.keyboard.type("Ask for the street.")
    by_keys_to(lee, lee.get_by_role("button", name=SAY["whisper_send"]))
    lee.keyboard.press("Enter")
    expect(log(ann).get_by_text("Ask for the street.")).to_be_visible(timeout=PATIENCE_MS)
    picture(lee, "supervisor-phone")
    # The page of the owner learns of nothing: its next words still go with the earlier term.
    for path in ("**/events?*", "**/part"):
        ann.route(path, lambda route: route.abort())
    box(ann).fill("Where are you?")

    by_keys_to(lee, lee.locator("#over-fold summary"))
    lee.keyboard.press("Enter")
    by_keys_to(lee, lee.get_by_role("button", name=SAY["take_over"]))
    lee.keyboard.press("Enter")
    expect(box(lee)).to_be_visible()
    missed += faults(lee)
    by_keys_to(ann, ann.get_by_role("button", name=SAY["send"], exact=True))
    ann.keyboard.press("Enter")

    refused = SAY["stale_other"].format(name="Lee Lamb")
    expect(ann.get_by_role("status").filter(has_text=refused)).to_be_visible()
    expect(ann.get_by_label(SAY["kept"])).to_have_value("Where are you?")
    picture(ann, "taken-over-phone")
    by_keys_to(lee, box(lee))
    lee.keyboard.type("I'm Lee.")
    lee.keyboard.press("Control+Enter")
    expect(log(lee).get_by_text(SAY["unseen"])).to_be_visible()
    assert console.shown() == ["I'm Lee."]
    assert missed == []
    for page in (ann, lee):
        page.context.close()


def test_an_offer_reaches_a_colleague_on_any_page_and_another_tab_follows(
    browser: Browser, console: Console, ann: Page
) -> None:
    chat_id = console.open()
    goes_to(ann, chat_id)
    other = ann.context.new_page()
    other.goto(f"/live-chats/{chat_id}")
    bob = signed_in(browser, console, "bob")
    bob.goto("/rota")

    ann.get_by_text(SAY["transfer"]).click()
    ann.get_by_label(SAY["transfer_to"]).select_option("Bob Bell")
    ann.get_by_role("button", name=SAY["transfer_send"]).click()
    expect(other.get_by_text("It waits for Bob Bell to take it.")).to_be_visible()
    bar = bob.get_by_role("complementary", name=SAY["title"])
    offer = "Ann Archer would like to hand you the chat"
    expect(bar.locator("strong")).to_contain_text(offer, timeout=PATIENCE_MS)
    bar.get_by_role("button", name=SAY["accept"]).click()

    expect(box(bob)).to_be_visible()
    for page in (ann, other):
        expect(page.get_by_text(SAY["state_other"].format(name="Bob Bell"))).to_be_visible()
        expect(box(page)).to_be_hidden()
    bob.context.close()


def test_ready_to_chat_is_said_and_goes_off_where_no_page_is_in_sight(
    console: Console, ann: Page
) -> None:
    room, office = console.office.room, console.office
    ann.get_by_role("button", name=SAY["be_ready"]).click()
    expect(ann.get_by_text(SAY["ready_on"])).to_be_visible()
    first = room.ready_until(office.ann)
    assert first is not None
    ann.wait_for_timeout(6_000)
    renewed = room.ready_until(office.ann)
    assert renewed is not None
    assert renewed > first

    # A page that is blanked is not in sight.
    ann.keyboard.press("Escape")
    before = room.ready_until(office.ann)
    ann.wait_for_timeout(7_000)
    assert room.ready_until(office.ann) == before
    ann.get_by_role("button", name="Continue").click()
    ann.get_by_role("button", name=SAY["stop_ready"]).click()
    expect(ann.get_by_text(SAY["ready_off"])).to_be_visible()
    assert room.ready_until(office.ann) is None


def test_a_request_is_announced_on_every_page_and_answered(console: Console, ann: Page) -> None:
    ann.goto("/rota")
    console.office.ask("asked")

    bar = ann.get_by_role("complementary", name=SAY["title"])
    said = bar.get_by_role("status")
    expect(said).to_contain_text("asks for a person", timeout=PATIENCE_MS)
    bar.get_by_role("button", name=SAY["answer"]).click()

    expect(box(ann)).to_be_visible()
    assert console.office.chat("asked").owner == console.office.ann


def test_after_signing_out_elsewhere_nothing_typed_is_lost(console: Console, ann: Page) -> None:
    goes_to(ann, console.open())
    other = ann.context.new_page()
    other.goto("/escalations")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    send(ann, "do not go")
    expect(ann.get_by_text(SAY["signed_out"])).to_be_visible()

    other.get_by_label("Sign-in name").fill("ann")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()

    expect(ann.get_by_text(SAY["signed_out"])).to_be_hidden(timeout=25_000)
    ann.wait_for_timeout(2_500)
    assert console.shown() == ["do not go"]


def test_everything_works_without_javascript(browser: Browser, console: Console) -> None:
    page = signed_in(browser, console, "ann", java_script_enabled=False)
    page.goto("/live-chats")
    page.get_by_role("button", name=SAY["be_ready"]).click()
    expect(page.get_by_text(SAY["ready_on"])).to_be_visible()
    page.goto("/escalations/c1")
    page.get_by_role("button", name=SAY["join"]).click()
    chat_id = page.url.rsplit("/", 1)[1]
    box(page).fill("Hello.")
    console.accept(chat_id)
    page.get_by_role("button", name=SAY["draft"]).click()
    expect(box(page)).to_have_value("Hello.")
    page.get_by_role("button", name=SAY["send"], exact=True).click()
    expect(page.get_by_text(SAY["unseen"])).to_be_visible()
    console.says("m2", chat_id, "ok hi")
    page.get_by_label(SAY["canned"]).select_option("thank_you")
    page.get_by_role("button", name=SAY["canned_insert"]).click()
    expect(page.get_by_text("ok hi")).to_be_visible()
    expect(box(page)).to_have_value(real_content().live_replies["thank_you"].text)
    page.get_by_text(SAY["note"]).first.click()
    page.get_by_label(SAY["note"], exact=True).fill("Calm.")
    page.get_by_role("button", name=SAY["note_keep"]).click()
    expect(page.get_by_text(SAY["note_kept"])).to_be_visible()
    page.get_by_text(SAY["hand_back"]).first.click()
    page.get_by_role("button", name=SAY["hand_back"]).click()
    page.get_by_label(SAY["agreed"]).fill("nothing")
    page.get_by_role("button", name=SAY["wrap_send"]).click()
    expect(page.get_by_text("What came of the live chat is on record.")).to_be_visible()
    assert console.shown() == ["Hello."]
    page.context.close()


def test_a_chat_that_ended_meanwhile_says_why_and_asks_what_came_of_it(
    console: Console, ann: Page
) -> None:
    chat_id = console.open()
    goes_to(ann, chat_id)
    box(ann).fill("still writing")

    console.office.end(chat_id, LiveChatEnd.STOPPED)

    expect(ann.get_by_text(SAY["end_stopped"]).first).to_be_visible(timeout=SOON_MS)
    expect(ann.get_by_label(SAY["kept"])).to_have_value("still writing")
    expect(ann.get_by_role("link", name=SAY["wrap_up_now"]).first).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_live_chats_are_accessible_and_fit_in_every_look(
    browser: Browser, console: Console, look: str
) -> None:
    office, found = console.office, dict[str, list[str]]()
    office.write("m8", "c2")
    office.ask("asked", conversation_id="c2", address="c2")
    chat_id = console.open()
    office.desk.say(chat_id, "hello " + "x" * 200, by=office.ann, term=1, key="k")
    office.desk.whisper(chat_id, "Slowly.", by=office.lee)
    console.says("m2", chat_id, "y" * 300, assessment=assessment(Severity.IMMEDIATE, GIFTS))
    page = signed_in(browser, console, "ann", **LOOKS[look])
    bar = page.get_by_role("complementary", name=SAY["title"])
    paths = ("/escalations", "/escalations/c1", "/live-chats", "/account/chat-name")
    for path in paths:
        page.goto(path)
        answer = bar.get_by_role("button", name=SAY["answer"])
        expect(answer).to_be_visible(timeout=PATIENCE_MS)
        found[path] = faults(page)
        picture(page, f"{look}{path.replace('/', '-')}")
    goes_to(page, chat_id)
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    page.get_by_label(SAY["canned"]).select_option("hello")
    found["a chat"] = faults(page)
    picture(page, f"{look}-chat")
    office.desk.hand_back(chat_id, by=office.ann, term=1)
    page.goto(f"/live-chats/{chat_id}/wrap-up")
    page.get_by_role("button", name=SAY["wrap_send"]).click()
    found["what came of it"] = faults(page)
    picture(page, f"{look}-wrap-up")
    page.context.close()
    lee = signed_in(browser, console, "lee", **LOOKS[look])
    lee.goto("/live-chats")
    found["supervising"] = faults(lee)
    picture(lee, f"{look}-supervising")
    lee.context.close()

    assert {name: each for name, each in found.items() if each} == {}


def test_a_chat_is_had_by_keyboard_alone(console: Console, ann: Page) -> None:
    missed = {}
    chat_id = console.open()
    ann.goto("/live-chats")
    missed["the list"] = _lost_by_keyboard(ann)
    goes_to(ann, chat_id)
    ann.wait_for_timeout(1_000)
    missed["a chat"] = _lost_by_keyboard(ann)

    assert {name: each for name, each in missed.items() if each} == {}
