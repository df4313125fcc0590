"""The audit trail cannot be flooded by strangers, and says how many there were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staff.audit.audit_log import AuditLog, EventFilter
from staff.console.refusals import RefusalLimits, Refusals
from tests.unit.staff.console.conftest import Browser, Timer
from web.http import App


def told(refusals: Refusals, client: str, times: int) -> list[dict[str, int] | None]:
    return [refusals.counted(client) for _ in range(times)]


def test_after_the_first_ones_only_each_doubling_is_told() -> None:
    refusals = Refusals(RefusalLimits(per_client=2), Timer())

    found = told(refusals, "192.0.2.1", 17)

    assert found[:2] == [{}, {}]
    doubled = {number: each for number, each in enumerate(found, 1) if each and number > 2}
    assert doubled == {number: {"refused_to_client": number} for number in (4, 8, 16)}
    assert found.count(None) == 12


def test_many_addresses_are_counted_together() -> None:
    refusals = Refusals(RefusalLimits(per_client=5, of_all=4), Timer())

    found = [refusals.counted(f"2001:db8::{number}") for number in range(8)]

    assert found == [{}] * 4 + [None] * 3 + [{"refused_to_strangers": 8}]


def test_an_hour_of_quiet_begins_anew() -> None:
    timer = Timer()
    refusals = Refusals(RefusalLimits(per_client=1), timer)
    told(refusals, "192.0.2.1", 3)

    timer.at += 3600.0

    assert refusals.counted("192.0.2.1") == {}


@pytest.fixture
def strict(app: App) -> None:
    """Three refusals of a stranger are recorded one by one."""
    refusals = Refusals(RefusalLimits(per_client=3), Timer())
    app.ctx.services = replace(app.ctx.services, refusals=refusals)


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
