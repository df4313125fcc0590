"""A wish to be reached is kept sealed, once a case, and taken back by whoever left it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.cases.case import CallbackRequest, CaseEvent
from staff.cases.cases import Cases
from staff.cases.merging import CaseMerge
from staff.cases.recording import NoCaseYetError
from staff.cases.tables import wishes as wishes_table
from tests.records import Callbacks, Clock, EscalationLog, escalation


@pytest.fixture
def recorded(log: EscalationLog) -> None:
    log.record(escalation("m1"))
    log.record(escalation("n1", conversation_id="c2"))


def events(cases: Cases) -> list[tuple[str, str]]:
    return [(link.event.who, link.event.what) for link in cases.whole("c1").history[1:]]


@pytest.mark.usefixtures("recorded")
def test_a_wish_is_kept_with_its_case(wishes: Callbacks, cases: Cases, clock: Clock) -> None:
    clock.move(minutes=2)
    left = wishes.leave("c1", "Sam", "text after 4")

    assert left == CallbackRequest(clock.at, "Sam", "text after 4")
    assert cases.whole("c1").wish == left
    assert cases.whole("c2").wish is None
    assert events(cases) == [("gateway", CaseEvent.WISH_LEFT)]


@pytest.mark.usefixtures("recorded")
def test_a_later_wish_takes_the_place_of_an_earlier_one(wishes: Callbacks, cases: Cases) -> None:
    wishes.leave("c1", "Sam", "text after 4")
    later = wishes.leave("c1", "Sam", "ring my nan")

    assert cases.whole("c1").wish == later


@pytest.mark.usefixtures("recorded")
def test_a_wish_is_taken_back_and_gone(wishes: Callbacks, cases: Cases, engine: Engine) -> None:
    wishes.leave("c1", "Sam", "text after 4")

    assert wishes.take_back("c1") is True
    assert wishes.take_back("c1") is False
    assert cases.whole("c1").wish is None
    with engine.connect() as connection:
        assert connection.execute(sa.select(wishes_table)).all() == []
    assert events(cases) == [
        ("gateway", CaseEvent.WISH_LEFT),
        ("gateway", CaseEvent.WISH_WITHDRAWN),
    ]


def test_a_wish_waits_for_its_case_and_a_withdrawal_does_not(wishes: Callbacks) -> None:
    with pytest.raises(NoCaseYetError):
        wishes.leave("c1", "Sam", "x")
    assert wishes.take_back("c1") is False


@pytest.mark.usefixtures("recorded")
def test_a_wish_left_before_a_merge_is_read_there_and_can_still_be_taken_back(
    wishes: Callbacks, cases: Cases, merging: CaseMerge, ann: str, clock: Clock
) -> None:
    left = wishes.leave("c2", "Sam", "text after 4")
    merging.merge("c2", "c1", by=ann)
    assert cases.whole("c1").wish == left
    clock.move(minutes=1)
    newer = wishes.leave("c1", "Sam", "ring my nan")
    assert cases.whole("c1").wish == newer

    assert wishes.take_back("c2") is True
    assert cases.whole("c1").wish == newer


@pytest.mark.usefixtures("recorded")
def test_a_wish_lies_nowhere_in_the_open(wishes: Callbacks, engine: Engine) -> None:
    wishes.leave("c1", "SECRET", "SECRET")
    wishes.take_back("c1")
    wishes.leave("c1", "SECRET", "SECRET")

    with engine.connect() as connection:
        for table in ("wishes", "audit_events", "cases"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
            assert "SECRET" not in str(rows)
