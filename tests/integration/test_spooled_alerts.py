"""The database is away, and staff are told that messages wait: real dispatchers, real faults.

What the gateway would spool is kept by the real spool. PostgreSQL hangs behind a proxy that goes on
accepting connections; SQLite is locked by another process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import NOT_ASSESSED, Escalation
from safeguarding.taxonomy import Severity
from staff.cases.tables import cases
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from tests.databases import database_on
from tests.fakes.freezing_proxy import FreezingProxy
from tests.fakes.plain_engine import DISCLOSES
from tests.integration.test_dispatcher import Dispatcher, wait_until
from tests.peers import MailServer, Receiver
from tests.records import PASSWORD, WORDS, accounts_on, assessment, escalation, vault

ANN = "ann@example.org"
TEAM = "team@example.org"
CANNOT_BE_OPENED = "hand-offs cannot be opened yet"


@dataclass
class Outage:
    """An installation whose database can be taken away, and the dispatchers that run on it."""

    url: str
    engine: Engine
    """Reaches the database also while it is away for the dispatchers."""
    folder: Path
    mail: MailServer
    away: Callable[[], Any]
    """Makes a context in which the database is away."""
    running: list[Dispatcher] = field(default_factory=list)

    def start(self, module: str = "staff.dispatcher", **more: str) -> Dispatcher:
        env = {"LANTERN_ALERT_TEAM_EMAIL": TEAM} | more
        made = Dispatcher(self.url, self.folder, self.mail.port, module=module, **env)
        self.running.append(made)
        return made

    def keep(self, number: int, severity: Severity = Severity.IMMEDIATE, prefix: str = "m") -> None:
        """Keep messages in the spool that have waited for a minute."""
        self._keep(
            escalation(
                f"{prefix}{n}", conversation_id=f"c-{prefix}{n}", assessment=assessment(severity)
            )
            for n in range(number)
        )

    def keep_unassessed(self, *texts: str) -> None:
        """Keep messages that no one has assessed, likewise."""
        late: dict[str, Any] = {"assessment": NOT_ASSESSED, "extra": {"screening": "late"}}
        self._keep(
            escalation(f"n{n}", conversation_id=f"c-n{n}", text=text, **late)
            for n, text in enumerate(texts)
        )

    def _keep(self, messages: Iterable[Escalation]) -> None:
        spool = Spool(self.folder / "spool", vault())
        before = {each.name for each in spool.listed()}
        for message in messages:
            spool.keep(message)
        a_minute_ago = time.time() - 60
        for each in spool.listed():
            if each.name not in before:
                os.utime(self.folder / "spool" / each.name, (a_minute_ago, a_minute_ago))

    def drain(self) -> None:
        """Record what waits, as a gateway does."""
        Spool(self.folder / "spool", vault()).drain(HandoffMailbox(self.engine, vault()))

    def subjects(self, to: str) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mail.mails if mail["To"] == to]

    @property
    def kept_rota(self) -> Path:
        return self.folder / "kept-rota"


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Hold the write lock of a SQLite database: it can be read, and nothing is recorded."""
    with engine.begin():
        yield


@contextmanager
def frozen(proxy: FreezingProxy) -> Iterator[None]:
    proxy.freeze()
    try:
        yield
    finally:
        proxy.thaw()


@pytest.fixture
def through_proxy(postgres: URL, postgres_template: str) -> Iterator[tuple[str, str, Any]]:
    """Address of a database through a proxy, and its own; what freezes the proxy."""
    with database_on(postgres, postgres_template) as url:
        proxy = FreezingProxy(url.host or "127.0.0.1", url.port or 5432)
        through = url.set(host="127.0.0.1", port=proxy.port)
        try:
            direct = url.render_as_string(hide_password=False)
            yield through.render_as_string(hide_password=False), direct, lambda: frozen(proxy)
        finally:
            proxy.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    """Ann is on duty, and reached by email."""
    if request.param == "sqlite":
        url = direct = request.getfixturevalue("sqlite_url")
        engine = connect(direct)
        away: Callable[[], Any] = lambda: locked(engine)  # noqa: E731
    else:
        url, direct, away = request.getfixturevalue("through_proxy")
        engine = connect(direct)
    with MailServer() as mail:
        made = Outage(url, engine, tmp_path, mail, away)
        put_on_duty(engine)
        try:
            yield made
        finally:
            for each in made.running:
                each.kill()
            engine.dispose()


def put_on_duty(engine: Engine) -> None:
    member = accounts_on(engine).add("ann", PASSWORD)
    day = timedelta(days=1)
    shift = Shift(member.id, ShiftKind.ON_DUTY, utc_now() - day, utc_now() + day)
    with engine.begin() as connection:
        set_contact_preferences(connection, ContactPreferences(member.id, ANN))
        add_shifts(connection, [shift])


def has_started(dispatcher: Dispatcher) -> bool:
    return b"dispatcher.started" in dispatcher.log.read_bytes()


def text_of(mail: MailServer) -> str:
    return "\n".join(each.as_string() for each in mail.mails)


def test_staff_are_told_once_of_what_waits_and_the_usual_alerts_follow(outage: Outage) -> None:
    dispatcher = outage.start()
    wait_until(outage.kept_rota.exists)
    wait_until(lambda: dispatcher.ready().status_code == 200)
    with outage.away():
        outage.keep(3)
        outage.keep(1, Severity.URGENT, "u")
        outage.keep(2, Severity.CONCERN, "c")
        wait_until(lambda: outage.subjects(ANN))
        state = dispatcher.ready()
        figures = httpx.get(f"http://127.0.0.1:{dispatcher.port}/metrics", timeout=5.0).text
        time.sleep(4)  # several rounds

    assert outage.subjects(ANN) == [f"Lantern: immediate {CANNOT_BE_OPENED} (4)"]
    assert "3 immediate, 1 urgent" in text_of(outage.mail).replace("=\n", "")
    assert (state.status_code, state.json()["database"]) == (503, "down")
    assert state.json()["spool"] == {
        "none": 0,
        "concern": 2,
        "urgent": 1,
        "immediate": 3,
        "not_assessed": 0,
    }
    assert state.json()["spool_late_s"] >= 60
    assert 'lantern_spooled{severity="immediate"} 3.0' in figures
    assert "lantern_dispatcher_database_up 0.0" in figures

    outage.drain()

    # The second and third immediate ones look like the first: they come together a minute later.
    wait_until(lambda: sum("LN-" in each for each in outage.subjects(ANN)) == 4)
    wait_until(lambda: any("2 more immediate" in each for each in outage.subjects(ANN)), 100.0)
    wait_until(lambda: dispatcher.ready().status_code == 200)
    assert sum(CANNOT_BE_OPENED in each for each in outage.subjects(ANN)) == 1
    assert WORDS not in text_of(outage.mail)
    assert WORDS.encode() not in dispatcher.log.read_bytes()
    assert dispatcher.stop() == 0


def test_what_nobody_assessed_is_assessed_in_the_spool_and_staff_are_told_of_what_it_says(
    outage: Outage,
) -> None:
    dispatcher = outage.start("tests.fakes.plain_dispatcher")
    wait_until(outage.kept_rota.exists)
    wait_until(lambda: dispatcher.ready().status_code == 200)
    told = f"my uncle keeps {DISCLOSES}"
    with outage.away():
        outage.keep_unassessed("what is grooming", told, "are you a robot", f"{told} again")
        wait_until(lambda: outage.subjects(ANN))
        wait_until(lambda: dispatcher.ready().json()["spool"]["not_assessed"] == 0)
        state = dispatcher.ready().json()

    assert outage.subjects(ANN) == [f"Lantern: urgent {CANNOT_BE_OPENED} (2)"]
    assert "2 urgent" in text_of(outage.mail).replace("=\n", "")
    assert state["spool"]["none"] == state["spool"]["urgent"] == 2

    outage.drain()

    wait_until(lambda: sum("LN-" in each for each in outage.subjects(ANN)) == 2)
    wait_until(lambda: dispatcher.ready().status_code == 200)
    with outage.engine.connect() as connection:
        recorded = dict(connection.execute(sa.select(cases.c.id, cases.c.severity)).tuples().all())
    assert recorded == {"c-n1": Severity.URGENT, "c-n3": Severity.URGENT}
    logged = dispatcher.log.read_text()
    assert not any(
        words in logged or words in text_of(outage.mail) for words in (DISCLOSES, "robot")
    )
    assert dispatcher.stop() == 0


def test_a_dispatcher_that_starts_during_the_outage_knows_who_is_on_duty(outage: Outage) -> None:
    first = outage.start()
    wait_until(outage.kept_rota.exists)
    first.kill()
    with outage.away():
        second = outage.start()
        wait_until(lambda: has_started(second))
        outage.keep(1)
        wait_until(lambda: outage.subjects(ANN))

    assert outage.subjects(ANN) == [f"Lantern: immediate {CANNOT_BE_OPENED} (1)"]
    assert ANN.encode() not in outage.kept_rota.read_bytes()
    assert outage.kept_rota.stat().st_mode & 0o777 == 0o600


def test_started_again_and_again_it_does_not_tell_staff_each_time(outage: Outage) -> None:
    first = outage.start()
    wait_until(outage.kept_rota.exists)
    with outage.away():
        outage.keep(1)
        wait_until(lambda: outage.subjects(ANN))
        time.sleep(2)
        first.kill()
        second = outage.start()
        wait_until(lambda: has_started(second))
        time.sleep(20)  # longer than the turn of the killed one lasts

    assert outage.subjects(ANN) == [f"Lantern: immediate {CANNOT_BE_OPENED} (1)"]


def test_of_two_dispatchers_one_tells_staff(outage: Outage) -> None:
    pair = outage.start(), outage.start()
    wait_until(lambda: all(map(has_started, pair)))
    wait_until(outage.kept_rota.exists)
    with outage.away():
        outage.keep(2)
        wait_until(lambda: outage.subjects(ANN))
        time.sleep(4)

    assert outage.subjects(ANN) == [f"Lantern: immediate {CANNOT_BE_OPENED} (2)"]


# A locked SQLite is read all the same, and the rota with it.
@pytest.mark.parametrize("outage", ["postgresql"], indirect=True)
def test_where_no_rota_was_ever_read_the_team_is_told(outage: Outage) -> None:
    with Receiver() as receiver, outage.away():
        dispatcher = outage.start(
            LANTERN_WEBHOOK_URL=receiver.url, LANTERN_WEBHOOK_KEY="a key of the webhook"
        )
        outage.keep(1)
        wait_until(lambda: outage.subjects(TEAM) and receiver.posts)

    assert outage.subjects(TEAM) == [f"Lantern: immediate {CANNOT_BE_OPENED} (1)"]
    ((_path, _headers, body),) = receiver.posts
    assert CANNOT_BE_OPENED.encode() in body
    assert b"dispatcher.hangs" not in dispatcher.log.read_bytes()
