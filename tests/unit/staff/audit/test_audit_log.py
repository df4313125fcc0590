"""The trail is found by who, what, case and time, the newest first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from staff.audit import audit_log
from staff.audit.audit_log import AuditLog, Wanted
from staff.audit.clients import client_digest
from staff.audit.clients import main as print_client
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
        (Wanted(), [4, 3, 2, 1]),
        (Wanted(who="ann"), [3, 2, 1]),
        (Wanted(who="bob"), [4]),
        (Wanted(what="viewed"), [4, 2]),
        (Wanted(about=("c1",)), [2]),
        (Wanted(about=("m1", "c2")), [4, 2]),
        (Wanted(since=NOON + timedelta(seconds=1)), [4, 3]),
        (Wanted(until=NOON + timedelta(days=1)), [2, 1]),
        (Wanted(who="ann", what="viewed", since=NOON, until=NOON + timedelta(days=2)), [2]),
        (Wanted(who="' OR 1=1 --"), []),
    ],
)
def test_finds_what_is_asked_for(kept: AuditLog, wanted: Wanted, numbers: list[int]) -> None:
    assert [link.id for link in kept.newest(wanted, limit=9)] == numbers


def test_goes_on_where_the_last_page_ended(kept: AuditLog) -> None:
    assert [link.id for link in kept.newest(Wanted(), limit=2)] == [4, 3]
    assert [link.id for link in kept.newest(Wanted(), before=3, limit=2)] == [2, 1]


def test_every_event_comes_once_however_large_a_batch(
    kept: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_BATCH", 3)

    assert [link.id for link in kept.every(Wanted())] == [4, 3, 2, 1]


def test_names_each_kind_once(kept: AuditLog) -> None:
    assert kept.kinds() == ["sign-in refused", "signed in", "viewed"]


def test_a_machine_is_named_by_a_digest_that_only_the_key_can_make(
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
