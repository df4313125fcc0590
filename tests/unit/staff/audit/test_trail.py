"""The trail is chained, guarded by the database, and searched by account, kind, case and time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from safeguarding.taxonomy import ROOT
from staff.audit.commands import audit_client
from staff.audit.trail import (
    FIRST_LINK,
    AuditLog,
    Event,
    EventFilter,
    append,
    append_all,
    audit_events,
    client_digest,
    link_of,
    of_case,
    walk,
)
from staff.audit.verify import verify
from storage.engine import READING
from tests.commands import run
from tests.records import NOON, Clock

VIEWED = Event(NOON, "ann", "viewed", "c1", "m1", {"exposure": 2, "severity": "urgent"})
APPENDS = """
import sys
from staff.audit.trail import Event, append
from safeguarding.clock import utc_now
from storage.engine import connect

engine = connect(sys.argv[1])
for number in range(int(sys.argv[2])):
    with engine.begin() as connection:
        append(connection, Event(utc_now(), sys.argv[3], "viewed", detail={"number": number}))
"""


def whole(engine: Engine) -> bool:
    with engine.connect().execution_options(**READING) as connection:
        return verify(connection).broken is None


def test_what_is_appended_is_read_again(engine: Engine) -> None:
    summer = datetime(2026, 7, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    events = [VIEWED, Event(summer, "gateway", "recorded"), replace(VIEWED, case_id="c2")]

    with engine.begin() as connection:
        assert [append(connection, event) for event in events] == [1, 2, 3]

    with engine.connect() as connection:
        assert [link.event for link in walk(connection)] == events
        assert [link.event for link in walk(connection, after=2)] == events[2:]
        assert [link.id for link in of_case(connection, "c1", "c2")] == [1, 3]
    assert whole(engine)


def test_several_are_appended_in_order(engine: Engine) -> None:
    with engine.begin() as connection:
        assert append_all(connection, []) == 0
        assert append_all(connection, [replace(VIEWED, who=who) for who in "abc"]) == 3
        assert append_all(connection, []) == 3

    with engine.connect() as connection:
        assert [link.event.who for link in walk(connection)] == ["a", "b", "c"]
    assert whole(engine)


@pytest.mark.parametrize(
    "detail",
    [
        {"nested": {"b": [1, 2.5, None, True], "a": "é\u2028"}, "z": 10**15},
        {"odd": "half an emoji \ud83d, a NUL \x00, a quote '; DROP TABLE audit_events"},
    ],
)
def test_every_detail_that_json_can_hold_keeps_its_link(
    engine: Engine, detail: dict[str, object]
) -> None:
    with engine.begin() as connection:
        append(connection, replace(VIEWED, detail=detail))

    with engine.connect() as connection:
        assert next(walk(connection)).event.detail == detail
    assert whole(engine)


def test_an_event_goes_with_the_transaction_it_is_part_of(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        append(connection, VIEWED)
        transaction.rollback()

    with engine.begin() as connection:
        assert append(connection, VIEWED) == 1


def test_an_event_without_a_time_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="time zone"), engine.begin() as connection:
        append(connection, replace(VIEWED, at=datetime(2026, 7, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "other",
    [
        replace(VIEWED, at=NOON + timedelta(microseconds=1)),
        replace(VIEWED, who="bob"),
        replace(VIEWED, what="revealed"),
        replace(VIEWED, case_id=None),
        replace(VIEWED, message_id="c1", case_id="m1"),
        replace(VIEWED, detail={"exposure": "2", "severity": "urgent"}),
    ],
)
def test_the_link_depends_on_every_fact(other: Event) -> None:
    assert link_of(FIRST_LINK, 1, other) != link_of(FIRST_LINK, 1, VIEWED)


def test_the_link_depends_on_number_and_predecessor_and_not_on_the_time_zone() -> None:
    here = replace(VIEWED, at=NOON.astimezone(timezone(timedelta(hours=5))))

    assert link_of(FIRST_LINK, 1, here) == link_of(FIRST_LINK, 1, VIEWED)
    assert link_of(FIRST_LINK, 2, VIEWED) != link_of(FIRST_LINK, 1, VIEWED)
    assert link_of("1" * 64, 1, VIEWED) != link_of(FIRST_LINK, 1, VIEWED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET who = 'nobody' WHERE id = 1",
        "UPDATE audit_events SET detail = detail",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE id = 2",
    ],
)
def test_the_database_refuses_to_change_the_trail(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        append_all(connection, [VIEWED, VIEWED])

    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert _count(engine) == 2
    assert whole(engine)


def test_the_database_refuses_to_replace_or_to_empty_the_trail(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, VIEWED)
    if engine.dialect.name == "postgresql":
        statement = "TRUNCATE audit_events"
    else:
        columns = "id, at, who, what, case_id, message_id, detail, link"
        statement = (
            f"INSERT OR REPLACE INTO audit_events ({columns}) "  # noqa: S608 - columns of ours
            "SELECT id, at, 'nobody', what, case_id, message_id, detail, link FROM audit_events"
        )

    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert whole(engine)


def test_processes_that_append_at_once_leave_no_gap(engine: Engine, database_url: str) -> None:
    each = 60
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPENDS, database_url, str(each), name],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]

    failures = [writer.communicate()[1].decode() for writer in writers]

    assert failures == ["", ""]
    assert _count(engine) == 2 * each
    assert whole(engine)


@pytest.fixture
def kept(engine: Engine) -> AuditLog:
    clock = Clock()
    log = AuditLog(engine, clock)
    log.add("ann", "signed in")
    log.add("ann", "viewed", case_id="c1", message_id="m1")
    clock.move(days=1)
    log.add("visitor", "sign-in refused", detail={"account": "ann"})
    log.add("bob", "viewed", case_id="c2")
    return log


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (EventFilter(), [4, 3, 2, 1]),
        (EventFilter(who="ann"), [3, 2, 1]),
        (EventFilter(who="bob"), [4]),
        (EventFilter(what="viewed"), [4, 2]),
        (EventFilter(about=("c1",)), [2]),
        (EventFilter(about=("m1", "c2")), [4, 2]),
        (EventFilter(since=NOON + timedelta(seconds=1)), [4, 3]),
        (EventFilter(until=NOON + timedelta(days=1)), [2, 1]),
        (EventFilter(who="ann", what="viewed", since=NOON, until=NOON + timedelta(days=2)), [2]),
        (EventFilter(who="' OR 1=1 --"), []),
    ],
)
def test_finds_what_is_asked_for(kept: AuditLog, wanted: EventFilter, numbers: list[int]) -> None:
    assert [link.id for link in kept.newest(wanted, limit=9)] == numbers


def test_continues_where_the_last_page_ended(kept: AuditLog) -> None:
    assert [link.id for link in kept.newest(EventFilter(), limit=2)] == [4, 3]
    assert [link.id for link in kept.newest(EventFilter(), before=3, limit=2)] == [2, 1]


def test_names_each_kind_once(kept: AuditLog) -> None:
    assert kept.kinds() == ["sign-in refused", "signed in", "viewed"]


def test_a_client_is_named_by_a_keyed_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "k" * 32
    digest = client_digest("203.0.113.7", key)

    assert len(digest) == 16
    assert digest == client_digest("::ffff:203.0.113.7", key)
    assert client_digest("2001:db8::1", key) == client_digest("2001:DB8:0:0::1", key)
    assert client_digest("203.0.113.7", "other") != digest != client_digest("203.0.113.8", key)
    monkeypatch.setenv("LANTERN_TOKEN_KEY", key)
    assert run(audit_client, "203.0.113.7").stdout == f"{digest}\n"


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        count: int = connection.execute(
            sa.select(sa.func.count()).select_from(audit_events)
        ).scalar_one()
        return count
