"""Who may offer to talk or answer a request, when, and what the young person reads of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from safeguarding.escalation import LETTERBOX, Outcome
from safeguarding.live_chat import (
    ADDRESS,
    ANSWER_WITHIN,
    JOIN_WITHIN,
    LEASE,
    READY,
    WRITING_FOR,
    LiveChatEnd,
    LiveChatState,
    LiveChatStep,
)
from safeguarding.risk.assessment import NO_RISK
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.alerts.outbox import alerts
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.cases.queue_details import QueueDetails
from staff.live.chats import CannotChatError, StaleTermError, WhyNot
from staff.live.desk import LiveDesk
from staff.live.wrap_up import WrapUp
from staff.rota.rota import Shift, ShiftKind, add_shifts, rota_shifts
from storage.live_chats import LiveChats, live_chats
from tests.live_on import ROLE, LiveOffice
from tests.records import NOON, Clock, vault

SECOND = timedelta(seconds=1)


def refused(act: Callable[[], object]) -> WhyNot:
    with pytest.raises(CannotChatError) as raised:
        act()
    return raised.value.reason


def ended_and_wrapped(office: LiveOffice, chat_id: str, by: str) -> None:
    office.desk.hand_back(chat_id, by=by, term=office.chat(chat_id).term)
    office.desk.wrap_up(chat_id, WrapUp("They feel safe."), by=by)


def test_an_offer_asks_first_and_the_chat_reads_who_it_is(office: LiveOffice) -> None:
    chat_id = office.desk.offer("c1", by=office.ann)

    read = LiveChats(office.engine).newest(["c1"])["c1"]
    assert (read.id, read.state, read.term) == (chat_id, LiveChatState.OFFERED, 1)
    assert (read.shown_name, read.shown_role) == ("Ann", ROLE)
    assert read.present_until == NOON + LEASE
    assert office.events()[-1] == CaseEvent.LIVE_OFFERED.value
    assert office.tell(LiveChatStep.ACCEPTED, chat_id)
    assert LiveChats(office.engine).newest(["c1"])["c1"].state is LiveChatState.OPEN


def test_their_own_words_for_name_and_role_come_before_the_usual_ones(office: LiveOffice) -> None:
    with office.engine.begin() as connection:
        mine = sa.update(staff).where(staff.c.id == office.ann)
        connection.execute(mine.values(chat_name=" Sam ", chat_role="youth worker"))

    chat = office.chat(office.open())
    assert (chat.shown_name, chat.shown_role) == ("Sam", "youth worker")


def test_an_offer_ends_the_alerts_of_the_case(office: LiveOffice) -> None:
    office.desk.offer("c1", by=office.ann)

    with office.engine.connect() as connection:
        ended = connection.execute(sa.select(alerts.c.ended_by)).scalars().all()
    assert ended == [office.ann]


def test_whoever_is_not_on_duty_cannot(office: LiveOffice) -> None:
    with office.engine.begin() as connection:
        connection.execute(sa.delete(rota_shifts))
        later = office.clock() + timedelta(hours=1)
        second = Shift(office.ann, ShiftKind.SECOND, NOON - READY, later)
        add_shifts(connection, [second])

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.NOT_ON_DUTY
    office.ask()
    assert refused(lambda: office.desk.join("chat", by=office.ann)) is WhyNot.NOT_ON_DUTY
    assert refused(lambda: office.desk.be_ready(by=office.ann, ready=True)) is WhyNot.NOT_ON_DUTY


def test_a_colleague_who_covers_is_on_duty_and_the_other_one_is_not(office: LiveOffice) -> None:
    with office.engine.begin() as connection:
        later = office.clock() + timedelta(hours=1)
        cover = Shift(office.lee, ShiftKind.ON_DUTY, NOON, later, cover_for=office.ann)
        add_shifts(connection, [cover])

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.NOT_ON_DUTY
    office.desk.offer("c1", by=office.lee)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_an_account_without_the_right_cannot(office: LiveOffice, role: Role) -> None:
    office.set_role(office.ann, role)

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.NO_RIGHT
    assert office.desk.why_not("c1", by=office.ann) is WhyNot.NO_RIGHT


def test_an_unknown_or_disabled_account_cannot(office: LiveOffice) -> None:
    with office.engine.begin() as connection:
        gone = sa.update(staff).where(staff.c.id == office.bob)
        connection.execute(gone.values(disabled_at=NOON))

    for who in (office.bob, "nobody"):
        with pytest.raises(UnknownStaffError):
            office.desk.offer("c1", by=who)


def test_a_case_of_another_area_is_unknown(office: LiveOffice) -> None:
    with office.engine.begin() as connection:
        mine = sa.update(staff).where(staff.c.id == office.ann)
        connection.execute(mine.values(areas=["swindon"]))

    for case_id in ("c1", "nothing"):
        with pytest.raises(UnknownCaseError):
            office.desk.offer(case_id, by=office.ann)
    office.ask()
    with pytest.raises(UnknownCaseError):
        office.desk.join("chat", by=office.ann)


def test_one_who_stopped_writing_is_not_asked(office: LiveOffice, clock: Clock) -> None:
    clock.at += WRITING_FOR
    assert office.desk.why_not("c1", by=office.ann) is None
    clock.at += SECOND

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.HAS_LEFT
    office.write("m2", assessment=NO_RISK)
    office.desk.offer("c1", by=office.ann)


def test_one_who_left_is_not_asked_until_they_write_again(office: LiveOffice, clock: Clock) -> None:
    clock.move(seconds=5)
    assert office.tell(LiveChatStep.ENDED, "", why=LiveChatEnd.LEFT)
    assert not office.tell(LiveChatStep.ENDED, "", why=LiveChatEnd.AWAY)

    def is_writing() -> bool:
        case = Cases(office.engine, vault()).find("c1")
        details = QueueDetails(office.engine, vault())
        return details.of([case], clock(), reader=office.ann, session="s")["c1"].is_writing

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.HAS_LEFT
    assert office.room.of_case("c1") is None
    assert not is_writing()
    clock.move(seconds=5)
    office.write("m2", assessment=NO_RISK)
    assert is_writing()
    office.desk.offer("c1", by=office.ann)


def test_a_case_that_was_closed_has_no_live_chat(office: LiveOffice) -> None:
    work = Casework(office.engine, vault(), office.clock)
    work.close("c1", ClosingDecision(Outcome.ADVICE_GIVEN, "Done."), by=office.ann)

    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.HAS_LEFT


def test_a_conversation_has_one_at_a_time(office: LiveOffice) -> None:
    office.desk.offer("c1", by=office.ann)

    assert office.desk.why_not("c1", by=office.bob) is WhyNot.RUNNING
    assert refused(lambda: office.desk.offer("c1", by=office.bob)) is WhyNot.RUNNING


def test_an_offer_that_was_not_answered_does_not_stand_in_the_way(
    office: LiveOffice, clock: Clock
) -> None:
    first = office.desk.offer("c1", by=office.ann)
    clock.at += ANSWER_WITHIN
    office.write("m2")

    second = office.desk.offer("c1", by=office.bob)

    assert office.chat(first).ended_why is LiveChatEnd.NOT_ANSWERED
    assert office.chat(second).state is LiveChatState.OFFERED


def test_two_chats_at_once_and_not_a_third(office: LiveOffice) -> None:
    for number in (2, 3):
        office.write(f"m{number}", f"c{number}")
    office.open("c1")
    office.open("c2")

    assert refused(lambda: office.desk.offer("c3", by=office.ann)) is WhyNot.FULL
    office.ask("other", conversation_id="c3", address="c3")
    assert refused(lambda: office.desk.join("other", by=office.ann)) is WhyNot.FULL
    assert office.desk.join("other", by=office.bob) == 1


def test_what_came_of_the_last_one_is_said_before_the_next(office: LiveOffice) -> None:
    chat_id = office.open()
    office.write("m2", "c2")
    office.desk.hand_back(chat_id, by=office.ann, term=1)

    assert refused(lambda: office.desk.offer("c2", by=office.ann)) is WhyNot.NOT_WRAPPED_UP
    office.desk.wrap_up(chat_id, WrapUp("They feel safe."), by=office.ann)
    office.desk.offer("c2", by=office.ann)


def test_what_came_of_the_last_one_is_said_before_a_request_or_a_colleagues_chat_is_taken(
    office: LiveOffice,
) -> None:
    ended = office.open()
    for number in (2, 3):
        office.write(f"m{number}", f"c{number}")
    office.desk.hand_back(ended, by=office.ann, term=1)
    office.ask("asked", conversation_id="c2", address="c2")
    bobs = office.open("c3", by=office.bob)
    office.desk.offer_transfer(bobs, office.ann, by=office.bob, term=1)

    desk = office.desk
    assert refused(lambda: desk.join("asked", by=office.ann)) is WhyNot.NOT_WRAPPED_UP
    assert refused(lambda: desk.accept_transfer(bobs, by=office.ann)) is WhyNot.NOT_WRAPPED_UP
    assert office.chat("asked").owner is None
    assert office.chat(bobs).owner == office.bob

    desk.wrap_up(ended, WrapUp("They feel safe."), by=office.ann)
    assert desk.join("asked", by=office.ann) == 1
    assert desk.accept_transfer(bobs, by=office.ann) == 2


def test_an_offer_that_was_declined_needs_no_wrap_up(office: LiveOffice) -> None:
    chat_id = office.desk.offer("c1", by=office.ann)
    assert office.end(chat_id, LiveChatEnd.DECLINED)

    assert office.room.unwrapped(office.ann) == []
    office.desk.offer("c1", by=office.ann)


def test_taking_an_offer_back_ends_it(office: LiveOffice) -> None:
    chat_id = office.desk.offer("c1", by=office.ann)
    with pytest.raises(StaleTermError):
        office.desk.withdraw(chat_id, by=office.bob, term=1)
    office.desk.withdraw(chat_id, by=office.ann, term=1)

    assert office.chat(chat_id).ended_why is LiveChatEnd.WITHDRAWN
    assert not office.tell(LiveChatStep.ACCEPTED, chat_id)
    with pytest.raises(StaleTermError):
        office.desk.withdraw(chat_id, by=office.ann, term=1)


def test_a_request_is_answered_by_the_first(office: LiveOffice) -> None:
    office.ask()
    assert office.desk.join("chat", by=office.ann) == 1

    chat = office.chat("chat")
    assert (chat.state, chat.owner, chat.shown_name) == (LiveChatState.OPEN, office.ann, "Ann")
    assert (chat.opened_at, chat.spoke_at, chat.present_until) == (NOON, NOON, NOON + LEASE)
    with pytest.raises(StaleTermError) as raised:
        office.desk.join("chat", by=office.bob)
    assert raised.value.owner == office.ann
    assert office.events()[-2:] == [CaseEvent.LIVE_ASKED.value, CaseEvent.LIVE_JOINED.value]


def test_a_request_is_not_answered_after_the_young_person_was_told_that_nobody_came(
    office: LiveOffice, clock: Clock
) -> None:
    office.ask()
    clock.at += JOIN_WITHIN
    with pytest.raises(StaleTermError):
        office.desk.join("chat", by=office.ann)

    clock.at += WRITING_FOR - JOIN_WITHIN
    offered = office.desk.offer("c1", by=office.ann)
    assert office.chat("chat").ended_why is LiveChatEnd.NOBODY_CAME
    assert office.chat(offered).state is LiveChatState.OFFERED


def test_to_ask_counts_as_writing(office: LiveOffice, clock: Clock) -> None:
    clock.at += WRITING_FOR
    office.ask()
    clock.at += JOIN_WITHIN
    assert office.end("chat", LiveChatEnd.NOBODY_CAME, term=0)

    office.desk.offer("c1", by=office.ann)


def test_a_late_end_of_the_request_does_not_end_what_was_joined(office: LiveOffice) -> None:
    office.ask()
    office.desk.join("chat", by=office.ann)

    assert not office.end("chat", LiveChatEnd.NOBODY_CAME, term=0)
    assert office.chat("chat").state is LiveChatState.OPEN


def test_of_a_merged_case_the_conversation_that_is_in_progress_is_offered(
    office: LiveOffice, clock: Clock
) -> None:
    clock.move(seconds=10)
    office.write("m2", "c2")
    CaseMerge(office.engine, vault(), clock).merge("c2", "c1", by=office.ann)
    chat = office.chat(office.desk.offer("c1", by=office.ann))

    assert (chat.conversation_id, chat.case_id) == ("c2", "c2")
    assert [each.case_id for each in office.room.mine(office.ann)] == ["c1"]


def test_an_older_case_is_written_to_where_its_letterbox_was_opened(office: LiveOffice) -> None:
    office.write("l1", extra={LETTERBOX: "yes"}, raised_at=NOON + SECOND)
    assert refused(lambda: office.desk.offer("c1", by=office.ann)) is WhyNot.HAS_LEFT
    extra = {LETTERBOX: "yes", ADDRESS: "another"}
    office.write("l2", extra=extra, raised_at=NOON + 2 * SECOND)

    chat = office.chat(office.desk.offer("c1", by=office.ann))
    assert (chat.conversation_id, chat.case_id) == ("another", "c1")


def test_ready_is_a_lease_that_ends_with_the_duty(office: LiveOffice, clock: Clock) -> None:
    read = LiveChats(office.engine).ready
    office.desk.be_ready(by=office.ann, ready=True)
    assert [each.ready_until for each in read(NOON)] == [NOON + READY]
    assert read(NOON + READY) == []
    clock.move(seconds=30)
    assert office.desk.ready_beat(by=office.ann)
    assert office.room.ready_until(office.ann) == clock() + READY

    clock.at = NOON + timedelta(hours=8) - SECOND
    assert office.desk.ready_beat(by=office.ann)
    assert office.room.ready_until(office.ann) == clock() + SECOND
    clock.at += SECOND
    assert not office.desk.ready_beat(by=office.ann)
    assert office.room.ready_until(office.ann) is None


def test_a_beat_alone_makes_nobody_ready(office: LiveOffice) -> None:
    assert not office.desk.ready_beat(by=office.ann)
    assert LiveChats(office.engine).ready(NOON) == []


def test_ready_says_how_many_more_and_for_which_areas(office: LiveOffice, desk: LiveDesk) -> None:
    with office.engine.begin() as connection:
        mine = sa.update(staff).where(staff.c.id == office.ann)
        connection.execute(mine.values(areas=["wiltshire"]))
    desk.be_ready(by=office.ann, ready=True)
    (ready,) = LiveChats(office.engine).ready(NOON)
    assert (ready.takes("wiltshire", NOON), ready.takes("swindon", NOON)) == (True, False)

    first = office.open()
    office.write("m2", "c2")
    second = desk.offer("c2", by=office.ann)
    assert LiveChats(office.engine).ready(NOON) == []
    desk.withdraw(second, by=office.ann, term=1)
    assert len(LiveChats(office.engine).ready(NOON)) == 1
    assert office.end(first, LiveChatEnd.STOPPED)
    assert LiveChats(office.engine).ready(NOON) == []
    desk.wrap_up(first, WrapUp("They will call."), by=office.ann)
    assert len(LiveChats(office.engine).ready(NOON)) == 1


def test_that_one_is_ready_is_on_the_trail_once(office: LiveOffice, desk: LiveDesk) -> None:
    for ready in (True, True, False, False):
        desk.be_ready(by=office.ann, ready=ready)
        desk.ready_beat(by=office.ann)

    log = AuditLog(office.engine).newest(EventFilter(who=office.ann), limit=9)
    assert [link.event.what for link in log] == ["not ready to chat", "ready to chat"]
    assert LiveChats(office.engine).ready(NOON) == []
    with office.engine.connect() as connection:
        assert connection.execute(sa.select(live_chats)).all() == []
