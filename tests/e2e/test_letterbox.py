"""The whole way of a letterbox, in a browser of the young person and one of a member of staff."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from sqlalchemy.engine import Engine

from staff.cases.worker import CaseWorker
from storage.engine import connect
from storage.letterboxes import letterboxes
from tests.content import real_content
from tests.e2e.running_console import running_console
from tests.e2e.running_widget import (
    DESKTOP,
    Served,
    further_way,
    new_context,
    opened,
    running_widget,
    say,
    until_assessing,
)
from tests.records import PASSWORD, accounts_on, vault

DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
PHONE = (375, 740)
LETTER = "We can meet you at school on Friday. You choose who comes with you."
PATIENCE_MS = 20_000


@dataclass(frozen=True)
class Both:
    """Gateway and console over one database, with a case worker in between."""

    gateway: Served
    console: str
    engine: Engine

    def work(self) -> None:
        """Do what the dispatcher does with what was handed over."""
        CaseWorker(self.engine, vault()).work_off()

    def a_day_passes(self) -> None:
        """Move the letterbox a day into the past: to its clock, it is tomorrow."""
        day, of = timedelta(days=1), letterboxes.c
        with self.engine.begin() as connection:
            row = connection.execute(sa.select(of.opened_at, of.ends_at)).one()
            earlier = {"opened_at": row.opened_at - day, "ends_at": row.ends_at - day}
            connection.execute(sa.update(letterboxes).values(**earlier))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with running_widget(tmp_path) as gateway:
        until_assessing(gateway)
        engine = connect(f"sqlite:///{tmp_path / 'lantern.db'}")
        accounts_on(engine).add("ann", PASSWORD, "Ann Smith")
        with running_console(tmp_path) as url:
            yield Both(gateway, url, engine)
        engine.dispose()


def picture(page: Page, name: str) -> None:
    """Keep a picture for a person to judge, where one is wanted."""
    if folder := os.environ.get("LANTERN_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/letterbox-{name}.png", full_page=True)


def child(
    browser: Browser, both: Both, size: tuple[int, int] = PHONE, colours: str = "light"
) -> Page:
    """Open the chat in a browser of its own, which knows nothing."""
    context = new_context(browser, both.gateway, size, colours)
    page = opened(context.new_page())
    page.set_default_timeout(PATIENCE_MS)
    return page


def shows(page: Page, text: str) -> None:
    expect(page.get_by_role("log").get_by_text(text).last).to_be_visible(timeout=PATIENCE_MS)


def phrase_on(page: Page) -> str:
    """Return the six words that the page shows."""
    words = real_content().six_words
    lines = page.get_by_role("log").inner_text().split("\n")
    return next(line.strip() for line in lines if words.read(line) == line.strip())


def comes_back(page: Page, phrase: str, answer: str) -> None:
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("button", name="I have six words").click()
    shows(page, "Type your six words.")
    say(page, phrase)
    shows(page, "Type the answer that goes with your words.")
    say(page, answer)


def signed_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    return page


def faults(page: Page) -> list[str]:
    """Return what axe finds wrong with a page."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


def asks_for_a_phrase(page: Page) -> str:
    """Tell, ask for a way back, and leave; return the phrase."""
    say(page, DISCLOSURE)
    further_way(page, "Let me come back to this").click()
    shows(page, "It isn't for danger.")
    picture(page, "about-phone")
    page.get_by_role("button", name="What would you call a dragon?").click()
    shows(page, "Type an answer that you'll remember.")
    say(page, "Toast")
    shows(page, "These are your six words.")
    phrase = phrase_on(page)
    picture(page, "phrase-phone")
    assert "Toast" not in page.get_by_role("log").inner_text()
    assert phrase not in page.evaluate("JSON.stringify([sessionStorage, localStorage])")
    assert faults(page) == []
    page.get_by_role("link", name="Leave now").click()
    return phrase


def answers(staff: Page, phrase: str) -> None:
    """Write a letter, by a form without any script."""
    staff.locator("[data-queue-link]").first.click()
    assert phrase not in staff.content()
    staff.get_by_text("Write a letter").click()
    staff.get_by_label("Hi, I'm really glad you came back.").check()
    staff.get_by_label("Letter", exact=True).fill(LETTER)
    staff.get_by_role("button", name="Put it into the letterbox").click()
    expect(staff.get_by_text("Your letter waits in the letterbox.")).to_be_visible()


def reads_and_writes(page: Page, phrase: str) -> None:
    """Read the letter, and write again."""
    comes_back(page, phrase.upper(), "toast")
    shows(page, LETTER)
    picture(page, "letter-desktop-dark")
    assert phrase.upper() not in page.get_by_role("log").inner_text()
    assert faults(page) == []
    page.get_by_role("button", name="I've read it").click()
    shows(page, "That's everything for now.")
    say(page, "ok friday is good, can mrs jones come")
    shows(page, "That's gone to the safeguarding team.")
    picture(page, "written-desktop-dark")


def sees_it_and_closes(staff: Page) -> None:
    """See that the letter was read and what came back, and close the letterbox."""
    expect(staff.get_by_text("Letters that wait for an answer (1)")).to_be_visible()
    picture(staff, "queue-phone")
    staff.locator("[data-queue-link]").first.click()
    staff.get_by_role("button", name="Show the words").click()
    box = staff.get_by_role("region", name="Letterbox")
    expect(box.get_by_text("can mrs jones come")).to_be_visible()
    expect(box.get_by_text(re.compile("Read .*"))).to_be_visible()
    expect(box.get_by_text("A letter waits for an answer.")).to_be_visible()
    picture(staff, "case-phone")
    assert faults(staff) == []
    staff.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    staff.emulate_media(color_scheme="dark")
    picture(staff, "case-desktop-dark")
    staff.get_by_text("Close the letterbox").click()
    staff.locator("#letterbox-close").get_by_label("Why").fill("They have a person now.")
    staff.get_by_role("button", name="Close it").click()
    expect(staff.get_by_text("Staff closed this letterbox.")).to_be_visible()


def test_from_a_disclosure_to_a_letter_and_back_again(browser: Browser, both: Both) -> None:
    phrase = asks_for_a_phrase(child(browser, both))
    both.work()
    answers(
        signed_in(browser.new_context(base_url=both.console, java_script_enabled=False)), phrase
    )
    both.a_day_passes()

    # Somebody else who found the words does not get in.
    stranger = child(browser, both)
    comes_back(stranger, phrase, "Dragon")
    shows(stranger, "There's no letter for these words.")
    picture(stranger, "no-letter-phone")
    assert LETTER not in stranger.content()
    reads_and_writes(child(browser, both, DESKTOP, "dark"), phrase)
    both.work()
    phone = ViewportSize(width=PHONE[0], height=PHONE[1])
    sees_it_and_closes(signed_in(browser.new_context(base_url=both.console, viewport=phone)))

    late = child(browser, both)
    comes_back(late, phrase, "toast")
    shows(late, "There's no letter for these words.")
