"""The dispatcher as real processes, against real servers: killed, doubled, and left hanging.

The mail server counts what comes, by the id of the delivery.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ops.stack import SERVICES, free_port
from safeguarding.clock import utc_now
from safeguarding.escalation import SENDER, Escalation
from safeguarding.taxonomy import ROOT, Severity
from staff.alerts.outbox import Alert, acknowledge, alerts, deliveries, raise_alert
from staff.audit.anchors import ANCHORS, read_anchors, short_anchors
from staff.audit.trail import AuditLog, of_case
from staff.audit.verify import CHECKED, verify
from staff.cases.cases import Cases
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from storage.engine import READING
from storage.handoffs import HandoffMailbox, figures
from storage.vault import Vault, key_ring, new_key
from tests.peers import MailServer, Receiver, frozen_server
from tests.records import KEYS, PASSWORD, accounts_on, assessment, escalation, vault

PATIENCE_S = 120.0


class Dispatcher:
    """One process, with its output."""

    def __init__(
        self,
        url: str,
        folder: Path,
        mail_port: int,
        *,
        module: str = "staff.dispatcher",
        **more: str,
    ) -> None:
        self.port = free_port()
        self.log = folder / f"dispatcher-{self.port}.log"
        env = {
            "LANTERN_DATABASE_URL": url,
            "LANTERN_STATE_DIR": str(folder),
            "LANTERN_FIELD_KEYS": KEYS,
            "LANTERN_SMTP_HOST": "127.0.0.1",
            "LANTERN_SMTP_PORT": str(mail_port),
            "LANTERN_SMTP_SECURITY": "none",
            "LANTERN_DISPATCHER_PORT": str(self.port),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(SERVICES / "python"), "-m", module],
                env={**os.environ, **env, **more},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5.0)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=30)


Start = Callable[..., Dispatcher]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def start(engine: Engine, tmp_path: Path, mail: MailServer) -> Iterator[Start]:
    """Start dispatchers on the database, and kill those that are left."""
    started = []

    def begin(mail_port: int = 0, **more: str) -> Dispatcher:
        url = engine.url.render_as_string(hide_password=False)
        started.append(Dispatcher(url, tmp_path, mail_port or mail.port, **more))
        return started[-1]

    yield begin
    for dispatcher in started:
        dispatcher.kill()


@pytest.fixture
def ann(engine: Engine) -> str:
    """Ann is on duty, today and tomorrow, and reached by email."""
    member = accounts_on(engine).add("ann", PASSWORD)
    day = timedelta(days=1)
    shift = Shift(member.id, ShiftKind.ON_DUTY, utc_now() - day, utc_now() + day)
    with engine.begin() as connection:
        set_contact_preferences(connection, ContactPreferences(member.id, "ann@example.org"))
        add_shifts(connection, [shift])
    return member.id


def put(engine: Engine, number: int, severity: Severity = Severity.IMMEDIATE) -> None:
    for index in range(number):
        alert = Alert(f"c{index}", f"LN-{index}", severity, "suicide", "suicide", utc_now(), "new")
        alert = replace(alert, sender=f"s{index}")
        with engine.begin() as connection:
            raise_alert(connection, alert, utc_now())


def put_immediate(engine: Engine, number: int) -> None:
    for index in range(number):
        alert = Alert(f"d{index}", f"LN-D{index}", Severity.IMMEDIATE, "", "", utc_now(), "new")
        alert = replace(alert, sender=f"s{index}")
        with engine.begin() as connection:
            raise_alert(connection, alert, utc_now())


def wait_until(what: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    limit = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.05)


def emails(engine: Engine) -> dict[str, str]:
    """Return the status of each email by the id of its delivery."""
    query = sa.select(deliveries.c.id, deliveries.c.status).where(deliveries.c.channel == "email")
    with engine.connect().execution_options(**READING) as connection:
        return {str(row.id): row.status for row in connection.execute(query)}


def all_sent(engine: Engine, number: int) -> bool:
    found = emails(engine)
    return len(found) == number and set(found.values()) == {"sent"}


@pytest.mark.usefixtures("ann")
def test_an_alert_reaches_who_is_on_duty_and_is_on_the_record(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    put(engine, 1)
    dispatcher = start()

    wait_until(lambda: all_sent(engine, 1))

    assert [message["To"] for message in mail.mails] == ["ann@example.org"]
    with engine.connect() as connection:
        assert [link.event.what for link in of_case(connection, "c0")] == ["alerted"]
    assert dispatcher.ready().json()["status"] == "ready"
    assert dispatcher.stop() == 0


@pytest.mark.usefixtures("ann")
def test_an_alert_leaves_within_a_second_of_the_hand_off(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    mailbox, delays = HandoffMailbox(engine, vault()), []
    dispatcher = start()
    wait_until(partial(_has_started, dispatcher))
    for number in range(15):
        time.sleep(0.37)  # neither just after a round nor just before one
        appended = time.monotonic()
        mailbox.append(_told(number))
        wait_until(lambda sent=number + 1: len(mail.mails) == sent, patience_s=20)  # type: ignore[misc]
        delays.append(time.monotonic() - appended)

    slowest = f"alert delay on {engine.dialect.name}: {sorted(delays)}"
    assert median(delays) < 1.0, slowest
    assert dispatcher.ready().json()["handoffs"] == 0


@pytest.mark.usefixtures("ann")
def test_killed_again_and_again_the_case_worker_loses_and_doubles_nothing(
    engine: Engine, start: Start
) -> None:
    mailbox, cases = HandoffMailbox(engine, vault()), Cases(engine, vault())
    for number in range(120):
        mailbox.append(_told(number, f"c{number % 20}"))
    for left in (90, 50):
        pair = (start(), start())
        wait_until(partial(_at_most_wait, engine, left))
        for dispatcher in pair:
            dispatcher.kill()
    start()

    wait_until(partial(_at_most_wait, engine, 0))
    found = [message for number in range(20) for message in cases.whole(f"c{number}").messages]
    assert sorted(message.message_id for message in found) == sorted(
        f"m{number}" for number in range(120)
    )
    with engine.connect() as connection:
        told = sa.select(alerts.c.case_id).where(alerts.c.reason == "new")
        assert sorted(connection.execute(told).scalars()) == sorted(f"c{n}" for n in range(20))


def test_a_row_that_nobody_can_open_makes_the_dispatcher_say_so(
    engine: Engine, start: Start
) -> None:
    HandoffMailbox(engine, Vault(key_ring(f"other:{new_key()}"))).append(_told(0))
    dispatcher = start()

    wait_until(lambda: b"handoff.unreadable" in dispatcher.log.read_bytes())

    assert dispatcher.ready().status_code == 503
    assert dispatcher.ready().json()["handoffs"] == 1
    figures_text = httpx.get(f"http://127.0.0.1:{dispatcher.port}/metrics").text
    assert "lantern_handoffs_waiting 1.0" in figures_text


@pytest.mark.usefixtures("ann")
def test_an_immediate_case_is_anchored_on_the_disk_and_in_its_mail_though_it_is_killed(
    engine: Engine, start: Start, mail: MailServer, tmp_path: Path
) -> None:
    HandoffMailbox(engine, vault()).append(_told(0))
    dispatcher = start()
    wait_until(lambda: len(mail.mails) == 1)
    wait_until(lambda: _anchored(tmp_path) >= _recorded(engine, "c0") > 0)
    HandoffMailbox(engine, vault()).append(_told(1))
    wait_until(lambda: _anchored(tmp_path) >= _recorded(engine, "c1") > 0)
    dispatcher.kill()
    _let_claims_end(engine)
    again = start()
    wait_until(lambda: all_sent(engine, 2) and _has_started(again))

    held = read_anchors([tmp_path / ANCHORS])
    texts = "\n".join(str(each.get_payload()) for each in mail.mails)
    mailed = short_anchors(texts, "mails")
    assert held.half_written == []
    # The kill may catch a mail between the server's thanks and our note of it.
    assert len(mailed) in {2, 3}
    assert mailed[-1].number > _recorded(engine, "c1")
    with engine.connect().execution_options(**READING) as connection:
        assert verify(connection, [*held.anchors, *mailed]).broken is None
    url = f"http://127.0.0.1:{again.port}/metrics"
    assert "lantern_audit_check_age_seconds +Inf" in httpx.get(url).text
    detail = {"broken_at": None, "disagreements": 3}
    AuditLog(engine).add("command line", CHECKED, detail=detail)
    shown = httpx.get(url).text
    assert "lantern_audit_findings 3.0" in shown
    assert "lantern_audit_check_age_seconds +Inf" not in shown


def _anchored(state: Path) -> int:
    """Return the highest number that is anchored on the disk."""
    return max((each.number for each in read_anchors([state / ANCHORS]).anchors), default=0)


def _recorded(engine: Engine, case_id: str) -> int:
    """Return the number of the event by which a case was recorded; 0 when it is not yet."""
    with engine.connect().execution_options(**READING) as connection:
        links = of_case(connection, case_id)
    return next((link.id for link in links if link.event.what == "recorded"), 0)


def _told(number: int, conversation: str | None = None) -> Escalation:
    """One immediate message, in a conversation of its own unless it is named."""
    own = conversation or f"c{number}"
    told = assessment(Severity.IMMEDIATE)
    # A long time ago: what is late is known by when it was written.
    sender = {SENDER: f"{number:04}"}
    return escalation(f"m{number}", conversation_id=own, assessment=told, extra=sender)


def _at_most_wait(engine: Engine, number: int) -> bool:
    with engine.connect().execution_options(**READING) as connection:
        return figures(connection).waiting <= number


@pytest.mark.usefixtures("ann")
def test_killed_again_and_again_it_loses_nothing(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    put(engine, 60)
    killed = 0
    while not all_sent(engine, 60):
        before = len(mail.mails)
        dispatcher = start()
        more = before + 7 if killed < 3 else 10_000
        wait_until(partial(_has_come, engine, mail, more))
        dispatcher.kill()
        killed += 1
        _let_claims_end(engine)

    counts = mail.counts()
    assert set(counts) == set(emails(engine))
    # Each kill may catch one email between the server's thanks and our note of it.
    assert sum(counts.values()) <= 60 + killed


def _has_come(engine: Engine, mail: MailServer, more: int) -> bool:
    return len(mail.mails) >= more or all_sent(engine, 60)


def _has_started(dispatcher: Dispatcher) -> bool:
    return b"dispatcher.started" in dispatcher.log.read_bytes()


def _let_claims_end(engine: Engine) -> None:
    """As if their time had passed."""
    past = utc_now() - timedelta(seconds=1)
    held = deliveries.c.claimed_until.is_not(None)
    with engine.begin() as connection:
        connection.execute(sa.update(deliveries).where(held).values(claimed_until=past))


@pytest.mark.usefixtures("ann")
def test_two_dispatchers_send_each_alert_once(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    first, second = start(), start()
    for dispatcher in (first, second):
        wait_until(partial(_has_started, dispatcher))
    put(engine, 80)

    wait_until(lambda: all_sent(engine, 80))

    assert set(mail.counts().values()) == {1}
    with engine.connect() as connection:
        steps = connection.execute(sa.select(alerts.c.step)).scalars().all()
    assert set(steps) == {1}


@pytest.mark.usefixtures("ann")
def test_a_mail_server_that_hangs_holds_up_no_other_channel(engine: Engine, start: Start) -> None:
    with frozen_server() as port, Receiver() as receiver:
        put(engine, 3)
        webhook = {"LANTERN_WEBHOOK_URL": receiver.url, "LANTERN_WEBHOOK_KEY": "k" * 16}
        start(port, **webhook)

        wait_until(lambda: len(receiver.posts) == 3)

        assert set(emails(engine).values()) == {"queued"}


@pytest.mark.usefixtures("ann")
def test_what_could_not_be_sent_is_sent_when_the_server_is_back(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    mail.closed = "451 not now"
    put(engine, 1)
    dispatcher = start()
    wait_until(lambda: b"alert.not_sent" in dispatcher.log.read_bytes())
    mail.closed = None

    wait_until(lambda: all_sent(engine, 1))

    assert set(mail.counts().values()) == {1}


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "552 5.2.2 mailbox full"])
def test_an_address_that_refuses_is_left_alone_and_the_next_person_told_at_once(
    engine: Engine, start: Start, mail: MailServer, ann: str, answer: str
) -> None:
    bob = accounts_on(engine).add("bob", PASSWORD)
    with engine.begin() as connection:
        day = timedelta(days=1)
        shift = Shift(bob.id, ShiftKind.SECOND, utc_now() - day, utc_now() + day)
        set_contact_preferences(connection, ContactPreferences(bob.id, "bob@example.org"))
        add_shifts(connection, [shift])
    mail.refuse["ann@example.org"] = answer
    put(engine, 1)
    dispatcher = start(LANTERN_ALERT_TEAM_EMAIL="team@example.org")

    wait_until(lambda: len(mail.mails) == 2, patience_s=20)
    put(engine, 4)  # three more
    wait_until(lambda: len(mail.mails) == 5, patience_s=20)

    told = [(message["To"], message["Subject"]) for message in mail.mails]
    assert ("team@example.org", "Lantern: an address refuses alerts") in told
    assert sorted(to for to, _ in told) == ["bob@example.org"] * 4 + ["team@example.org"]
    assert mail.refused == ["ann@example.org"]
    query = sa.select(deliveries.c.id).where(deliveries.c.recipient == ann)
    with engine.connect() as connection:
        emails_to_ann = connection.execute(query.where(deliveries.c.channel == "email"))
        assert len(emails_to_ann.all()) == 4
    assert dispatcher.ready().json()["failed"] == {"email": 4}


@pytest.mark.usefixtures("ann")
def test_what_a_killed_dispatcher_was_sending_does_not_wait_for_two_minutes(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    with frozen_server() as port:
        put(engine, 1)
        killed = start(port)
        wait_until(partial(_is_claimed, engine))
        killed.kill()
    start()

    wait_until(lambda: all_sent(engine, 1), patience_s=45)

    assert mail.counts().total() == 1


@pytest.mark.usefixtures("ann")
def test_a_message_that_takes_longer_than_its_claim_is_sent_by_one_dispatcher(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    mail.slow_s = 6.0  # for sender, recipient and message each
    put(engine, 1)
    for dispatcher in (start(), start()):
        wait_until(partial(_has_started, dispatcher))

    wait_until(lambda: all_sent(engine, 1))

    assert mail.counts().total() == 1
    assert mail.asked == 1


def _is_claimed(engine: Engine) -> bool:
    query = sa.select(deliveries.c.id).where(deliveries.c.claimed_until.is_not(None))
    with engine.connect().execution_options(**READING) as connection:
        return connection.execute(query).first() is not None


@pytest.mark.usefixtures("ann")
def test_opening_the_case_stops_the_alerts(engine: Engine, start: Start, mail: MailServer) -> None:
    put(engine, 2)
    with engine.begin() as connection:
        acknowledge(connection, "c0", "ann", utc_now())
    start()

    wait_until(lambda: all_sent(engine, 1))

    assert [message["Subject"] for message in mail.mails] == ["Lantern: immediate hand-off LN-1"]


@pytest.mark.usefixtures("ann")
def test_a_burst_of_one_sender_comes_alone_then_together_and_another_child_at_once(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    mailbox = HandoffMailbox(engine, vault())
    for number in range(40):
        mailbox.append(replace(_told(number), raised_at=utc_now(), extra={SENDER: "ab12"}))
    for dispatcher in (start(), start()):
        wait_until(partial(_has_started, dispatcher))
    wait_until(partial(_at_most_wait, engine, 0))
    mailbox.append(replace(_told(40), raised_at=utc_now(), extra={SENDER: "cd34"}))

    wait_until(lambda: len(mail.mails) >= 2, patience_s=20)
    wait_until(lambda: all_sent(engine, 41), patience_s=2 * PATIENCE_S)

    # Each is told of once: two alone, 39 in one message, and none is counted that came alone.
    first, child, summary = mail.mails
    assert first["Subject"].startswith("Lantern: immediate hand-off")
    assert child["Subject"].startswith("Lantern: immediate hand-off")
    assert summary["Subject"] == "Lantern: 39 more immediate hand-offs that look alike"
    assert "New in this message: 39" in str(summary.get_payload())


def _digests(engine: Engine) -> set[str]:
    """Return the names of digests of more than one alert."""
    named = sa.select(deliveries.c.digest).where(deliveries.c.digest.is_not(None))
    several = named.group_by(deliveries.c.digest).having(sa.func.count() > 1)
    with engine.connect() as connection:
        return {f"digest-{name}" for name in connection.execute(several).scalars()}


@pytest.mark.usefixtures("ann")
def test_a_flood_comes_in_few_messages_and_all_of_it_is_on_the_record(
    engine: Engine, start: Start, mail: MailServer
) -> None:
    put(engine, 40, Severity.URGENT)
    put_immediate(engine, 3)
    first, second = start(), start()

    wait_until(lambda: all_sent(engine, 43))

    subjects = [message["Subject"] for message in mail.mails]
    assert sum(subject.startswith("Lantern: immediate hand-off") for subject in subjects) == 3
    assert sum(subject.startswith("Lantern: urgent hand-off") for subject in subjects) == 5
    assert sum("more hand-offs are waiting" in subject for subject in subjects) == 1
    with engine.connect() as connection:
        told = [of_case(connection, f"c{index}")[-1].event.what for index in range(40)]
    assert told.count("alerted in a digest") == 35
    assert (first.ready().status_code, second.ready().status_code) == (200, 200)


@pytest.mark.usefixtures("ann")
def test_killed_in_a_flood_it_loses_nothing(engine: Engine, start: Start, mail: MailServer) -> None:
    put(engine, 60, Severity.URGENT)
    for more in (2, 5, 6):
        dispatcher = start()
        wait_until(partial(_has_come, engine, mail, more))
        dispatcher.kill()
        _let_claims_end(engine)
    start(LANTERN_ALERT_DIGEST_MINUTES="1")

    wait_until(lambda: all_sent(engine, 60), 2 * PATIENCE_S + 30)

    marks = {message["Message-ID"].strip("<>").partition("@")[0] for message in mail.mails}
    assert _digests(engine) <= marks
    with engine.connect() as connection:
        alone = sa.select(deliveries.c.id).where(
            deliveries.c.channel == "email", deliveries.c.digest.is_(None)
        )
        ids = connection.execute(alone).scalars().all()
    assert {f"alert-{each}" for each in ids} <= marks


def test_without_a_channel_it_says_that_it_is_not_ready(engine: Engine, start: Start) -> None:
    put(engine, 1)
    dispatcher = start(LANTERN_SMTP_HOST="", LANTERN_REQUIRE_APPROVAL="true")

    wait_until(lambda: b"alert.reached_nobody" in dispatcher.log.read_bytes())

    assert dispatcher.ready().status_code == 503
    assert b"dispatcher.no_channel" in dispatcher.log.read_bytes()


def test_the_demonstration_shows_what_it_sent(engine: Engine, start: Start) -> None:
    put(engine, 1)
    dispatcher = start(LANTERN_SMTP_HOST="")
    wait_until(lambda: all_sent(engine, 1))

    page = httpx.get(f"http://127.0.0.1:{dispatcher.port}/")

    assert "Lantern: immediate hand-off LN-0" in page.text
    assert "/escalations/find/LN-0" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    figures = httpx.get(f"http://127.0.0.1:{dispatcher.port}/metrics").text
    assert 'lantern_alerts_open{severity="immediate"} 1.0' in figures
