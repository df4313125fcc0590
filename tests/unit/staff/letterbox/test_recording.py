"""A letterbox is opened, renewed and closed as the mailbox brings it, and its letters are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import LETTERBOX, LETTERBOX_LASTS, Escalation
from safeguarding.risk.assessment import NO_RISK
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.audit import trail
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.cases import CaseFilter, Cases
from staff.cases.recording import NoCaseYetError
from storage import letterboxes
from storage.letterboxes import BY_PERSON, Letterboxes
from storage.replies import AddressKind, ReplyMailbox
from tests.letterbox_on import LOCATOR, close_letterbox, open_letterbox
from tests.office import Office
from tests.records import NOON, Clock, EscalationLog, assessment, escalation, vault

SOON = timedelta(minutes=1)


def letter(message_id: str = "l1", **changes: object) -> Escalation:
    usual = {"text": "thanks", "assessment": NO_RISK, "extra": {LETTERBOX: "yes"}}
    return escalation(message_id, **{**usual, **changes})


def events(engine: Engine, case_id: str = "c1") -> list[str]:
    with engine.connect() as connection:
        return [link.event.what for link in trail.of_case(connection, case_id)]


def test_one_without_a_case_waits_for_it(engine: Engine, log: EscalationLog) -> None:
    with pytest.raises(NoCaseYetError):
        open_letterbox(engine, NOON)
    log.record(escalation())

    assert open_letterbox(engine, NOON)
    assert CaseEvent.LETTERBOX_OPENED.value in events(engine)


def test_a_later_phrase_replaces_an_earlier_one_in_whatever_order_they_come(
    engine: Engine, log: EscalationLog
) -> None:
    log.record(escalation())
    found = Letterboxes(engine)

    assert open_letterbox(engine, NOON + SOON, locator="later")
    assert not open_letterbox(engine, NOON, locator="early")
    assert found.find("early", NOON + SOON) is None
    box = found.find("later", NOON + SOON)
    assert box is not None
    assert box.case_id == "c1"


def test_nobody_finds_it_once_its_days_are_over_or_it_is_closed(
    engine: Engine, log: EscalationLog
) -> None:
    log.record(escalation())
    open_letterbox(engine, NOON)
    found, last = Letterboxes(engine), NOON + LETTERBOX_LASTS

    assert found.find(LOCATOR, last - SOON) is not None
    assert found.find(LOCATOR, last) is None
    assert close_letterbox(engine, NOON + SOON)
    assert not close_letterbox(engine, NOON + SOON)
    assert found.find(LOCATOR, NOON + SOON) is None
    with engine.connect() as connection:
        row = connection.execute(sa.select(letterboxes.letterboxes)).one()
        assert (row.secret, row.locator, row.closed_by) == (None, None, BY_PERSON)


def test_what_was_not_read_goes_when_the_person_closes_it(
    engine: Engine, log: EscalationLog
) -> None:
    log.record(escalation())
    open_letterbox(engine, NOON)
    mailbox, kind = ReplyMailbox(engine, vault()), AddressKind.LETTERBOX
    mailbox.post("k", "c1", "come by", at=NOON, expires_at=NOON + LETTERBOX_LASTS, kind=kind)
    close_letterbox(engine, NOON + SOON)

    assert mailbox.waiting("c1", NOON + SOON, kind) == 0


def test_a_letter_alerts_once_until_it_is_answered_and_waits_in_the_queue(
    engine: Engine, log: EscalationLog, cases: Cases
) -> None:
    log.record(escalation())
    open_letterbox(engine, NOON)
    log.record(letter("l1", raised_at=NOON + SOON))
    log.record(letter("l2", raised_at=NOON + 2 * SOON))

    with engine.connect() as connection:
        told = connection.execute(sa.select(alerts).where(alerts.c.letter)).mappings().all()
    assert [(each["occasion"], each["reason"]) for each in told] == [("l1", "raised")]
    assert [each.id for each in cases.queue(CaseFilter(letter_waits=True))] == ["c1"]
    assert cases.with_letters({"c1", "c2"}) == {"c1"}
    assert events(engine).count(CaseEvent.LETTER_CAME.value) == 1
    assert CaseEvent.RAISED.value not in events(engine)


def test_a_grave_letter_raises_its_case(engine: Engine, log: EscalationLog, cases: Cases) -> None:
    log.record(escalation())
    open_letterbox(engine, NOON)
    log.record(letter(assessment=assessment(Severity.IMMEDIATE), raised_at=NOON + SOON))

    assert cases.find("c1").severity is Severity.IMMEDIATE
    with engine.connect() as connection:
        (told,) = connection.execute(sa.select(alerts).where(alerts.c.letter)).mappings()
    assert told["severity"] == int(Severity.IMMEDIATE)


def test_a_letter_opens_a_case_again_that_was_closed(
    engine: Engine, clock: Clock, cases: Cases
) -> None:
    office = Office(engine, clock)
    office.closed("c1")
    open_letterbox(engine, clock())
    clock.at += SOON
    office.log.record(letter(raised_at=clock()))

    assert cases.find("c1").status is CaseStatus.OPEN
    assert CaseEvent.REOPENED.value in events(engine)
    with engine.connect() as connection:
        (told,) = connection.execute(sa.select(alerts).where(alerts.c.letter)).mappings()
    assert told["reason"] == "reopened"


def test_a_letter_whose_case_is_gone_is_read_all_the_same(
    engine: Engine, log: EscalationLog, cases: Cases
) -> None:
    log.record(letter())

    (case,) = cases.queue(CaseFilter())
    assert case.id == "c1"
    assert [each.text for each in cases.whole("c1").messages] == ["thanks"]
