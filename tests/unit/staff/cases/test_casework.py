"""Every change to a case is by staff, is on the trail, and never overwrites a colleague's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import StaffAccounts, UnknownStaffError
from staff.alerts.outbox import alerts
from staff.cases.case import Case, CaseEvent, CaseStatus, Referral, look_by
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import (
    REFERRED_BY,
    REFERRED_TO,
    AlreadyClosedError,
    Casework,
    ClosingDecision,
    NotYoursError,
    StaleCaseError,
    WordsMissingError,
)
from staff.cases.tables import SEALED
from tests.records import NOON, Clock, EscalationLog, assessment, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity
CALLED = ClosingDecision(Outcome.CONTACTED_PERSON, " Called. ")
POLICE = Referral("police", "telephone", NOON, "CAD 12", "")
Step = Callable[[Casework, str], object]

STEPS: dict[str, Step] = {
    "viewed": lambda work, by: work.viewed("c1", by=by),
    "revealed": lambda work, by: work.revealed("c1", by=by, session="s1"),
    "assign": lambda work, by: work.assign("c1", by, by=by),
    "hand_over": lambda work, by: work.hand_over("c1", by, "x", by=by),
    "answer_handover": lambda work, by: work.answer_handover("c1", accept=True, by=by),
    "note": lambda work, by: work.note("c1", "x", by=by),
    "add_action": lambda work, by: work.add_action("c1", "x", None, by=by),
    "finish_action": lambda work, by: work.finish_action("c1", "a1", by=by),
    "correct": lambda work, by: work.correct(
        "c1", severity=NONE, categories=None, reason="x", by=by
    ),
    "refer": lambda work, by: work.refer("c1", POLICE, by=by),
    "close": lambda work, by: work.close("c1", CALLED, by=by),
    "answer_closing": lambda work, by: work.answer_closing("c1", agree=True, by=by),
    "reopen": lambda work, by: work.reopen("c1", by=by, reason="x"),
}
WITH_VERSION: dict[str, Callable[[Casework, str, int], object]] = {
    "assign": lambda work, by, seen: work.assign("c1", by, by=by, version=seen),
    "hand_over": lambda work, by, seen: work.hand_over("c1", by, "x", by=by, version=seen),
    "answer_handover": lambda work, by, seen: work.answer_handover(
        "c1", accept=True, by=by, version=seen
    ),
    "correct": lambda work, by, seen: work.correct(
        "c1", severity=NONE, categories=None, reason="x", by=by, version=seen
    ),
    "close": lambda work, by, seen: work.close("c1", CALLED, by=by, version=seen),
    "answer_closing": lambda work, by, seen: work.answer_closing(
        "c1", agree=True, by=by, version=seen
    ),
}


@pytest.fixture
def case(log: EscalationLog, cases: Cases) -> Case:
    """Return a case of severity concern."""
    log.record(escalation())
    return cases.find("c1")


@pytest.fixture
def urgent(log: EscalationLog, cases: Cases) -> Case:
    log.record(escalation(assessment=assessment(URGENT)))
    return cases.find("c1")


def done(cases: Cases, case_id: str = "c1") -> list[tuple[str, str]]:
    """Who did what since the case was opened."""
    history = cases.whole(case_id).history[1:]
    return [(link.event.who, link.event.what) for link in history]


def detail(cases: Cases) -> dict[str, object]:
    return cases.whole("c1").history[-1].event.detail


# Whoever it is


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("stranger", ["gateway", "nobody"])
def test_only_staff_do_anything(
    casework: Casework, cases: Cases, case: Case, step: Step, stranger: str
) -> None:
    with pytest.raises(UnknownStaffError):
        step(casework, stranger)

    assert cases.find("c1") == case
    assert done(cases) == []


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_is_not_there_is_an_error(casework: Casework, ann: str, step: Step) -> None:
    with pytest.raises(UnknownCaseError):
        step(casework, ann)


@pytest.mark.parametrize("step", WITH_VERSION.values(), ids=WITH_VERSION)
def test_a_change_to_an_older_version_is_refused(
    casework: Casework,
    cases: Cases,
    case: Case,
    ann: str,
    bob: str,
    step: Callable[[Casework, str, int], object],
) -> None:
    casework.assign("c1", bob, by=bob, version=case.version)
    newest = cases.find("c1")

    with pytest.raises(StaleCaseError):
        step(casework, ann, case.version)
    assert cases.find("c1") == newest


def test_a_disabled_account_does_nothing_and_is_given_nothing(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str, accounts: StaffAccounts
) -> None:
    accounts.disable("ann")

    with pytest.raises(UnknownStaffError):
        casework.close("c1", CALLED, by=ann)
    with pytest.raises(UnknownStaffError):
        casework.assign("c1", ann, by=bob)
    with pytest.raises(UnknownStaffError):
        casework.hand_over("c1", ann, "x", by=bob)
    assert cases.find("c1") == case


# Reading


def test_every_view_is_on_the_trail_and_ends_the_alerts(
    casework: Casework, cases: Cases, case: Case, engine: Engine, ann: str, clock: Clock
) -> None:
    clock.move(minutes=2)
    casework.viewed("c1", by=ann)
    casework.viewed("c1", by=ann)
    casework.revealed("c1", by=ann, session="s1")

    assert done(cases) == [
        (ann, CaseEvent.VIEWED),
        (ann, CaseEvent.VIEWED),
        (ann, CaseEvent.REVEALED),
    ]
    assert detail(cases) == {"session": "s1"}
    with engine.connect() as connection:
        ended = connection.execute(sa.select(alerts.c.ended_by, alerts.c.ended_at)).all()
    assert ended == [(ann, clock.at)]
    # Reading changes nothing that a colleague could be writing about.
    assert cases.find("c1").version == case.version


# Whose it is


def test_a_case_is_taken_given_and_put_back(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str
) -> None:
    casework.assign("c1", ann, by=ann)
    casework.assign("c1", bob, by=ann)
    assert cases.find("c1").assigned_to == bob
    casework.assign("c1", None, by=bob)

    assert cases.find("c1").assigned_to is None
    assert cases.find("c1").version == case.version + 3
    assert [what for _, what in done(cases)] == [CaseEvent.ASSIGNED] * 3


def test_a_handover_leaves_the_case_where_it_is_until_it_is_accepted(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str
) -> None:
    casework.assign("c1", ann, by=ann)
    casework.hand_over("c1", bob, "End of my shift.", by=ann)
    offered = cases.find("c1")
    assert (offered.assigned_to, offered.offered_to) == (ann, bob)
    casework.answer_handover("c1", accept=True, by=bob)

    accepted = cases.find("c1")
    assert (accepted.assigned_to, accepted.offered_to) == (bob, None)
    assert done(cases)[1:] == [(ann, CaseEvent.OFFERED), (bob, CaseEvent.ACCEPTED)]
    assert [note.text for note in cases.whole("c1").notes] == ["End of my shift."]


def test_a_handover_is_returned_with_a_reason(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str, clock: Clock
) -> None:
    casework.assign("c1", ann, by=ann)
    casework.hand_over("c1", bob, "Please.", by=ann)
    clock.move(minutes=1)
    with pytest.raises(WordsMissingError):
        casework.answer_handover("c1", accept=False, by=bob, reason=" ")
    casework.answer_handover("c1", accept=False, by=bob, reason="I know the family.")

    returned = cases.find("c1")
    assert (returned.assigned_to, returned.offered_to) == (ann, None)
    assert done(cases)[-1] == (bob, CaseEvent.RETURNED)
    assert [note.text for note in cases.whole("c1").notes] == ["Please.", "I know the family."]


def test_only_the_colleague_it_was_offered_to_answers(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str
) -> None:
    with pytest.raises(NotYoursError):
        casework.answer_handover("c1", accept=True, by=ann)
    casework.hand_over("c1", bob, "Please.", by=ann)
    with pytest.raises(NotYoursError):
        casework.answer_handover("c1", accept=True, by=ann)

    assert cases.find("c1").offered_to == bob


def test_taking_a_case_ends_its_handover(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str
) -> None:
    casework.hand_over("c1", bob, "Please.", by=ann)
    casework.assign("c1", ann, by=ann)

    assert cases.find("c1").offered_to is None


# What they write


def test_a_note_is_kept_with_who_and_when(
    casework: Casework, cases: Cases, case: Case, ann: str, clock: Clock
) -> None:
    clock.move(minutes=3)
    casework.note("c1", " The school knows. ", by=ann)

    (note,) = cases.whole("c1").notes
    assert (note.text, note.by, note.at) == ("The school knows.", ann, clock.at)
    assert detail(cases) == {"note": note.id}


def test_an_action_is_done_once(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str, clock: Clock
) -> None:
    casework.add_action("c1", "Ring the school", date(2026, 11, 27), by=ann)
    (todo,) = cases.whole("c1").actions
    assert (todo.what, todo.due_on, todo.done_at) == ("Ring the school", date(2026, 11, 27), None)
    clock.move(hours=1)
    casework.finish_action("c1", todo.id, by=bob)
    casework.finish_action("c1", todo.id, by=ann)

    (finished,) = cases.whole("c1").actions
    assert (finished.done_by, finished.done_at) == (bob, clock.at)
    assert done(cases) == [(ann, CaseEvent.ACTION_ADDED), (bob, CaseEvent.ACTION_DONE)]


def test_an_action_of_another_case_is_not_reached(
    casework: Casework, cases: Cases, log: EscalationLog, case: Case, ann: str
) -> None:
    log.record(escalation("n1", conversation_id="c2"))
    casework.add_action("c2", "Ring", None, by=ann)
    (todo,) = cases.whole("c2").actions
    casework.finish_action("c1", todo.id, by=ann)

    assert cases.whole("c2").actions == (todo,)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_recorded_without_words(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str, text: str
) -> None:
    steps: list[Callable[[], object]] = [
        lambda: casework.note("c1", text, by=ann),
        lambda: casework.add_action("c1", text, None, by=ann),
        lambda: casework.hand_over("c1", bob, text, by=ann),
        lambda: casework.correct("c1", severity=NONE, categories=None, reason=text, by=ann),
        lambda: casework.close("c1", ClosingDecision(Outcome.OTHER, text), by=ann),
        lambda: casework.refer("c1", Referral("police", "form", None, "", text), by=ann),
    ]
    for step in steps:
        with pytest.raises(WordsMissingError):
            step()

    assert cases.find("c1") == case
    assert done(cases) == []


def test_nothing_that_staff_write_lies_in_the_open(
    casework: Casework, case: Case, engine: Engine, ann: str, bob: str
) -> None:
    casework.note("c1", "SECRET", by=ann)
    casework.refer("c1", Referral("police", "form", NOON, "SECRET", "SECRET"), by=ann)
    casework.hand_over("c1", bob, "SECRET", by=ann)
    casework.correct("c1", severity=NONE, categories=[], reason="SECRET", by=ann)
    casework.close("c1", ClosingDecision(Outcome.OTHER, "SECRET"), by=ann)
    casework.reopen("c1", by=ann, reason="SECRET")
    casework.add_action("c1", "SECRET", None, by=ann)

    with engine.connect() as connection:
        for table in (*(each.name for each in SEALED), "cases", "audit_events", "alerts"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
            assert "SECRET" not in str(rows)


# What it is


def test_a_correction_stands_beside_the_assessment(
    casework: Casework, cases: Cases, case: Case, ann: str
) -> None:
    casework.correct(
        "c1", severity=URGENT, categories=["missing"], reason="She is out alone.", by=ann
    )

    corrected = cases.find("c1")
    assert (corrected.severity, corrected.assessed_severity) == (URGENT, CONCERN)
    assert corrected.categories == ("missing",)
    assert corrected.assessed_categories == ("grooming",)
    assert corrected.due_at == look_by(URGENT, NOON)
    (note,) = cases.whole("c1").notes
    assert detail(cases) == {
        "from": "concern",
        "to": "urgent",
        "note": note.id,
        "categories": ["missing"],
    }


def test_a_correction_is_taken_back_by_agreeing(
    casework: Casework, cases: Cases, case: Case, ann: str
) -> None:
    casework.correct("c1", severity=NONE, categories=[], reason="A song.", by=ann)
    assert cases.find("c1").categories == ()
    casework.correct("c1", severity=None, categories=None, reason="It is not.", by=ann)

    again = cases.find("c1")
    assert (again.severity, again.staff_severity) == (CONCERN, None)
    assert (again.categories, again.staff_categories) == (("grooming",), None)
    assert again.due_at == case.due_at


# Where it went


def test_a_referral_is_kept_whole(casework: Casework, cases: Cases, case: Case, ann: str) -> None:
    casework.refer("c1", POLICE, by=ann)

    (kept,) = cases.whole("c1").referrals
    assert (kept.to_whom, kept.how, kept.made_at) == ("police", "telephone", NOON)
    assert (kept.reference, kept.reason, kept.by, kept.at) == ("CAD 12", "", ann, NOON)
    assert detail(cases) == {"referral": kept.id, "to": "police", "made": True}


def test_a_referral_that_was_not_made_says_why(
    casework: Casework, cases: Cases, case: Case, ann: str
) -> None:
    casework.refer("c1", Referral("social_care", "other", None, "", "She asked us not to."), by=ann)

    (kept,) = cases.whole("c1").referrals
    assert (kept.made_at, kept.reason) == (None, "She asked us not to.")
    assert detail(cases)["made"] is False


@pytest.mark.parametrize(
    ("to", "how"), [("granny", "form"), ("police", "pigeon"), ("", "form"), ("police", "")]
)
def test_an_unknown_receiver_or_way_is_refused(
    casework: Casework, cases: Cases, case: Case, ann: str, to: str, how: str
) -> None:
    with pytest.raises(ValueError, match="unknown"):
        casework.refer("c1", Referral(to, how, NOON, "", ""), by=ann)
    assert cases.whole("c1").referrals == ()
    assert {"police", "social_care"} < set(REFERRED_TO)
    assert {"telephone", "form"} < set(REFERRED_BY)


# How it ends


def test_one_person_closes_a_concern(
    casework: Casework, cases: Cases, case: Case, ann: str, clock: Clock
) -> None:
    clock.move(minutes=9)
    assert casework.close("c1", CALLED, by=ann, version=case.version) is CaseStatus.CLOSED

    whole = cases.whole("c1")
    assert (whole.case.status, whole.case.closed_at) == (CaseStatus.CLOSED, clock.at)
    (review,) = whole.reviews
    assert (review.by, review.note, review.outcome) == (ann, "Called.", Outcome.CONTACTED_PERSON)
    assert (review.severity, review.second_by, review.missed) == (None, None, False)
    assert done(cases) == [(ann, CaseEvent.OUTCOME_RECORDED)]
    assert detail(cases) == {"outcome": "contacted_person"}


def test_a_decision_may_lower_the_severity_beside_the_assessed_one(
    casework: Casework, cases: Cases, case: Case, ann: str
) -> None:
    casework.close("c1", ClosingDecision(Outcome.FALSE_ALARM, "A song.", NONE, missed=True), by=ann)

    closed = cases.find("c1")
    assert (closed.severity, closed.assessed_severity) == (NONE, CONCERN)
    assert cases.whole("c1").reviews[0].missed is True
    assert detail(cases) == {"outcome": "false_alarm", "severity": "none", "missed": "yes"}


def test_what_is_closed_is_not_closed_again(
    casework: Casework, cases: Cases, case: Case, ann: str, bob: str
) -> None:
    casework.close("c1", CALLED, by=ann)

    with pytest.raises(AlreadyClosedError):
        casework.close("c1", CALLED, by=bob)
    assert [review.by for review in cases.whole("c1").reviews] == [ann]


def test_two_people_close_what_is_urgent(
    casework: Casework, cases: Cases, urgent: Case, ann: str, bob: str, clock: Clock
) -> None:
    assert (
        casework.close("c1", ClosingDecision(Outcome.OTHER, "x", CONCERN), by=ann)
        is CaseStatus.OPEN
    )
    proposed = cases.find("c1")
    assert (proposed.status, proposed.closing_by, proposed.severity) == (
        CaseStatus.OPEN,
        ann,
        URGENT,
    )
    with pytest.raises(NotYoursError):
        casework.answer_closing("c1", agree=True, by=ann)
    clock.move(minutes=5)
    casework.answer_closing("c1", agree=True, by=bob)

    whole = cases.whole("c1")
    assert (whole.case.status, whole.case.closing_by) == (CaseStatus.CLOSED, None)
    assert (whole.case.severity, whole.case.closed_at) == (CONCERN, clock.at)
    assert [(each.by, each.second_by) for each in whole.reviews] == [(ann, bob)]
    assert done(cases) == [(ann, CaseEvent.CLOSING_PROPOSED), (bob, CaseEvent.OUTCOME_RECORDED)]
    assert detail(cases) == {"outcome": "other", "proposed_by": ann}


def test_lowering_the_severity_first_does_not_avoid_the_second_person(
    casework: Casework, urgent: Case, ann: str
) -> None:
    casework.correct("c1", severity=NONE, categories=None, reason="x", by=ann)

    assert casework.close("c1", CALLED, by=ann) is CaseStatus.OPEN


@pytest.mark.parametrize("found", [URGENT, IMMEDIATE])
def test_what_staff_find_urgent_needs_two_as_well(
    casework: Casework, case: Case, ann: str, found: Severity
) -> None:
    assert (
        casework.close("c1", ClosingDecision(Outcome.OTHER, "x", found), by=ann) is CaseStatus.OPEN
    )


def test_a_proposed_closing_is_returned_with_a_reason(
    casework: Casework, cases: Cases, urgent: Case, ann: str, bob: str
) -> None:
    casework.close("c1", CALLED, by=ann)
    with pytest.raises(WordsMissingError):
        casework.answer_closing("c1", agree=False, by=bob)
    casework.answer_closing("c1", agree=False, by=bob, reason="Nobody rang.")

    returned = cases.find("c1")
    assert (returned.status, returned.closing_by) == (CaseStatus.OPEN, None)
    assert done(cases)[-1] == (bob, CaseEvent.CLOSING_RETURNED)
    with pytest.raises(NotYoursError):
        casework.answer_closing("c1", agree=True, by=bob)


def test_a_second_person_agrees_to_the_newest_proposal(
    casework: Casework, cases: Cases, urgent: Case, ann: str, bob: str, clock: Clock
) -> None:
    casework.close("c1", ClosingDecision(Outcome.FALSE_ALARM, "First."), by=ann)
    casework.answer_closing("c1", agree=False, by=bob, reason="No.")
    clock.move(minutes=1)
    casework.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Second."), by=ann)
    casework.answer_closing("c1", agree=True, by=bob)

    seconds = [(each.note, each.second_by) for each in cases.whole("c1").reviews]
    assert seconds == [("First.", None), ("Second.", bob)]
    assert detail(cases)["outcome"] == "advice_given"


def test_a_closed_case_is_opened_again_with_a_reason_and_a_new_clock(
    casework: Casework, cases: Cases, case: Case, ann: str, clock: Clock
) -> None:
    casework.close("c1", CALLED, by=ann)
    with pytest.raises(WordsMissingError):
        casework.reopen("c1", by=ann, reason=" ")
    clock.move(hours=30)
    casework.reopen("c1", by=ann, reason="She wrote to the school.")

    opened = cases.find("c1")
    assert (opened.status, opened.closed_at) == (CaseStatus.OPEN, None)
    assert opened.due_at == look_by(CONCERN, NOON + timedelta(hours=30))
    assert done(cases)[-1] == (ann, CaseEvent.REOPENED)
    casework.close("c1", CALLED, by=ann)
    assert len(cases.whole("c1").reviews) == 2


def test_opening_an_open_one_changes_nothing(
    casework: Casework, cases: Cases, case: Case, ann: str
) -> None:
    casework.reopen("c1", by=ann, reason="")

    assert cases.find("c1") == case
    assert done(cases) == []
