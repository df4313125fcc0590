"""The whole journey, in a browser over real processes: a young person first, then staff."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from scripts.stack import Stack

DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
PATIENCE_MS = 15_000


@pytest.fixture
def chat(browser: Browser, stack: Stack) -> FrameLocator:
    """The school's page, with the chat opened."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(stack.url("gateway") + "/")
    page.get_by_role("button", name=re.compile("Lantern|chat", re.IGNORECASE)).first.click()
    return page.frame_locator("iframe")


def say(chat: FrameLocator, text: str) -> None:
    chat.get_by_label("Type anything you like").fill(text)
    chat.get_by_role("button", name="Send").click()


def signed_in(browser: Browser, stack: Stack) -> Page:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(stack.url("console") + "/")
    found = dict(re.findall(r"(sign-in name|password):\s+(\S+)", stack.account))
    page.get_by_label("Sign-in name").fill(found["sign-in name"])
    page.get_by_label("Password", exact=True).fill(found["password"])
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_young_person_asks_and_discloses_and_staff_read_it_and_record_an_outcome(
    browser: Browser, stack: Stack, chat: FrameLocator
) -> None:
    log = chat.get_by_role("log")
    expect(log.get_by_text("computer program")).to_be_visible(timeout=PATIENCE_MS)

    chat.get_by_role("button", name="I'm a young person").click()
    expect(log.get_by_text("You can ask me anything")).to_be_visible(timeout=PATIENCE_MS)

    say(chat, "what is grooming")
    expect(log.get_by_role("heading", name="What is grooming?")).to_be_visible(timeout=PATIENCE_MS)
    log.get_by_text("Where this comes from").last.click()
    expect(log.get_by_text(re.compile(r"Checked on \d+ \w+ 2026")).last).to_be_visible()

    say(chat, DISCLOSURE)
    expect(log.get_by_text("Thank you for telling me.")).to_be_visible(timeout=PATIENCE_MS)
    expect(log.get_by_role("link", name="Call 0800 1111").last).to_have_attribute(
        "href", "tel:08001111"
    )

    chat.get_by_role("button", name="I can't call").last.click()
    expect(log.get_by_text("You don't have to talk out loud")).to_be_visible(timeout=PATIENCE_MS)

    console = signed_in(browser, stack)
    expect(console.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    console.locator("table a, .govuk-summary-list a, main a").filter(
        has_text=re.compile("Grooming|Image", re.IGNORECASE)
    ).first.click()
    expect(console.locator("mark").first).to_be_visible()
    expect(console.get_by_text("keeps asking for pics").first).to_be_visible()
    expect(console.get_by_text("Thank you for telling me.").first).to_be_visible()
    expect(console.get_by_text("what is grooming").first).to_be_visible()

    console.get_by_label("Referred to the police").check()
    console.get_by_label("Why, and what happens next").fill("Called 101 and the front door.")
    console.get_by_role("button", name="Record the outcome").click()
    expect(console.get_by_text("The outcome is recorded")).to_be_visible()


def test_hostile_words_are_shown_as_words_on_both_sides(
    browser: Browser, stack: Stack, chat: FrameLocator
) -> None:
    hostile = "my uncle keeps touching me <img src=x onerror=\"document.title='owned'\">"
    say(chat, hostile)
    log = chat.get_by_role("log")
    expect(log.get_by_text("<img src=x").first).to_be_visible(timeout=PATIENCE_MS)
    expect(log.locator("img[src='x']")).to_have_count(0)

    console = signed_in(browser, stack)
    console.get_by_role("link", name=re.compile("Sexual abuse", re.IGNORECASE)).first.click()
    expect(console.get_by_text("<img src=x").first).to_be_visible()
    expect(console.locator("img[src='x']")).to_have_count(0)
    expect(console).not_to_have_title(re.compile("owned"))
