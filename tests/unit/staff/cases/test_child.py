"""What staff record about a child is kept with who and when, sealed, and the newest counts."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import UnknownStaffError
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.child import ChildDetails, DetailKind, newest
from staff.cases.tables import child_details
from tests.records import NOON, Clock, EscalationLog, escalation, vault


@pytest.fixture
def details(engine: Engine, clock: Clock, log: EscalationLog) -> ChildDetails:
    log.record(escalation())
    return ChildDetails(engine, vault(), clock)


def counts(cases: Cases) -> dict[str, str]:
    return {kind: each.value for kind, each in newest(cases.whole("c1").details).items()}


def test_the_newest_counts_and_the_earlier_stay(
    details: ChildDetails, cases: Cases, clock: Clock, ann: str, bob: str
) -> None:
    details.record("c1", DetailKind.AGE, " 13 ", by=ann)
    details.record("c1", DetailKind.KNOWN_PUPIL, "Year 9, record 1234", by=ann)
    clock.move(minutes=1)
    details.record("c1", DetailKind.AGE, "014", by=bob)

    assert counts(cases) == {"age": "14", "known_pupil": "Year 9, record 1234"}
    first, *_, last = cases.whole("c1").details
    assert (first.value, first.by, first.at) == ("13", ann, NOON)
    assert (last.value, last.by) == ("14", bob)


def test_an_empty_value_takes_it_back(details: ChildDetails, cases: Cases, ann: str) -> None:
    details.record("c1", DetailKind.AGE, "13", by=ann)
    details.record("c1", DetailKind.AGE, " ", by=ann)

    assert counts(cases) == {}
    event = cases.whole("c1").history[-1].event
    assert event.what == CaseEvent.CHILD_DETAIL.value
    assert (event.detail["kind"], event.detail["known"]) == ("age", False)


def test_the_value_is_sealed_and_not_on_the_trail(
    engine: Engine, details: ChildDetails, cases: Cases, ann: str
) -> None:
    details.record("c1", DetailKind.KNOWN_PUPIL, "Amira, 9B", by=ann)

    with engine.connect() as connection:
        assert "Amira" not in connection.execute(sa.select(child_details.c.value)).scalar_one()
    assert "Amira" not in repr(cases.whole("c1").history)


@pytest.mark.parametrize("wrong", ["0", "121", "thirteen", "-1", "13.5", "1" * 300])
def test_an_age_that_is_none_is_refused(
    details: ChildDetails, cases: Cases, ann: str, wrong: str
) -> None:
    with pytest.raises(ValueError, match=r"int\(\)|age|long"):
        details.record("c1", DetailKind.AGE, wrong, by=ann)
    assert cases.whole("c1").details == ()


def test_only_staff_record_and_only_on_a_case(details: ChildDetails, ann: str) -> None:
    with pytest.raises(UnknownStaffError):
        details.record("c1", DetailKind.AGE, "13", by="nobody")
    with pytest.raises(UnknownCaseError):
        details.record("c9", DetailKind.AGE, "13", by=ann)
