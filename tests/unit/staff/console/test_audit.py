"""The page of the audit trail: search, recording of visits, and export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from urllib.parse import quote

import pytest

from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.cases import Cases
from tests.records import PASSWORD, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser


@pytest.fixture
def kept(audit: AuditLog, ann: Staff, clock: Clock) -> AuditLog:
    audit.add("gateway", "recorded", case_id="c1", message_id="=m1", detail={"severity": "urgent"})
    clock.move(days=1)
    audit.add(ann.id, "viewed", case_id="c1")
    audit.add("visitor", "sign-in refused", detail={"account": ann.id, "why": "<b>x</b>"})
    return audit


async def test_shows_who_did_what_with_names_and_without_markup(
    kept: AuditLog, browser: Browser
) -> None:
    page = (await browser.get("/audit")).text

    for part in ("Audit trail", "Sign-in refused", "Gateway", "Ann Smith", "26 November 2026"):
        assert part in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "12:00:00" in page


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("who=gateway", "event 1<", "event 2<"),
        ("what=viewed", "event 2<", "event 1<"),
        ("case=c1", "event 1<", "event 3<"),
        ("since=2026-11-26", "event 2<", "event 1<"),
        ("until=2026-11-25", "event 1<", "event 2<"),
        ("before=2", "event 1<", "event 2<"),
        ("who=nobody-known", "No event is like this", "event 1<"),
    ],
)
async def test_filters(kept: AuditLog, browser: Browser, query: str, there: str, gone: str) -> None:
    page = (await browser.get(f"/audit?{query}")).text

    assert there in page
    assert gone not in page


@pytest.mark.parametrize("written", [str, str.lower, lambda text: text.replace("-", " ")])
async def test_a_case_is_found_by_its_reference_as_people_write_it(
    browser: Browser, log: EscalationLog, cases: Cases, written: Callable[[str], str]
) -> None:
    log.record(escalation())
    case = cases.find(cases.of_message("m1"))

    page = (await browser.get(f"/audit?case={quote(written(case.reference))}")).text

    assert f"Case <span>{case.reference}</span>" in page


async def test_a_case_has_its_reference_for_those_who_may_see_it(
    visitor: Browser, ann: Staff, accounts: StaffAccounts, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation())
    case = cases.find(cases.of_message("m1"))
    accounts.add("zoe", PASSWORD, role=Role.AUDITOR)

    await visitor.sign_in()
    page = (await visitor.get("/audit")).text
    file = list(csv.DictReader(io.StringIO((await visitor.get("/audit/file")).text)))
    assert f'href="/escalations/{case.id}">Case <span>{case.reference}</span>' in page
    assert {row["reference"] for row in file if row["case"]} == {case.reference}

    await visitor.send("/sign-out", {})
    await visitor.sign_in("zoe")
    page = (await visitor.get("/audit")).text
    file = list(csv.DictReader(io.StringIO((await visitor.get("/audit/file")).text)))
    assert case.reference not in page
    assert f"Case <span>{case.id}</span>" in page
    assert {row["reference"] for row in file} == {""}


async def test_a_case_of_another_area_has_no_reference(
    browser: Browser, accounts: StaffAccounts, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation())
    accounts.set_areas("ann", frozenset({"swindon"}))

    assert cases.references(["c1"], ["swindon"]) == {}
    assert cases.find("c1").reference not in (await browser.get("/audit")).text


async def test_paging_leaves_no_event_out(kept: AuditLog, browser: Browser, ann: Staff) -> None:
    for _ in range(60):
        kept.add(ann.id, "viewed", case_id="c2")

    first = (await browser.get("/audit?case=c2")).text
    second = (await browser.get("/audit?case=c2&before=15")).text

    assert first.count('id="event-') == 50
    assert "/audit?case=c2&amp;before=15" in first
    assert second.count('id="event-') == 10
    assert 'href="/audit?case=c2"' in second


@pytest.mark.parametrize("query", ["since=yesterday", "since=2026-11-26&until=2026-11-25"])
async def test_a_wrong_date_is_reported_beside_its_field(browser: Browser, query: str) -> None:
    response = await browser.get(f"/audit?{query}")

    assert response.status_code == 400
    assert "There is a problem" in response.text
    assert (await browser.get(f"/audit/file?{query}")).status_code == 400


async def test_a_search_is_recorded_without_what_was_typed(
    kept: AuditLog, browser: Browser, ann: Staff
) -> None:
    await browser.get("/audit?case=a+childs+name&who=somebody&since=2026-11-01")

    event = kept.newest(EventFilter(), limit=1)[0].event
    assert (event.who, event.what) == (ann.id, "audit trail viewed")
    assert event.detail.pop("client")
    assert event.detail == {"since": "2026-11-01", "account": "not known", "one_case": True}


async def test_the_file_holds_every_event_and_no_formula(
    kept: AuditLog, browser: Browser, ann: Staff
) -> None:
    response = await browser.get("/audit/file?case=c1")

    assert response.headers["content-type"].startswith("text/csv")
    assert 'filename="audit-2026-11-26.csv"' in response.headers["content-disposition"]
    assert response.headers["cache-control"] == "no-store"
    found = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["number"] for row in found] == ["2", "1"]
    assert found[0]["name"] == "Ann Smith"
    assert found[1]["message"] == "'=m1"
    links = {link.id: link.link for link in kept.newest(EventFilter(), limit=9)}
    assert found[1]["link"] == links[1]
    event = kept.newest(EventFilter(what="audit trail exported"), limit=9)[0].event
    assert event.who == ann.id


async def test_a_stranger_sees_nothing(visitor: Browser, kept: AuditLog) -> None:
    for path in ("/audit", "/audit/file"):
        response = await visitor.get(path)
        assert response.status_code == 303
        assert "c1" not in response.text
