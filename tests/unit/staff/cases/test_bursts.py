"""A burst is one row of the queue, and no case of it is lost from lists, counts or searches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import SENDER
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.alerts.outbox import alerts
from staff.cases.bursts import MOST_SHOWN, CaseBursts, QueueRow
from staff.cases.cases import CaseFilter, Cases
from staff.cases.casework import Casework
from staff.cases.tables import cases as case_rows
from tests.records import NOON, PASSWORD, EscalationLog, assessment, escalation, log_on, vault

IMMEDIATE = assessment(Severity.IMMEDIATE)
OPEN = CaseFilter()


@pytest.fixture
def log(engine: Engine) -> EscalationLog:
    return log_on(engine)


@pytest.fixture
def bursts(engine: Engine) -> CaseBursts:
    return CaseBursts(engine)


@pytest.fixture
def cases(engine: Engine) -> Cases:
    return Cases(engine, vault())


@pytest.fixture
def ann(accounts: StaffAccounts) -> Staff:
    return accounts.add("ann", PASSWORD)


def come(log: EscalationLog, *case_ids: str, **changes: Any) -> None:
    """Cases that look alike come one after the other, four seconds apart."""
    for index, case_id in enumerate(case_ids):
        facts = {"conversation_id": case_id, "raised_at": NOON + timedelta(seconds=4 * index)}
        usual = escalation(f"message-{case_id}", assessment=IMMEDIATE, extra={SENDER: "ab12"})
        log.record(replace(usual, **facts | changes))


def shown(bursts: CaseBursts, which: CaseFilter = OPEN) -> list[QueueRow]:
    return bursts.rows(which, offset=0, limit=25)


def ids(rows: list[QueueRow]) -> list[str]:
    return [row.case.id for row in rows]


def many(number: int) -> list[str]:
    return [f"c{index:03}" for index in range(number)]


def test_a_burst_is_one_row_where_its_first_case_would_stand(
    log: EscalationLog, bursts: CaseBursts, cases: Cases
) -> None:
    come(log, "before", raised_at=NOON - timedelta(hours=1), area="kent")
    come(log, *many(40))
    come(log, "after", raised_at=NOON + timedelta(hours=1))
    come(log, "lesser", assessment=assessment(Severity.URGENT))

    rows = shown(bursts)

    assert ids(rows) == ["before", "c000", "after", "lesser"]
    assert [row.burst is not None for row in rows] == [False, True, False, False]
    burst = rows[1].burst
    assert burst is not None
    assert (burst.number, burst.unassigned) == (40, 40)
    assert (burst.first_at, burst.newest_at) == (NOON, NOON + timedelta(seconds=156))
    assert [case.id for case in burst.cases] == many(40)[:MOST_SHOWN]
    assert bursts.count(OPEN, at_most=1000) == 4
    assert cases.count(OPEN) == 43


def test_the_cases_of_a_burst_are_on_a_list_of_their_own_and_are_found(
    log: EscalationLog, bursts: CaseBursts, cases: Cases
) -> None:
    come(log, *many(40))
    [row] = shown(bursts)
    assert row.burst is not None

    own = cases.queue(CaseFilter(burst=row.burst.id), limit=None)

    assert [case.id for case in own] == many(40)
    assert cases.of_reference(own[33].reference).id == "c033"


def test_two_that_look_alike_stand_one_by_one(log: EscalationLog, bursts: CaseBursts) -> None:
    come(log, "one", "two")

    rows = shown(bursts)

    assert ids(rows) == ["one", "two"]
    assert [row.burst for row in rows] == [None, None]


@pytest.mark.parametrize(
    "other",
    [{"extra": {SENDER: "cd34"}}, {"area": "kent"}, {"assessment": assessment(Severity.URGENT)}],
)
def test_a_case_that_does_not_look_like_them_stands_alone(
    log: EscalationLog, bursts: CaseBursts, other: dict[str, Any]
) -> None:
    come(log, *many(5))
    come(log, "child", **other)

    assert set(ids(shown(bursts))) == {"c000", "child"}


def test_only_what_matches_counts_and_another_case_stands_for_those_that_do_not(
    log: EscalationLog, bursts: CaseBursts, engine: Engine, ann: Staff
) -> None:
    come(log, *many(6))
    closed = sa.update(case_rows).where(case_rows.c.id.in_(["c000", "c003"]))
    with engine.begin() as connection:
        connection.execute(closed.values(status="closed", closed_at=NOON))
    Casework(engine, vault(), lambda: NOON).assign("c001", ann.id, by=ann.id)

    [row] = shown(bursts)
    assert row.burst is not None
    assert (row.case.id, row.burst.number, row.burst.unassigned) == ("c001", 4, 3)
    assert [case.id for case in row.burst.cases] == ["c001", "c002", "c004", "c005"]
    [mine] = shown(bursts, CaseFilter(assigned_to=ann.id))
    assert (mine.case.id, mine.burst) == ("c001", None)


def test_readers_of_another_area_see_none_of_it(log: EscalationLog, bursts: CaseBursts) -> None:
    come(log, *many(5))

    assert shown(bursts, CaseFilter(areas=frozenset({"kent"}))) == []
    [row] = shown(bursts, CaseFilter(areas=frozenset({"wiltshire"})))
    assert row.burst is not None


def test_a_case_that_becomes_more_severe_stands_alone(
    log: EscalationLog, bursts: CaseBursts
) -> None:
    urgent = assessment(Severity.URGENT)
    come(log, *many(5), assessment=urgent)
    worse = escalation("worse", conversation_id="c002", assessment=IMMEDIATE, raised_at=NOON)
    log.record(replace(worse, extra={SENDER: "ab12"}))

    assert ids(shown(bursts)) == ["c002", "c000"]


def test_each_row_is_on_one_page(log: EscalationLog, bursts: CaseBursts) -> None:
    for number in range(7):
        come(log, f"alone{number}", raised_at=NOON - timedelta(hours=1 + number))
    come(log, *many(9))

    pages = [ids(bursts.rows(OPEN, offset=offset, limit=3)) for offset in (0, 3, 6)]

    assert [len(page) for page in pages] == [3, 3, 2]
    assert len({*pages[0], *pages[1], *pages[2]}) == 8


def test_the_case_does_not_keep_its_sender(log: EscalationLog, engine: Engine) -> None:
    come(log, "c1", extra={SENDER: "ab12", "fallback": "rasa-timeout"})

    kept = Cases(engine, vault()).whole("c1").messages[0]
    with engine.connect() as connection:
        sender = connection.execute(sa.select(alerts.c.sender)).scalar_one()
        burst = connection.execute(sa.select(case_rows.c.burst)).scalar_one()
        alert = connection.execute(sa.select(alerts.c.id)).scalar_one()
    assert kept.extra == {"fallback": "rasa-timeout"}
    assert (sender, burst) == ("ab12", alert)


def test_the_same_message_from_another_sender_changes_nothing(log: EscalationLog) -> None:
    come(log, "c1")
    again = escalation("message-c1", assessment=IMMEDIATE, extra={SENDER: "cd34"}, raised_at=NOON)

    assert not log.record(again)
