"""Owners of overdue tasks are told each working morning, others where they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.clock import LONDON
from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.accounts.accounts import StaffAccounts
from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.task_notices import TaskNoticePhrases, TaskNotices
from staff.loops import Beats
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from tests.peers import MailServer
from tests.records import Clock, EscalationLog, escalation

TEAM_ADDRESS = "team@example.org"
MORNING = datetime(2026, 11, 25, 9, 30, tzinfo=LONDON)
"""A Wednesday."""
LATE = date(2026, 11, 24)


@pytest.fixture
def clock() -> Clock:
    return Clock(MORNING)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def notices(engine: Engine, server: MailServer, clock: Clock) -> TaskNotices:
    return on(engine, server, clock, team=True)


def on(engine: Engine, server: MailServer, clock: Clock, *, team: bool) -> TaskNotices:
    to = SmtpServer("localhost", server.port, "none", wait_s=2.0, longest_s=4.0)
    mail = EmailChannel(to, "lantern@example.org", TEAM_ADDRESS if team else None)
    say = read_phrases(CONTENT / "phrases").of("task_notices", TaskNoticePhrases)
    url = "https://console.example.org"
    return TaskNotices(engine, mail, say, url, Beats(), has_team_mailbox=team, now=clock)


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    log.record(escalation())


@pytest.fixture
def addresses(engine: Engine, ann: str, bob: str) -> None:
    mailbox(engine, ann=ann, bob=bob)


def mailbox(engine: Engine, **of: str) -> None:
    """Give staff, named by their first names, an address each."""
    with engine.begin() as connection:
        for name, staff_id in of.items():
            address = f"{name}@example.org"
            set_contact_preferences(connection, ContactPreferences(staff_id, address))


def add(casework: Casework, by: str, to: str | None, due: date | None = LATE) -> None:
    casework.add_action("c1", "Ring Amira’s school.", due, by=by, given_to=to)


def to(server: MailServer) -> list[str]:
    return sorted(str(mail["To"]) for mail in server.mails)


def body(server: MailServer) -> str:
    return bytes(server.mails[-1].get_payload(decode=True)).decode()


@pytest.mark.usefixtures("addresses")
def test_the_owner_is_told_once_a_day_of_all_that_is_overdue(
    server: MailServer,
    notices: TaskNotices,
    casework: Casework,
    cases: Cases,
    clock: Clock,
    ann: str,
    bob: str,
) -> None:
    for due in (LATE, LATE, MORNING.date(), None):
        add(casework, ann, bob, due)

    assert (notices.once(), notices.once()) == (2, 0)
    assert to(server) == ["bob@example.org"]
    assert server.mails[0]["Subject"] == "Lantern: 2 tasks are overdue"
    assert body(server).count(f"{cases.find('c1').reference}, due 24 November 2026") == 2
    assert "https://console.example.org/tasks" in body(server)
    assert "Amira" not in body(server)
    clock.move(days=1)
    assert notices.once() == 3
    told = [link.event for link in cases.whole("c1").history if link.event.who == "dispatcher"]
    assert {each.what for each in told} == {CaseEvent.ACTION_OVERDUE.value}
    assert all(each.detail["told"] == [bob] for each in told)


@pytest.mark.parametrize(
    "at",
    [
        MORNING.replace(hour=8, minute=59),
        MORNING + timedelta(days=3),
        datetime(2026, 12, 25, 12, tzinfo=LONDON),
    ],
    ids=["early", "saturday", "Christmas"],
)
def test_nobody_is_told_outside_working_mornings(
    engine: Engine,
    server: MailServer,
    notices: TaskNotices,
    casework: Casework,
    clock: Clock,
    ann: str,
    at: datetime,
) -> None:
    mailbox(engine, ann=ann)
    add(casework, ann, ann)
    clock.at = at

    assert notices.once() == 0
    assert server.mails == []


def test_who_covers_for_the_owner_is_told_too(
    engine: Engine,
    server: MailServer,
    notices: TaskNotices,
    casework: Casework,
    ann: str,
    bob: str,
) -> None:
    mailbox(engine, ann=ann, bob=bob)
    end = MORNING + timedelta(hours=8)
    with engine.begin() as connection:
        add_shifts(connection, [Shift(bob, ShiftKind.ON_DUTY, MORNING, end, cover_for=ann)])
    add(casework, ann, ann)

    notices.once()

    assert to(server) == ["ann@example.org", "bob@example.org"]


def test_staff_on_duty_and_the_team_are_told_where_the_owner_cannot_be(
    engine: Engine,
    server: MailServer,
    notices: TaskNotices,
    casework: Casework,
    accounts: StaffAccounts,
    ann: str,
    bob: str,
) -> None:
    mailbox(engine, bob=bob)
    end = MORNING + timedelta(hours=8)
    with engine.begin() as connection:
        add_shifts(connection, [Shift(bob, ShiftKind.ON_DUTY, MORNING, end)])
    add(casework, ann, ann)
    add(casework, ann, None)
    accounts.disable("ann")

    assert notices.once() == 2

    assert to(server) == ["bob@example.org", TEAM_ADDRESS]
    assert "a colleague who is off duty or could not be reached" in body(server)


def test_where_nobody_is_reached_it_is_tried_again_the_same_day(
    engine: Engine, server: MailServer, casework: Casework, cases: Cases, clock: Clock, ann: str
) -> None:
    notices = on(engine, server, clock, team=False)
    add(casework, ann, ann)

    assert notices.once() == 0
    assert not any(link.event.who == "dispatcher" for link in cases.whole("c1").history)
    mailbox(engine, ann=ann)

    assert notices.once() == 1


def test_a_server_that_is_away_lets_it_be_told_later(
    engine: Engine, casework: Casework, clock: Clock, ann: str
) -> None:
    mailbox(engine, ann=ann)
    add(casework, ann, ann)
    with MailServer() as gone:
        away = on(engine, gone, clock, team=False)
    assert away.once() == 0

    with MailServer() as server:
        assert on(engine, server, clock, team=False).once() == 1


def test_a_task_that_is_handed_on_is_told_to_its_new_owner_the_same_day(
    engine: Engine,
    server: MailServer,
    notices: TaskNotices,
    casework: Casework,
    cases: Cases,
    ann: str,
    bob: str,
) -> None:
    mailbox(engine, ann=ann, bob=bob)
    add(casework, ann, ann)
    notices.once()
    casework.hand_on_action("c1", cases.whole("c1").actions[0].id, bob, by=ann)

    assert notices.once() == 1
    assert to(server) == ["ann@example.org", "bob@example.org"]
