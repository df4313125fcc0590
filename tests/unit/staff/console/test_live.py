"""Open pages learn of a change, without words and without keeping a session alive."""

from __future__ import annotations

import json

from staff.accounts.accounts import Staff
from staff.accounts.sessions import IDLE
from staff.cases.casework import Casework
from tests.records import Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App


async def test_a_visitor_gets_no_stream(visitor: Browser) -> None:
    for path in ("/live", "/live/escalations", "/live/case/c1"):
        assert (await visitor.get(path)).status_code == 303


async def test_the_stream_carries_a_number_and_ends_with_the_session(
    browser: Browser, log: EscalationLog, clock: Clock, app: App
) -> None:
    log.record(escalation())
    cases, changes = app.ctx.services.cases, app.ctx.changes

    async def after(seen: int, within_s: float) -> int:
        if seen:
            clock.move(minutes=IDLE.total_seconds() / 60 + 1)
        return int(cases.latest_change())

    changes.after = after
    # The test's client ends the server after each request.
    changes.stopped = False
    response = await browser.get("/live")

    newest = cases.latest_change()
    change = f"id: {newest}\nevent: change\ndata: {newest}\n\n"
    expected = f"event: beat\ndata: 0\n\n{change}event: ended\ndata: 0\n\n"
    assert response.text == expected
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"


async def newest(browser: Browser) -> int:
    return int(json.loads((await browser.get("/live/case/c1")).text)["change"])


async def test_reading_changes_no_case_but_a_note_does(
    browser: Browser, log: EscalationLog, casework: Casework, ann: Staff
) -> None:
    log.record(escalation())
    before = await newest(browser)
    await browser.uncover()
    read = await newest(browser)

    casework.note("c1", "x", by=ann.id)

    assert read == before
    assert await newest(browser) > before
    assert (await browser.get("/live/case/none")).status_code == 404


async def test_an_open_page_alone_does_not_keep_a_session_alive(
    browser: Browser, clock: Clock
) -> None:
    for _ in range(4):
        clock.move(minutes=10)
        response = await browser.get("/live/escalations")

    assert response.status_code == 303
