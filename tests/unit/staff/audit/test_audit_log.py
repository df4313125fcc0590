"""The audit log finds events by account, kind, case and time, newest first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from staff.audit.audit_log import AuditLog, EventFilter, client_digest
from staff.audit.audit_log import main as print_client
from tests.commands import run
from tests.records import NOON, Clock


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
    assert run(print_client, "203.0.113.7").stdout == f"{digest}\n"
