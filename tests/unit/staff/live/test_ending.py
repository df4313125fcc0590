"""Live chats that no gateway ended end all the same, later than a gateway would."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from safeguarding.live_chat import ANSWER_WITHIN, JOIN_WITHIN, LEASE, READY, LiveChatEnd
from staff.alerts.plan import DISPATCHER
from staff.audit import trail
from staff.cases.case import CaseEvent
from staff.live.ending import GRACE, NOT_READY_AFTER, end_stale, forget_lapsed
from storage.live_chats import live_readiness
from tests.live_on import LiveOffice
from tests.records import NOON, Clock

INSTANT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("begin", "lasts", "why"),
    [
        ("asked", JOIN_WITHIN, LiveChatEnd.NOBODY_CAME),
        ("offered", ANSWER_WITHIN, LiveChatEnd.NOT_ANSWERED),
        ("open", LEASE, LiveChatEnd.AWAY),
    ],
)
def test_each_ends_a_while_after_a_gateway_would_end_it(
    office: LiveOffice, clock: Clock, begin: str, lasts: timedelta, why: LiveChatEnd
) -> None:
    if begin == "asked":
        office.ask("chat")
        chat_id = "chat"
    else:
        chat_id = office.open() if begin == "open" else office.desk.offer("c1", by=office.ann)
    clock.at = NOON + lasts + GRACE - INSTANT
    assert end_stale(office.engine, clock()) == 0
    clock.at += INSTANT
    assert (end_stale(office.engine, clock()), end_stale(office.engine, clock())) == (1, 0)

    assert office.chat(chat_id).ended_why is why
    with office.engine.connect() as connection:
        event = trail.of_case(connection, "c1")[-1].event
    assert (event.who, event.what) == (DISPATCHER, CaseEvent.LIVE_ENDED.value)
    assert event.detail == {"chat": chat_id, "why": why.value}


def test_one_whose_owner_is_there_goes_on(office: LiveOffice, clock: Clock) -> None:
    chat_id = office.open()
    for _ in range(20):
        clock.move(seconds=30)
        office.desk.beat(chat_id, by=office.ann, term=1)
        assert end_stale(office.engine, clock()) == 0


def test_an_owner_who_comes_back_before_it_ended_has_it(office: LiveOffice, clock: Clock) -> None:
    chat_id = office.open()
    clock.at += LEASE + GRACE - INSTANT
    office.desk.say(chat_id, "Sorry, I'm here.", by=office.ann, term=1, key="k")
    clock.at += GRACE

    assert end_stale(office.engine, clock()) == 0


def test_a_readiness_that_was_not_renewed_goes(office: LiveOffice, clock: Clock) -> None:
    office.desk.be_ready(by=office.ann, ready=True)
    office.desk.be_ready(by=office.bob, ready=True)
    clock.at += READY + NOT_READY_AFTER - INSTANT
    office.desk.ready_beat(by=office.bob)
    forget_lapsed(office.engine, clock())
    assert office.room.ready_until(office.ann) == NOON + READY
    clock.at += INSTANT
    forget_lapsed(office.engine, clock())

    with office.engine.connect() as connection:
        left = connection.execute(sa.select(live_readiness.c.staff_id)).scalars().all()
    assert left == [office.bob]
