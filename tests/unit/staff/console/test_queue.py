"""The queue's page: its order, its filters, and what waits for the reader."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from tests.records import NOON, WORDS, Callbacks, EscalationLog, assessment, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

OTHER = ClosingDecision(Outcome.OTHER, "x")


def message(case_id: str, **changes: Any) -> Any:
    return escalation(f"message-{case_id}", conversation_id=case_id, **changes)


def links(page: str) -> list[str]:
    return re.findall(r'href="/escalations/([^"?]+)"', page)


async def test_an_empty_list_says_so(browser: Browser) -> None:
    assert "Nothing is waiting" in (await browser.get("/escalations")).text
    assert "Nothing has been closed" in (await browser.get("/escalations?status=closed")).text


async def test_the_most_severe_stand_first_then_the_first_due(
    browser: Browser, log: EscalationLog
) -> None:
    for case_id, severity, age in (
        ("new", Severity.URGENT, 1),
        ("old", Severity.URGENT, 9),
        ("worst", Severity.IMMEDIATE, 0),
    ):
        raised_at = NOON - timedelta(hours=age)
        log.record(message(case_id, assessment=assessment(severity), raised_at=raised_at))

    assert links((await browser.get("/escalations")).text) == ["worst", "old", "new"]


async def test_one_conversation_is_one_row(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation("m1"))
    log.record(escalation("m2", raised_at=NOON - timedelta(minutes=3)))

    page = (await browser.get("/escalations")).text

    assert links(page) == ["c1"]


async def test_the_queue_holds_no_words(browser: Browser, log: EscalationLog, cases: Cases) -> None:
    log.record(escalation())

    page = (await browser.get("/escalations")).text

    assert WORDS not in page
    assert "Grooming" in page
    assert "A young person, about themselves, Wiltshire" in plain(page)
    assert cases.find("c1").reference in page
    assert "<title>(1) Escalations" in page


async def test_a_row_begins_with_what_was_said_in_passing(
    browser: Browser, log: EscalationLog
) -> None:
    facts = ("other_is_stranger_online", "pictures", "nobody_knows")
    log.record(message("c1", age=13, facts=facts))

    page = plain((await browser.get("/escalations")).text)

    assert "13, someone met online, pictures, no adult knows" in page


async def test_a_row_shows_the_line_that_told_once_its_reader_has_uncovered_it(
    browser: Browser, log: EscalationLog, bob: Staff
) -> None:
    log.record(escalation())
    await browser.uncover()
    assert f"“{WORDS}”" in (await browser.get("/escalations")).text
    assert f"“{WORDS}”" in (await browser.get("/live/escalations?status=open")).text

    await browser.send("/sign-out", {})
    await browser.sign_in("bob")

    assert WORDS not in (await browser.get("/escalations")).text


async def test_a_row_says_who_writes_now_who_asked_for_a_call_back_and_who_has_it(
    browser: Browser,
    log: EscalationLog,
    wishes: Callbacks,
    casework: Casework,
    ann: Staff,
    bob: Staff,
) -> None:
    log.record(message("now"))
    log.record(message("earlier", raised_at=NOON - timedelta(minutes=6)))
    wishes.leave("earlier", "Sam", "after school")
    casework.assign("earlier", ann.id, by=ann.id)

    page = (await browser.get("/escalations")).text

    parts = page.split("<li ")
    rows = {each: next(row for row in parts if f"/{each}" in row) for each in ("now", "earlier")}
    assert "Writing now" in rows["now"]
    assert "Nobody has it yet" in rows["now"]
    assert "Call-back" not in rows["now"]
    assert "Writing now" not in rows["earlier"]
    assert "Call-back" in rows["earlier"]
    assert "With Ann Smith" in rows["earlier"]
    casework.hand_over("earlier", bob.id, "Please.", by=ann.id)
    assert "Handed over to Bob Jones" in (await browser.get("/escalations")).text


async def test_says_how_long_and_by_when(browser: Browser, log: EscalationLog) -> None:
    raised_at = NOON - timedelta(hours=3)
    log.record(message("late", assessment=assessment(Severity.URGENT), raised_at=raised_at))
    log.record(message("time"))

    page = (await browser.get("/escalations")).text

    assert page.count("Overdue since 10am</strong>, 3 hours old") == 1
    assert "Look by 26 November 2026 at 5pm" in page
    assert links((await browser.get("/escalations?overdue=yes")).text) == ["late"]


async def test_closed_ones_are_on_a_list_of_their_own(
    browser: Browser, log: EscalationLog, casework: Casework, ann: Staff
) -> None:
    log.record(message("open"))
    log.record(message("closed"))
    casework.close("closed", OTHER, by=ann.id)

    assert links((await browser.get("/escalations")).text) == ["open"]
    assert links((await browser.get("/escalations?status=closed")).text) == ["closed"]
    assert set(links((await browser.get("/escalations?status=all")).text)) == {"open", "closed"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("severity=urgent", ["urgent"]),
        ("audience=parent", ["parent"]),
        ("area=kent", ["kent"]),
        ("need=adult_for_child", ["parent"]),
        ("category=grooming&area=kent", ["kent"]),
        ("category=neglect", []),
        ("whose=mine", ["mine"]),
        ("whose=nobody&area=kent", ["kent"]),
    ],
)
async def test_the_list_is_narrowed_by_what_the_reader_chooses(
    browser: Browser,
    log: EscalationLog,
    casework: Casework,
    ann: Staff,
    query: str,
    found: list[str],
) -> None:
    of_a_child = replace(assessment(), subject="own_child")
    log.record(message("urgent", assessment=assessment(Severity.URGENT)))
    log.record(message("parent", audience="parent", assessment=of_a_child))
    log.record(message("kent", area="kent"))
    log.record(message("mine"))
    casework.assign("mine", ann.id, by=ann.id)

    assert links((await browser.get(f"/escalations?{query}")).text) == found


@pytest.mark.parametrize(
    "query", ["severity=mild", "status=lost", "need=x", "area=nowhere", "whose=x", "page=\u00b2"]
)
async def test_a_filter_that_the_page_does_not_offer_is_ignored(
    browser: Browser, log: EscalationLog, query: str
) -> None:
    log.record(escalation())

    assert links((await browser.get(f"/escalations?{query}")).text) == ["c1"]


async def test_a_whole_reference_leads_to_its_case_whatever_its_status(
    browser: Browser, log: EscalationLog, cases: Cases, casework: Casework, ann: Staff
) -> None:
    log.record(escalation())
    casework.close("c1", OTHER, by=ann.id)
    reference = cases.find("c1").reference

    typed = reference.lower().replace("-", " ")
    whole = await browser.get(f"/escalations?reference={typed}")
    part = await browser.get(f"/escalations?reference={reference[:6]}")
    other = await browser.get("/escalations?reference=LN-2222")

    assert whole.headers["location"] == "/escalations/c1"
    assert links(part.text) == ["c1"]
    assert "No case is like that" in other.text


async def test_what_was_handed_over_to_the_reader_stands_on_top(
    browser: Browser, log: EscalationLog, casework: Casework, ann: Staff, bob: Staff
) -> None:
    log.record(message("mine"))
    log.record(message("theirs"))
    casework.hand_over("mine", ann.id, "Please.", by=bob.id)
    casework.hand_over("theirs", bob.id, "Please.", by=ann.id)

    page = (await browser.get("/escalations")).text

    top = page[page.index("Handed over to you (1)") : page.index("Open (2)")]
    assert links(top) == ["mine"]


async def test_a_closing_waits_for_a_person_other_than_its_proposer(
    browser: Browser, log: EscalationLog, casework: Casework, ann: Staff, bob: Staff
) -> None:
    for case_id in ("mine", "theirs"):
        log.record(message(case_id, assessment=assessment(Severity.URGENT)))
    casework.close("mine", OTHER, by=ann.id)
    casework.close("theirs", OTHER, by=bob.id)

    page = (await browser.get("/escalations")).text

    top = page[page.index("Closings that wait for a second person (1)") : page.index("Open (2)")]
    assert links(top) == ["theirs"]


async def test_a_long_list_comes_in_pages_that_keep_the_filters(
    browser: Browser, log: EscalationLog
) -> None:
    for number in range(60):
        raised_at = NOON - timedelta(minutes=100 - number)
        urgent = assessment(Severity.URGENT)
        log.record(message(f"c{number}", raised_at=raised_at, assessment=urgent))

    pages = [
        (await browser.get(f"/escalations?severity=urgent&page={page}")).text
        for page in (1, 2, 3, 9)
    ]

    assert [len(links(page)) for page in pages] == [25, 25, 10, 10]
    assert links(pages[1])[0] == "c25"
    assert "/escalations?status=open&amp;severity=urgent&amp;page=2" in pages[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 40])
async def test_a_page_number_that_makes_no_sense_shows_a_page(browser: Browser, page: str) -> None:
    assert (await browser.get(f"/escalations?page={page}")).status_code == 200


async def test_the_front_page_leads_to_the_list(browser: Browser) -> None:
    assert (await browser.get("/")).headers["location"] == "/escalations"


async def test_the_list_alone_can_be_asked_for(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation())

    page = (await browser.get("/live/escalations?status=open")).text

    assert links(page) == ["c1"]
    assert "<html" not in page


async def test_a_burst_is_one_row_that_opens_to_its_cases(
    browser: Browser, log: EscalationLog, cases: Cases
) -> None:
    for number in range(40):
        raised_at = NOON - timedelta(seconds=100 - number)
        immediate = assessment(Severity.IMMEDIATE)
        log.record(message(f"c{number}", raised_at=raised_at, assessment=immediate))
    log.record(message("child", area="kent", assessment=assessment(Severity.IMMEDIATE)))

    page = (await browser.get("/escalations")).text

    said = plain(page)
    assert "Open (41)" in said
    assert "<title>(41)" in page
    assert "40 cases that look alike" in said
    assert "Nobody has 40 of them yet" in said
    assert page.count("<details") == 2
    assert "Show the first 25 of 40 cases" in said
    assert len(links(page)) == 26
    assert links(page)[-1] == "child"
    own = re.search(r'href="(/escalations\?[^"]*burst=\d+)"', page)
    assert own
    listed = [
        (await browser.get(f"{own[1]}&page={number}".replace("&amp;", "&"))) for number in (1, 2)
    ]
    assert [len(links(each.text)) for each in listed] == [25, 15]
    assert "Found (40)" in plain(listed[0].text)
    reference = cases.find("c33").reference
    assert (await browser.get(f"/escalations?reference={reference}")).headers["location"]
    found = (await browser.get(f"/escalations?reference={reference[:7]}")).text
    assert "c33" in links(found)


@pytest.mark.parametrize("burst", ["x", "-1", "9" * 12, ""])
async def test_a_burst_that_makes_no_sense_is_ignored(
    browser: Browser, log: EscalationLog, burst: str
) -> None:
    log.record(escalation())

    assert links((await browser.get(f"/escalations?burst={burst}")).text) == ["c1"]
