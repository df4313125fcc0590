"""The queue is in order, its filters hold, and a case is found by its reference."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases import recording
from staff.cases.case import CaseEvent, CaseStatus, reference_of
from staff.cases.cases import UNASSIGNED, CaseFilter, Cases, UnknownCaseError
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.cases.tables import escalations
from storage.vault import VaultError
from tests.records import GIFTS, NOON, EscalationLog, assessment, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity
MISSING = Signal("missing", "lexicon", "v1", "missing", CONCERN, 0, 1)
ALL = CaseFilter(status=None)


def record(log: EscalationLog, name: str, severity: Severity = CONCERN, minutes: int = 0) -> None:
    """Record a case of one message, raised some minutes ago."""
    log.record(
        escalation(
            f"{name}-1",
            conversation_id=name,
            assessment=assessment(severity),
            raised_at=NOON - timedelta(minutes=minutes),
        )
    )


def ids(cases: Cases, which: CaseFilter = ALL) -> list[str]:
    """Return the ids of the cases that match, which `count` confirms."""
    found = [case.id for case in cases.queue(which)]
    assert cases.count(which) == len(found)
    return found


def test_the_most_severe_comes_first_then_what_is_due_first(
    log: EscalationLog, cases: Cases
) -> None:
    record(log, "new-concern", CONCERN, 1)
    record(log, "old-concern", CONCERN, 60 * 24 * 9)
    record(log, "urgent", URGENT, 5)
    record(log, "older-urgent", URGENT, 6)
    record(log, "immediate", IMMEDIATE, 1)

    order = ["immediate", "older-urgent", "urgent", "old-concern", "new-concern"]
    assert ids(cases, CaseFilter()) == order


def test_staff_judgement_decides_the_place_in_the_queue(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    record(log, "judged", IMMEDIATE)
    record(log, "urgent", URGENT)
    casework.correct("judged", severity=CONCERN, categories=None, reason="x", by=ann)

    assert ids(cases, CaseFilter()) == ["urgent", "judged"]


def test_a_long_list_comes_in_parts(log: EscalationLog, cases: Cases) -> None:
    for number in range(5):
        record(log, f"c{number}", URGENT, 10 - number)

    part = cases.queue(CaseFilter(), offset=2, limit=2)

    assert [case.id for case in part] == ["c2", "c3"]
    assert len(cases.queue(CaseFilter(), limit=None)) == cases.count(CaseFilter()) == 5


@pytest.fixture
def mixed(log: EscalationLog, casework: Casework, ann: str, bob: str) -> None:
    """Four cases that differ in everything."""
    messages = [
        escalation("m1", conversation_id="gifts", assessment=assessment(CONCERN, GIFTS)),
        escalation("m2", conversation_id="away", assessment=assessment(URGENT, MISSING),
                   audience="parent", area="swindon", raised_at=NOON - timedelta(days=1)),
        escalation("m3", conversation_id="nowhere", assessment=assessment(IMMEDIATE, MISSING),
                   audience=None, area=None, raised_at=NOON - timedelta(days=2)),
        escalation("m4", conversation_id="closed", raised_at=NOON - timedelta(days=3)),
    ]  # fmt: skip
    for each in messages:
        log.record(each)
    casework.close("closed", ClosingDecision(Outcome.OTHER, "x"), by=ann)
    casework.assign("gifts", ann, by=ann)
    casework.assign("away", bob, by=ann)
    casework.hand_over("away", ann, "x", by=bob)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("which", "found"),
    [
        (CaseFilter(), {"gifts", "away", "nowhere"}),
        (CaseFilter(status=CaseStatus.CLOSED), {"closed"}),
        (CaseFilter(status=None), {"gifts", "away", "nowhere", "closed"}),
        (CaseFilter(severity=URGENT), {"away"}),
        (CaseFilter(category="missing"), {"away", "nowhere"}),
        (CaseFilter(category="miss"), set()),
        (CaseFilter(category="%"), set()),
        (CaseFilter(need="danger_now"), {"nowhere"}),
        (CaseFilter(audience="parent"), {"away"}),
        (CaseFilter(area="swindon"), {"away"}),
        (CaseFilter(assigned_to=UNASSIGNED), {"nowhere"}),
        (CaseFilter(areas={"wiltshire"}), {"gifts", "nowhere"}),
        (CaseFilter(areas=["wiltshire", "swindon"]), {"gifts", "away", "nowhere"}),
        (CaseFilter(areas=()), {"nowhere"}),
        (CaseFilter(overdue_at=NOON), {"away", "nowhere"}),
        (CaseFilter(overdue_at=NOON - timedelta(days=1)), {"nowhere"}),
        (CaseFilter(opened_from=NOON - timedelta(days=1)), {"gifts", "away"}),
        (CaseFilter(opened_before=NOON - timedelta(days=1)), {"nowhere"}),
        (CaseFilter(category="missing", areas={"wiltshire"}, severity=IMMEDIATE), {"nowhere"}),
    ],
)
def test_each_filter_lets_through_what_it_says(
    cases: Cases, which: CaseFilter, found: set[str]
) -> None:
    assert set(ids(cases, which)) == found


@pytest.mark.usefixtures("mixed")
def test_mine_is_what_i_have_and_what_i_am_offered(cases: Cases, ann: str, bob: str) -> None:
    assert set(ids(cases, CaseFilter(assigned_to=ann))) == {"gifts", "away"}
    assert ids(cases, CaseFilter(assigned_to=bob)) == ["away"]


@pytest.mark.usefixtures("mixed")
def test_categories_of_staff_count_in_place_of_the_assessed_ones(
    cases: Cases, casework: Casework, ann: str
) -> None:
    casework.correct("gifts", severity=None, categories=["missing"], reason="x", by=ann)
    casework.correct("away", severity=None, categories=[], reason="x", by=ann)

    assert set(ids(cases, CaseFilter(category="missing"))) == {"gifts", "nowhere"}
    assert ids(cases, CaseFilter(category="grooming")) == []


def test_what_was_merged_is_listed_once(
    log: EscalationLog, cases: Cases, merging: CaseMerge, ann: str
) -> None:
    record(log, "c1")
    record(log, "c2")
    merging.merge("c2", "c1", by=ann)

    assert ids(cases) == ["c1"]
    assert cases.find("c2").merged_into == "c1"
    assert cases.of_reference(cases.find("c2").reference).id == "c2"


@pytest.mark.parametrize(
    "typed",
    ["{0}", "{1}", " {2} ", "{3}", "{4}", "{5}", "{6}"],
    ids=["as it is", "small", "spaces", "no dashes", "no prefix", "no prefix small", "long dash"],
)
def test_a_reference_is_found_as_people_type_it(
    log: EscalationLog, cases: Cases, typed: str
) -> None:
    record(log, "c1")
    record(log, "c2")
    known = cases.find("c1").reference
    text = typed.format(
        known,
        known.lower(),
        known.replace("-", " "),
        known.replace("-", ""),
        known[3:],
        known[3:].replace("-", "").lower(),
        known.replace("-", "–"),
    )

    assert cases.of_reference(text).id == "c1"
    assert ids(cases, CaseFilter(reference=text)) == ["c1"]


@pytest.mark.parametrize("letters", range(1, 9))
def test_the_beginning_of_a_reference_is_enough_for_the_list(
    log: EscalationLog, cases: Cases, letters: int
) -> None:
    record(log, "c1")
    plain = cases.find("c1").reference.replace("-", "").lower()

    assert ids(cases, CaseFilter(reference=plain[: 2 + letters])) == ["c1"]
    assert ids(cases, CaseFilter(reference=plain[2 : 2 + letters])) == ["c1"]
    if letters < 8:
        with pytest.raises(UnknownCaseError):
            cases.of_reference(plain[: 2 + letters])


def test_a_reference_whose_letters_begin_as_all_references_do(
    log: EscalationLog, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "reference_of", lambda *_: "LN-LN3M-29QF")
    record(log, "c1")

    for typed in ("LN-LN3M-29QF", "ln3m 29qf", "LNLN3M29QF", "LN3M29QF"):
        assert cases.of_reference(typed).id == "c1"
        assert ids(cases, CaseFilter(reference=typed)) == ["c1"]
    assert ids(cases, CaseFilter(reference="ln3m")) == ["c1"]


@pytest.mark.parametrize("typed", ["LN-ZZZZ-ZZZZ", "'; DROP TABLE cases; --", "%", "x" * 500, "é"])
def test_what_is_no_reference_finds_nothing(log: EscalationLog, cases: Cases, typed: str) -> None:
    record(log, "c1")

    with pytest.raises(UnknownCaseError):
        cases.of_reference(typed)
    if typed != "%":
        assert ids(cases, CaseFilter(reference=typed)) == []


def test_no_letters_are_no_filter(log: EscalationLog, cases: Cases) -> None:
    record(log, "c1")

    assert ids(cases, CaseFilter(reference=" - ")) == ["c1"]


def test_a_case_of_another_area_is_not_there_for_a_reader(log: EscalationLog, cases: Cases) -> None:
    record(log, "c1")
    log.record(escalation("n1", conversation_id="c2", area=None))

    assert cases.find("c1", ["wiltshire"]).id == "c1"
    assert cases.find("c2", ["swindon"]).id == "c2"
    for areas in (["swindon"], []):
        with pytest.raises(UnknownCaseError):
            cases.find("c1", areas)
        with pytest.raises(UnknownCaseError):
            cases.whole("c1", areas)


def test_what_is_not_there_is_an_error(cases: Cases) -> None:
    for ask in (cases.find, cases.whole, cases.of_message, cases.of_reference):
        with pytest.raises(UnknownCaseError):
            ask("nobody")


def test_a_message_leads_to_its_case(log: EscalationLog, cases: Cases) -> None:
    record(log, "c1")

    assert cases.of_message("c1-1") == "c1"


def test_a_whole_case_opens_at_the_gravest_of_equals_the_first(
    log: EscalationLog, cases: Cases
) -> None:
    for number, severity in enumerate((CONCERN, URGENT, URGENT, CONCERN)):
        at = NOON + timedelta(minutes=number)
        log.record(escalation(f"m{number}", raised_at=at, assessment=assessment(severity)))

    whole = cases.whole("c1")
    assert whole.opening.message_id == whole.case.opening == "m1"
    assert [each.message_id for each in whole.messages] == ["m0", "m1", "m2", "m3"]
    assert [link.event.what for link in whole.history][:2] == [CaseEvent.RECORDED, CaseEvent.JOINED]


def test_anything_that_happens_is_a_change(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    seen = [cases.latest_change()]
    record(log, "c1")
    seen.append(cases.latest_change())
    casework.viewed("c1", by=ann)
    seen.append(cases.latest_change())

    assert seen[0] == 0
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    "changed",
    [
        {"severity": 0},
        {"severity": 3},
        {"categories": ["missing"]},
        {"categories": []},
        {"subject": "friend"},
        {"signals": []},
        {"conversation_id": "c9"},
        {"raised_by": "ann"},
        {"raised_at": NOON + timedelta(seconds=1)},
        {"message_id": "m9"},
    ],
    ids=str,
)
def test_facts_changed_in_the_table_are_noticed(
    log: EscalationLog, cases: Cases, engine: Engine, changed: dict[str, object]
) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(**changed))

    with pytest.raises(VaultError):
        cases.whole("c1")


def test_the_list_opens_nothing(log: EscalationLog, cases: Cases, engine: Engine) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(text="damaged", turns="", shown=""))

    assert ids(cases) == ["c1"]


def test_a_reader_of_some_areas_knows_nothing_of_the_others(
    log: EscalationLog, cases: Cases, casework: Casework, ann: str
) -> None:
    log.record(escalation("m1", conversation_id="c1", area="kent"))
    log.record(escalation("m2", conversation_id="c2", area="wiltshire"))
    log.record(escalation("m3", conversation_id="c3", area=None))
    kent, before = {"kent"}, cases.latest_change({"kent"})
    casework.note("c2", "x", by=ann)

    known = [name for name in ("c1", "c2", "c3", "m1", "m2", "m3", "none") if cases.has(name, kent)]
    assert known == ["c1", "c3", "m1", "m3"]
    assert cases.of_message("m1", kent) == "c1"
    for unknown in ("m2", "none"):
        with pytest.raises(UnknownCaseError):
            cases.of_message(unknown, kent)
    for unknown in ("c2", "none"):
        with pytest.raises(UnknownCaseError):
            cases.of_reference(reference_of(unknown), kent)
    assert cases.latest_change(kent) == before < cases.latest_change()
    assert cases.latest_change(kent, after=before) == 0
    assert cases.latest_change(set(), after=before - 1) == before
