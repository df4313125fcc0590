"""The figures and the exports in a browser: large and small, in every look, with their files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from tests.e2e.running_console import own_database, running_console
from tests.records import PASSWORD, accounts_on, escalation, log_on

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 375, "height": 740}},
    "zoomed": {"viewport": {"width": 320, "height": 256}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "contrast": {"viewport": {"width": 1280, "height": 900}, "forced_colors": "active"},
}
KINDS = (
    (31, "young_person", "wiltshire", Severity.CONCERN, ("grooming", "image_abuse")),
    (12, "parent", "swindon", Severity.URGENT, ("criminal_exploitation",)),
    (7, "young_person", None, Severity.IMMEDIATE, ("suicide",)),
    (3, "professional", "bath_and_north_east_somerset", Severity.CONCERN, ("missing",)),
)
"""How many cases, who writes, where, how serious, about what."""


@dataclass(frozen=True)
class Console:
    """A running console, with some cases on record."""

    url: str


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with own_database(tmp_path) as engine:
        accounts_on(engine).add("ann", PASSWORD, "Ann Smith")
        log, now = log_on(engine), datetime.now(timezone.utc)
        for kind, (count, audience, area, severity, categories) in enumerate(KINDS):
            for number in range(count):
                name = f"c{kind}-{number}"
                facts = {"conversation_id": name, "audience": audience, "area": area}
                at = now - timedelta(days=number % 20, minutes=kind)
                found = Assessment(severity, categories, "self", ())
                log.record(escalation(name, raised_at=at, assessment=found, **facts))
        with running_console(tmp_path) as url:
            yield Console(url)


def test_the_figures_are_accessible_and_fit_in_every_look(
    browser: Browser, console: Console
) -> None:
    pictures = os.environ.get("LANTERN_SCREENSHOTS")
    for look, facts in LOOKS.items():
        page = _signed_in(browser, console, **facts)
        page.goto("/statistics")
        expect(page.get_by_role("heading", name="How serious")).to_be_visible()
        assert _faults(page) == [], look
        if pictures:
            page.screenshot(path=f"{pictures}/statistics-{look}.png", full_page=True)
        page.context.close()


def test_a_lead_downloads_the_figures_and_a_case_pack_without_javascript(
    browser: Browser, console: Console
) -> None:
    page = _signed_in(browser, console, java_script_enabled=False)
    page.get_by_role("link", name="Figures").click()
    with page.expect_download() as report:
        page.get_by_role("link", name="Report to print (PDF)").click()
    assert report.value.path().read_bytes().startswith(b"%PDF")

    page.goto("/exports/c2-0")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("alert")).to_contain_text("Select what to export")
    page.get_by_label("Case pack").check()
    page.get_by_label("PDF, to read and to print").check()
    page.get_by_label("Why, and who gets it").fill("For the strategy meeting.")
    with page.expect_download() as pack:
        page.get_by_role("button", name="Export").click()
    assert pack.value.suggested_filename.endswith("-case-pack.pdf")
    page.reload()
    expect(page.locator(".exported__hash")).to_have_count(1)
    page.context.close()


def test_the_page_of_exports_is_accessible_and_fits(browser: Browser, console: Console) -> None:
    pictures = os.environ.get("LANTERN_SCREENSHOTS")
    for look, facts in LOOKS.items():
        page = _signed_in(browser, console, **facts)
        for path in ("/exports", "/exports/c2-0"):
            page.goto(path)
            assert _faults(page) == [], (look, path)
        if pictures:
            page.screenshot(path=f"{pictures}/export-{look}.png", full_page=True)
        page.context.close()


def _signed_in(browser: Browser, console: Console, **look: Any) -> Page:
    page = browser.new_context(base_url=console.url, **look).new_page()
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Figures")).to_be_visible()
    return page


def _faults(page: Page) -> list[str]:
    found = [fault["id"] for fault in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the window")
    return found
