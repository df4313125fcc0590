"""A message opens, raises or joins its case in any order, and alerts only when it has to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from safeguarding.escalation import Escalation, Outcome
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.cases import recording
from staff.cases.case import Case, CaseEvent, CaseStatus, look_by, reference_of
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.recording import NoCaseYetError
from staff.cases.tables import cases as cases_table
from tests.records import GIFTS, NOON, EscalationLog, assessment, escalation, log_on, vault

NONE, CONCERN, URGENT, IMMEDIATE = Severity
CALLED = ClosingDecision(Outcome.CONTACTED_PERSON, "Called.")
SUICIDE = Signal("wants-to-die", "lexicon", "v1", "suicide", URGENT, 0, 4)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def said(minute: int, severity: Severity, **changes: object) -> Escalation:
    """Return the message of one minute of the conversation."""
    usual = {"raised_at": at(minute), "assessment": assessment(severity)}
    return escalation(f"m{minute}", **usual | changes)


def small_talk(minute: int, **changes: object) -> Escalation:
    found = assessment(NONE)
    return said(minute, NONE, assessment=type(found)(NONE, (), "unknown", ()), **changes)


def alerted(engine: Engine) -> list[tuple[str, str, str]]:
    """Reason, severity and message of each alert, in order."""
    query = sa.select(alerts.c.reason, alerts.c.severity, alerts.c.occasion).order_by(alerts.c.id)
    with engine.connect() as connection:
        return [(why, Severity(how).label, what) for why, how, what in connection.execute(query)]


def events(cases: Cases) -> list[tuple[str, str | None]]:
    return [(link.event.what, link.event.message_id) for link in cases.whole("c1").history]


def test_the_first_with_risk_opens_a_case_and_alerts(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(said(0, URGENT))

    case = cases.find("c1")
    assert (case.status, case.severity, case.handoffs) == (CaseStatus.OPEN, URGENT, 1)
    assert (case.opened_at, case.raised_at, case.newest_at) == (NOON, NOON, NOON)
    assert case.due_at == look_by(URGENT, NOON)
    assert (case.reference, case.conversation_id) == (reference_of("c1"), "c1")
    assert (case.subject, case.categories, case.area) == ("self", ("grooming",), "wiltshire")
    assert alerted(engine) == [("new", "urgent", "m0")]
    assert events(cases) == [(CaseEvent.RECORDED, "m0")]


def test_an_alert_knows_the_area_of_its_case_also_when_it_is_said_later(
    log: EscalationLog, engine: Engine
) -> None:
    areas = sa.select(alerts.c.area).order_by(alerts.c.id)
    log.record(said(0, CONCERN, area=None))
    with engine.connect() as connection:
        assert connection.execute(areas).scalars().all() == [None]

    log.record(replace(small_talk(1), area="swindon"))
    log.record(said(2, URGENT, area=None))

    with engine.connect() as connection:
        assert connection.execute(areas).scalars().all() == ["swindon", "swindon"]


def test_small_talk_attaches_and_raises_nothing(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(said(0, URGENT))
    before = cases.find("c1")
    log.record(small_talk(1))

    case = cases.find("c1")
    assert (case.severity, case.handoffs, case.due_at) == (URGENT, 1, before.due_at)
    assert (case.newest_at, case.version) == (at(1), before.version)
    assert len(alerted(engine)) == 1
    assert events(cases)[-1] == (CaseEvent.ATTACHED, "m1")
    assert [each.message_id for each in cases.whole("c1").messages] == ["m0", "m1"]
    assert cases.whole("c1").opening.message_id == "m0"


def test_small_talk_after_a_closed_case_opens_nothing(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str
) -> None:
    log.record(said(0, CONCERN))
    casework.close("c1", CALLED, by=ann)
    log.record(small_talk(1))

    assert cases.find("c1").status is CaseStatus.CLOSED
    assert len(alerted(engine)) == 1


def test_small_talk_before_its_case_has_to_wait(log: EscalationLog, engine: Engine) -> None:
    with pytest.raises(NoCaseYetError):
        log.record(small_talk(1))

    with engine.connect() as connection:
        assert not connection.execute(sa.select(cases_table)).all()


def test_an_equally_severe_message_joins_without_a_second_alert(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(said(0, URGENT))
    log.record(said(1, URGENT))
    log.record(said(2, CONCERN))

    case = cases.find("c1")
    assert (case.severity, case.handoffs, case.raised_at) == (URGENT, 3, NOON)
    assert len(alerted(engine)) == 1
    assert events(cases)[1:] == [(CaseEvent.JOINED, "m1"), (CaseEvent.JOINED, "m2")]


def test_a_graver_one_raises_its_case_and_alerts_again(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(said(0, CONCERN))
    log.record(said(1, IMMEDIATE))

    case = cases.find("c1")
    assert (case.severity, case.raised_at, case.due_at) == (
        IMMEDIATE,
        at(1),
        look_by(IMMEDIATE, at(1)),
    )
    assert case.need == "danger_now"
    assert alerted(engine) == [("new", "concern", "m0"), ("raised", "immediate", "m1")]
    assert events(cases)[1:] == [(CaseEvent.JOINED, "m1"), (CaseEvent.RAISED, "m1")]
    change = cases.whole("c1").history[-1].event.detail
    assert change == {"from": "concern", "to": "immediate"}


def test_any_hand_off_opens_a_closed_case_again_and_alerts(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str
) -> None:
    log.record(said(0, CONCERN))
    casework.close("c1", CALLED, by=ann)
    log.record(said(1, CONCERN))

    case = cases.find("c1")
    assert (case.status, case.closed_at, case.due_at) == (
        CaseStatus.OPEN,
        None,
        look_by(CONCERN, at(1)),
    )
    assert alerted(engine) == [("new", "concern", "m0"), ("reopened", "concern", "m1")]
    assert events(cases)[-2:] == [(CaseEvent.JOINED, "m1"), (CaseEvent.REOPENED, "m1")]


def test_an_alert_is_as_grave_as_the_case_it_opens_again(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str, bob: str
) -> None:
    log.record(said(0, IMMEDIATE))
    casework.close("c1", CALLED, by=ann)
    casework.answer_closing("c1", agree=True, by=bob)
    log.record(said(1, CONCERN))

    assert cases.find("c1").severity is IMMEDIATE
    assert alerted(engine)[-1] == ("reopened", "immediate", "m1")


def test_one_that_came_before_but_was_recorded_after_the_closing_is_read_too(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(said(5, CONCERN))
    casework.close("c1", CALLED, by=ann)
    log.record(said(0, CONCERN))

    assert cases.find("c1").status is CaseStatus.OPEN


def test_a_message_that_is_raised_counts_once(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(said(0, CONCERN))
    log.record(small_talk(1))
    log.record(said(1, URGENT))
    log.record(said(1, IMMEDIATE))

    case = cases.find("c1")
    assert (case.handoffs, case.severity) == (2, IMMEDIATE)
    assert alerted(engine) == [
        ("new", "concern", "m0"),
        ("raised", "urgent", "m1"),
        ("raised", "immediate", "m1"),
    ]


def test_what_staff_raised_already_is_no_news_but_is_noted(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str
) -> None:
    log.record(said(0, CONCERN))
    casework.correct("c1", severity=IMMEDIATE, categories=None, reason="Alone.", by=ann)
    log.record(said(1, URGENT))

    case = cases.find("c1")
    assert (case.severity, case.staff_severity, case.assessed_severity) == (
        IMMEDIATE,
        IMMEDIATE,
        URGENT,
    )
    assert len(alerted(engine)) == 1


def test_what_staff_lowered_is_judged_afresh_when_a_graver_one_comes(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str
) -> None:
    log.record(said(0, URGENT))
    casework.correct("c1", severity=CONCERN, categories=None, reason="A song.", by=ann)
    log.record(said(0, URGENT, shown=("Help.", "More help.")))
    assert cases.find("c1").severity is CONCERN

    log.record(said(1, URGENT))

    assert (cases.find("c1").severity, cases.find("c1").staff_severity) == (URGENT, None)
    assert alerted(engine)[-1] == ("raised", "urgent", "m1")


def test_a_new_hand_off_ends_a_closing_that_was_proposed(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(said(0, URGENT))
    casework.close("c1", CALLED, by=ann)
    before = cases.find("c1")
    assert before.closing_by == ann
    log.record(said(1, CONCERN))

    # Nobody has read the second one: a colleague must not agree to what they do not know.
    assert cases.find("c1").closing_by is None
    assert cases.find("c1").version == before.version + 1


def test_audience_and_subject_are_updated_when_they_become_known(
    log: EscalationLog, cases: Cases
) -> None:
    log.record(said(0, URGENT, assessment=assessment(URGENT, SUICIDE), audience=None, area=None))
    assert cases.find("c1").need == "suicide"
    log.record(small_talk(1, audience="parent", area="wiltshire"))

    case = cases.find("c1")
    assert (case.audience, case.area) == ("parent", "wiltshire")
    assert case.need == "adult_in_crisis"


def test_the_need_is_that_of_the_gravest(log: EscalationLog, cases: Cases) -> None:
    log.record(said(0, CONCERN))
    log.record(said(1, URGENT, assessment=assessment(URGENT, SUICIDE)))
    log.record(said(2, CONCERN, assessment=assessment(CONCERN, GIFTS)))

    case = cases.find("c1")
    assert (case.need, case.categories) == ("suicide", ("suicide", "grooming"))


def test_two_cases_never_share_a_reference(
    log: EscalationLog, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.record(said(0, CONCERN))
    taken = reference_of("c1")

    def unlucky(case_id: str, again: int = 0) -> str:
        return reference_of(case_id, again) if again else taken

    monkeypatch.setattr(recording, "reference_of", unlucky)
    log.record(escalation("n1", conversation_id="c2"))

    assert cases.find("c2").reference == reference_of("c2", 1) != taken


def test_a_failure_of_the_trail_keeps_nothing(
    log: EscalationLog, engine: Engine, cases: Cases
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO away")
    with pytest.raises(sa.exc.DBAPIError):
        log.record(said(0, CONCERN))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO audit_events")

    assert alerted(engine) == []
    assert log.record(said(0, CONCERN)) is True


def columns(case: Case) -> dict[str, object]:
    return {
        "severity": (case.severity, case.assessed_severity),
        "handoffs": case.handoffs,
        "categories": set(case.categories),
        "need": (case.need, case.subject),
        "moments": (case.opened_at, case.raised_at, case.newest_at, case.due_at),
        "who": (case.audience, case.area, case.status),
    }


CATEGORIES = st.sampled_from(["grooming", "suicide", "missing"])


@st.composite
def conversations(draw: st.DrawFn) -> list[Escalation]:
    """Draw a conversation, in order, with at least one message that shows risk."""
    gravities = draw(st.lists(st.sampled_from(Severity), min_size=1, max_size=5).filter(any))
    return [
        said(minute, severity, assessment=assessment(severity, _signal(draw(CATEGORIES), severity)))
        if severity
        else small_talk(minute)
        for minute, severity in enumerate(gravities)
    ]


def _signal(category: str, severity: Severity) -> Signal:
    return Signal(f"about-{category}", "lexicon", "v1", category, severity, 0, 1)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data(), messages=conversations())
def test_any_order_and_any_repetition_come_to_the_same(
    engine: Engine, data: st.DataObject, messages: list[Escalation]
) -> None:
    shuffled = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages)))))
    with engine.begin() as connection:
        for table in ("escalations", "alerts", "data_keys", "cases"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    log, cases = log_on(engine), Cases(engine, vault())
    in_order = [_renamed(message, "ordered") for message in messages]
    _take_in(log, in_order)
    _take_in(log, shuffled)

    assert columns(cases.find("c1")) == columns(cases.find("ordered"))
    ids = [each.message_id for each in cases.whole("c1").messages]
    assert ids == [each.message_id for each in messages]


def _renamed(message: Escalation, conversation: str) -> Escalation:
    name = f"{conversation}-{message.message_id}"
    return type(message)(**{**vars(message), "message_id": name, "conversation_id": conversation})


def _take_in(log: EscalationLog, messages: list[Escalation]) -> None:
    """As the spool does: what has no case yet comes round again."""
    waiting = list(messages)
    while waiting:
        later = []
        for message in waiting:
            try:
                log.record(message)
            except NoCaseYetError:
                later.append(message)
        assert len(later) < len(waiting)
        waiting = later
