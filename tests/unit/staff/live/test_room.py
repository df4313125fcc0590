"""Pages read who has which live chat, flags of the queue, and the whole conversation in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from safeguarding.escalation import Escalation
from safeguarding.live_chat import LiveChatEnd, LiveChatState
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.merging import CaseMerge
from staff.live.room import EVENT, LANTERN, PERSON, STAFF
from staff.live.wrap_up import WrapUp
from storage.vault import VaultError, key_ring, new_key
from tests.live_on import LiveOffice
from tests.records import NOON, WORDS, Clock, assessment, escalation, vault


def texts(office: LiveOffice, chat_id: str) -> list[tuple[str, str]]:
    lines = office.room.transcript(chat_id, None)
    return [(each.kind, each.text or each.what) for each in lines]


def reply(office: LiveOffice, message_id: str, text: str, **changes: object) -> Escalation:
    usual = {"raised_at": office.clock(), "text": text, "shown": ()}
    return escalation(message_id, **{**usual, **changes})


def test_the_conversation_is_read_in_the_order_in_which_it_was_said(
    office: LiveOffice, clock: Clock
) -> None:
    clock.move(seconds=1)
    chat_id = office.open()
    clock.move(seconds=1)
    office.desk.say(chat_id, "Hi, I'm Ann.", by=office.ann, term=1, key="k1")
    clock.move(seconds=1)
    grave = assessment(Severity.IMMEDIATE)
    office.log.record(reply(office, "m2", "he is here", assessment=grave, shown=("Call 999.",)))
    clock.move(seconds=1)
    office.desk.say(chat_id, "Call 999 now.", by=office.ann, term=1, key="k2")
    office.desk.hand_back(chat_id, by=office.ann, term=1)

    assert texts(office, chat_id) == [
        (PERSON, "hi"),
        (LANTERN, "Hello."),
        (PERSON, WORDS),
        (LANTERN, "You did the right thing."),
        (EVENT, CaseEvent.LIVE_OFFERED.value),
        (EVENT, CaseEvent.LIVE_JOINED.value),
        (STAFF, "Hi, I'm Ann."),
        (PERSON, "he is here"),
        (LANTERN, "Call 999."),
        (STAFF, "Call 999 now."),
        (EVENT, CaseEvent.LIVE_ENDED.value),
    ]
    lines = office.room.transcript(chat_id, None)
    assert len({each.id for each in lines}) == len(lines)
    assert lines == office.room.transcript(chat_id, None)
    (danger,) = [each for each in lines if each.message_id == "m2" and each.kind == PERSON]
    assert (danger.severity, danger.categories) == (Severity.IMMEDIATE, ("grooming",))
    assert lines[-1].why == LiveChatEnd.HANDED_BACK.value
    assert lines[5].to == office.ann


def test_what_staff_wrote_is_read_once_although_it_is_a_turn_of_the_conversation(
    office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    office.desk.say(chat_id, "How are you?", by=office.ann, term=1, key="k")
    clock.move(seconds=1)
    turns = (Turn("assistant", "How are you?"), Turn("assistant", "Hello there."))
    office.write("m1", shown=())
    with office.engine.begin() as connection:
        # As though it came first on record: then its turns are kept.
        connection.execute(sa.text("DELETE FROM escalations"))
    office.log.record(replace(reply(office, "m2", "fine"), turns_before=turns))

    said = [line for line in texts(office, chat_id) if line[0] != EVENT]
    assert said == [(STAFF, "How are you?"), (LANTERN, "Hello there."), (PERSON, "fine")]


def test_who_has_which_and_what_is_left_to_say(office: LiveOffice) -> None:
    chat_id = office.open()
    (mine,) = office.room.mine(office.ann)
    assert (mine.id, mine.case_id, mine.own_id, mine.severity, mine.area) == (
        chat_id, "c1", "c1", Severity.CONCERN, "wiltshire",
    )  # fmt: skip
    assert (mine.heard_at, mine.is_present(NOON)) == (NOON, True)
    assert office.room.mine(office.bob) == []
    office.desk.offer_transfer(chat_id, office.bob, by=office.ann, term=1)
    assert [each.id for each in office.room.offered_to(office.bob)] == [chat_id]
    office.desk.hand_back(chat_id, by=office.ann, term=1)
    (left,) = office.room.unwrapped(office.ann)
    assert left.waits_for_wrap_up
    office.desk.wrap_up(chat_id, WrapUp("They are well."), by=office.ann)

    assert office.room.unwrapped(office.ann) == office.room.mine(office.ann) == []
    newest = office.room.of_case("c1")
    assert newest is not None
    assert (newest.id, newest.state) == (chat_id, LiveChatState.ENDED)


def test_a_reader_sees_those_of_their_areas(office: LiveOffice) -> None:
    office.write("m2", "c2", area="swindon")
    office.write("m3", "c3", area=None)
    chats = {case_id: office.ask(case_id, conversation_id=case_id, address=case_id)
             for case_id in ("c1", "c2", "c3")}  # fmt: skip
    assert all(chats.values())

    assert [each.case_id for each in office.room.running({"swindon"})] == ["c2", "c3"]
    assert len(office.room.running(None)) == 3
    for read in (office.room.chat, office.room.transcript):
        with pytest.raises(UnknownCaseError):
            read("c1", {"swindon"})
    with pytest.raises(UnknownCaseError):
        office.room.chat("nothing")


def test_a_row_of_the_queue_has_the_live_chat_that_runs(office: LiveOffice) -> None:
    office.write("m2", "c2")
    office.write("m3", "c3")
    CaseMerge(office.engine, vault(), office.clock).merge("c2", "c1", by=office.ann)
    ended = office.desk.offer("c3", by=office.ann)
    office.end(ended, LiveChatEnd.DECLINED)
    office.ask("asked", conversation_id="c2", address="c2")

    flags = office.room.flags({"c1", "c3", "unknown"})
    assert {case_id: each.state for case_id, each in flags.items()} == {"c1": LiveChatState.ASKED}
    assert flags["c1"].own_id == "c2"
    assert office.room.flags(set()) == {}


def test_a_watch_learns_of_each_change_and_of_what_was_shown(office: LiveOffice) -> None:
    chat_id, seen = office.open(), set()

    def differs() -> bool:
        newest = office.room.newest()
        known = newest in seen
        seen.add(newest)
        return not known

    assert differs()
    assert not differs()
    office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
    assert differs()
    office.mailbox.shown("c1", office.shown()[0].number, NOON)
    assert differs()
    office.log.record(office.harmless("h1", chat_id))
    assert differs()
    office.desk.beat(chat_id, by=office.ann, term=1)
    assert not differs()
    office.end(chat_id, LiveChatEnd.STOPPED)
    assert differs()


def test_the_mark_of_a_chat_differs_when_something_of_it_changes_and_only_then(
    office: LiveOffice,
) -> None:
    office.write("m2", "c2")
    chat_id, other = office.open(), office.desk.offer("c2", by=office.bob)
    marks = [office.room.mark(chat_id)]

    def differs() -> bool:
        marks.append(office.room.mark(chat_id))
        return marks[-1] != marks[-2]

    office.end(other, LiveChatEnd.DECLINED)
    office.log.record(escalation("m3", conversation_id="c2"))
    assert not differs()
    office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
    assert differs()
    office.mailbox.shown("c1", office.shown()[0].number, NOON)
    assert differs()
    office.log.record(office.harmless("h1", chat_id))
    assert differs()
    CaseMerge(office.engine, vault(), office.clock).merge("c2", "c1", by=office.ann)
    assert differs()
    office.log.record(escalation("m4", conversation_id="c2"))
    assert differs(), "the head of the merge is shown on the page"
    with pytest.raises(UnknownCaseError):
        office.room.mark("nothing")


def test_without_the_key_of_the_case_nothing_is_read(office: LiveOffice) -> None:
    chat_id = office.open()
    office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
    with office.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM data_keys"))

    with pytest.raises(VaultError):
        office.room.transcript(chat_id, None)
    assert key_ring(f"k9:{new_key()}")
