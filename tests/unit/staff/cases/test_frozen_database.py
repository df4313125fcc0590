"""A PostgreSQL that freezes in the middle of a search or a notice: each ends in time, and goes on.

Nothing that is connected to it is closed: it looks like a frozen host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import chain, repeat

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import OperationalError

from safeguarding.clock import LONDON
from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.alerts.channels.channel import Channel
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery
from staff.cases import likeness, word_search
from staff.cases.case import CaseEvent
from staff.cases.cases import CaseFilter, Cases
from staff.cases.casework import Casework
from staff.cases.likeness import LikenessSearch
from staff.cases.task_notices import TaskNoticePhrases, TaskNotices
from staff.cases.word_search import WordSearch
from staff.loops import Beats
from staff.rota.rota import ContactPreferences, set_contact_preferences
from storage.engine import connect
from tests.databases import database_on
from tests.fakes.freezing_proxy import FreezingProxy
from tests.records import Clock, EscalationLog, escalation, vault

ANSWER_S = 0.6
"""Seconds that a statement may take here."""
ENDS_S = 8.0
"""One statement, and the time in which the pool finds that it cannot connect anew."""
MORNING = datetime(2026, 11, 25, 9, 30, tzinfo=LONDON)
LATE = date(2026, 11, 24)
ANY = CaseFilter(status=None)


@pytest.fixture
def database_url(postgres: URL, postgres_template: str) -> Iterator[str]:
    """Make a database of PostgreSQL alone: SQLite has no server that could freeze."""
    with database_on(postgres, postgres_template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def proxy(engine: Engine) -> Iterator[FreezingProxy]:
    proxy = FreezingProxy(engine.url.host or "127.0.0.1", engine.url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def through(engine: Engine, proxy: FreezingProxy) -> Iterator[Engine]:
    """Connect to the database through the proxy."""
    url = engine.url.set(host="127.0.0.1", port=proxy.port)
    made = connect(url.render_as_string(hide_password=False), answer_s=ANSWER_S)
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def seven(log: EscalationLog) -> None:
    """Put seven cases with the same words on record."""
    for number in range(7):
        case_id = f"c{number}"
        log.record(escalation(f"m{number}", conversation_id=case_id, text="a pelican"))


def freezing_at(call: int, proxy: FreezingProxy) -> Callable[[], float]:
    """Return a timer by which no time passes, and which freezes the server at one of its calls."""
    calls = chain(repeat(False, call - 1), [True], repeat(False))

    def timer() -> float:
        if next(calls):
            proxy.freeze()
        return 0.0

    return timer


def assert_ends_and_works_again(search: Callable[[], int], proxy: FreezingProxy) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError):
        search()
    # The next one asks on a new connection, and is told so as well.
    with pytest.raises(OperationalError):
        search()
    assert time.monotonic() - began < 2 * ENDS_S

    proxy.thaw()
    assert search() == 7


@pytest.mark.parametrize("call", [1, 2])
def test_a_search_for_words_ends_and_finds_all_afterwards(
    proxy: FreezingProxy, through: Engine, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    monkeypatch.setattr(word_search, "BATCH", 2)
    searches = WordSearch(through, vault(), freezing_at(call, proxy))

    assert_ends_and_works_again(lambda: len(searches.search("pelican", ANY).hits), proxy)


@pytest.mark.parametrize("call", [1, 2])
def test_a_search_for_cases_that_are_alike_ends_and_finds_all_afterwards(
    proxy: FreezingProxy, through: Engine, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    monkeypatch.setattr(likeness, "_BATCH", 2)
    searches = LikenessSearch(through, vault(), freezing_at(call, proxy))

    assert_ends_and_works_again(lambda: len(searches.like("c0", None).found) + 1, proxy)


class FreezingChannel(Channel):
    """Sends nothing anywhere, and freezes the server as it sends a message."""

    def __init__(self, freeze: Callable[[], None]) -> None:
        self.sent: list[str] = []
        self._freeze = freeze

    def send(self, delivery: Delivery, notice: Notice) -> None:
        self._freeze()
        self.sent.append(str(delivery.email))


@pytest.fixture
def task(engine: Engine, casework: Casework, ann: str) -> str:
    """Give Ann, who has an address, a task that is overdue; return her id."""
    with engine.begin() as connection:
        set_contact_preferences(connection, ContactPreferences(ann, "ann@example.org"))
    casework.add_action("c1", "Ring the school.", LATE, by=ann, given_to=ann)
    return ann


def notices(engine: Engine, channel: Channel, clock: Clock) -> TaskNotices:
    say = read_phrases(CONTENT / "phrases").of("task_notices", TaskNoticePhrases)
    return TaskNotices(
        engine, channel, say, "https://x.example", Beats(), has_team_mailbox=False, now=clock
    )


def told(cases: Cases) -> list[list[str]]:
    events = [link.event for link in cases.whole("c1").history]
    return [e.detail["told"] for e in events if e.what == CaseEvent.ACTION_OVERDUE.value]


def test_a_notice_that_was_sent_is_put_on_record_later_and_not_sent_again(
    proxy: FreezingProxy, through: Engine, cases: Cases, task: str
) -> None:
    channel = FreezingChannel(proxy.freeze)
    loop = notices(through, channel, Clock(MORNING))
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(OperationalError):
            loop.once()
    assert time.monotonic() - began < 2 * ENDS_S
    assert (channel.sent, told(cases)) == (["ann@example.org"], [])

    proxy.thaw()
    assert (loop.once(), loop.once()) == (0, 0)

    assert (channel.sent, told(cases)) == (["ann@example.org"], [[task]])


def test_a_task_that_was_claimed_and_told_to_none_is_told_when_the_server_is_back(
    proxy: FreezingProxy, through: Engine, cases: Cases, task: str
) -> None:
    channel = FreezingChannel(lambda: None)
    loop = notices(through, channel, Clock(MORNING))
    # The first connection finds the task, and the second claims it.
    connections = iter([False, False, True])

    def freeze(*_: object) -> None:
        if next(connections, False):
            proxy.freeze()

    sa.event.listen(through.pool, "checkout", freeze)
    with pytest.raises(OperationalError):
        loop.once()
    assert channel.sent == []

    proxy.thaw()
    assert (loop.once(), loop.once()) == (1, 0)

    assert (channel.sent, told(cases)) == (["ann@example.org"], [[task]])
