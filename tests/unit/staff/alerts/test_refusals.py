"""An address that refuses alerts is tried with growing pauses, and the next person at once.

The mail server is real: it answers 550 or 552 to a recipient, or after the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.alerts import outcomes, queue
from staff.alerts.channels.channel import Channel
from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.alerts.formatter import AlertFormatter
from staff.alerts.outbox import acknowledge, alerts, deliveries, outbox_figures
from staff.alerts.plan import AlertStep, Plan
from staff.alerts.queue import NotSentError
from staff.audit.trail import audit_events, of_case, of_kind
from staff.rota.refusals import LONGEST_PAUSE, pause, refused
from staff.rota.rota import CONSOLE, EMAIL, TEAM, WEBHOOK, contact_ways
from staff.rota.service import RotaService
from tests.peers import MailServer
from tests.records import Clock
from tests.unit.staff.alerts.conftest import ALERT, claim, put, step

ANN, BOB = "ann@example.org", "bob@example.org"
NO_SUCH, FULL = "550 5.1.1 no such user", "552 5.2.2 mailbox full"
pytestmark = pytest.mark.usefixtures("rota")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def channel(server: MailServer) -> Channel:
    to = SmtpServer("localhost", server.port, "none", wait_s=2.0, longest_s=4.0)
    return EmailChannel(to, "lantern@example.org", "team@example.org")


@pytest.fixture
def ann_alone(engine: Engine, team: dict[str, Staff]) -> None:
    """Nobody but Ann has left an address."""
    others = contact_ways.c.staff_id != team["ann"].id
    with engine.begin() as connection:
        connection.execute(sa.delete(contact_ways).where(others))


@pytest.fixture
def go(engine: Engine, clock: Clock, channel: Channel, words: AlertFormatter) -> Go:
    return Go(engine, clock, channel, words)


class Go:
    """What planner and sender of a dispatcher do in one round, by the clock of the test."""

    def __init__(
        self, engine: Engine, clock: Clock, channel: Channel, words: AlertFormatter
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._channel = channel
        self._words = words

    def __call__(self, plan: Plan = Plan()) -> list[AlertStep]:  # noqa: B008
        taken = step(self._engine, self._clock, plan)
        with self._engine.connect() as connection:
            is_due = queue.is_due(connection, EMAIL, self._clock())
        claimed = claim(self._engine, self._clock)
        assert bool(claimed) <= is_due
        for delivery in claimed:
            with self._engine.begin() as connection:
                if not queue.still_holds(connection, delivery, self._clock()):
                    continue
            try:
                self._channel.send(delivery, self._words.notice(delivery.alert, self._clock()))
            except NotSentError as error:
                with self._engine.begin() as connection:
                    outcomes.mark_failed(connection, delivery, error, self._clock())
            else:
                with self._engine.begin() as connection:
                    outcomes.mark_sent(connection, delivery, self._clock())
        return [each.step for each in taken]


def alert_of(number: int, severity: Severity = Severity.IMMEDIATE) -> object:
    facts = {"case_id": f"c{number}", "reference": f"LN-{number}", "sender": f"s{number}"}
    return replace(ALERT, **facts, severity=severity)


def put_many(engine: Engine, clock: Clock, numbers: range) -> None:
    for number in numbers:
        put(engine, clock, alert_of(number))  # type: ignore[arg-type]


def rows(engine: Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@pytest.mark.usefixtures("ann_alone")
@pytest.mark.parametrize("answer", [NO_SUCH, FULL])
@pytest.mark.parametrize("after_the_message", [False, True])
def test_a_refusal_does_not_loop(
    engine: Engine,
    clock: Clock,
    server: MailServer,
    go: Go,
    answer: str,
    after_the_message: bool,
) -> None:
    if after_the_message:
        server.closed = answer
    else:
        server.refuse[ANN] = answer
    put(engine, clock)

    for _ in range(50):
        go()
        clock.move(seconds=1)

    tries = server.taken if after_the_message else server.refused
    assert tries == [ANN]
    assert rows(engine, deliveries) <= 20
    assert rows(engine, audit_events) <= 10


@pytest.mark.usefixtures("ann_alone")
def test_the_pauses_double_up_to_an_hour_and_leave_one_row(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    tried = []
    for _ in range(6 * 60):
        before = len(server.refused)
        go()
        if len(server.refused) > before:
            tried.append(clock())
        clock.move(minutes=1)

    waits = [(later - earlier) // timedelta(minutes=1) for earlier, later in pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    with engine.connect() as connection:
        query = sa.select(deliveries.c.status).where(deliveries.c.channel == EMAIL)
        assert connection.execute(query).scalars().all() == ["failed"]
        trail = [link.event.what for link in of_case(connection, "c1")]
        assert len(of_kind(connection, outcomes.REFUSES)) == 1
    assert trail.count("alert not sent") == 1


def test_the_next_person_is_told_at_once(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = FULL
    put(engine, clock)

    go()
    go()

    assert server.refused == [ANN]
    assert [mail["To"] for mail in server.mails] == [BOB]


def test_the_next_person_is_told_at_once_when_an_earlier_step_was_sent(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[BOB] = NO_SUCH
    put(engine, clock)
    assert go() == [AlertStep.ON_DUTY]
    clock.move(minutes=5.1)
    assert go() == [AlertStep.SECOND]

    assert go() == [AlertStep.EVERYONE]


def test_the_teams_own_channel_does_not_stand_in_for_the_person(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    channels = frozenset({EMAIL, WEBHOOK})
    plan = Plan(channels=channels, team=frozenset({WEBHOOK}))
    server.refuse[ANN] = NO_SUCH
    put_many(engine, clock, range(1))
    assert go(plan) == [AlertStep.ON_DUTY]
    assert go(plan) == [AlertStep.SECOND]
    put_many(engine, clock, range(1, 2))

    assert go(plan) == [AlertStep.ON_DUTY, AlertStep.SECOND]


def test_a_new_alert_does_not_try_the_address_again_and_says_so_on_the_trail(
    engine: Engine, clock: Clock, server: MailServer, go: Go, team: dict[str, Staff]
) -> None:
    server.refuse[ANN] = NO_SUCH
    put_many(engine, clock, range(1))
    go()
    put_many(engine, clock, range(1, 9))

    for _ in range(5):
        go()

    assert server.refused == [ANN]
    assert {mail["To"] for mail in server.mails} == {BOB}
    with engine.connect() as connection:
        first, second = of_case(connection, "c5")
    assert first.event.detail["refused"] == {EMAIL: [team["ann"].id]}
    assert second.event.detail["recipients"][EMAIL] == [team["bob"].id]


def test_of_many_alerts_one_at_a_time_tries_the_address(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put_many(engine, clock, range(30))
    for _ in range(5):
        go()
    assert server.refused == [ANN]

    clock.move(minutes=1)
    for _ in range(5):
        go()

    assert server.refused == [ANN, ANN]


@pytest.mark.usefixtures("ann_alone")
def test_what_was_given_up_is_sent_once_the_address_takes_messages_again(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = FULL
    put_many(engine, clock, range(4))
    go()
    with engine.begin() as connection:
        acknowledge(connection, "c2", "bob", clock())
    server.refuse.clear()
    clock.move(minutes=1)

    for _ in range(4):
        go()

    told = sorted(str(mail["Subject"]).rpartition(" ")[2] for mail in server.mails)
    assert told == ["LN-0", "LN-1", "LN-3"]
    with engine.connect() as connection:
        assert refused(connection) == []
        assert len(of_kind(connection, outcomes.TAKES_AGAIN)) == 1


def test_a_refusal_after_it_worked_is_a_new_one(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    for answer in (NO_SUCH, None, FULL):
        server.refuse = {ANN: answer} if answer else {}
        put(engine, clock, replace(ALERT, case_id=f"c{answer}", reference=f"LN-{answer}"))
        clock.move(minutes=2)
        go()

    with engine.connect() as connection:
        [way] = refused(connection)
        assert len(of_kind(connection, outcomes.REFUSES)) == 2
    assert (way.shown_name, way.since) == ("ann", clock())


def test_an_address_that_was_corrected_is_tried_at_once(
    engine: Engine, clock: Clock, server: MailServer, go: Go, team: dict[str, Staff]
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    service = RotaService(engine, clock)
    corrected = replace(service.preferences(team["ann"].id), email="anne@example.org")
    service.set_preferences(corrected, by=team["ann"].id)

    for _ in range(3):
        go()

    assert "anne@example.org" in {mail["To"] for mail in server.mails}
    assert service.refused() == []


def test_an_address_that_is_gone_is_not_tried_again(
    engine: Engine, clock: Clock, server: MailServer, go: Go, team: dict[str, Staff]
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    service = RotaService(engine, clock)
    service.set_preferences(
        replace(service.preferences(team["ann"].id), email=None), by=team["ann"].id
    )

    go()

    assert service.refused() == []
    assert server.refused == [ANN]


@pytest.mark.usefixtures("ann_alone")
def test_a_refused_address_shows_in_the_figures_until_the_alert_ends(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    go()
    clock.move(minutes=3)

    with engine.connect() as connection:
        found = outbox_figures(connection, clock())
        assert (found.queued, found.failed, found.oldest_at) == ({}, {EMAIL: 1}, None)
    with engine.begin() as connection:
        acknowledge(connection, "c1", "ann", clock())
    with engine.connect() as connection:
        assert outbox_figures(connection, clock()).failed == {}
        assert not queue.is_due(connection, EMAIL, clock())


@pytest.mark.usefixtures("ann_alone")
def test_a_killed_dispatcher_that_tried_the_address_leaves_it_to_the_next(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    clock.move(minutes=1)
    assert len(claim(engine, clock, "killed")) == 1
    server.refuse.clear()
    assert claim(engine, clock, "two") == []

    clock.move(seconds=queue.IMMEDIATE_LEASE.total_seconds())
    go()

    assert [mail["To"] for mail in server.mails] == [ANN]


@pytest.mark.usefixtures("ann_alone")
def test_everyone_is_tried_again_until_the_alert_ends_even_if_all_refuse(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse |= {ANN: NO_SUCH, "team@example.org": FULL}
    plan = Plan(team=frozenset({EMAIL}))
    put(engine, clock)
    for _ in range(10):
        go(plan)
    assert sorted(server.refused) == [ANN, "team@example.org"]
    server.refuse.clear()
    clock.move(minutes=1)

    for _ in range(3):
        go(plan)

    assert {mail["To"] for mail in server.mails} == {ANN, "team@example.org"}
    with engine.connect() as connection:
        query = sa.select(deliveries.c.recipient).where(deliveries.c.channel != CONSOLE)
        assert TEAM in connection.execute(query).scalars().all()


@pytest.mark.usefixtures("ann_alone")
def test_a_clock_that_was_set_back_does_not_hold_up_a_refused_address(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    clock.move(hours=-5)

    go()

    assert server.refused == [ANN, ANN]


def test_a_failure_that_is_no_refusal_is_tried_again_soon_and_holds_the_step(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.closed = "451 not now"
    put(engine, clock)
    go()

    assert go() == []
    with engine.connect() as connection:
        assert refused(connection) == []
    server.closed = None
    clock.move(seconds=5)
    go()
    assert [mail["To"] for mail in server.mails] == [ANN]


def test_pauses_have_an_end() -> None:
    assert [pause(times).total_seconds() for times in (1, 2, 3)] == [60, 120, 240]
    assert pause(10_000) == LONGEST_PAUSE


def test_an_alert_that_was_ended_is_not_tried(
    engine: Engine, clock: Clock, server: MailServer, go: Go
) -> None:
    server.refuse[ANN] = NO_SUCH
    put(engine, clock)
    go()
    with engine.begin() as connection:
        ended = sa.update(alerts).values(ended_at=clock(), ended_by="bob")
        connection.execute(ended)
    clock.move(minutes=1)

    go()

    assert server.refused == [ANN]
