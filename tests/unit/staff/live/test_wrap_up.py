"""Staff end a live chat, say what came of it, and keep a conversation from further ones."""

from __future__ import annotations

from datetime import date

import pytest

from safeguarding.escalation import Outcome
from safeguarding.live_chat import LiveChatEnd, LiveChatState
from staff.accounts.accounts import UnknownStaffError
from staff.audit import trail
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision, WordsMissingError
from staff.cases.closing import UnfinishedCaseError
from staff.cases.merging import CaseMerge
from staff.live.chats import CannotChatError, StaleTermError, WhyNot
from staff.live.wrap_up import WrapUp
from storage.live_chats import LiveChats
from tests.live_on import LiveOffice
from tests.records import vault

DONE = ClosingDecision(Outcome.ADVICE_GIVEN, "Spoken to.")
AGREED = WrapUp("They talk to their aunt tonight.", "Ring the school.", due_on=date(2026, 11, 27))


@pytest.fixture
def chat(office: LiveOffice) -> str:
    """Return a live chat that Ann has, in its first term."""
    return office.open()


def test_the_conversation_goes_back_to_lantern(office: LiveOffice, chat: str) -> None:
    office.desk.hand_back(chat, by=office.ann, term=1)

    read = LiveChats(office.engine).newest(["c1"])["c1"]
    assert (read.state, read.ended_why) == (LiveChatState.ENDED, LiveChatEnd.HANDED_BACK)
    with pytest.raises(StaleTermError):
        office.desk.hand_back(chat, by=office.ann, term=1)
    assert office.events().count(CaseEvent.LIVE_ENDED.value) == 1


def test_a_goodbye_is_the_last_message_and_ends_it(office: LiveOffice, chat: str) -> None:
    with pytest.raises(WordsMissingError):
        office.desk.finish(chat, " ", by=office.ann, term=1)
    office.desk.finish(chat, "Take care.", by=office.ann, term=1)

    assert [each.text for each in office.shown()] == ["Take care."]
    assert office.chat(chat).ended_why is LiveChatEnd.FINISHED
    assert office.events()[-2:] == [CaseEvent.LIVE_SAID.value, CaseEvent.LIVE_ENDED.value]
    with pytest.raises(StaleTermError):
        office.desk.finish(chat, "Take care.", by=office.ann, term=1)
    assert len(office.shown()) == 1


def test_abuse_ends_it_with_a_reason_and_may_block_the_conversation(
    office: LiveOffice, chat: str
) -> None:
    with pytest.raises(WordsMissingError):
        office.desk.end_for_abuse(chat, " ", by=office.ann, term=1, block=True)
    office.desk.end_for_abuse(chat, "Threats.", by=office.ann, term=1, block=True)
    office.desk.wrap_up(chat, WrapUp("Nothing."), by=office.ann)

    assert [each.text for each in Cases(office.engine, vault()).whole("c1").notes] == [
        "Threats.",
        "Nothing.",
    ]
    assert LiveChats(office.engine).newest(["c1"])["c1"].blocked
    assert office.room.blocked("c1")
    assert not office.ask("again")
    with pytest.raises(CannotChatError) as raised:
        office.desk.offer("c1", by=office.ann)
    assert raised.value.reason is WhyNot.BLOCKED
    office.desk.unblock("c1", by=office.bob)
    office.desk.unblock("c1", by=office.bob)
    assert office.events().count(CaseEvent.LIVE_UNBLOCKED.value) == 1
    assert not office.room.blocked("c1")
    assert office.ask("again")


def test_without_block_they_may_ask_again(office: LiveOffice, chat: str) -> None:
    office.desk.end_for_abuse(chat, "Insults.", by=office.ann, term=1, block=False)

    assert CaseEvent.LIVE_BLOCKED.value not in office.events()
    assert office.ask("again")


def test_what_came_of_it_is_a_note_and_a_task(office: LiveOffice, chat: str) -> None:
    with pytest.raises(CannotChatError):
        office.desk.wrap_up(chat, AGREED, by=office.ann)
    office.desk.hand_back(chat, by=office.ann, term=1)
    assert [each.id for each in office.room.unwrapped(office.ann)] == [chat]
    with pytest.raises(WordsMissingError):
        office.desk.wrap_up(chat, WrapUp(" \n"), by=office.ann)
    with pytest.raises(StaleTermError):
        office.desk.wrap_up(chat, AGREED, by=office.bob)
    with pytest.raises(UnknownStaffError):
        office.desk.wrap_up(chat, WrapUp("x", "y", "nobody"), by=office.ann)
    for _ in range(2):
        office.desk.wrap_up(chat, AGREED, by=office.ann)

    whole = Cases(office.engine, vault()).whole("c1")
    assert [each.text for each in whole.notes] == [AGREED.agreed]
    (task,) = whole.actions
    assert (task.what, task.due_on, task.given_to) == ("Ring the school.", AGREED.due_on, None)
    assert office.room.unwrapped(office.ann) == []
    with office.engine.connect() as connection:
        event = trail.of_case(connection, "c1")[-1].event
    assert event.what == CaseEvent.LIVE_WRAPPED_UP.value
    assert event.detail == {"chat": chat, "note": whole.notes[0].id, "action": task.id}


@pytest.mark.parametrize("why", [LiveChatEnd.AWAY, LiveChatEnd.SILENT])
def test_one_that_was_broken_off_goes_on_and_is_wrapped_up_with_the_next(
    office: LiveOffice, chat: str, why: LiveChatEnd
) -> None:
    office.write("m2", "c2")
    office.end(chat, why)
    assert office.desk.why_not("c2", by=office.ann) is WhyNot.NOT_WRAPPED_UP
    again = office.open()
    office.desk.hand_back(again, by=office.ann, term=1)
    assert office.desk.why_not("c1", by=office.ann) is WhyNot.NOT_WRAPPED_UP
    assert len(office.room.unwrapped(office.ann)) == 2
    office.desk.wrap_up(again, WrapUp("They are well."), by=office.ann)

    assert office.room.unwrapped(office.ann) == []
    assert office.events().count(CaseEvent.LIVE_WRAPPED_UP.value) == 2
    assert len(Cases(office.engine, vault()).whole("c1").notes) == 1
    assert office.desk.why_not("c2", by=office.ann) is None


def test_a_supervisor_wraps_up_for_one_who_is_gone(office: LiveOffice, chat: str) -> None:
    office.desk.hand_back(chat, by=office.ann, term=1)
    office.desk.wrap_up(chat, WrapUp("They are well.", "", None), by=office.lee)

    assert office.room.unwrapped(office.ann) == []
    assert Cases(office.engine, vault()).whole("c1").actions == ()


def test_a_case_is_closed_after_its_live_chat_ended_and_was_wrapped_up(
    office: LiveOffice, chat: str
) -> None:
    work = Casework(office.engine, vault(), office.clock)
    office.write("m2", "c2")
    CaseMerge(office.engine, vault(), office.clock).merge("c1", "c2", by=office.ann)

    with pytest.raises(UnfinishedCaseError) as refused:
        work.close("c2", DONE, by=office.ann)
    assert refused.value.live_chat == "running"
    office.desk.hand_back(chat, by=office.ann, term=1)
    with pytest.raises(UnfinishedCaseError) as refused:
        work.close("c2", DONE, by=office.ann)
    assert refused.value.live_chat == "not_wrapped_up"
    office.desk.wrap_up(chat, WrapUp("They are well."), by=office.ann)

    assert work.close("c2", DONE, by=office.ann) is CaseStatus.CLOSED


@pytest.mark.parametrize("asked", [True, False])
def test_one_that_was_asked_for_or_offered_keeps_its_case_open(
    office: LiveOffice, asked: bool
) -> None:
    work = Casework(office.engine, vault(), office.clock)
    chat_id = "chat"
    if asked:
        office.ask(chat_id)
    else:
        chat_id = office.desk.offer("c1", by=office.ann)
    with pytest.raises(UnfinishedCaseError):
        work.close("c1", DONE, by=office.ann)
    office.end(chat_id, LiveChatEnd.STOPPED)

    assert work.close("c1", DONE, by=office.ann) is CaseStatus.CLOSED
