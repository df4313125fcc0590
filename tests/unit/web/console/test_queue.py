"""The list: most severe first, none of the words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.recorded import Outcome
from safeguarding.staff import Staff
from safeguarding.taxonomy import Severity
from tests.records import NOON, WORDS, assessment, escalation
from tests.unit.web.console.conftest import Browser


def links(page: str) -> list[str]:
    return re.findall(r'href="/escalations/([^"]+)"', page)


async def test_an_empty_list_says_so(browser: Browser) -> None:
    assert "Nothing is waiting" in (await browser.get("/escalations")).text
    closed = await browser.get("/escalations?status=closed")
    assert "Nothing has been closed yet" in closed.text


async def test_the_most_severe_comes_first_then_the_oldest(
    browser: Browser, log: EscalationLog
) -> None:
    for message_id, severity, age in (
        ("new", Severity.CONCERN, 1),
        ("old", Severity.CONCERN, 9),
        ("worst", Severity.IMMEDIATE, 0),
    ):
        raised_at = NOON - timedelta(hours=age)
        told = escalation(message_id, assessment=assessment(severity), raised_at=raised_at)
        log.record(told)

    assert links((await browser.get("/escalations")).text) == ["worst", "old", "new"]


async def test_the_list_holds_nobodys_words(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations")).text

    assert WORDS not in page
    assert "Grooming" in page
    assert "Young person writing about themselves, Wiltshire" in re.sub(r"\s+", " ", page)


async def test_says_how_long_and_by_when(browser: Browser, log: EscalationLog) -> None:
    raised_at = NOON - timedelta(hours=3)
    log.record(escalation("late", assessment=assessment(Severity.URGENT), raised_at=raised_at))
    log.record(escalation("time"))

    page = (await browser.get("/escalations")).text

    assert "Waiting 3 hours" in page
    assert "Should have been looked at by 10am today" in page
    assert page.count("Overdue") == 1
    assert "Look by 26 November 2026 at 5pm" in page


async def test_closed_ones_are_on_a_list_of_their_own(
    browser: Browser, log: EscalationLog, ann: Staff
) -> None:
    log.record(escalation("open"))
    log.record(escalation("closed"))
    log.review("closed", by=ann.id, outcome=Outcome.OTHER, note="x")

    assert links((await browser.get("/escalations")).text) == ["open"]
    assert links((await browser.get("/escalations?status=closed")).text) == ["closed"]


async def test_a_long_list_comes_in_pages(browser: Browser, log: EscalationLog) -> None:
    for number in range(60):
        raised_at = NOON - timedelta(minutes=100 - number)
        log.record(escalation(f"m{number}", raised_at=raised_at))

    pages = [(await browser.get(f"/escalations?page={page}")).text for page in (1, 2, 3, 9)]

    assert [len(links(page)) for page in pages] == [25, 25, 10, 10]
    assert links(pages[1])[0] == "m25"
    assert "/escalations?status=open&amp;page=2" in pages[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 40])
async def test_a_page_number_that_makes_no_sense_shows_a_page(browser: Browser, page: str) -> None:
    assert (await browser.get(f"/escalations?page={page}")).status_code == 200


async def test_the_front_page_leads_to_the_list(browser: Browser) -> None:
    assert (await browser.get("/")).headers["location"] == "/escalations"
