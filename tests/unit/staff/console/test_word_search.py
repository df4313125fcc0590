"""The search in words tells where they stand, shows none of them, and records no word."""

from __future__ import annotations

import json

import pytest

from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.cases import Cases
from tests.records import PASSWORD, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    log.record(escalation(text="he waits in pelican road"))


async def test_a_case_is_found_and_the_trail_holds_no_word_of_it(
    browser: Browser, cases: Cases, audit: AuditLog
) -> None:
    response = await browser.send("/search", {"words": "Pelican"})

    page = plain(response.text)
    assert "Found (1)" in page
    assert cases.find("c1").reference in page
    assert "In what the person wrote" in page
    assert "he waits" not in page
    assert "All cases of this kind were searched: 1." in page
    (event,) = (each.event for each in audit.newest(EventFilter(what="searched in words"), limit=9))
    assert event.detail["found"] == 1
    assert "elican" not in json.dumps(event.detail)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"words": " a "}, "Enter a word of at least 3 letters"),
        ({"words": "x" * 201}, "Enter 200 characters or fewer"),
        ({"words": "pelican", "first": "soon"}, "Enter a real date"),
        (
            {"words": "pelican", "first": "2026-11-25", "last": "2026-11-24"},
            "The last day must be the first day or later",
        ),
    ],
)
async def test_a_wrong_form_is_given_back(
    browser: Browser, audit: AuditLog, sent: dict[str, str], message: str
) -> None:
    response = await browser.send("/search", sent)

    assert response.status_code == 400
    assert message in response.text
    assert audit.newest(EventFilter(what="searched in words"), limit=9) == []


async def test_nothing_of_another_area_is_found(
    browser: Browser, log: EscalationLog, accounts: StaffAccounts, cases: Cases
) -> None:
    log.record(escalation("m2", conversation_id="c2", text="pelican", area="kent"))
    accounts.add("kim", PASSWORD, "Kim")
    accounts.set_areas("kim", frozenset({"wiltshire"}))
    await browser.send("/sign-out", {})
    await browser.sign_in("kim")

    page = (await browser.send("/search", {"words": "pelican"})).text

    assert cases.find("c1").reference in page
    assert cases.find("c2").reference not in page


async def test_nobody_who_reads_no_case_searches(browser: Browser, accounts: StaffAccounts) -> None:
    accounts.add("tom", PASSWORD, "Tom", Role.AUDITOR)
    await browser.send("/sign-out", {})
    await browser.sign_in("tom")

    assert (await browser.get("/search")).status_code == 403
