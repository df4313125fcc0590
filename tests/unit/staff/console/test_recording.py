"""Every act in the console is on the audit trail first, without what was typed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sanic_testing.testing import ASGI_HOST
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.audit.trail import AuditLog, EventFilter, client_digest
from staff.console.recording import RefusalCounter
from tests.records import PASSWORD, Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser, Timer
from web.http import App

CLIENT = client_digest(ASGI_HOST, "a key of the tests that is long enough")


def trail(audit: AuditLog) -> list[tuple[str, str]]:
    return [(link.event.who, link.event.what) for link in audit.newest(EventFilter(), limit=99)][
        ::-1
    ]


def last(audit: AuditLog) -> tuple[str, str, dict[str, object]]:
    event = audit.newest(EventFilter(), limit=1)[0].event
    return event.who, event.what, event.detail


async def test_signing_in_and_out_is_recorded(
    browser: Browser, audit: AuditLog, ann: Staff
) -> None:
    assert last(audit) == (ann.id, "signed in", {"second_step": False, "client": CLIENT})

    await browser.send("/sign-out", {})

    assert trail(audit)[-1] == (ann.id, "signed out")


async def test_a_failed_sign_in_names_the_account_and_never_what_was_typed(
    visitor: Browser, audit: AuditLog, ann: Staff, engine: Engine
) -> None:
    await visitor.sign_in(" ANN ", "hunter2hunter2")
    page = {"page": "sign_in.sign_in", "method": "POST", "client": CLIENT}
    wrong = {"why": "name or password", **page}
    assert last(audit) == ("visitor", "sign-in refused", wrong | {"account": ann.id})

    await visitor.sign_in("hunter2hunter2", "ann")
    assert last(audit) == ("visitor", "sign-in refused", wrong)

    with engine.connect() as connection:
        written = str(connection.execute(sa.text("SELECT * FROM audit_events")).all())
    assert "hunter2" not in written
    assert ASGI_HOST not in written


async def test_a_throttled_sign_in_is_recorded(
    visitor: Browser, audit: AuditLog, ann: Staff
) -> None:
    for _ in range(4):
        await visitor.sign_in("ann", "wrong")

    who, what, detail = last(audit)
    assert (who, what, detail["account"]) == ("visitor", "sign-in throttled", ann.id)


async def test_a_changed_password_and_a_refused_change_are_recorded(
    browser: Browser, audit: AuditLog, ann: Staff
) -> None:
    for current, new in (
        ("wrong", "four loud blue kites"),
        (PASSWORD, "short"),
        (PASSWORD, "four loud blue kites"),
    ):
        await browser.send("/password", {"current": current, "new": new})

    refused = (ann.id, "password change refused")
    assert trail(audit)[1:] == [refused, refused, (ann.id, "password changed")]


async def test_a_visitor_is_recorded(visitor: Browser, audit: AuditLog, ann: Staff) -> None:
    await visitor.get("/escalations/m1")
    assert last(audit)[:2] == ("visitor", "refused")
    assert last(audit)[2]["why"] == "not signed in"
    assert "session" not in last(audit)[2]

    visitor.client.cookies.set("lantern", "made up")
    await visitor.post("/escalations/c1/outcome", {"note": "x"})
    assert last(audit)[2]["session"] == "not known"


async def test_a_forged_form_is_recorded_once(
    browser: Browser, audit: AuditLog, ann: Staff, log: EscalationLog
) -> None:
    log.record(escalation())
    before = len(trail(audit))

    await browser.post("/escalations/c1/outcome", {"form_token": "0"})
    await browser.send("/escalations/c1/outcome", {"outcome": "", "note": ""})
    await browser.post("/sign-out", {}, sec_fetch_site="cross-site")

    refused = [event for event in trail(audit)[before:] if event[1] == "refused"]
    assert refused == [(ann.id, "refused")] * 3


async def test_what_no_page_answers_is_recorded_without_its_address(
    browser: Browser, audit: AuditLog, engine: Engine
) -> None:
    for path in ("/escalations/unknown", "/my-secret-words", "/static/../my-secret-words"):
        assert (await browser.get(path)).status_code == 404
        assert last(audit)[1:2] == ("refused",)
        assert last(audit)[2]["status"] == 404

    with engine.connect() as connection:
        written = str(connection.execute(sa.text("SELECT * FROM audit_events")).all())
    assert "secret" not in written


async def test_reading_the_list_and_exporting_content_is_recorded(
    browser: Browser, audit: AuditLog, ann: Staff
) -> None:
    await browser.get("/escalations?status=closed")
    assert last(audit) == (
        ann.id, "list viewed", {"page": 1, "client": CLIENT},
    )  # fmt: skip

    await browser.get("/content/export/parent")
    assert last(audit)[1:] == ("content exported", {"audience": "parent", "client": CLIENT})


async def test_an_export_that_cannot_be_recorded_is_not_handed_out(
    browser: Browser, engine: Engine
) -> None:
    _refuse_to_write(engine)

    response = await browser.get("/content/export/parent")

    assert response.status_code == 500
    assert "content-disposition" not in response.headers


async def test_signing_in_needs_the_trail_and_signing_out_does_not(
    browser: Browser, engine: Engine, accounts: StaffAccounts, clock: Clock
) -> None:
    token = await browser.form_token()
    _refuse_to_write(engine)

    out = await browser.post("/sign-out", {"form_token": token})
    wrong = await browser.sign_in("ann", "wrong")
    right = await browser.sign_in()

    assert (out.status_code, wrong.status_code, right.status_code) == (303, 401, 500)
    assert (await browser.get("/password")).headers["location"].startswith("/sign-in")


def _refuse_to_write(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )


def counts(refusals: RefusalCounter, client: str, times: int) -> list[dict[str, int] | None]:
    return [refusals.count(client) for _ in range(times)]


def test_after_the_first_ones_only_each_doubling_is_recorded() -> None:
    refusals = RefusalCounter(per_client=2, timer=Timer())

    found = counts(refusals, "192.0.2.1", 17)

    assert found[:2] == [{}, {}]
    doubled = {number: each for number, each in enumerate(found, 1) if each and number > 2}
    assert doubled == {number: {"refused_to_client": number} for number in (4, 8, 16)}
    assert found.count(None) == 12


def test_many_addresses_are_counted_together() -> None:
    refusals = RefusalCounter(per_client=5, of_all=4, timer=Timer())

    found = [refusals.count(f"2001:db8::{number}") for number in range(8)]

    assert found == [{}] * 4 + [None] * 3 + [{"refused_to_strangers": 8}]


def test_an_hour_of_quiet_begins_anew() -> None:
    timer = Timer()
    refusals = RefusalCounter(per_client=1, timer=timer)
    counts(refusals, "192.0.2.1", 3)

    timer.at += 3600.0

    assert refusals.count("192.0.2.1") == {}


@pytest.fixture
def strict(app: App) -> None:
    """Three refusals of a stranger are recorded one by one."""
    app.ctx.refusals = RefusalCounter(per_client=3, timer=Timer())


def refused(audit: AuditLog) -> list[dict[str, object]]:
    links = audit.newest(EventFilter(), limit=99)[::-1]
    return [link.event.detail for link in links if link.event.what == "refused"]


@pytest.mark.usefixtures("strict")
async def test_a_stranger_cannot_make_the_trail_grow_as_fast_as_they_ask(
    visitor: Browser, audit: AuditLog
) -> None:
    for _ in range(13):
        assert (await visitor.get("/nothing")).status_code == 404

    assert [each.get("refused_to_client") for each in refused(audit)] == [None] * 3 + [6, 12]


@pytest.mark.usefixtures("strict")
async def test_what_is_refused_to_staff_is_recorded_every_time(
    browser: Browser, audit: AuditLog
) -> None:
    for _ in range(13):
        await browser.get("/nothing")

    assert len(refused(audit)) == 13
