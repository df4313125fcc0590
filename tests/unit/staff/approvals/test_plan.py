"""The signing plan: equal shares, two people where two have to sign, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.content.items import Item
from safeguarding.content.reader import read_catalogue
from safeguarding.content.signing import Standing, standing_of
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.approvals.approvals import Approvals
from staff.approvals.plan import SigningPlans, TooFewLeadsError, plan_line, spread
from tests.content import TODAY, decided, item
from tests.records import PASSWORD, Clock
from tests.signing import approve

LEADS = ("ann", "bob")


def unsigned(items: Sequence[Item]) -> list[Standing]:
    return [standing_of(each, [], TODAY) for each in items]


def test_the_whole_content_is_shared_equally_over_two_leads_and_six_weeks() -> None:
    standings = unsigned(list(read_catalogue().items.values()))

    tasks = spread(standings, LEADS, 6, TODAY)

    given = Counter(task.content_id for task in tasks)
    assert given == {each.item.id: each.people_needed for each in standings}
    assert len({(task.content_id, task.staff_id) for task in tasks}) == len(tasks)
    words: Counter[str] = Counter()
    for task in tasks:
        words[task.staff_id] += task.words
    assert max(words.values()) < 1.02 * min(words.values())
    days = {TODAY + timedelta(weeks=week) for week in range(1, 7)}
    assert {task.due_on for task in tasks} == days
    most = max(task.words for task in tasks)
    for lead in LEADS:
        for day in days:
            share = sum(t.words for t in tasks if t.due_on == day and t.staff_id == lead)
            assert share <= words[lead] / 6 + most


def test_what_two_people_sign_comes_first() -> None:
    items = [item("answer:a"), item("answer:b"), item("risk:grooming"), item("guide:now")]

    tasks = spread(unsigned(items), LEADS, 2, TODAY)

    first = {task.content_id for task in tasks if task.due_on == TODAY + timedelta(weeks=1)}
    assert {"risk:grooming"} <= first
    last = {task.content_id for task in tasks if task.due_on == TODAY + timedelta(weeks=2)}
    assert {"answer:a", "answer:b"} <= last


def test_the_second_signature_goes_to_the_person_who_has_not_signed() -> None:
    risk = item("risk:grooming")
    waiting = standing_of(risk, [decided(risk, by="ann")], TODAY)

    (task,) = spread([waiting], LEADS, 6, TODAY)

    assert task.staff_id == "bob"


def test_one_lead_alone_cannot_sign_for_two() -> None:
    with pytest.raises(TooFewLeadsError):
        spread(unsigned([item("risk:grooming")]), ["ann"], 6, TODAY)
    assert len(spread(unsigned([item()]), ["ann"], 6, TODAY)) == 1


def test_what_is_signed_is_not_planned() -> None:
    signed = standing_of(item(), [decided(item())], TODAY)

    assert spread([signed], LEADS, 6, TODAY) == []


@pytest.fixture
def leads(accounts: StaffAccounts) -> tuple[str, str]:
    added = (accounts.add(name, PASSWORD, name.title(), Role.LEAD) for name in LEADS)
    ann, bob = (each.id for each in added)
    return ann, bob


ITEMS = [item("answer:a"), item("answer:b"), item("risk:grooming")]


def test_the_plan_says_how_far_it_is_and_what_is_overdue(
    engine: Engine, clock: Clock, leads: tuple[str, str]
) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)
    assert plans.make(approvals.standings(ITEMS), leads, 2, by=leads[0]) == 4

    for lead in leads:
        approve(engine, ITEMS[2], lead, clock)
    clock.move(days=15)
    plan = plans.current(approvals.standings(ITEMS))

    assert (len(plan.done), len(plan.left), len(plan.overdue)) == (2, 2, 2)
    assert plan.unplanned == ()
    assert [len(plan.of(lead).left) for lead in leads] == [1, 1]
    assert plan_line(plan, dict(zip(leads, ("Ann", "Bob"), strict=True))) == (
        "signing plan: 2 of 4 signatures given, the last is due on 2026-12-09, 2 overdue, "
        "Ann 1 of 2, Bob 1 of 2"
    )


def test_new_and_changed_words_are_named_until_the_plan_is_made_again(
    engine: Engine, clock: Clock, leads: tuple[str, str]
) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)
    plans.make(approvals.standings(ITEMS[:2]), leads, 2, by=leads[0])

    plan = plans.current(approvals.standings(ITEMS))
    assert [each.item.id for each in plan.unplanned] == ["risk:grooming"]
    assert "1 items not in the plan" in plan_line(plan, {})

    plans.make(approvals.standings(ITEMS), leads, 2, by=leads[0])
    assert plans.current(approvals.standings(ITEMS)).unplanned == ()


def test_the_share_of_a_former_lead_is_left_to_plan_again(
    engine: Engine, clock: Clock, leads: tuple[str, str], accounts: StaffAccounts
) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)
    plans.make(approvals.standings(ITEMS), leads, 2, by=leads[0])
    accounts.disable("bob")

    plan = plans.current(approvals.standings(ITEMS))

    assert {each.task.staff_id for each in plan.signatures} == {leads[0]}
    assert "risk:grooming" in {each.item.id for each in plan.unplanned}


def test_an_item_that_is_gone_is_no_task_any_more(
    engine: Engine, clock: Clock, leads: tuple[str, str]
) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)
    plans.make(approvals.standings(ITEMS), leads, 2, by=leads[0])

    plan = plans.current(approvals.standings(ITEMS[:1]))

    assert [each.task.content_id for each in plan.left] == ["answer:a"]


def test_a_plan_that_cannot_be_made_leaves_the_one_before(
    engine: Engine, clock: Clock, leads: tuple[str, str]
) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)
    plans.make(approvals.standings(ITEMS), leads, 2, by=leads[0])

    with pytest.raises(TooFewLeadsError):
        plans.make(approvals.standings(ITEMS), leads[:1], 2, by=leads[0])

    assert len(plans.current(approvals.standings(ITEMS)).signatures) == 4


def test_without_a_plan_the_line_counts_what_lacks_signatures(engine: Engine, clock: Clock) -> None:
    plans, approvals = SigningPlans(engine, clock), Approvals(engine, clock)

    assert plan_line(plans.current(approvals.standings(ITEMS)), {}) == (
        "signing plan: none, and 3 items lack signatures"
    )
    assert plan_line(plans.current([]), {}) == "signing plan: nothing is left to sign"
    assert plans.current([]).today == date(2026, 11, 25)
