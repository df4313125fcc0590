"""Open pages learn of a change, without words and without keeping a session alive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from staff.accounts.accounts import Staff
from staff.accounts.sessions import IDLE
from staff.cases.casework import Casework
from staff.console.live import ChangeWatch
from tests.records import Clock, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

SOON, NEVER_S = 0.001, 0.02


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
    expected = (
        f": still here\n\nid: {newest}\nevent: change\ndata: {newest}\n\nevent: ended\ndata: 0\n\n"
    )
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


def counting(answers: list[int]) -> tuple[Callable[[], int], list[int]]:
    """Return a query with these answers, the last of them for ever, and a list of its calls."""
    asked: list[int] = []

    def newest() -> int:
        asked.append(1)
        return answers[min(len(asked), len(answers)) - 1]

    return newest, asked


async def test_every_waiting_page_learns_of_a_change() -> None:
    newest, _ = counting([3, 3, 4])
    changes = ChangeWatch(newest, every_s=SOON)

    found = await asyncio.gather(*(changes.after(3, within_s=5) for _ in range(3)))

    assert found == [4, 4, 4]


async def test_a_change_that_is_known_already_is_sent_at_once() -> None:
    newest, _ = counting([9])

    assert await ChangeWatch(newest, every_s=60).after(2, within_s=5) == 9


async def test_without_a_change_the_waiting_ends_in_time() -> None:
    newest, _ = counting([3])

    assert await ChangeWatch(newest, every_s=SOON).after(3, within_s=NEVER_S) == 3


async def test_the_database_is_not_asked_while_no_page_waits() -> None:
    newest, asked = counting([3])
    changes = ChangeWatch(newest, every_s=SOON)
    await changes.after(3, within_s=NEVER_S)
    await asyncio.sleep(NEVER_S)
    before = len(asked)

    await asyncio.sleep(NEVER_S)

    assert len(asked) == before


async def test_a_database_that_is_away_is_asked_again() -> None:
    answers = iter([OperationalError("", {}, Exception()), 5])

    def newest() -> int:
        found = next(answers, 5)
        if isinstance(found, Exception):
            raise found
        return found

    assert await ChangeWatch(newest, every_s=SOON).after(4, within_s=5) == 5


async def test_stopping_the_server_releases_every_page() -> None:
    newest, _ = counting([3])
    changes = ChangeWatch(newest, every_s=60)
    waiting = asyncio.create_task(changes.after(3, within_s=60))
    await asyncio.sleep(NEVER_S)

    changes.stop()

    assert await waiting == 3
