"""Administrators are told by email, once, that an address refuses alerts; again if it recurs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.permissions import Role
from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.alerts.refusal_notices import RefusalNotices
from staff.loops import Beats
from staff.rota import refusals
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.refusals import MAILBOX_FULL, refused_ways
from staff.rota.rota import EMAIL, SMS, TEAM, ContactPreferences, set_contact_preferences
from tests.peers import MailServer
from tests.records import PASSWORD
from tests.unit.staff.alerts.conftest import CONSOLE

ADMINISTRATOR, TEAM_ADDRESS = "eve@example.org", "team@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def notices(engine: Engine, server: MailServer, team: dict[str, Staff]) -> RefusalNotices:
    to = SmtpServer("localhost", server.port, "none", wait_s=2.0, longest_s=4.0)
    mail = EmailChannel(to, "lantern@example.org", TEAM_ADDRESS)
    say = read_phrases(CONTENT / "phrases").of("refused_ways", RefusedWayPhrases)
    return RefusalNotices(engine, mail, say, CONSOLE, Beats(), has_team_mailbox=True)


@pytest.fixture
def eve(engine: Engine, accounts: StaffAccounts) -> Staff:
    """Add an administrator with an address."""
    eve = accounts.add("eva", PASSWORD, role=Role.ADMINISTRATOR)
    with engine.begin() as connection:
        set_contact_preferences(connection, ContactPreferences(eve.id, ADMINISTRATOR))
    return eve


def refuse(
    engine: Engine, who: str, channel: str = EMAIL, error: str = "x", at: datetime | None = None
) -> None:
    with engine.begin() as connection:
        refusals.refuse(connection, channel, who, error, at or utc_now())


def let_time_pass(engine: Engine) -> None:
    """As if administrators were to be told now."""
    with engine.begin() as connection:
        connection.execute(sa.update(refused_ways).values(tell_at=utc_now() - timedelta(hours=1)))


@pytest.mark.usefixtures("eve")
def test_team_and_administrators_are_told_once_of_all_that_is_refused(
    engine: Engine, server: MailServer, notices: RefusalNotices, team: dict[str, Staff]
) -> None:
    moment = datetime.fromisoformat("2026-11-25T22:14:00+00:00")
    refuse(engine, team["ann"].id, at=moment)
    refuse(engine, team["bob"].id, error=MAILBOX_FULL, at=moment + timedelta(minutes=1))
    refuse(engine, team["bob"].id, SMS, at=moment + timedelta(minutes=2))

    assert (notices.once(), notices.once()) == (3, 0)

    assert [mail["To"] for mail in server.mails] == [TEAM_ADDRESS, ADMINISTRATOR]
    said = bytes(server.mails[0].get_payload(decode=True)).decode()
    assert "ann, by email: the address is refused. Since 22:14 on 25 November." in said
    assert "bob, by email: the mailbox is full. Since 22:15 on 25 November." in said
    assert "bob, by text message: the address is refused." in said
    assert "https://lantern-console.safeguarding.wiltshire.gov.uk/rota" in said
    assert "@" not in said


@pytest.mark.usefixtures("eve")
def test_no_further_refusal_is_told_until_it_worked(
    engine: Engine, server: MailServer, notices: RefusalNotices, team: dict[str, Staff]
) -> None:
    ann = team["ann"].id
    refuse(engine, ann)
    notices.once()
    for _ in range(5):
        refuse(engine, ann)
        let_time_pass(engine)
        assert notices.once() == 0
    with engine.begin() as connection:
        assert refusals.forget(connection, EMAIL, ann)
    refuse(engine, ann)

    assert notices.once() == 1
    assert len(server.mails) == 4


def test_who_is_refused_is_not_told_by_that_way(
    engine: Engine, server: MailServer, notices: RefusalNotices, eve: Staff
) -> None:
    refuse(engine, TEAM)
    assert notices.once() == 1
    assert [mail["To"] for mail in server.mails] == [ADMINISTRATOR]
    refuse(engine, eve.id)

    assert notices.once() == 0
    assert len(server.mails) == 1


@pytest.mark.usefixtures("eve")
def test_if_nobody_could_be_told_it_is_tried_again(
    engine: Engine, server: MailServer, notices: RefusalNotices, team: dict[str, Staff]
) -> None:
    server.closed = "451 not now"
    refuse(engine, team["ann"].id)
    assert notices.once() == 0
    server.closed = None
    assert notices.once() == 0

    let_time_pass(engine)

    assert notices.once() == 1
    assert [mail["To"] for mail in server.mails] == [TEAM_ADDRESS, ADMINISTRATOR]


def test_of_two_dispatchers_one_tells(
    engine: Engine, notices: RefusalNotices, team: dict[str, Staff]
) -> None:
    refuse(engine, team["ann"].id)
    with engine.begin() as connection:
        assert len(refusals.take_untold(connection, utc_now())) == 1

    assert notices.once() == 0


def test_a_person_who_left_is_not_told_of(
    engine: Engine, notices: RefusalNotices, team: dict[str, Staff], accounts: StaffAccounts
) -> None:
    refuse(engine, team["ann"].id)
    accounts.disable("ann")

    assert notices.once() == 0
