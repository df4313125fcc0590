"""Administrators are told once, by email, of what a system of records did not take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.loops import Beats
from staff.records import queue
from staff.records.notices import RecordNotices, RecordPushPhrases
from staff.records.outbox import FAILED, record_events
from tests.peers import MailServer
from tests.records import WORDS, Clock, EscalationLog, escalation

TEAM_ADDRESS = "team@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def notices(engine: Engine, server: MailServer, clock: Clock) -> RecordNotices:
    to = SmtpServer("localhost", server.port, "none", wait_s=2.0, longest_s=4.0)
    mail = EmailChannel(to, "lantern@example.org", TEAM_ADDRESS)
    say = read_phrases(CONTENT / "phrases").of("record_push", RecordPushPhrases)
    url = "https://console.example.org"
    return RecordNotices(engine, mail, say, url, Beats(), has_team_mailbox=True, now=clock)


@pytest.mark.usefixtures("on")
def test_dead_letters_are_told_once_and_again_when_they_die_again(
    engine: Engine, server: MailServer, notices: RecordNotices, log: EscalationLog, clock: Clock
) -> None:
    for number in range(25):
        log.record(escalation(f"m{number}", conversation_id=f"c{number}"))
    assert notices.once() == 0
    dies = sa.update(record_events).values(status=FAILED, error="HTTP 422")
    with engine.begin() as connection:
        connection.execute(dies)
        reference = queue.dead_letters(connection)[0]["reference"]

    assert [notices.once(), notices.once()] == [25, 0]
    [mail] = server.mails
    text = mail.as_string()
    assert (mail["To"], reference in text, "And 5 more." in text) == (TEAM_ADDRESS, True, True)
    assert WORDS not in text

    with engine.begin() as connection:
        assert queue.retry(connection, clock()) == 25
        connection.execute(dies)
    assert notices.once() == 25


@pytest.mark.usefixtures("on")
def test_they_stay_untold_while_the_mail_server_refuses(
    engine: Engine, server: MailServer, notices: RecordNotices, log: EscalationLog
) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(record_events).values(status=FAILED, error="HTTP 422"))
    server.refuse[TEAM_ADDRESS] = "451 later"
    assert notices.once() == 0
    server.refuse.clear()

    assert notices.once() == 1
