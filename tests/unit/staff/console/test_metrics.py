"""The console's metrics: for private networks only, without personal data."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from tests.records import WORDS, EscalationLog, escalation
from tests.unit.staff.console.conftest import Browser
from web.http import App

PRIVATE, PUBLIC = {"x-forwarded-for": "10.1.2.3"}, {"x-forwarded-for": "8.8.8.8"}


@pytest.fixture(autouse=True)
def behind_a_proxy(app: App) -> None:
    app.config.PROXIES_COUNT = 1


async def figure(browser: Browser, name: str) -> float:
    lines = (await browser.get("/metrics", **PRIVATE)).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def test_answers_are_counted_by_class_of_status(
    browser: Browser, visitor: Browser, log: EscalationLog
) -> None:
    log.record(escalation())
    refused = 'lantern_console_responses_total{status="4xx"}'
    before = await figure(browser, refused)

    await visitor.get("/nowhere")
    await browser.get("/escalations/c1")

    assert await figure(browser, refused) == before + 1
    assert await figure(browser, "lantern_console_database_up") == 1
    text = (await browser.get("/metrics", **PRIVATE)).text
    assert not [word for word in (WORDS, "c1", "m1", "Ann") if word in text]


async def test_a_database_that_is_away_is_said(visitor: Browser, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE staff RENAME TO gone")

    assert await figure(visitor, "lantern_console_database_up") == 0


async def test_figures_are_not_for_the_public(visitor: Browser) -> None:
    answer = await visitor.get("/metrics", **PUBLIC)

    assert answer.status_code == 404
