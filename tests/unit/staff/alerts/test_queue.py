"""Deliveries are claimed by one at a time, tried again, and given up on the record."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.alerts import outcomes, queue
from staff.alerts.outbox import acknowledge, deliveries
from staff.alerts.plan import AlertStep
from staff.alerts.queue import IMMEDIATE_LEASE, NotSentError
from staff.audit.trail import of_case
from staff.rota.rota import EMAIL
from tests.records import Clock
from tests.unit.staff.alerts.conftest import claim, put, step

REFUSED = NotSentError("no such address", refused=True)


@pytest.fixture
def queued(rota: None, engine: Engine, clock: Clock) -> None:
    """One email to Ann waits."""
    put(engine, clock)
    step(engine, clock)


def status(engine: Engine) -> str:
    with engine.connect() as connection:
        query = sa.select(deliveries.c.status).where(deliveries.c.channel == EMAIL)
        return connection.execute(query.order_by(deliveries.c.id)).scalars().first() or ""


@pytest.mark.usefixtures("queued")
def test_a_claimed_delivery_is_not_claimed_again_until_the_claim_expires(
    engine: Engine, clock: Clock
) -> None:
    [held] = claim(engine, clock)
    assert (held.email, held.alert.reference, held.attempts) == (
        "ann@example.org",
        "LN-ABCD-EFGH",
        1,
    )

    clock.move(seconds=IMMEDIATE_LEASE.total_seconds() - 1)
    assert claim(engine, clock, "two") == []
    clock.move(seconds=1)
    assert [each.attempts for each in claim(engine, clock, "two")] == [2]


@pytest.mark.usefixtures("queued")
def test_whose_claim_has_ended_changes_nothing_any_more(engine: Engine, clock: Clock) -> None:
    [late] = claim(engine, clock)
    clock.move(seconds=IMMEDIATE_LEASE.total_seconds())
    claim(engine, clock, "two")

    with engine.begin() as connection:
        outcomes.mark_failed(connection, late, REFUSED, clock())

    assert status(engine) == "queued"


@pytest.mark.usefixtures("queued")
def test_what_was_sent_is_not_sent_again(engine: Engine, clock: Clock) -> None:
    [held] = claim(engine, clock)
    with engine.begin() as connection:
        outcomes.mark_sent(connection, held, clock())

    clock.move(days=1)
    assert claim(engine, clock) == []
    assert status(engine) == "sent"


@pytest.mark.usefixtures("queued")
def test_what_failed_is_tried_again_later(engine: Engine, clock: Clock) -> None:
    [held] = claim(engine, clock)
    with engine.begin() as connection:
        outcomes.mark_failed(connection, held, NotSentError("refused"), clock())

    assert claim(engine, clock) == []
    clock.move(seconds=5)
    assert len(claim(engine, clock)) == 1


@pytest.mark.usefixtures("queued")
def test_a_delivery_given_up_is_on_the_trail_and_the_next_step_follows_at_once(
    engine: Engine, clock: Clock
) -> None:
    [held] = claim(engine, clock)
    with engine.begin() as connection:
        assert outcomes.mark_failed(connection, held, REFUSED, clock())

    assert [each.step for each in step(engine, clock)] == [AlertStep.SECOND]
    with engine.connect() as connection:
        whats = [link.event.what for link in of_case(connection, "c1")]
    assert whats == ["alerted", "alert not sent", "alerted"]


@pytest.mark.usefixtures("queued")
def test_an_acknowledged_alert_is_not_sent(engine: Engine, clock: Clock) -> None:
    with engine.begin() as connection:
        acknowledge(connection, "c1", "ann", clock())

    assert claim(engine, clock) == []
    assert status(engine) == "dropped"


@pytest.mark.usefixtures("queued")
def test_a_claim_of_a_clock_that_was_ahead_does_not_last(engine: Engine, clock: Clock) -> None:
    claim(engine, clock)
    clock.move(hours=-1)

    assert len(claim(engine, clock, "two")) == 1


@pytest.mark.usefixtures("queued")
def test_what_is_given_back_counts_no_attempt(engine: Engine, clock: Clock) -> None:
    claim(engine, clock)
    with engine.begin() as connection:
        queue.release(connection, "one")

    assert [each.attempts for each in claim(engine, clock)] == [1]


def test_pauses_grow_and_have_an_end() -> None:
    assert queue.FIRST_PAUSE / 2 <= queue.pause(1) <= queue.FIRST_PAUSE
    assert queue.LONGEST_PAUSE / 2 <= queue.pause(1000) <= queue.LONGEST_PAUSE
