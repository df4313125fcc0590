"""Alerts wait in the outbox once each, until a person acknowledges them."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.alerts.outbox import SUPERSEDED, Alert, acknowledge, alerts, forget, raise_alert
from tests.records import NOON

NEW = Alert("c1", "LN-ABCD-EFGH", Severity.CONCERN, "unclear", "grooming", NOON, "new")
RAISED = replace(NEW, severity=Severity.IMMEDIATE, reason="raised")


def ended(engine: Engine) -> list[tuple[int, str | None]]:
    query = sa.select(alerts.c.severity, alerts.c.ended_by).order_by(alerts.c.id)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_the_same_alert_waits_once(engine: Engine) -> None:
    for _ in range(2):
        with engine.begin() as connection:
            raise_alert(connection, NEW, NOON)

    assert ended(engine) == [(1, None)]


def test_an_alert_is_rolled_back_with_its_transaction(engine: Engine) -> None:
    with engine.begin() as connection:
        raise_alert(connection, NEW, NOON)
        connection.rollback()

    assert ended(engine) == []


def test_a_graver_alert_takes_the_place_of_the_one_before(engine: Engine) -> None:
    with engine.begin() as connection:
        assert raise_alert(connection, NEW, NOON)
        assert raise_alert(connection, RAISED, NOON)

    assert ended(engine) == [(1, SUPERSEDED), (3, None)]


def test_the_same_alert_again_ends_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        raise_alert(connection, NEW, NOON)
        raise_alert(connection, RAISED, NOON)
        assert not raise_alert(connection, NEW, NOON)

    assert ended(engine)[1] == (3, None)


def test_each_reopening_alerts_again(engine: Engine) -> None:
    with engine.begin() as connection:
        for message in ("m1", "m2"):
            again = replace(NEW, reason="reopened", occasion=message)
            assert raise_alert(connection, again, NOON)


def test_acknowledging_a_case_ends_its_alerts_and_no_others(engine: Engine) -> None:
    with engine.begin() as connection:
        raise_alert(connection, NEW, NOON)
        raise_alert(connection, replace(NEW, case_id="c2"), NOON)
        assert acknowledge(connection, "c1", "ann", NOON) == 1
        assert acknowledge(connection, "c1", "bob", NOON) == 0

    assert ended(engine) == [(1, "ann"), (1, None)]


def test_what_is_forgotten_leaves_no_alert(engine: Engine) -> None:
    with engine.begin() as connection:
        raise_alert(connection, NEW, NOON)
        assert forget(connection, "c1") == 1

    assert ended(engine) == []
