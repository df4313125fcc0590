"""A hundred thousand cases: the first page of the queue is read in the order of its index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.cases.bursts import rows_in_order
from staff.cases.case import reference_of
from staff.cases.cases import CaseFilter, Cases, in_order
from staff.cases.tables import cases
from storage.engine import connect
from tests.records import NOON, vault

MANY = 100_000
AT_ONCE = 5_000


def rows(number: int) -> Iterator[dict[str, Any]]:
    """Cases of all kinds; nine of ten are closed."""
    for each in range(number):
        at, case_id = NOON - timedelta(minutes=each), f"case-{each}"
        severity = 1 + each % 3
        yield {
            "id": case_id,
            "reference": reference_of(case_id),
            "conversation_id": case_id,
            "status": "closed" if each % 10 else "open",
            "severity": severity,
            "assessed_severity": severity,
            "need": "unclear",
            "subject": "self",
            "categories": ["grooming"],
            "audience": "young_person",
            "area": "kent" if each % 7 else "wiltshire",
            "opened_at": at,
            "raised_at": at,
            "newest_at": at,
            "due_at": at + timedelta(hours=severity),
            "handoffs": 1,
            "closed_at": at if each % 10 else None,
            "version": 1,
            "burst": each // 10 if each % 3 else None,
        }


@pytest.fixture
def long_queue(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    found = rows(MANY)
    with engine.begin() as connection:
        while part := list(islice(found, AT_ONCE)):
            connection.execute(sa.insert(cases), part)
    with engine.connect() as connection:
        connection.execute(sa.text("ANALYZE"))
        connection.commit()
    yield engine
    engine.dispose()


def plan_of(engine: Engine, query: sa.Select[Any]) -> str:
    prefix = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    text = query.compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        lines = connection.execute(sa.text(prefix + str(text).replace(":", r"\:")))
        return "\n".join(str(line) for line in lines)


def test_a_page_of_a_long_queue_costs_what_a_page_of_a_short_one_does(long_queue: Engine) -> None:
    for which in (CaseFilter(), CaseFilter(area="kent"), CaseFilter(overdue_at=NOON)):
        plan = plan_of(long_queue, in_order(which).limit(25))

        assert "ix_cases_queue" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
        assert "Sort" not in plan, plan
    plan = plan_of(long_queue, rows_in_order(CaseFilter()).limit(25))
    assert "ix_cases_queue" in plan, plan
    assert "ix_cases_burst" in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan
    found = Cases(long_queue, vault())
    assert found.count(CaseFilter(), at_most=1000) == 1000
    assert found.count(CaseFilter()) == MANY // 10
    assert len(found.queue(CaseFilter(), offset=9_990)) == 10
