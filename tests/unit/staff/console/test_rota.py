"""The rota in the console: who sees it, who changes it, and what it shows of gaps."""

from __future__ import annotations

import re
from datetime import timedelta
from json import loads

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.alerts.outbox import Alert, raise_alert
from staff.alerts.plan import Plan, advance
from staff.audit.trail import audit_events
from staff.cases.case import reference_of
from staff.rota import refusals, rota
from staff.rota.refusals import MAILBOX_FULL
from staff.rota.rota import EMAIL, TEAM, ContactPreferences, contact_preferences
from tests.records import NOON, PASSWORD, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from tests.unit.staff.console.test_case_page import plain

HOUR = timedelta(hours=1)


def form(member: Staff, **changes: str) -> dict[str, str]:
    """Nine to five, Monday to Friday, in the week of NOON and the next."""
    usual = {
        "staff": member.id,
        "kind": "on_duty",
        "first": "2026-11-23",
        "last": "2026-12-04",
        "start": "09:00",
        "end": "17:00",
        "working_days": "yes",
    }
    return usual | changes


def on_duty(engine: Engine, hours: float = 0) -> list[str]:
    with engine.connect() as connection:
        return rota.on_duty(connection, NOON + hours * HOUR)


def trail(engine: Engine) -> list[str]:
    query = sa.select(audit_events.c.what).order_by(audit_events.c.id)
    with engine.connect() as connection:
        return [what for what in connection.execute(query).scalars() if "sign" not in what]


async def first_shift(browser: Browser) -> str:
    page = await browser.get("/rota?from=2026-11-25")
    found = re.search(r"/rota/shift/\d+", page.text)
    assert found
    return found[0]


async def test_addresses_that_refuse_alerts_are_named_until_they_work(
    visitor: Browser, accounts: StaffAccounts, engine: Engine, bob: Staff
) -> None:
    accounts.add("ada", PASSWORD, "Ada Admin", Role.ADMINISTRATOR)
    await visitor.sign_in("ada")
    with engine.begin() as connection:
        refusals.refuse(connection, EMAIL, bob.id, MAILBOX_FULL, NOON)
        refusals.refuse(connection, EMAIL, TEAM, "message refused", NOON)

    for page in ("/rota", "/accounts"):
        said = plain((await visitor.get(page)).text)
        assert "Alerts do not reach everyone" in said
        assert "Bob Jones, by email: the mailbox is full. Since 12:00 on 25 November." in said
        assert "The whole team, by email: the address is refused." in said
    with engine.begin() as connection:
        refusals.forget(connection, EMAIL, bob.id)
        refusals.forget(connection, EMAIL, TEAM)
    assert "Alerts do not reach everyone" not in (await visitor.get("/rota")).text


async def test_a_lead_puts_working_days_on_the_rota(
    browser: Browser, engine: Engine, bob: Staff
) -> None:
    saved = await browser.send("/rota", form(bob))

    assert saved.status_code == 303
    assert on_duty(engine) == [bob.id]
    assert on_duty(engine, 6) == []
    with engine.connect() as connection:
        shifts = rota.shifts(connection, NOON - 9 * 24 * HOUR, NOON + 20 * 24 * HOUR)
    assert len(shifts) == 10
    assert trail(engine) == ["shifts added"]


async def test_a_night_ends_on_the_next_day(browser: Browser, engine: Engine, bob: Staff) -> None:
    await browser.send("/rota", form(bob, start="20:00", end="08:00", working_days=""))

    assert on_duty(engine, 12) == [bob.id]
    assert on_duty(engine) == []


async def test_bank_holidays_are_left_out_and_named(browser: Browser, bob: Staff) -> None:
    await browser.send("/rota", form(bob, first="2026-12-24", last="2026-12-29"))

    page = await browser.get("/rota?from=2026-12-24")

    assert "Christmas Day" in page.text
    assert page.text.count('href="/rota/shift/') == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"staff": ""},
        {"staff": "nobody"},
        {"kind": "boss"},
        {"first": "soon"},
        {"last": "2026-11-22"},
        {"last": "2036-11-22"},
        {"start": "25:00"},
        {"first": "2026-12-25", "last": "2026-12-28"},
    ],
)
async def test_what_makes_no_sense_is_refused_beside_its_field(
    browser: Browser, engine: Engine, bob: Staff, wrong: dict[str, str]
) -> None:
    page = await browser.send("/rota", form(bob, **wrong))

    assert page.status_code == 400
    assert "There is a problem" in page.text
    assert on_duty(engine) == []


async def test_a_colleague_covers_for_an_afternoon(
    browser: Browser, engine: Engine, ann: Staff, bob: Staff
) -> None:
    await browser.send("/rota", form(bob))
    times = {"start": "2026-11-23T13:00", "end": "2026-11-23T17:00"}
    page = await browser.get("/rota?from=2026-11-23")
    shift = re.search(r"/rota/shift/\d+", page.text)
    assert shift

    outside = {"start": "2026-11-23T13:00", "end": "2026-11-23T18:00"}
    refused = await browser.send(f"{shift[0]}/cover", {"staff": ann.id, **outside})
    assert refused.status_code == 400
    await browser.send(f"{shift[0]}/cover", {"staff": ann.id, **times})

    assert on_duty(engine, -48 + 2) == [ann.id]
    assert on_duty(engine, -48) == [bob.id]
    page = await browser.get("/rota?from=2026-11-23")
    assert "covers for Bob Jones" in page.text
    assert trail(engine) == ["shifts added", "refused", "cover arranged"]


async def test_a_shift_is_taken_off(browser: Browser, engine: Engine, bob: Staff) -> None:
    await browser.send("/rota", form(bob, first="2026-11-25", last="2026-11-25"))
    shift = await first_shift(browser)

    await browser.send(f"{shift}/remove", {})

    assert on_duty(engine) == []
    assert (await browser.get(shift)).status_code == 404
    assert "shift removed" in trail(engine)


async def test_a_reviewer_reads_the_rota_and_changes_nothing(
    browser: Browser, visitor: Browser, engine: Engine, bob: Staff
) -> None:
    await browser.send("/rota", form(bob))
    shift = await first_shift(browser)
    await browser.send("/sign-out", {})
    await visitor.sign_in("bob")

    page = await visitor.get("/rota")
    assert "Bob Jones" in page.text
    assert "Add to the rota" not in page.text
    for path, sent in ((f"{shift}/remove", {}), ("/rota", form(bob)), (f"{shift}/cover", {})):
        assert (await visitor.send(path, sent)).status_code == 403
    assert on_duty(engine) == [bob.id]


async def test_the_page_shows_gaps_and_staff_who_cannot_be_told(
    browser: Browser, bob: Staff
) -> None:
    assert "Nobody is on duty now" in (await browser.get("/rota")).text

    await browser.send("/rota", form(bob))
    page = await browser.get("/rota")

    assert "On duty now: <strong>Bob Jones" in page.text
    assert "has left no way to be told" in page.text


async def test_staff_set_how_they_are_told(browser: Browser, engine: Engine, ann: Staff) -> None:
    sent = {
        "email": "ann@council.gov.uk",
        "phone": "07700 900 982",
        "sms_from": "urgent",
        "quiet_from": "22",
        "quiet_to": "7",
    }

    await browser.send("/rota/ways", sent)

    with engine.connect() as connection:
        kept = contact_preferences(connection, [ann.id])[ann.id]
    expected = ("ann@council.gov.uk", "+447700900982", Severity.URGENT, 22, 7)
    assert kept == ContactPreferences(ann.id, *expected)
    assert trail(engine) == ["contact ways changed"]
    assert "ann@council.gov.uk" in (await browser.get("/rota/ways")).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "ann"},
        {"email": "ann@x.uk\r\nBcc: eve@x.uk"},
        {"phone": "none"},
        {"sms_from": "none"},
        {"quiet_from": "24", "quiet_to": "1"},
        {"quiet_from": "22"},
    ],
)
async def test_ways_that_cannot_be_are_refused(
    browser: Browser, engine: Engine, ann: Staff, wrong: dict[str, str]
) -> None:
    page = await browser.send("/rota/ways", {"sms_from": "urgent"} | wrong)

    assert page.status_code == 400
    with engine.connect() as connection:
        assert contact_preferences(connection, [ann.id]) == {}


async def test_the_link_of_an_alert_leads_to_its_case(browser: Browser, log: EscalationLog) -> None:
    log.record(escalation(conversation_id="c 1"))

    found = await browser.get(f"/escalations/find/{reference_of('c 1')}")
    assert (found.status_code, found.headers["location"]) == (302, "/escalations/c%201")
    assert (await browser.get("/escalations/find/LN-NONE")).status_code == 404


async def test_the_rota_needs_signing_in(visitor: Browser) -> None:
    for path in ("/rota", "/rota/ways", "/rota/shift/1", "/escalations/find/LN-ABCD-EFGH"):
        assert (await visitor.get(path)).headers["location"].startswith("/sign-in")


async def test_a_browser_shows_the_alerts_that_came_to_its_reader(
    browser: Browser, engine: Engine, bob: Staff
) -> None:
    alert = Alert("c1", "LN-ABCD-EFGH", Severity.URGENT, "unclear", "", NOON, "new")
    with engine.begin() as connection:
        raise_alert(connection, alert, NOON)
    assert loads((await browser.get("/live/alerts")).text) == {"alerts": []}

    with engine.begin() as connection:
        advance(connection, Plan(), NOON)

    [shown] = loads((await browser.get("/live/alerts")).text)["alerts"]
    assert shown["title"] == "Lantern: urgent hand-off"
    assert (shown["body"], shown["href"]) == ("LN-ABCD-EFGH", "/escalations/c1")
