"""The queue of a morning: sixty cases that are told apart, on a phone and on a desk."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.running_console import own_database, running_console
from tests.mornings.morning import record
from tests.records import PASSWORD, accounts_on, vault

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
HIGHEST = {390: 150, 1280: 75}
"""Pixels of a row, on average. Before, it was 360 at a width of 390 and 179 at 1280."""
PAGES = 3
ROW_HEIGHTS = """() => [...document.querySelectorAll("[data-live-list] > .queue > .queue__item")]
    .map((row) => row.getBoundingClientRect().height)"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("morning")
    with own_database(folder) as engine:
        accounts = accounts_on(engine)
        accounts.add("ann", PASSWORD, "Ann Smith")
        accounts.add("bob", PASSWORD, "Bob Jones")
        record(engine, vault())
        with running_console(folder) as address:
            yield address


def signed_in(browser: Browser, url: str, name: str = "ann", **look: Any) -> Page:
    page = browser.new_context(base_url=url, **look).new_page()
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations", exact=True)).to_be_visible()
    return page


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_row_takes_half_the_height_and_fits(
    browser: Browser, url: str, size: dict[str, int], scheme: str
) -> None:
    page = signed_in(browser, url, viewport=size, color_scheme=scheme)
    heights, faults = [], []
    for number in range(1, PAGES + 1):
        page.goto(f"/escalations?page={number}")
        heights += page.evaluate(ROW_HEIGHTS)
        faults += [fault["id"] for fault in Axe().run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append("wider than the window")
        if pictures := os.environ.get("LANTERN_SCREENSHOTS"):
            name = f"{pictures}/morning-{size['width']}-{scheme}-{number}.png"
            page.screenshot(path=name, full_page=True)
    page.context.close()

    assert len(heights) == 60
    assert faults == []
    assert sum(heights) / len(heights) <= HIGHEST[size["width"]], sum(heights)


def test_few_rows_begin_alike(browser: Browser, url: str) -> None:
    page = signed_in(browser, url, viewport=DESK)
    titles: Counter[str] = Counter()
    for number in range(1, PAGES + 1):
        page.goto(f"/escalations?page={number}")
        links = page.locator(".queue__title a")
        titles.update(text.split("\n")[0].split(", LN-")[0] for text in links.all_inner_texts())
    page.context.close()

    assert sum(titles.values()) == 60
    assert sum(count for count in titles.values() if count > 1) <= 12, titles.most_common(5)


def test_after_the_words_were_uncovered_the_row_shows_the_line_that_told(
    browser: Browser, url: str
) -> None:
    line = "my dad hits me with his belt when hes angry"
    page = signed_in(browser, url, viewport=PHONE, java_script_enabled=False)
    page.goto("/escalations/dad_belt")
    assert line not in page.content()
    page.get_by_role("button", name="Show the words").click()
    expect(page.locator(".conversation--one .turn__text").first).to_have_text(line)
    other = signed_in(browser, url, "bob", viewport=PHONE)

    def shown(reader: Page) -> int:
        return sum(
            reader.goto(f"/escalations?page={number}") is not None
            and reader.get_by_text(f"“{line}”").count() > 0
            for number in range(1, PAGES + 1)
        )

    assert shown(page) == 1
    assert shown(other) == 0
    page.context.close()
    other.context.close()


def test_flags_say_who_writes_now_and_who_asked_for_a_call_back(browser: Browser, url: str) -> None:
    page = signed_in(browser, url, viewport=DESK)
    flags: Counter[str] = Counter()
    for number in range(1, PAGES + 1):
        page.goto(f"/escalations?page={number}")
        flags.update(page.locator(".queue__flag").all_inner_texts())
    page.context.close()

    assert flags["Writing now"] == 1
    assert flags["Call-back"] == 9
