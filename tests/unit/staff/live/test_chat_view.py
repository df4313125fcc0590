"""What the page of a live chat says of it: every state, event and end has its words."""

from __future__ import annotations

import pytest

from safeguarding.live_chat import LiveChatEnd, LiveChatStep
from staff.cases.case import CaseEvent
from staff.live.chat_view import Standing, event_line, lines_of, state_of, waits_since
from staff.live.chats import WhyNot
from staff.live.phrases import StaffChatPhrases
from staff.live.room import EVENT, LIVE_EVENTS, LiveLine
from tests.content import real_content
from tests.live_on import LiveOffice
from tests.records import NOON, Clock, accounts_on

SAY = real_content().phrases.of("staff_chats", StaffChatPhrases)
NAMES = {"a": "Ann Archer", "b": "Bob Bell"}


def standing(office: LiveOffice, chat_id: str, reader: str) -> Standing:
    member = accounts_on(office.engine, office.clock).of_id(reader)
    assert member is not None
    return Standing(office.room.chat(chat_id), member)


ENDED = CaseEvent.LIVE_ENDED.value
EVENTS = [(what, None) for what in sorted(LIVE_EVENTS - {ENDED})]


@pytest.mark.parametrize(("what", "why"), [*EVENTS, *((ENDED, why) for why in LiveChatEnd)])
def test_every_event_is_a_sentence(what: str, why: LiveChatEnd | None) -> None:
    line = LiveLine("e", NOON, EVENT, "a", what=what, why=why and why.value, to="b")

    said = event_line(line, NAMES, SAY)

    assert said != what
    assert said.endswith(".")
    assert "{" not in said


def test_who_joined_is_who_has_it_and_not_who_wrote_it_down() -> None:
    joined = LiveLine("e", NOON, EVENT, "gateway", what=CaseEvent.LIVE_JOINED.value, to="a")

    assert event_line(joined, NAMES, SAY) == SAY.event_joined.format(who="Ann Archer")


@pytest.mark.parametrize("why", WhyNot)
def test_every_reason_has_its_words(why: WhyNot) -> None:
    assert SAY.reason(why)
    assert SAY.colleague_cannot(why)


def test_a_transfer_is_said_to_both_and_to_nobody_else(office: LiveOffice) -> None:
    chat_id = office.open()
    office.desk.offer_transfer(chat_id, office.bob, by=office.ann, term=1)
    names = {office.ann: "Ann Archer", office.bob: "Bob Bell"}

    said = {
        name: state_of(standing(office, chat_id, staff_id), names, SAY)
        for name, staff_id in (("ann", office.ann), ("bob", office.bob), ("lee", office.lee))
    }

    assert SAY.state_transfer.format(name="Bob Bell") in said["ann"]
    assert said["bob"] == SAY.state_transfer_you.format(name="Ann Archer")
    assert said["lee"] == SAY.state_other.format(name="Ann Archer")
    assert standing(office, chat_id, office.bob).may_read


def test_a_young_person_waits_from_their_newest_message_until_the_answer(
    office: LiveOffice, clock: Clock
) -> None:
    chat_id = office.open()
    clock.move(seconds=5)
    office.log.record(office.harmless("m2", chat_id))

    assert waits_since(office.room.chat(chat_id)) == clock()
    clock.move(seconds=5)
    office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
    assert waits_since(office.room.chat(chat_id)) is None
    clock.move(seconds=5)
    office.log.record(office.harmless("m3", chat_id))
    office.desk.hand_back(chat_id, by=office.ann, term=1)
    assert waits_since(office.room.chat(chat_id)) is None


def test_what_lantern_said_before_is_folded_and_what_it_shows_now_is_not(
    office: LiveOffice, clock: Clock
) -> None:
    clock.move(seconds=5)
    chat_id = office.open()
    clock.move(seconds=5)
    office.write("m2", shown=("Call 999.",))
    chat = office.room.chat(chat_id)

    views = lines_of(office.room.transcript(chat_id, None), chat, office.ann, {}, SAY)

    of_lantern = {each.text: each.folded for each in views if each.kind == "lantern"}
    assert of_lantern["You did the right thing."] is True
    assert of_lantern["Call 999."] is False


def test_the_mode_changes_with_everything_that_changes_the_forms(
    office: LiveOffice,
) -> None:
    chat_id = office.desk.offer("c1", by=office.ann)
    modes = [standing(office, chat_id, office.ann).mode]

    def step() -> None:
        modes.append(standing(office, chat_id, office.ann).mode)

    office.tell(LiveChatStep.ACCEPTED, chat_id)
    step()
    office.desk.offer_transfer(chat_id, office.bob, by=office.ann, term=1)
    step()
    office.desk.accept_transfer(chat_id, by=office.bob)
    step()
    office.desk.hand_back(chat_id, by=office.bob, term=2)
    step()

    assert len(set(modes)) == len(modes)
