"""A burst of immediate alerts comes in few messages, and a child among them within a minute."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.alerts import outcomes, queue
from staff.alerts.flood import BURST_EVERY, Flood
from staff.alerts.formatter import LONGEST_TEXT, AlertFormatter
from staff.alerts.outbox import (
    BURST_GAP,
    UNKNOWN_SENDER_GAP,
    Alert,
    acknowledge,
    alerts,
    deliveries,
    raise_alert,
)
from staff.alerts.outcomes import IN_DIGEST
from staff.alerts.queue import IMMEDIATE_LEASE, Delivery
from staff.audit.trail import of_case
from staff.rota.rota import CONSOLE, EMAIL
from tests.records import Clock
from tests.unit.staff.alerts.conftest import ALERT, claim, put, step

pytestmark = pytest.mark.usefixtures("rota")


def alike(clock: Clock, index: int, **changes: Any) -> Alert:
    facts = {"case_id": f"c{index}", "reference": f"LN-{index}", "occasion": f"m{index}"}
    usual = replace(ALERT, **facts, raised_at=clock(), area="wiltshire", sender="ab12")
    return replace(usual, **changes)


def come(engine: Engine, clock: Clock, number: int = 1, **changes: Any) -> None:
    """So many cases that look alike come now, from one sender unless `changes` say otherwise."""
    with engine.connect() as connection:
        known = connection.execute(sa.text("SELECT count(*) FROM alerts")).scalar_one()
    for index in range(known, known + number):
        put(engine, clock, alike(clock, index, **changes))
    while step(engine, clock):
        pass


def go(engine: Engine, clock: Clock) -> list[Delivery]:
    """Send what may be sent now."""
    held = claim(engine, clock)
    for each in held:
        with engine.begin() as connection:
            outcomes.mark_sent(connection, each, clock())
    return held


def told(held: list[Delivery]) -> list[list[str]]:
    """By message, the cases that it tells of."""
    return [[each.alert.case_id for each in message.every] for message in held]


def bursts(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(alerts.c.burst).order_by(alerts.c.id)).scalars())


def test_the_first_comes_alone_at_once_and_the_others_together_a_minute_later(
    engine: Engine, clock: Clock
) -> None:
    come(engine, clock, 150)

    assert told(go(engine, clock)) == [["c0"]]
    clock.move(seconds=59)
    assert go(engine, clock) == []
    clock.move(seconds=1)
    [message] = go(engine, clock)

    assert [each.alert.case_id for each in message.every] == [f"c{n}" for n in range(1, 150)]
    assert message.burst is not None
    assert message.burst.more == 149


def test_a_script_makes_a_message_a_minute_that_grows_and_nothing_is_lost(
    engine: Engine, clock: Clock
) -> None:
    messages: list[Delivery] = []
    for _ in range(60):
        come(engine, clock)
        messages += go(engine, clock)
        clock.move(seconds=4)
    clock.move(minutes=0.5)
    messages += go(engine, clock)

    cases = [each.alert.case_id for message in messages for each in message.every]
    assert sorted(cases) == sorted(f"c{n}" for n in range(60))
    assert len(messages) == 5
    assert [message.burst.more for message in messages if message.burst] == [15, 30, 45, 59]


@pytest.mark.parametrize(
    "other",
    [
        {"area": "swindon"},
        {"area": None},
        {"need": "suicide"},
        {"category": "self_harm"},
        {"sender": "cd34"},
        {"sender": None},
    ],
)
def test_a_case_that_does_not_look_like_the_burst_comes_alone_at_once(
    engine: Engine, clock: Clock, other: dict[str, str | None]
) -> None:
    come(engine, clock, 40)
    go(engine, clock)
    clock.move(seconds=10)
    come(engine, clock, 40)
    come(engine, clock, **other)

    # Each round of a sender takes ten at most.
    messages = [*go(engine, clock), *go(engine, clock)]

    assert told(messages) == [["c80"]]


def test_a_child_who_looks_like_the_burst_is_told_of_within_a_minute(
    engine: Engine, clock: Clock
) -> None:
    sent: dict[str, datetime] = {}
    came: dict[str, datetime] = {}
    for second in range(320):
        if second % 7 == 0 and second < 250:
            come(engine, clock)
            came[f"c{len(came)}"] = clock()
        for message in go(engine, clock):
            for each in message.every:
                sent.setdefault(each.alert.case_id, clock())
        clock.move(seconds=1)

    assert sent.keys() == came.keys()
    assert max(sent[case] - at for case, at in came.items()) <= BURST_EVERY


def test_a_reminder_of_the_first_does_not_put_the_others_off_again(
    engine: Engine, clock: Clock, team: dict[str, Staff]
) -> None:
    come(engine, clock, 3)
    go(engine, clock)
    clock.move(seconds=50)
    with engine.begin() as connection:
        again = {"alert_id": 1, "step": 9, "channel": EMAIL, "recipient": team["ann"].id}
        waits = {"status": "queued", "attempts": 0, "next_at": clock()}
        connection.execute(sa.insert(deliveries).values(**again, **waits))
    assert told(go(engine, clock)) == [["c0"]]
    clock.move(seconds=10)

    assert told(go(engine, clock)) == [["c1", "c2"]]


def test_those_that_were_held_one_after_the_other_come_in_one_message(
    engine: Engine, clock: Clock
) -> None:
    come(engine, clock)
    [first] = claim(engine, clock)
    come(engine, clock, 3)
    assert claim(engine, clock) == []
    clock.move(seconds=1)
    with engine.begin() as connection:
        outcomes.mark_sent(connection, first, clock())
    come(engine, clock, 3)
    assert claim(engine, clock) == []
    clock.move(seconds=59)

    assert [len(each.every) for each in go(engine, clock)] == [6]


@pytest.mark.parametrize(("sender", "gap"), [("ab12", BURST_GAP), (None, UNKNOWN_SENDER_GAP)])
def test_two_that_look_alike_and_are_far_apart_are_no_burst(
    engine: Engine, clock: Clock, sender: str | None, gap: timedelta
) -> None:
    come(engine, clock, sender=sender)
    clock.move(seconds=gap.total_seconds())
    come(engine, clock, sender=sender)
    clock.move(seconds=gap.total_seconds() + 1)
    come(engine, clock, sender=sender)

    first, second, third = bursts(engine)
    assert first == second != third


def test_the_times_of_the_messages_count_and_not_those_of_the_record(
    engine: Engine, clock: Clock
) -> None:
    for minutes in (0, 10, 20):
        come(engine, clock, raised_at=clock() - timedelta(minutes=minutes))

    assert len(set(bursts(engine))) == 3


def test_a_case_that_becomes_more_severe_leaves_its_burst(engine: Engine, clock: Clock) -> None:
    come(engine, clock, 3, severity=Severity.URGENT)
    worse = replace(ALERT, case_id="c1", reference="LN-1", reason="raised", raised_at=clock())
    put(engine, clock, replace(worse, area="wiltshire", sender="ab12"))

    first, second, third, raised = bursts(engine)

    assert first == second == third != raised


def test_each_step_tells_the_next_person_the_same_way(
    engine: Engine, clock: Clock, team: dict[str, Staff]
) -> None:
    come(engine, clock, 20)
    go(engine, clock)
    clock.move(minutes=5.1)
    go(engine, clock)
    step(engine, clock)

    [first] = [each for each in go(engine, clock) if each.recipient == team["bob"].id]
    assert told([first]) == [["c0"]]
    clock.move(minutes=1)
    [message] = go(engine, clock)
    assert (message.recipient, len(message.every)) == (team["bob"].id, 19)


def test_where_the_first_was_opened_the_others_come_together_at_once(
    engine: Engine, clock: Clock
) -> None:
    come(engine, clock, 5)
    with engine.begin() as connection:
        acknowledge(connection, "c0", "ann", clock())

    assert told(go(engine, clock)) == [["c1", "c2", "c3", "c4"]]


def test_one_that_is_left_over_comes_as_it_always_does(engine: Engine, clock: Clock) -> None:
    come(engine, clock, 2)
    go(engine, clock)
    clock.move(minutes=1)

    [last] = go(engine, clock)

    assert (last.others, last.burst, last.mark) == ((), None, f"alert-{last.id}")


def test_each_case_of_a_burst_is_on_the_trail_and_goes_on_in_its_plan(
    engine: Engine, clock: Clock
) -> None:
    come(engine, clock, 6)
    go(engine, clock)
    clock.move(minutes=1)
    go(engine, clock)

    with engine.connect() as connection:
        whats = [link.event.what for link in of_case(connection, "c4")]
        query = sa.select(deliveries.c.status).where(deliveries.c.channel != CONSOLE)
        assert set(connection.execute(query).scalars()) == {"sent"}
    assert whats == ["alerted", IN_DIGEST]
    clock.move(minutes=4.1)
    assert len(step(engine, clock)) == 6


def test_what_a_killed_dispatcher_held_of_a_burst_is_sent_by_the_next(
    engine: Engine, clock: Clock
) -> None:
    come(engine, clock, 8)
    claim(engine, clock, "killed")
    clock.move(seconds=IMMEDIATE_LEASE.total_seconds())

    assert told(go(engine, clock)) == [["c0"]]
    clock.move(seconds=BURST_EVERY.total_seconds())
    claim(engine, clock, "killed again")
    clock.move(seconds=IMMEDIATE_LEASE.total_seconds())
    [message] = go(engine, clock)

    assert len(message.every) == 7


def test_a_burst_does_not_put_off_the_digest_of_a_flood(engine: Engine, clock: Clock) -> None:
    come(engine, clock, 5)
    go(engine, clock)
    clock.move(minutes=1)
    assert [len(each.every) for each in go(engine, clock)] == [4]

    come(engine, clock, 9, severity=Severity.URGENT)

    assert [len(each.every) for each in go(engine, clock)] == [1, 1, 1, 1, 1, 4]


def test_a_dispatcher_that_may_not_count_sends_the_first_of_a_burst_alone(
    engine: Engine, clock: Clock
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("its writers wait for each other")
    come(engine, clock, 3, severity=Severity.URGENT)
    with engine.begin() as one:
        queue.claim(one, EMAIL, "one", clock(), 10, Flood())
        come(engine, clock, 4)
        with engine.begin() as two:
            first = queue.claim(two, EMAIL, "two", clock(), 10, Flood())

    assert told(first) == [["c3"]]


def test_none_comes_before_the_first_that_another_dispatcher_is_planning(
    engine: Engine, clock: Clock
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("its writers wait for each other")
    put(engine, clock, alike(clock, 0))
    with engine.begin() as planning:
        planning.execute(sa.select(alerts.c.id).with_for_update())
        come(engine, clock, 2)
        assert told(go(engine, clock)) == []
    clock.move(seconds=1)
    step(engine, clock)

    assert told(go(engine, clock)) == [["c0"]]
    clock.move(seconds=59)
    [message] = go(engine, clock)
    assert told([message]) == [["c1", "c2"]]
    assert message.burst is not None
    assert message.burst.more == 2


def test_none_comes_before_the_first_that_another_dispatcher_is_claiming(
    engine: Engine, clock: Clock
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("its writers wait for each other")
    with engine.begin() as claiming:
        with engine.begin() as counting:
            assert queue.claim(counting, EMAIL, "one", clock(), 10, Flood()) == []
            come(engine, clock, 3)
            first = queue.claim(claiming, EMAIL, "two", clock(), 10, Flood())
        assert told(claim(engine, clock)) == []
    with engine.begin() as connection:
        outcomes.mark_sent(connection, first[0], clock())
    clock.move(minutes=1)

    assert told(first) == [["c0"]]
    assert told(go(engine, clock)) == [["c1", "c2"]]


def test_two_that_are_recorded_at_once_are_one_burst(engine: Engine, clock: Clock) -> None:
    with engine.begin() as one:
        raise_alert(one, alike(clock, 0), clock())
        other = threading.Thread(target=put, args=(engine, clock, alike(clock, 1)))
        other.start()
        time.sleep(0.3)  # long enough for the other to look for alerts like its own
    other.join()

    first, second = bursts(engine)
    assert first == second


def test_the_words_of_a_burst(engine: Engine, clock: Clock, words: AlertFormatter) -> None:
    come(engine, clock, 24)
    go(engine, clock)
    clock.move(minutes=1)
    [message] = go(engine, clock)
    assert message.burst is not None
    told_of = [each.alert for each in message.every]

    notice = words.burst(told_of, message.burst, clock())

    assert notice.subject == "Lantern: 23 more immediate hand-offs that look alike"
    assert "23 more immediate hand-offs since 12:00." in notice.body
    assert "New in this message: 23" in notice.body
    assert "Newest reference: LN-" in notice.body
    assert "https://lantern-console.safeguarding.wiltshire.gov.uk/escalations\n" in notice.body
    outside = words.burst(told_of, message.burst, clock(), outside=4)
    assert "You do not see the areas of 4 of them" in outside.body
    big = replace(message.burst, more=4999)
    newest = [replace(each, reference="LN-ABCD-EFGH") for each in told_of]
    for each in (notice, outside, words.burst(newest, big, clock())):
        assert len(each.text) <= LONGEST_TEXT
