"""The whole journey, in a browser over real processes: a young person first, then staff."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from ops.stack import Stack
from tests.e2e.running_widget import further_way

DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
PATIENCE_MS = 15_000


@pytest.fixture
def chat(browser: Browser, stack: Stack) -> FrameLocator:
    """Open the school's page, and the chat on it."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(stack.url("gateway") + "/")
    page.get_by_role("button", name=re.compile("Lantern|chat", re.IGNORECASE)).first.click()
    return page.frame_locator("iframe")


def say(chat: FrameLocator, text: str) -> None:
    chat.get_by_label("Type anything you like").fill(text)
    chat.get_by_role("button", name="Send").click()


def signed_in(browser: Browser, stack: Stack, second: bool = False) -> Page:
    """Open the console as the first lead of `setup` sees it, or the second."""
    page = browser.new_page(base_url=stack.url("console"))
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/")
    name, password = re.findall(
        r"(second-lead) +(\S+)" if second else r"sign-in name: +(\S+)\n +password: +(\S+)",
        stack.account,
    )[0]
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def asks_and_discloses(chat: FrameLocator) -> None:
    log = chat.get_by_role("log")
    expect(log.get_by_text("computer program")).to_be_visible(timeout=PATIENCE_MS)

    chat.get_by_role("button", name="I'm a young person").click()
    expect(log.get_by_text("You can ask me anything")).to_be_visible(timeout=PATIENCE_MS)

    say(chat, "what is grooming")
    expect(log.get_by_role("heading", name="What is grooming?")).to_be_visible(timeout=PATIENCE_MS)
    log.get_by_text("Where this comes from").last.click()
    expect(log.get_by_text(re.compile(r"Checked on \d+ \w+ 2026")).last).to_be_visible()

    say(chat, DISCLOSURE)
    expect(log.get_by_text("can't send help").last).to_be_visible(timeout=PATIENCE_MS)
    expect(log.get_by_role("link", name="Call 0800 1111").last).to_have_attribute(
        "href", "tel:08001111"
    )

    chat.get_by_role("button", name="I want to talk to someone").last.click()
    expect(log.get_by_text("These people can help").last).to_be_visible(timeout=PATIENCE_MS)


def leaves_a_way_back(chat: FrameLocator) -> None:
    log = chat.get_by_role("log")
    further_way(chat, "Let someone get back to me").click()
    expect(log.get_by_text("nobody else can")).to_be_visible(timeout=PATIENCE_MS)
    say(chat, "Robin")
    expect(log.get_by_text("a safe way to reach you")).to_be_visible(timeout=PATIENCE_MS)
    say(chat, "at lunch, not in class")
    expect(log.get_by_text("kept for the safeguarding team")).to_be_visible(timeout=PATIENCE_MS)


def alerted(browser: Browser, stack: Stack) -> str:
    """Return the reference on a phone: an alert that holds nothing of what was written."""
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.set_default_timeout(PATIENCE_MS)
    phone.goto(stack.url("dispatcher") + "/")
    alert = phone.get_by_role("article").filter(has_text="urgent").first
    expect(alert).to_be_visible(timeout=2 * PATIENCE_MS)
    assert "pics" not in phone.content()
    assert "brother" not in phone.content()
    (reference, *_) = re.findall(r"LN-\w{4}-\w{4}", alert.inner_text())
    return str(reference)


def reads(console: Page, reference: str) -> None:
    expect(console.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    # As the link in the alert has it.
    console.goto(f"/escalations/find/{reference}")
    expect(console.get_by_text("keeps asking for pics")).to_have_count(0)

    console.get_by_role("button", name="Show the words").click()

    expect(console.locator("mark").first).to_be_visible()
    expect(console.get_by_text("keeps asking for pics").first).to_be_visible()
    expect(console.get_by_text("what is grooming").first).to_be_visible()
    expect(console.get_by_text("at lunch, not in class")).to_be_visible()
    console.locator(".turn__lantern summary").first.click()
    expect(console.get_by_text("can't send help").first).to_be_visible()


def works_on_it(console: Page) -> None:
    console.get_by_role("button", name="Take this case").click()
    console.locator("#refer summary").click()
    refer = console.locator("#refer")
    refer.get_by_label("The police").check()
    refer.get_by_label("By telephone").check()
    refer.get_by_label("No, or not yet").check()
    refer.get_by_label("If it was not made, or made late: why").fill("Waiting for the school.")
    refer.get_by_role("button", name="Record the referral").click()
    expect(console.get_by_text("The referral is on record.")).to_be_visible()

    console.locator("#outcome summary").click()
    outcome = console.locator("#outcome")
    outcome.get_by_label("Contacted the person").check()
    outcome.get_by_label("Why, and what happens next").fill("Called 101 and the front door.")
    outcome.get_by_role("button", name="Propose to close").click()
    expect(console.get_by_text("A second person has to agree").first).to_be_visible()


def exports(colleague: Page, reference: str) -> None:
    colleague.goto(f"/exports?reference={reference}")
    colleague.get_by_label(re.compile("Case pack")).check()
    colleague.get_by_label(re.compile("PDF")).check()
    colleague.get_by_label("Why, and who gets it").fill("For the strategy meeting.")
    with colleague.expect_download() as download:
        colleague.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename.startswith(reference)
    colleague.reload()
    expect(colleague.locator("code.exported__hash").first).to_be_visible()


@pytest.fixture(scope="module", autouse=True)
def dispatcher(stack: Stack) -> Iterator[None]:
    """Run the dispatcher, in which a hand-off becomes a case."""
    stack.start(stack.dispatcher)
    yield
    stack.dispatcher.stop()


def test_the_life_of_an_escalation_from_the_chat_to_the_case_pack(
    browser: Browser, stack: Stack, chat: FrameLocator
) -> None:
    asks_and_discloses(chat)
    leaves_a_way_back(chat)
    reference = alerted(browser, stack)

    console = signed_in(browser, stack)
    reads(console, reference)
    works_on_it(console)

    colleague = signed_in(browser, stack, second=True)
    expect(colleague.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    colleague.goto(f"/escalations/find/{reference}")
    expect(colleague.get_by_role("button", name="Agree and close")).to_have_count(0)
    colleague.get_by_role("button", name="Show the words").click()
    colleague.get_by_role("button", name="Agree and close").click()
    expect(colleague.get_by_text("The case is closed.")).to_be_visible()
    exports(colleague, reference)


def test_hostile_words_are_shown_as_words_on_both_sides(
    browser: Browser, stack: Stack, chat: FrameLocator
) -> None:
    hostile = "my uncle keeps touching me <img src=x onerror=\"document.title='owned'\">"
    say(chat, hostile)
    log = chat.get_by_role("log")
    expect(log.get_by_text("<img src=x").first).to_be_visible(timeout=PATIENCE_MS)
    expect(log.locator("img[src='x']")).to_have_count(0)

    console = signed_in(browser, stack)
    console.get_by_role("listitem").filter(has_text="Sexual abuse").first.get_by_role(
        "link"
    ).click()
    console.get_by_role("button", name="Show the words").click()
    expect(console.get_by_text("<img src=x").first).to_be_visible()
    expect(console.locator("img[src='x']")).to_have_count(0)
    expect(console).not_to_have_title(re.compile("owned"))
