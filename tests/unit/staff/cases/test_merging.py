"""Merging, separating and splitting cases is on the trail and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import UnknownStaffError
from staff.alerts.outbox import alerts
from staff.cases.case import CaseEvent, CaseStatus, look_by
from staff.cases.cases import CaseFilter, Cases, UnknownCaseError
from staff.cases.casework import Casework, ClosingDecision, StaleCaseError
from staff.cases.merging import CaseMerge, CaseMergeError
from staff.cases.tables import data_keys, escalations
from storage.vault import VaultError
from tests.records import GIFTS, NOON, EscalationLog, assessment, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity
DONE = ClosingDecision(Outcome.OTHER, "Done.")


def record(log: EscalationLog, name: str, severity: Severity, minute: int = 0) -> None:
    """Return a message such as "c2-1", of the conversation that its id begins with."""
    log.record(
        escalation(
            name,
            conversation_id=name.partition("-")[0],
            text=f"words of {name}",
            assessment=assessment(severity),
            raised_at=NOON + timedelta(minutes=minute),
        )
    )


@pytest.fixture
def two(log: EscalationLog) -> None:
    """Two cases: a concern, and later an urgent one."""
    record(log, "c1-1", CONCERN)
    record(log, "c2-1", URGENT, 5)


def texts(cases: Cases, case_id: str) -> list[str]:
    return [message.text for message in cases.whole(case_id).messages]


def events(cases: Cases, case_id: str) -> list[str]:
    return [link.event.what for link in cases.whole(case_id).history]


@pytest.mark.usefixtures("two")
def test_a_merged_case_is_read_in_the_other(cases: Cases, merging: CaseMerge, ann: str) -> None:
    merging.merge("c2", "c1", by=ann)

    whole = cases.whole("c1")
    assert texts(cases, "c1") == ["words of c1-1", "words of c2-1"]
    assert [each.id for each in whole.merged] == ["c2"]
    assert (whole.case.severity, whole.case.handoffs) == (URGENT, 2)
    assert whole.case.raised_at == NOON + timedelta(minutes=5)
    assert cases.find("c2").merged_into == "c1"
    assert [each.id for each in cases.queue(CaseFilter())] == ["c1"]
    assert cases.count(CaseFilter(status=None)) == 1
    merged = [link.event for link in whole.history if link.event.what == CaseEvent.MERGED]
    assert [event.case_id for event in merged] == ["c2", "c1"]
    assert merged[0].who == ann
    assert merged[0].detail == {"into": whole.case.reference, "case": cases.find("c2").reference}


@pytest.mark.usefixtures("two")
def test_later_messages_of_a_merged_case_alert_where_it_is_read(
    log: EscalationLog, cases: Cases, merging: CaseMerge, engine: Engine, ann: str
) -> None:
    merging.merge("c2", "c1", by=ann)
    record(log, "c2-2", IMMEDIATE, 9)

    assert (cases.find("c1").severity, cases.find("c1").handoffs) == (IMMEDIATE, 3)
    assert texts(cases, "c1")[-1] == "words of c2-2"
    open_alerts = sa.select(alerts.c.case_id, alerts.c.occasion).where(alerts.c.ended_at.is_(None))
    with engine.connect() as connection:
        assert connection.execute(open_alerts).all() == [("c1", "c2-2")]


def test_an_area_that_a_merge_brings_counts_for_the_alerts_that_are_open(
    log: EscalationLog, merging: CaseMerge, engine: Engine, ann: str
) -> None:
    log.record(escalation("m1", conversation_id="c1", area=None))
    log.record(escalation("m2", conversation_id="c2", area="swindon"))

    merging.merge("c2", "c1", by=ann)

    mine = sa.select(alerts.c.area).where(alerts.c.case_id == "c1")
    with engine.connect() as connection:
        assert connection.execute(mine).scalars().all() == ["swindon"]


@pytest.mark.usefixtures("two")
def test_a_merge_ends_the_alerts_of_the_merged_case(
    merging: CaseMerge, engine: Engine, ann: str
) -> None:
    merging.merge("c2", "c1", by=ann)

    with engine.connect() as connection:
        ended = dict(connection.execute(sa.select(alerts.c.case_id, alerts.c.ended_by)).all())
    assert ended == {"c1": None, "c2": ann}


@pytest.mark.usefixtures("two")
def test_separating_gives_each_its_own_again_with_what_came_meanwhile(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str, bob: str
) -> None:
    before = cases.find("c1")
    merging.merge("c2", "c1", by=ann)
    record(log, "c2-2", IMMEDIATE, 9)
    merging.separate("c2", by=bob)

    assert texts(cases, "c1") == ["words of c1-1"]
    assert texts(cases, "c2") == ["words of c2-1", "words of c2-2"]
    first, second = cases.find("c1"), cases.find("c2")
    assert (first.severity, first.handoffs, first.due_at) == (CONCERN, 1, before.due_at)
    assert (second.severity, second.handoffs, second.merged_into) == (IMMEDIATE, 2, None)
    assert events(cases, "c1")[-1] == events(cases, "c2")[-1] == CaseEvent.SEPARATED


def test_an_open_case_is_never_hidden_in_a_closed_one(
    log: EscalationLog, cases: Cases, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    record(log, "c1-1", CONCERN)
    casework.close("c1", DONE, by=ann)
    record(log, "c2-1", CONCERN)
    merging.merge("c2", "c1", by=ann)

    assert (cases.find("c1").status, cases.find("c1").closed_at) == (CaseStatus.OPEN, None)
    assert events(cases, "c1")[-1] == CaseEvent.REOPENED


def test_two_closed_ones_stay_closed(
    log: EscalationLog, cases: Cases, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    for name in ("c1", "c2"):
        record(log, f"{name}-1", CONCERN)
        casework.close(name, DONE, by=ann)
    merging.merge("c2", "c1", by=ann)

    assert cases.find("c1").status is CaseStatus.CLOSED


def test_a_closed_case_that_was_handed_over_while_merged_is_open_when_separated(
    log: EscalationLog, cases: Cases, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    for name in ("c1", "c2"):
        record(log, f"{name}-1", CONCERN)
    casework.close("c2", DONE, by=ann)
    merging.merge("c2", "c1", by=ann)
    record(log, "c2-2", CONCERN, 3)
    merging.separate("c2", by=ann)

    assert cases.find("c2").status is CaseStatus.OPEN


@pytest.mark.usefixtures("two")
def test_a_merge_ends_a_closing_that_was_proposed(
    log: EscalationLog, cases: Cases, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    casework.close("c2", DONE, by=ann)
    merging.merge("c1", "c2", by=ann)

    assert cases.find("c2").closing_by is None


@pytest.mark.usefixtures("two")
def test_what_staff_found_stays_unless_it_turns_out_graver(
    cases: Cases, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    casework.correct("c2", severity=CONCERN, categories=None, reason="x", by=ann)
    merging.merge("c1", "c2", by=ann)
    judged = cases.find("c2")
    assert (judged.severity, judged.staff_severity) == (CONCERN, CONCERN)
    assert judged.due_at == look_by(CONCERN, NOON + timedelta(minutes=5))
    merging.separate("c1", by=ann)
    casework.correct("c1", severity=NONE, categories=None, reason="x", by=ann)
    merging.merge("c2", "c1", by=ann)

    assert (cases.find("c1").severity, cases.find("c1").staff_severity) == (URGENT, None)


@pytest.mark.usefixtures("two")
def test_a_chain_of_merges_is_read_at_its_end(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    record(log, "c3-1", CONCERN, 7)
    merging.merge("c1", "c2", by=ann)
    merging.merge("c2", "c3", by=ann)
    record(log, "c1-2", CONCERN, 8)

    assert len(texts(cases, "c3")) == 4
    assert {each.id for each in cases.whole("c3").merged} == {"c1", "c2"}


@pytest.mark.usefixtures("two")
def test_an_impossible_merge_is_refused(cases: Cases, merging: CaseMerge, ann: str) -> None:
    merging.merge("c2", "c1", by=ann)
    refused: list[Callable[[], object]] = [
        lambda: merging.merge("c1", "c1", by=ann),
        lambda: merging.merge("c2", "c1", by=ann),
        lambda: merging.merge("c1", "c2", by=ann),
        lambda: merging.separate("c1", by=ann),
        lambda: merging.split("c1", ["c1-1"], by=ann),
        lambda: merging.split("c1", [], by=ann),
    ]
    before = (cases.find("c1"), cases.find("c2"))
    for step in refused:
        with pytest.raises(CaseMergeError):
            step()
    assert (cases.find("c1"), cases.find("c2")) == before


@pytest.mark.usefixtures("two")
def test_an_unknown_case_or_member_of_staff_is_refused(merging: CaseMerge, ann: str) -> None:
    for step in (
        lambda: merging.merge("c1", "c9", by=ann),
        lambda: merging.separate("c9", by=ann),
        lambda: merging.split("c9", ["c1-1"], by=ann),
        lambda: merging.split("c1", ["c2-1"], by=ann),
        lambda: merging.hold("c9", held=True, by=ann),
    ):
        with pytest.raises(UnknownCaseError):
            step()
    for step in (
        lambda: merging.merge("c1", "c2", by="gateway"),
        lambda: merging.separate("c1", by="gateway"),
        lambda: merging.split("c1", ["c1-1"], by="gateway"),
        lambda: merging.hold("c1", held=True, by="gateway"),
    ):
        with pytest.raises(UnknownStaffError):
            step()


@pytest.fixture
def three(log: EscalationLog) -> None:
    """One case of three messages."""
    for number, severity in enumerate((CONCERN, NONE, IMMEDIATE)):
        record(log, f"c1-{number}", severity, number)


@pytest.mark.usefixtures("three")
def test_a_split_makes_a_case_of_its_own(cases: Cases, merging: CaseMerge, ann: str) -> None:
    new = merging.split("c1", ["c1-2"], by=ann)

    assert texts(cases, "c1") == ["words of c1-0", "words of c1-1"]
    assert texts(cases, new) == ["words of c1-2"]
    rest, own = cases.find("c1"), cases.find(new)
    assert (rest.severity, rest.handoffs) == (CONCERN, 1)
    assert rest.due_at == look_by(CONCERN, NOON)
    assert (own.severity, own.handoffs, own.conversation_id) == (IMMEDIATE, 1, "c1")
    assert own.reference != rest.reference
    assert own.due_at == look_by(IMMEDIATE, NOON + timedelta(minutes=2))
    assert events(cases, new) == [CaseEvent.SPLIT]
    assert events(cases, "c1")[-1] == CaseEvent.SPLIT


@pytest.mark.usefixtures("three")
def test_a_moved_message_opens_with_the_key_of_its_new_case_alone(
    cases: Cases, merging: CaseMerge, engine: Engine, ann: str
) -> None:
    new = merging.split("c1", ["c1-2"], by=ann)
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "c1"))

    assert texts(cases, new) == ["words of c1-2"]
    with pytest.raises(VaultError):
        cases.whole("c1")
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys))
    with pytest.raises(VaultError):
        cases.whole(new)


@pytest.mark.usefixtures("three")
def test_a_message_moved_by_hand_in_the_table_opens_nowhere(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    record(log, "c2-1", CONCERN)
    with engine.begin() as connection:
        moved = sa.update(escalations).where(escalations.c.message_id == "c1-2")
        connection.execute(moved.values(case_id="c2"))

    with pytest.raises(VaultError):
        cases.whole("c2")


@pytest.mark.usefixtures("three")
def test_a_moved_message_that_turns_out_worse_raises_the_case_it_is_in(
    log: EscalationLog, cases: Cases, merging: CaseMerge, engine: Engine, ann: str
) -> None:
    new = merging.split("c1", ["c1-0", "c1-1"], by=ann)
    changed = assessment(URGENT, GIFTS)
    log.record(escalation("c1-0", text="words of c1-0", assessment=changed))

    assert (cases.find(new).severity, cases.find(new).handoffs) == (URGENT, 1)
    assert (cases.find("c1").severity, cases.find("c1").handoffs) == (IMMEDIATE, 1)
    newest = sa.select(alerts.c.case_id).order_by(alerts.c.id.desc()).limit(1)
    with engine.connect() as connection:
        assert connection.execute(newest).scalar_one() == new


@pytest.mark.usefixtures("three")
def test_later_messages_join_the_case_of_their_conversation(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    new = merging.split("c1", ["c1-2"], by=ann)
    record(log, "c1-3", URGENT, 9)

    assert texts(cases, "c1")[-1] == "words of c1-3"
    assert cases.find("c1").severity is URGENT
    assert cases.find(new).handoffs == 1


@pytest.mark.usefixtures("three")
def test_a_split_that_leaves_nothing_with_risk_is_refused(merging: CaseMerge, ann: str) -> None:
    for moved in (["c1-1"], ["c1-0", "c1-2"]):
        with pytest.raises(CaseMergeError):
            merging.split("c1", moved, by=ann)


@pytest.mark.usefixtures("two")
def test_a_hold_is_set_and_lifted_on_the_record(cases: Cases, merging: CaseMerge, ann: str) -> None:
    merging.hold("c1", held=True, by=ann)
    assert cases.find("c1").legal_hold is True
    merging.hold("c1", held=False, by=ann)

    assert cases.find("c1").legal_hold is False
    assert events(cases, "c1")[-2:] == [CaseEvent.HELD, CaseEvent.RELEASED]


@pytest.mark.usefixtures("two")
def test_a_hold_goes_with_what_is_merged_and_what_is_split_off(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    record(log, "c1-2", CONCERN, 2)
    merging.hold("c1", held=True, by=ann)
    new = merging.split("c1", ["c1-2"], by=ann)
    merging.merge("c1", "c2", by=ann)

    assert all(cases.find(each).legal_hold for each in ("c1", "c2", new))
    merging.hold("c2", held=False, by=ann)
    assert not cases.find("c1").legal_hold


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "late",
    [
        lambda merging, by: merging.merge("c2", "c1", by=by, version=1),
        lambda merging, by: merging.split("c2", ["c2-1"], by=by, version=1),
        lambda merging, by: merging.hold("c2", held=True, by=by, version=1),
    ],
)
def test_whoever_saw_an_older_version_changes_nothing(
    cases: Cases, merging: CaseMerge, ann: str, late: Callable[[CaseMerge, str], object]
) -> None:
    merging.hold("c2", held=False, by=ann)
    before = cases.find("c2"), events(cases, "c2")

    with pytest.raises(StaleCaseError):
        late(merging, ann)

    assert (cases.find("c2"), events(cases, "c2")) == before
