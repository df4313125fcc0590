"""What the chat tells of a live chat is recorded once, in its term, with an alert of a request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.escalation import LETTERBOX, LiveChatChange, Outcome
from safeguarding.live_chat import LEASE, LIVE_CHAT, LiveChatEnd, LiveChatState, LiveChatStep
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import TAKEN_BACK, alerts
from staff.audit import trail
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.cases.recording import NoCaseYetError
from staff.cases.worker import CaseWorker
from staff.live.wrap_up import WrapUp
from storage.handoffs import HandoffMailbox
from storage.live_chats import live_chats
from tests.letterbox_on import open_letterbox
from tests.live_on import LiveOffice
from tests.records import NOON, Clock, assessment, vault


def told(engine: Engine, **where: Any) -> list[RowMapping]:
    """Return the alerts of live chats."""
    with engine.connect() as connection:
        query = sa.select(alerts).where(alerts.c.live_chat).order_by(alerts.c.id)
        return list(connection.execute(query).mappings())


def test_a_request_waits_and_alerts_once(office: LiveOffice) -> None:
    assert office.ask()
    assert not office.ask()
    assert not office.ask("another")

    chat = office.chat("chat")
    assert (chat.state, chat.term, chat.owner, chat.begun_at) == (
        LiveChatState.ASKED, 0, None, NOON,
    )  # fmt: skip
    (alert,) = told(office.engine)
    assert (alert["case_id"], alert["reason"], alert["occasion"]) == ("c1", "raised", "chat")
    assert alert["severity"] == int(Severity.CONCERN)
    assert office.events().count(CaseEvent.LIVE_ASKED.value) == 1


def test_the_alert_of_a_request_ends_no_other_and_ends_when_it_is_taken_back(
    office: LiveOffice,
) -> None:
    office.ask()
    assert office.end("chat", LiveChatEnd.STOPPED, term=0)

    with office.engine.connect() as connection:
        rows = connection.execute(sa.select(alerts).order_by(alerts.c.id)).mappings().all()
    assert [(each["live_chat"], each["ended_by"]) for each in rows] == [
        (False, None),
        (True, TAKEN_BACK),
    ]


def test_a_request_without_a_case_waits_for_it(office: LiveOffice) -> None:
    with pytest.raises(NoCaseYetError):
        office.ask(conversation_id="c9", address="c9")


def test_a_request_opens_a_case_again_that_was_closed(office: LiveOffice) -> None:
    work, cases = Casework(office.engine, vault(), office.clock), Cases(office.engine, vault())
    work.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Done."), by=office.ann)
    office.ask()

    assert cases.find("c1").status is CaseStatus.OPEN
    (alert,) = told(office.engine)
    assert alert["reason"] == "reopened"
    assert CaseEvent.REOPENED.value in office.events()


def test_a_request_in_a_merged_case_is_one_of_the_case_that_staff_see(office: LiveOffice) -> None:
    office.write("m2", "c2")
    CaseMerge(office.engine, vault(), office.clock).merge("c1", "c2", by=office.ann)
    office.ask()

    (alert,) = told(office.engine)
    assert alert["case_id"] == "c2"
    assert office.room.flags({"c1", "c2"}).keys() == {"c2"}
    assert office.chat("chat").case_id == "c1"


def test_a_request_that_crosses_an_offer_is_a_yes(office: LiveOffice) -> None:
    offered = office.desk.offer("c1", by=office.ann)
    assert office.ask("another")

    assert office.chat(offered).state is LiveChatState.OPEN
    with office.engine.connect() as connection:
        assert len(connection.execute(sa.select(live_chats)).all()) == 1
    assert told(office.engine) == []


def test_a_yes_opens_the_offer_once(office: LiveOffice, clock: Clock) -> None:
    offered = office.desk.offer("c1", by=office.ann)
    clock.move(seconds=20)
    assert office.tell(LiveChatStep.ACCEPTED, offered)
    assert not office.tell(LiveChatStep.ACCEPTED, offered)

    chat = office.chat(offered)
    assert (chat.state, chat.term, chat.owner) == (LiveChatState.OPEN, 1, office.ann)
    assert (chat.opened_at, chat.spoke_at) == (clock(), clock())
    with office.engine.connect() as connection:
        event = trail.of_case(connection, "c1")[-1].event
    assert (event.what, event.detail["to"]) == (CaseEvent.LIVE_JOINED.value, office.ann)


def test_a_yes_to_one_who_is_away_opens_nothing(office: LiveOffice, clock: Clock) -> None:
    offered = office.desk.offer("c1", by=office.ann)
    clock.at += LEASE
    assert office.tell(LiveChatStep.ACCEPTED, offered)

    assert office.chat(offered).ended_why is LiveChatEnd.AWAY
    assert office.room.unwrapped(office.ann) == []


@pytest.mark.parametrize("why", [LiveChatEnd.SILENT, LiveChatEnd.AWAY])
def test_an_end_of_an_earlier_owner_ends_nothing(office: LiveOffice, why: LiveChatEnd) -> None:
    chat_id = office.open()
    office.desk.take_over(chat_id, by=office.lee)

    assert not office.end(chat_id, why, term=1)
    assert office.chat(chat_id).state is LiveChatState.OPEN
    assert office.end(chat_id, why, term=2)
    assert not office.end(chat_id, why, term=2)
    assert office.chat(chat_id).ended_why is why


@pytest.mark.parametrize("why", [LiveChatEnd.STOPPED, LiveChatEnd.LEFT])
def test_the_young_persons_own_end_counts_in_any_term(office: LiveOffice, why: LiveChatEnd) -> None:
    chat_id = office.open()
    office.desk.take_over(chat_id, by=office.lee)

    assert office.end(chat_id, why, term=1)
    assert office.chat(chat_id).ended_why is why


def test_what_is_told_of_a_live_chat_that_is_gone_changes_nothing(office: LiveOffice) -> None:
    for step in (LiveChatStep.ACCEPTED, LiveChatStep.ENDED):
        assert not office.tell(step, "gone", why=LiveChatEnd.SILENT)
    unknown = {"conversation_id": "c9", "address": "c9"}
    assert not office.tell(LiveChatStep.ENDED, "", why=LiveChatEnd.LEFT, **unknown)


def test_the_worker_takes_it_from_the_mailbox_in_order(office: LiveOffice, clock: Clock) -> None:
    mailbox = HandoffMailbox(office.engine, vault())
    for number, step in enumerate((LiveChatStep.ASKED, LiveChatStep.ENDED)):
        why = LiveChatEnd.NOBODY_CAME if step is LiveChatStep.ENDED else None
        change = LiveChatChange(f"x{number}", "c1", NOON, "chat", step, "c1", why)
        assert [mailbox.append(change) for _ in range(2)] == [True, False]
    assert CaseWorker(office.engine, vault(), clock).work_off() == 0

    assert office.chat("chat").ended_why is LiveChatEnd.NOBODY_CAME
    assert office.events().count(CaseEvent.LIVE_ENDED.value) == 1


def test_harmless_messages_of_a_live_chat_are_attached_and_alert_nobody(
    office: LiveOffice, clock: Clock
) -> None:
    cases, chat_id = Cases(office.engine, vault()), office.open()
    before = cases.find("c1")
    for number in range(3):
        clock.move(seconds=10)
        assert office.log.record(office.harmless(f"h{number}", chat_id))

    after = cases.find("c1")
    assert (after.severity, after.raised_at, after.version) == (
        before.severity, before.raised_at, before.version,
    )  # fmt: skip
    assert after.newest_at == clock()
    with office.engine.connect() as connection:
        assert len(connection.execute(sa.select(alerts)).all()) == 1
    assert office.events()[-3:] == [CaseEvent.ATTACHED.value] * 3
    assert cases.whole("c1").messages[-1].extra == {LIVE_CHAT: chat_id}
    assert office.room.mine(office.ann)[0].heard_at == clock()


def test_what_is_written_in_a_live_chat_is_no_letter(office: LiveOffice, clock: Clock) -> None:
    open_letterbox(office.engine, NOON)
    chat_id = office.open()
    clock.move(seconds=10)
    message = office.harmless("h1", chat_id)
    office.log.record(replace(message, extra={**message.extra, LETTERBOX: "yes"}))

    cases = Cases(office.engine, vault())
    assert cases.with_letters({"c1"}) == set()
    with office.engine.connect() as connection:
        assert not any(connection.execute(sa.select(alerts.c.letter)).scalars())
    office.desk.hand_back(chat_id, by=office.ann, term=1)
    office.write("l1", extra={LETTERBOX: "yes"})
    assert cases.with_letters({"c1"}) == {"c1"}


def test_a_harmless_message_does_not_open_a_closed_case(office: LiveOffice, clock: Clock) -> None:
    chat_id = office.open()
    office.desk.hand_back(chat_id, by=office.ann, term=1)
    office.desk.wrap_up(chat_id, WrapUp("They are well."), by=office.ann)
    work, cases = Casework(office.engine, vault(), clock), Cases(office.engine, vault())
    work.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Done."), by=office.ann)
    clock.move(seconds=10)
    office.log.record(office.harmless("h1", chat_id))

    assert cases.find("c1").status is CaseStatus.CLOSED


def test_a_graver_message_of_a_live_chat_raises_and_alerts(
    office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    clock.move(seconds=10)
    office.write("m2", assessment=assessment(Severity.IMMEDIATE), extra={LIVE_CHAT: chat_id})

    assert Cases(office.engine, vault()).find("c1").severity is Severity.IMMEDIATE
    with office.engine.connect() as connection:
        query = sa.select(alerts.c.severity, alerts.c.ended_at).order_by(alerts.c.id)
        assert connection.execute(query).all()[-1] == (int(Severity.IMMEDIATE), None)
