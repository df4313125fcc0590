"""A task has an owner and a day, is handed on, and is listed for those who may see its case."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.accounts import UnknownStaffError
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from staff.cases.tasks import CaseTasks, claim_telling, give_back_telling, overdue_untold
from tests.records import NOON, EscalationLog, escalation

TODAY = NOON.date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture
def tasks(engine: Engine) -> CaseTasks:
    return CaseTasks(engine)


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    log.record(escalation())


def add(casework: Casework, by: str, due: date | None, to: str | None, case_id: str = "c1") -> None:
    casework.add_action(case_id, "Ring the school.", due, by=by, given_to=to)


def test_a_task_is_in_the_list_of_its_owner_the_first_due_first(
    casework: Casework, tasks: CaseTasks, ann: str, bob: str
) -> None:
    for due in (None, TOMORROW, YESTERDAY):
        add(casework, ann, due, bob)
    add(casework, ann, TODAY, ann)

    mine = tasks.open_tasks(None, of=bob)

    assert [each.due_on for each in mine] == [YESTERDAY, TOMORROW, None]
    assert [each.is_overdue(TODAY) for each in mine] == [True, False, False]
    assert len(tasks.open_tasks(None)) == 4


def test_a_task_of_nobody_is_of_whoever_has_the_case(
    casework: Casework, tasks: CaseTasks, ann: str, bob: str
) -> None:
    add(casework, ann, TODAY, None)
    assert tasks.open_tasks(None, of=bob) == []

    casework.assign("c1", bob, by=ann)

    (task,) = tasks.open_tasks(None, of=bob)
    assert (task.given_to, task.owner) == (None, bob)


def test_a_task_is_handed_on_and_done_by_somebody(
    casework: Casework, cases: Cases, tasks: CaseTasks, ann: str, bob: str
) -> None:
    add(casework, ann, TODAY, ann)
    (task,) = tasks.open_tasks(None, of=ann)

    casework.hand_on_action("c1", task.id, bob, by=ann)
    assert [each.id for each in tasks.open_tasks(None, of=bob)] == [task.id]
    casework.finish_action("c1", task.id, by=bob)
    casework.hand_on_action("c1", task.id, ann, by=bob)

    assert tasks.open_tasks(None) == []
    (action,) = cases.whole("c1").actions
    assert (action.given_to, action.done_by) == (bob, bob)
    what = [(link.event.what, link.event.detail.get("to")) for link in cases.whole("c1").history]
    assert what[1:] == [
        (CaseEvent.ACTION_ADDED.value, ann),
        (CaseEvent.ACTION_GIVEN.value, bob),
        (CaseEvent.ACTION_DONE.value, None),
    ]


def test_a_task_is_given_to_staff_only(casework: Casework, ann: str) -> None:
    with pytest.raises(UnknownStaffError):
        add(casework, ann, TODAY, "nobody")


def test_tasks_of_other_areas_and_closed_cases_are_not_listed_and_merged_ones_lead_on(
    casework: Casework,
    tasks: CaseTasks,
    merging: CaseMerge,
    log: EscalationLog,
    ann: str,
) -> None:
    log.record(escalation("m2", conversation_id="c2"))
    log.record(escalation("m3", conversation_id="c3", area="kent"))
    add(casework, ann, TODAY, ann, "c2")
    add(casework, ann, TODAY, ann, "c3")
    merging.merge("c2", "c1", by=ann)

    (task,) = tasks.open_tasks(frozenset({"wiltshire"}))

    assert (task.case.id, task.own_case_id) == ("c1", "c2")


def test_a_task_is_claimed_for_telling_once_a_day(
    engine: Engine, casework: Casework, ann: str
) -> None:
    add(casework, ann, YESTERDAY, ann)
    add(casework, ann, TODAY, ann)

    with engine.begin() as connection:
        (task,) = overdue_untold(connection, TODAY, 10)
        assert claim_telling(connection, task, TODAY) is True
        assert claim_telling(connection, task, TODAY) is False
        assert overdue_untold(connection, TODAY, 10) == []
        assert len(overdue_untold(connection, TOMORROW, 10)) == 2
        give_back_telling(connection, task)
        assert len(overdue_untold(connection, TODAY, 10)) == 1
