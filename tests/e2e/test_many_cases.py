"""A lead's work on many cases, in a browser: without JavaScript, on a phone, on paper."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from safeguarding.clock import utc_now
from safeguarding.taxonomy import Severity
from staff.cases.case import CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from tests.e2e.running_console import own_database, running_console
from tests.e2e.test_console import LARGE, PHONE, ZOOMED, Console, _faults, _sign_in, _uncover
from tests.records import GIFTS, PASSWORD, accounts_on, assessment, escalation, log_on, vault

JOKE = "this homework will be the death of me"
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": LARGE[0], "height": LARGE[1]}},
    "dark": {"viewport": {"width": LARGE[0], "height": LARGE[1]}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": PHONE[0], "height": PHONE[1]}},
    "zoomed": {"viewport": {"width": ZOOMED[0], "height": ZOOMED[1]}},
}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """Run a console with three jokes, one disclosure, one urgent and one immediate case."""
    with own_database(tmp_path) as engine:
        accounts = accounts_on(engine)
        accounts.add("ann", PASSWORD, "Ann Smith")
        bob = accounts.add("bob", PASSWORD, "Bob Jones").id
        log, now = log_on(engine), utc_now()
        urgent, immediate = assessment(Severity.URGENT), assessment(Severity.IMMEDIATE)
        for case_id, text, found in (
            ("a", JOKE, assessment()),
            ("b", JOKE.capitalize() + "!!", assessment()),
            ("near", JOKE + " omg", assessment()),
            ("told", "he comes into my room at night", assessment(Severity.CONCERN, GIFTS)),
            ("urgent", JOKE, urgent),
            ("immediate", "i took them all", immediate),
        ):
            facts = {"conversation_id": case_id, "text": text, "turns_before": ()}
            log.record(escalation(f"m-{case_id}", assessment=found, raised_at=now, **facts))
        with running_console(tmp_path) as url:
            cases, casework = Cases(engine, vault()), Casework(engine, vault())
            yield Console(url, log, cases, casework, bob, engine)


def open_page(browser: Browser, console: Console, look: str = "desktop", **more: Any) -> Page:
    return _sign_in(browser.new_context(base_url=console.url, **LOOKS[look], **more).new_page())


def keep(page: Page, name: str) -> None:
    """Keep a picture where LANTERN_SCREENSHOTS says so."""
    if pictures := os.environ.get("LANTERN_SCREENSHOTS"):
        page.screenshot(path=f"{pictures}/{name}.png", full_page=True)


@pytest.mark.parametrize("look", LOOKS)
def test_false_alarms_are_closed_together_and_undone_without_javascript(
    browser: Browser, console: Console, look: str
) -> None:
    page = open_page(browser, console, look, java_script_enabled=False)
    _uncover(page, "a")
    page.get_by_role("link", name="3 more like this").click()
    keep(page, f"{look}-like")
    assert [each.is_checked() for each in page.get_by_role("checkbox").all()] == [True, True]
    expect(page.get_by_text("it says more, or is more serious").first).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    keep(page, f"{look}-check")
    page.get_by_role("button", name="Close these 2").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("A figure of speech or a joke").check()
    page.get_by_role("button", name="Close these 2").click()
    expect(page.get_by_role("heading", name="False alarms that you closed")).to_be_visible()
    keep(page, f"{look}-closed")
    assert console.cases.find("b").status is CaseStatus.CLOSED
    assert console.cases.find("near").status is CaseStatus.OPEN

    page.get_by_role("button", name="Undo it").click()

    expect(page.get_by_text("Opened again: 2.")).to_be_visible()
    assert console.cases.find("b").status is CaseStatus.OPEN
    page.context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible_and_fit(browser: Browser, console: Console, look: str) -> None:
    page = open_page(browser, console, look)
    ann = console.cases.whole("a").case.id
    console.casework.add_action("told", "Ring.", utc_now().date(), by=console.bob)
    found: dict[str, list[str]] = {}

    def judge(name: str) -> None:
        if faults := _faults(page):
            found[name] = faults
        keep(page, f"{look}-{name}")

    _uncover(page, ann)
    for each in page.locator("details").all():
        each.evaluate("(fold) => { fold.open = true; }")
    judge("case")
    page.goto("/escalations")
    judge("queue")
    page.goto("/false-alarms")
    judge("list")
    page.get_by_role("checkbox", name=console.cases.find("a").reference).check()
    page.get_by_role("checkbox", name=console.cases.find("near").reference).check()
    page.get_by_role("button", name="Go on").click()
    judge("confirm")
    page.get_by_role("button", name="Close it").click()
    judge("refused")
    page.goto("/tasks")
    judge("tasks")
    page.goto("/search")
    page.get_by_label("Words").fill("homework")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", name="Found (4)")).to_be_visible()
    judge("search")
    page.goto("/escalations/a/print")
    judge("paper")
    assert found == {}
    page.context.close()


def test_now_fills_in_the_time_and_enter_does_not(browser: Browser, console: Console) -> None:
    page = open_page(browser, console)
    page.goto("/escalations/a")
    page.get_by_text("Record a referral").click()
    when = page.get_by_label("When it was made", exact=True)
    expect(when).to_have_value("")
    page.get_by_role("button", name="Now").click()
    expect(when).not_to_have_value("")
    expect(when).to_be_focused()

    page.get_by_label("Their reference").press("Enter")

    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.context.close()


def test_each_sheet_of_paper_says_whose_it_is(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    for number in range(6):
        text = "a long line " * 200
        console.log.record(escalation(f"more-{number}", conversation_id="a", text=text))
    page = open_page(browser, console)
    _uncover(page, "a")
    page.get_by_role("link", name="Print this case").click()
    expect(page.get_by_role("button", name="Print", exact=True)).to_be_visible()

    sheets = tmp_path / "case.pdf"
    page.pdf(path=sheets, format="A4")

    reference = console.cases.find("a").reference
    pages = texts_of(sheets)
    assert len(pages) > 2
    head = f"{reference} – confidential – printed by Ann Smith"
    assert [head in text for text in pages] == [True] * len(pages), pages[-1][:300]
    page.context.close()


def test_a_task_and_a_linked_case_are_worked_by_keyboard_and_script_alike(
    browser: Browser, console: Console
) -> None:
    page = open_page(browser, console, "phone", java_script_enabled=False)
    _uncover(page, "told")
    page.get_by_text("Add something to do").click()
    page.get_by_label("What is to be done").fill("Ring the school.")
    page.get_by_label("Whose task it is").select_option("Bob Jones")
    page.get_by_role("button", name="Add it").click()
    page.get_by_text("Record an age, or a known pupil").click()
    page.get_by_label("Age", exact=True).fill("13")
    page.get_by_role("button", name="Record it").click()
    page.get_by_text("Link another case of the same child").click()
    fold = page.locator("#link")
    fold.get_by_label("Reference of the other case").fill(console.cases.find("urgent").reference)
    fold.get_by_label("Why you think so").fill("Same school and first name.")
    page.get_by_role("button", name="Link them").click()
    expect(page.get_by_text("The two cases are linked.")).to_be_visible()
    expect(page.get_by_text("recorded by Ann Smith")).to_be_visible()
    keep(page, "phone-child")
    page.get_by_role("button", name="Hand it on").click()

    expect(page.get_by_text("Your colleague has this now.")).to_be_visible()
    page.goto("/escalations")
    expect(page.get_by_role("heading", name="Your tasks (1)")).to_be_visible()
    keep(page, "phone-queue")
    page.context.close()


def texts_of(path: Path) -> list[str]:
    """Return the text of each page of a PDF, its ligatures and line ends as plain letters."""
    texts = [page.extract_text() for page in PdfReader(path).pages]
    return [" ".join(unicodedata.normalize("NFKC", text).split()) for text in texts]
