"""In a flood a person gets a few alerts alone and the others in one message, and none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.alerts import outcomes, queue
from staff.alerts.flood import HELD, Flood
from staff.alerts.outbox import Alert, acknowledge, deliveries, outbox_figures, raise_alert
from staff.alerts.outcomes import IN_DIGEST
from staff.alerts.plan import AlertStep
from staff.alerts.queue import LEASE, Delivery, NotSentError
from staff.audit.trail import of_case
from staff.rota.rota import CONSOLE, EMAIL, add_shifts
from tests.records import Clock
from tests.unit.staff.alerts.conftest import claim, step
from tests.unit.staff.rota.conftest import shift

CONCERN, URGENT, IMMEDIATE = Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE
pytestmark = pytest.mark.usefixtures("rota")


def flood(engine: Engine, clock: Clock, number: int, severity: Severity = URGENT) -> None:
    """So many more hand-offs from different senders, of which Ann is told by email."""
    with engine.begin() as connection:
        known = connection.execute(sa.text("SELECT count(*) FROM alerts")).scalar_one()
        for index in range(known, known + number):
            alert = Alert(f"c{index}", f"LN-{index}", severity, "", "", clock(), "new")
            alert = replace(alert, sender=f"s{index}")
            raise_alert(connection, alert, clock())
    step(engine, clock)


def sizes(held: list[Delivery]) -> list[int]:
    """Of how many alerts each message tells."""
    return [len(each.every) for each in held]


def send(engine: Engine, clock: Clock, held: list[Delivery]) -> None:
    for each in held:
        with engine.begin() as connection:
            outcomes.mark_sent(connection, each, clock())


def statuses(engine: Engine) -> list[str]:
    query = sa.select(deliveries.c.status).where(deliveries.c.channel != CONSOLE)
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def is_due(engine: Engine, clock: Clock) -> bool:
    with engine.connect() as connection:
        return queue.is_due(connection, EMAIL, clock())


def test_a_few_go_alone_and_all_others_in_one_message(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 30)

    held = claim(engine, clock)

    assert sizes(held) == [1, 1, 1, 1, 1, 25]
    every = [each.id for delivery in held for each in delivery.every]
    assert len(set(every)) == 30
    assert claim(engine, clock, "two") == []


def test_a_few_are_no_flood(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 5)
    held = claim(engine, clock)
    send(engine, clock, held)
    assert sizes(held) == [1] * 5

    clock.move(minutes=10)
    flood(engine, clock, 5)

    assert sizes(claim(engine, clock)) == [1] * 5


def test_the_gravest_stands_first_in_a_digest(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 9, CONCERN)
    flood(engine, clock, 6, URGENT)

    *_, together = claim(engine, clock)

    assert [each.alert.severity for each in together.every] == [URGENT] + [CONCERN] * 9


def test_an_immediate_alert_of_no_burst_is_sent_alone_and_not_counted(
    engine: Engine, clock: Clock
) -> None:
    flood(engine, clock, 7, IMMEDIATE)
    held = claim(engine, clock)
    assert sizes(held) == [1] * 7
    send(engine, clock, held)
    flood(engine, clock, 8)
    held = claim(engine, clock)
    assert sizes(held) == [1, 1, 1, 1, 1, 3]
    send(engine, clock, held)
    flood(engine, clock, 3)
    flood(engine, clock, 1, IMMEDIATE)

    [alone] = claim(engine, clock)

    assert (alone.alert.severity, alone.others) == (IMMEDIATE, ())


def test_a_digest_goes_at_most_once_in_its_time(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    send(engine, clock, claim(engine, clock))
    clock.move(minutes=1)
    flood(engine, clock, 12)

    assert claim(engine, clock) == []
    assert not is_due(engine, clock)
    clock.move(minutes=8)
    flood(engine, clock, 1)
    assert claim(engine, clock) == []
    clock.move(minutes=1)

    held = claim(engine, clock)
    assert sizes(held) == [1, 1, 1, 1, 1, 8]
    send(engine, clock, held)
    assert set(statuses(engine)) == {"sent"}


def test_what_waits_for_a_digest_is_not_late(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    send(engine, clock, claim(engine, clock))
    flood(engine, clock, 2)
    claim(engine, clock)
    clock.move(minutes=9)

    with engine.connect() as connection:
        found = outbox_figures(connection, clock())
    assert (found.queued, found.oldest_at) == ({EMAIL: 2}, None)


def test_every_alert_of_a_digest_counts_as_sent_and_is_on_the_trail(
    engine: Engine, clock: Clock, team: dict[str, Staff]
) -> None:
    flood(engine, clock, 8)
    held = claim(engine, clock)
    send(engine, clock, held)

    assert statuses(engine) == ["sent"] * 8
    with engine.connect() as connection:
        events = [of_case(connection, f"c{index}")[-1].event for index in range(8)]
    assert [event.what for event in events] == ["alerted"] * 5 + [IN_DIGEST] * 3
    assert events[-1].detail == {
        "delivery": held[-1].others[-1].id, "recipient": team["ann"].id,
        "digest": held[-1].digest, "together": 3,
    }  # fmt: skip


def test_what_a_killed_dispatcher_held_is_sent_by_the_next(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 20)
    held = claim(engine, clock)
    send(engine, clock, held[:2])
    flood(engine, clock, 3)
    assert claim(engine, clock, "two") == []

    clock.move(seconds=LEASE.total_seconds())
    again = claim(engine, clock, "two")

    # Two of five went alone before.
    assert sizes(again) == [1, 1, 1, 18]
    assert held[-1].mark != again[-1].mark
    send(engine, clock, held[2:])
    assert statuses(engine).count("sent") == 2
    send(engine, clock, again)
    assert statuses(engine) == ["sent"] * 23


def test_a_digest_that_failed_is_tried_again(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    *alone, together = claim(engine, clock)
    send(engine, clock, alone)
    with engine.begin() as connection:
        assert not outcomes.mark_failed(connection, together, NotSentError("refused"), clock())
    assert claim(engine, clock) == []

    clock.move(seconds=5)
    [again] = claim(engine, clock)

    assert [each.id for each in again.every] == [each.id for each in together.every]
    assert {each.attempts for each in again.every} == {2}


def test_a_digest_that_cannot_be_sent_is_given_up_for_each_and_the_next_step_follows(
    engine: Engine, clock: Clock
) -> None:
    flood(engine, clock, 8)
    *alone, together = claim(engine, clock)
    send(engine, clock, alone)

    with engine.begin() as connection:
        refused = NotSentError("no address", for_good=True)
        assert outcomes.mark_failed(connection, together, refused, clock())

    taken = step(engine, clock)
    with engine.connect() as connection:
        whats = [link.event.what for link in of_case(connection, "c7")]
    assert [each.step for each in taken] == [AlertStep.SECOND] * 3
    assert whats == ["alerted", "alert not sent", "alerted"]


def test_what_is_given_back_is_given_back_whole(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    claim(engine, clock)
    with engine.begin() as connection:
        queue.release(connection, "one")

    again = claim(engine, clock)

    assert sizes(again) == [1, 1, 1, 1, 1, 3]
    assert {each.attempts for delivery in again for each in delivery.every} == {1}


def test_a_case_that_was_opened_is_in_no_digest(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 9)
    with engine.begin() as connection:
        acknowledge(connection, "c7", "ann", clock())

    *_, together = claim(engine, clock)

    assert [each.alert.case_id for each in together.every] == ["c5", "c6", "c8"]
    assert statuses(engine).count("dropped") == 1


def test_where_all_that_was_held_has_been_opened_nothing_goes(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    send(engine, clock, claim(engine, clock))
    flood(engine, clock, 2)
    claim(engine, clock)
    with engine.begin() as connection:
        for case in ("c8", "c9"):
            acknowledge(connection, case, "ann", clock())
    clock.move(minutes=10)

    assert claim(engine, clock) == []
    assert statuses(engine).count("dropped") == 2


def test_each_person_has_a_flood_of_their_own(
    engine: Engine, clock: Clock, team: dict[str, Staff]
) -> None:
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["cem"])])
    flood(engine, clock, 4)

    assert sizes(claim(engine, clock)) == [1] * 8


def test_the_house_says_what_a_flood_is(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 6)
    rule = Flood(2, timedelta(minutes=3))

    held = claim(engine, clock, flood=rule)

    assert sizes(held) == [1, 1, 4]
    send(engine, clock, held)
    flood(engine, clock, 4)
    clock.move(minutes=3)
    assert sizes(claim(engine, clock, flood=rule)) == [1, 1, 2]


def test_one_that_is_left_over_comes_as_it_always_does(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 6)

    *_, last = claim(engine, clock)

    assert (last.others, last.mark) == ((), f"alert-{last.id}")


def test_a_clock_that_was_set_back_holds_nothing_for_long(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    send(engine, clock, claim(engine, clock))
    flood(engine, clock, 2)
    claim(engine, clock)
    clock.move(hours=-2)

    assert sizes(claim(engine, clock)) == [1, 1]


def test_of_two_who_claim_at_once_one_counts(engine: Engine, clock: Clock) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("its writers wait for each other")
    flood(engine, clock, 20)
    flood(engine, clock, 2, IMMEDIATE)

    with engine.begin() as one, engine.begin() as two:
        first = queue.claim(one, EMAIL, "one", clock(), 3, Flood())
        second = queue.claim(two, EMAIL, "two", clock(), 10, Flood())

    assert [each.alert.severity for each in first] == [IMMEDIATE, IMMEDIATE, URGENT]
    assert second == []
    assert sizes(claim(engine, clock, "two")) == [1, 1, 1, 1, 15]


def test_an_immediate_alert_does_not_wait_for_a_dispatcher_that_counts(
    engine: Engine, clock: Clock
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("its writers wait for each other")
    flood(engine, clock, 8)
    with engine.begin() as one:
        queue.claim(one, EMAIL, "one", clock(), 10, Flood())
        flood(engine, clock, 1, IMMEDIATE)
        with engine.begin() as two:
            [alone] = queue.claim(two, EMAIL, "two", clock(), 10, Flood())

    assert alone.alert.severity is IMMEDIATE


def test_what_is_held_says_so(engine: Engine, clock: Clock) -> None:
    flood(engine, clock, 8)
    send(engine, clock, claim(engine, clock))
    flood(engine, clock, 1)
    claim(engine, clock)

    with engine.connect() as connection:
        query = sa.select(deliveries.c.next_at).where(deliveries.c.digest == HELD)
        assert connection.execute(query).scalars().all() == [clock() + timedelta(minutes=10)]
