"""From a disclosure to a closed case, in browsers of a young person and of two members of staff.

They talk in a live chat, are cut off, are handed over, say goodbye, and meet again a day later in
the letterbox. Gateway, console and case worker are real; the young person's phone is a browser.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, ViewportSize, expect

from staff.accounts.permissions import Role
from staff.alerts.outbox import alerts
from staff.cases.case import CaseStatus
from staff.cases.cases import Cases
from staff.cases.worker import CaseWorker
from storage.engine import connect
from tests.content import real_content
from tests.e2e.running_console import running_console
from tests.e2e.running_widget import running_widget, say, until, until_assessing
from tests.e2e.test_letterbox import Both, child, comes_back, phrase_on, shows
from tests.e2e.test_live_chat import bubbles, line
from tests.e2e.test_live_chat_console import Now, log, send
from tests.live_on import put_on_duty
from tests.records import PASSWORD, accounts_on, vault

DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
SAY = real_content().phrases.group("staff_chats")
PROPOSED = "Your proposal to close is on record."
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)
PATIENCE_MS = 20_000
EXCHANGES = (
    ("Hi, I'm Ann. I've read what you wrote, and I'm glad you did.", "is he going to find out"),
    ("He won't hear it from me.", "ok"),
    ("Is there an adult you'd trust with this?", "my nan maybe"),
    ("Would you like me to ring her with you?", "can u do it tmrw"),
    ("Yes. Tomorrow, after school.", "ok thank u"),
)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with running_widget(tmp_path) as gateway, running_console(tmp_path) as url:
        until_assessing(gateway)
        engine = connect(f"sqlite:///{tmp_path / 'lantern.db'}")
        accounts = accounts_on(engine)
        for name, shown in (("ann", "Ann Archer"), ("bob", "Bob Bell")):
            put_on_duty(engine, Now(), accounts.add(name, PASSWORD, shown, Role.LEAD).id)
        yield Both(gateway, url, engine)
        engine.dispose()


@contextmanager
def case_worker(both: Both) -> Iterator[None]:
    """Do what the dispatcher does, all the time."""
    ended = threading.Event()
    worker = CaseWorker(both.engine, vault())

    def work() -> None:
        while not ended.wait(0.1):
            worker.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def picture(page: Page, name: str) -> None:
    """Keep a picture for a person to judge, where one is wanted."""
    if folder := os.environ.get("LANTERN_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/walk-{name}.png")


def staff_page(browser: Browser, both: Both, name: str, size: ViewportSize = DESKTOP) -> Page:
    context = browser.new_context(base_url=both.console, viewport=size)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    return page


def discloses(browser: Browser, both: Both) -> Page:
    page = child(browser, both, (PHONE["width"], PHONE["height"]))
    say(page, DISCLOSURE)
    expect(page.locator(".message--help").last).to_be_visible(timeout=PATIENCE_MS)
    picture(page, "1-disclosure-phone")
    return page


def is_alerted(both: Both) -> bool:
    """Look with a connection of its own: an open one would hold up the case worker."""
    with both.engine.connect() as connection:
        return connection.execute(alerts.select()).first() is not None


def joins(staff: Page, young: Page) -> None:
    """Join from the queue, once the young person has said yes."""
    staff.reload()
    picture(staff, "2-queue-desktop")
    staff.get_by_role("button", name=SAY["join"]).first.click()
    expect(line(young)).to_contain_text("Ann could talk to you here", timeout=PATIENCE_MS)
    picture(young, "3-offer-phone")
    line(young).get_by_role("button", name="Yes").click()
    expect(line(young)).to_contain_text("You're talking to Ann", timeout=PATIENCE_MS)
    expect(staff.get_by_role("status").filter(has_text=SAY["accepted"])).to_be_visible()


def talk(staff: Page, young: Page) -> None:
    """Write ten messages, one after the other."""
    for theirs, own in EXCHANGES:
        send(staff, theirs)
        shows(young, theirs)
        say(young, own)
        expect(log(staff).get_by_text(own, exact=True)).to_be_visible(timeout=PATIENCE_MS)
    picture(young, "4-talk-phone")
    picture(staff, "5-talk-desktop")


def is_cut_off(staff: Page, young: Page) -> None:
    """Lose the network on both sides, one after the other; every word arrives once."""
    young.context.set_offline(True)
    send(staff, "Are you somewhere warm?")
    young.wait_for_timeout(4_000)
    young.context.set_offline(False)
    shows(young, "Are you somewhere warm?")
    staff.context.set_offline(True)
    send(staff, "I'll hand you to Bob, who is here all evening.")
    staff.wait_for_timeout(2_000)
    staff.context.set_offline(False)
    shows(young, "I'll hand you to Bob, who is here all evening.")


def is_handed_over(staff: Page, colleague: Page, young: Page) -> None:
    staff.get_by_text(SAY["transfer"]).click()
    staff.get_by_label(SAY["transfer_to"]).select_option("Bob Bell")
    staff.get_by_role("button", name=SAY["transfer_send"]).click()
    colleague.get_by_role("button", name=SAY["accept"]).click()
    expect(line(young)).to_contain_text("You're talking to Bob", timeout=PATIENCE_MS)
    send(colleague, "Hi, I'm Bob. Ann told me what matters.")
    shows(young, "Hi, I'm Bob.")
    picture(young, "6-handed-over-phone")


def ends(colleague: Page, young: Page) -> None:
    colleague.get_by_text(SAY["finish"]).click()
    colleague.locator("input[name=closing]").first.check()
    colleague.get_by_role("button", name=SAY["finish_send"]).click()
    expect(line(young)).to_be_hidden(timeout=PATIENCE_MS)
    picture(young, "7-ended-phone")
    colleague.get_by_label(SAY["agreed"]).fill("Ann rings the grandmother with them tomorrow.")
    picture(colleague, "8-wrap-up-desktop")
    colleague.get_by_role("button", name=SAY["wrap_send"]).click()
    expect(colleague.get_by_text("What came of the live chat is on record.")).to_be_visible()


def asks_for_a_way_back(young: Page) -> str:
    """Ask for a letterbox, and leave; return its six words."""
    more = young.get_by_text("More ways to get help").last
    if more.count():
        more.click()
    young.get_by_role("button", name="Let me come back to this").last.click(timeout=PATIENCE_MS)
    young.get_by_role("button", name="What would you call a dragon?").click(timeout=PATIENCE_MS)
    shows(young, "Type an answer that you'll remember.")
    say(young, "Toast")
    shows(young, "These are your six words.")
    phrase = phrase_on(young)
    young.get_by_role("link", name="Leave now").click()
    return phrase


def writes_a_letter(colleague: Page) -> None:
    colleague.goto("/escalations")
    colleague.locator("[data-queue-link]").first.click()
    colleague.get_by_text("Write a letter").click()
    colleague.get_by_label("Letter", exact=True).fill("Your nan knows, and she's on your side.")
    colleague.get_by_role("button", name="Put it into the letterbox").click()
    expect(colleague.get_by_text("Your letter waits in the letterbox.")).to_be_visible()


def closes(colleague: Page, second: Page) -> None:
    """Close it as referred to the police: refused without a referral, then by two people."""
    colleague.reload()
    _propose(colleague)
    expect(colleague.get_by_role("alert").first).to_be_visible()
    expect(colleague.get_by_text(PROPOSED)).to_have_count(0)
    colleague.locator("#refer summary").click()
    refer = colleague.locator("#refer")
    refer.get_by_label("The police").check()
    refer.get_by_label("By telephone").check()
    refer.get_by_label("Yes", exact=True).check()
    refer.get_by_role("button", name=re.compile("^Now")).click()
    refer.get_by_role("button", name="Record the referral").last.click()
    expect(colleague.get_by_text("The referral is on record.")).to_be_visible()
    _propose(colleague)
    expect(colleague.get_by_text(PROPOSED)).to_be_visible()
    second.goto(colleague.url.partition("?")[0])
    if (uncover := second.get_by_role("button", name="Show the words")).count():
        uncover.click()
    picture(second, "9-case-desktop")
    second.get_by_role("button", name=re.compile("Agree")).click()
    expect(second.get_by_text("The case is closed.")).to_be_visible()


def _propose(page: Page) -> None:
    outcome = page.locator("#outcome")
    if not outcome.get_by_label("Why, and what happens next").is_visible():
        page.locator("#outcome summary").first.click()
    outcome.get_by_label("Referred to the police").check()
    outcome.get_by_label("Why, and what happens next").fill("Rung with the grandmother.")
    outcome.get_by_role("button", name="Propose to close").click()


def test_from_a_disclosure_by_a_live_chat_to_a_closed_case(browser: Browser, both: Both) -> None:
    ann = staff_page(browser, both, "ann")
    bob = staff_page(browser, both, "bob")
    with case_worker(both):
        young = discloses(browser, both)
        until(lambda: is_alerted(both))
        joins(ann, young)
        talk(ann, young)
        is_cut_off(ann, young)
        said = [*(theirs for theirs, _ in EXCHANGES), "Are you somewhere warm?"]
        assert bubbles(young)[: len(said)] == said
        is_handed_over(ann, bob, young)
        ends(bob, young)
        phrase = asks_for_a_way_back(young)
        until(lambda: Cases(both.engine, vault()).whole(_only_case(both)).letterboxes != ())
        writes_a_letter(bob)
        both.a_day_passes()

        back = child(browser, both)
        comes_back(back, phrase, "toast")
        shows(back, "Your nan knows, and she's on your side.")
        picture(back, "letter-phone")
        closes(bob, ann)
    assert Cases(both.engine, vault()).find(_only_case(both)).status is CaseStatus.CLOSED


def _only_case(both: Both) -> str:
    with both.engine.connect() as connection:
        return str(connection.execute(sa.select(alerts.c.case_id).distinct()).scalar_one())
