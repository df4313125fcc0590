"""A sender whose database fails in the middle of a batch: nothing is held up, or sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from staff.alerts import outcomes
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter, Notice
from staff.alerts.loops import Sender
from staff.alerts.outbox import deliveries
from staff.alerts.queue import Delivery, NotSentError
from staff.audit.trail import last_link, of_case
from staff.loops import Beats
from staff.rota.rota import EMAIL
from storage.engine import connect
from tests.records import Clock
from tests.unit.staff.alerts.conftest import ALERT, put, step

FULL = OperationalError("COMMIT", {}, Exception("database or disk is full"))


class Post:
    """A channel that notes what it sends, and does what a test wants after each message."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.bodies: list[str] = []
        self.refuses: set[str] = set()
        self.after: Callable[[], object] = lambda: None

    def send(self, delivery: Delivery, notice: Notice) -> None:
        self.sent += [each.alert.case_id for each in delivery.every]
        self.bodies.append(notice.body)
        self.after()
        if delivery.alert.case_id in self.refuses:
            raise NotSentError("no such address", refused=True)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def sender(engine: Engine, post: Post, words: AlertFormatter) -> Sender:
    return Sender(EMAIL, post, engine, words, Flood(most=5), Beats())


@pytest.fixture
def queued(rota: None, engine: Engine, clock: Clock) -> None:
    """Queue an email to Ann about each of three cases."""
    for number in (1, 2, 3):
        facts = {"case_id": f"c{number}", "reference": f"LN-{number}", "occasion": f"m{number}"}
        facts["sender"] = f"s{number}"
        put(engine, clock, replace(ALERT, **facts))
    step(engine, clock)


@contextmanager
def failing(engine: Engine, *, kept: bool = False) -> Iterator[None]:
    """Let every commit fail; if `kept`, only its answer is lost on the way."""

    def fail(connection: Any) -> None:
        if kept:
            connection.connection.commit()
        raise FULL

    sa.event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        sa.event.remove(engine, "commit", fail)


def rows(engine: Engine) -> list[tuple[str, int]]:
    with engine.connect() as connection:
        query = sa.select(deliveries.c.status, deliveries.c.attempts)
        found = connection.execute(query.where(deliveries.c.channel == EMAIL))
        return [(row.status, row.attempts) for row in found]


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("kept", [False, True])
def test_a_failure_after_the_first_message_holds_up_none_and_doubles_none(
    engine: Engine, sender: Sender, post: Post, kept: bool
) -> None:
    life = failing(engine, kept=kept)
    post.after = life.__enter__
    with pytest.raises(OperationalError):
        sender.once()
    with pytest.raises(OperationalError):
        sender.once()  # it is still away
    life.__exit__(None, None, None)
    post.after = lambda: None

    sender.once()

    assert sorted(post.sent) == ["c1", "c2", "c3"]
    assert rows(engine) == [("sent", 1)] * 3


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("kept", [False, True])
def test_a_claim_that_seemed_to_fail_holds_up_none(
    engine: Engine, sender: Sender, post: Post, kept: bool
) -> None:
    with failing(engine, kept=kept), pytest.raises(OperationalError):
        sender.once()

    sender.once()

    assert sorted(post.sent) == ["c1", "c2", "c3"]
    assert rows(engine) == [("sent", 1)] * 3


@pytest.mark.usefixtures("queued")
def test_a_refusal_whose_note_seemed_to_fail_is_on_the_trail_once(
    engine: Engine, sender: Sender, post: Post
) -> None:
    post.refuses = {"c1"}
    life = failing(engine, kept=True)
    post.after = life.__enter__
    with pytest.raises(OperationalError):
        sender.once()
    life.__exit__(None, None, None)
    post.after = lambda: None

    sender.once()

    for case in ("c1", "c2", "c3"):
        with engine.connect() as connection:
            whats = [link.event.what for link in of_case(connection, case)]
        assert whats == ["alerted", "alert not sent"]
    # The others are to the same address.
    assert post.sent == ["c1"]


@pytest.mark.usefixtures("queued")
def test_a_message_that_can_never_be_noted_is_not_sent_every_second(
    sender: Sender, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise IntegrityError("UPDATE", {}, Exception("refused"))

    monkeypatch.setattr(outcomes, "mark_sent", refuse)
    with pytest.raises(IntegrityError):
        sender.once()

    assert (sender.once(), post.sent) == (0, ["c1"])


@pytest.mark.usefixtures("queued")
def test_each_mail_shows_the_newest_link_of_that_moment(
    engine: Engine, sender: Sender, post: Post
) -> None:
    with engine.connect() as connection:
        number, link = last_link(connection)

    sender.once()

    assert number == 3
    shown = f"For checking the audit trail later: 3:{link[:16]}\n"
    assert [body.endswith(shown) for body in post.bodies] == [True] * 3


@contextmanager
def held_trail(engine: Engine) -> Iterator[None]:
    """Let nobody read the trail: on PostgreSQL another locks it for ever, on SQLite it is away."""
    if engine.dialect.name != "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO away")
        yield
        return
    patient = connect(engine.url.render_as_string(hide_password=False), answer_s=None)
    with patient.begin() as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        yield
    patient.dispose()


@pytest.fixture
def without_limits(engine: Engine) -> Engine:
    """Let the server wait as long as a statement wants to."""
    engine.dispose()
    if engine.dialect.name == "postgresql":

        @sa.event.listens_for(engine, "connect")
        def _wait(connection: Any, _record: object) -> None:
            connection.execute("SET lock_timeout = 0")
            connection.execute("SET statement_timeout = 0")
            connection.commit()

    return engine


@pytest.mark.usefixtures("queued")
def test_a_trail_that_cannot_be_read_holds_up_no_mail(
    without_limits: Engine, sender: Sender, post: Post
) -> None:
    with held_trail(without_limits):
        sending = threading.Thread(target=sender.once, daemon=True)
        sending.start()
        sending.join(30.0)

        assert not sending.is_alive()
        assert sorted(post.sent) == ["c1", "c2", "c3"]

    assert rows(without_limits) == [("sent", 1)] * 3
    assert ["audit trail" in body for body in post.bodies] == [False] * 3
