"""The page of figures, its downloads, and what they leave on the audit trail."""

from __future__ import annotations

import csv
import io
import re

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.engine import Engine

from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from tests.records import PASSWORD, WORDS, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser


@pytest.fixture
def cases_on_record(log: EscalationLog) -> None:
    """Nine cases of young people, two of parents: the two are a small number."""
    for number in range(11):
        audience = "young_person" if number < 9 else "parent"
        facts = {"conversation_id": f"c{number}", "audience": audience}
        log.record(escalation(f"m{number}", **facts))


def exported(audit: AuditLog) -> list[dict[str, object]]:
    return [
        link.event.detail for link in audit.newest(EventFilter(what="statistics exported"), limit=9)
    ]


async def test_figures_need_signing_in(visitor: Browser) -> None:
    response = await visitor.get("/statistics/figures.csv")
    assert response.headers["location"].startswith("/sign-in")


@pytest.mark.usefixtures("cases_on_record")
async def test_the_page_shows_each_figure_as_bars_and_as_a_table(browser: Browser) -> None:
    page = (await browser.get("/statistics")).text
    assert page.count("<svg") == page.count('<table class="govuk-table">') - 2 == 9
    assert "11 cases in all." in page
    assert WORDS not in page


def audiences_on(page: str) -> list[str]:
    """Return the numbers of the chart of who wrote."""
    chart = page.partition('id="chart-audience"')[2].partition("</section>")[0]
    return re.findall(r'chart__number"[^>]*>([^<]+)<', chart)


@pytest.mark.usefixtures("cases_on_record")
async def test_who_may_see_the_cases_sees_every_number_on_the_page(browser: Browser) -> None:
    page = (await browser.get("/statistics")).text

    assert audiences_on(page) == ["9", "2"]
    assert "Give people the files, not this page." in page


@pytest.mark.usefixtures("cases_on_record")
async def test_who_may_not_see_the_cases_is_shown_no_small_number(
    visitor: Browser, accounts: StaffAccounts
) -> None:
    accounts.add("zoe", PASSWORD, role=Role.AUDITOR)
    await visitor.sign_in("zoe")

    page = (await visitor.get("/statistics")).text

    assert audiences_on(page) == ["Hidden", "Hidden"]
    assert "Give people the files" not in page


@pytest.mark.usefixtures("cases_on_record")
async def test_no_small_number_leaves_the_console(browser: Browser) -> None:
    table = await browser.get("/statistics/figures.csv")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert ["Who wrote", "Parent or carer", "Hidden"] in rows
    assert ["Who wrote", "Young person", "Hidden"] in rows
    assert ["Kinds of harm", "Grooming", "11"] in rows
    assert rows[-1][0] == "note"
    assert "Numbers from 1 to 4 are hidden" in rows[-1][1]


async def test_an_end_before_the_start_is_said(browser: Browser) -> None:
    page = await browser.get("/statistics?from=2026-11&to=2026-09")
    assert page.status_code == 400
    assert "The last month must not be before the first" in page.text
    download = await browser.get("/statistics/figures.csv?from=2026-11&to=2026-09")
    assert download.status_code == 400


@pytest.mark.parametrize("month", ["2026-13", "1900-01", "x", "2027-01", "2026-11-01"])
async def test_another_month_than_those_on_offer_is_this_quarter(
    browser: Browser, month: str
) -> None:
    page = await browser.get(f"/statistics?from={month}")
    assert "1 October 2026 to 31 December 2026" in page.text


@pytest.mark.usefixtures("cases_on_record")
async def test_each_download_is_on_the_audit_trail(browser: Browser, audit: AuditLog) -> None:
    await browser.get("/statistics")
    assert exported(audit) == []
    await browser.get("/statistics/figures.csv?from=2026-10&to=2026-11")
    await browser.get("/statistics/report.pdf?from=2026-10&to=2026-11")
    newest, oldest = exported(audit)
    assert (oldest["format"], newest["format"]) == ("csv", "pdf")
    assert (oldest["from"], oldest["to"]) == ("2026-10", "2026-11")


@pytest.mark.usefixtures("cases_on_record")
async def test_nothing_leaves_when_the_trail_cannot_be_written(
    browser: Browser, engine: Engine
) -> None:
    with engine.begin() as connection:
        refuse = "SELECT RAISE(ABORT, 'no more room')"
        connection.execute(
            sa.text(f"CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN {refuse}; END")
        )
    for file in ("figures.csv", "report.pdf"):
        response = await browser.get(f"/statistics/{file}")
        assert response.status_code == 500
        assert b"Grooming" not in response.content
        assert not response.content.startswith(b"%PDF")


@pytest.mark.usefixtures("cases_on_record")
async def test_the_report_to_print_holds_the_same_figures(browser: Browser) -> None:
    response = await browser.get("/statistics/report.pdf?from=2026-10&to=2026-12")
    assert response.headers["content-type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(response.content))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert "1 October 2026 to 31 December 2026" in text
    assert re.search(r"Grooming\s*11", text)
    assert re.search(r"Parent or carer\s*Hidden", text)
    assert all("OFFICIAL-SENSITIVE" in page.extract_text() for page in reader.pages)
    assert f"page 1 of {len(reader.pages)}" in text
    assert reader.root_object["/Lang"] == "en-GB"
    titles = [entry.title for entry in reader.outline[1] if not isinstance(entry, list)]
    assert titles[0] == "Cases over time"


@pytest.mark.usefixtures("cases_on_record")
async def test_a_reader_of_other_areas_counts_none_of_these(
    browser: Browser, accounts: StaffAccounts
) -> None:
    accounts.set_areas("ann", frozenset({"swindon"}))
    page = (await browser.get("/statistics")).text
    assert "11 cases in all." not in page
    assert "Only the areas of whoever made it" in page


async def test_the_form_shows_the_months_that_the_page_counts(browser: Browser) -> None:
    page = (await browser.get("/statistics")).text
    assert re.findall(r'value="([0-9-]+)" selected', page) == ["2026-10", "2026-12"]
