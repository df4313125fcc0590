"""A live chat goes to a colleague who accepts, or to a supervisor, and has one owner."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from safeguarding.live_chat import LEASE, LiveChatState
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.audit import trail
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.live.chats import CannotChatError, StaleTermError, WhyNot
from staff.rota.rota import rota_shifts
from tests.live_on import LiveOffice, put_on_duty
from tests.records import NOON


@pytest.fixture
def chat(office: LiveOffice) -> str:
    """Return a live chat that Ann has, in its first term."""
    return office.open()


def test_it_stays_the_owners_until_the_colleague_accepts(office: LiveOffice, chat: str) -> None:
    office.desk.offer_transfer(chat, office.bob, by=office.ann, term=1)
    office.desk.offer_transfer(chat, office.bob, by=office.ann, term=1)
    assert [each.id for each in office.room.offered_to(office.bob)] == [chat]
    office.desk.say(chat, "Bob will take over.", by=office.ann, term=1, key="k")

    assert office.desk.accept_transfer(chat, by=office.bob) == 2

    row = office.chat(chat)
    assert (row.owner, row.shown_name, row.transfer_to) == (office.bob, "Bob", None)
    assert (row.opened_at, row.present_until) == (NOON, NOON + LEASE)
    assert office.room.mine(office.ann) == office.room.offered_to(office.bob) == []
    with pytest.raises(StaleTermError):
        office.desk.say(chat, "late", by=office.ann, term=1, key="k2")
    office.desk.say(chat, "Hi, I'm Bob.", by=office.bob, term=2, key="k3")
    assert [(each.name, each.text) for each in office.shown()] == [
        ("Ann", "Bob will take over."),
        ("Bob", "Hi, I'm Bob."),
    ]
    assert office.events().count(CaseEvent.LIVE_TRANSFER_OFFERED.value) == 1
    with office.engine.connect() as connection:
        events = [link.event for link in trail.of_case(connection, "c1")]
    (handed,) = [each for each in events if each.what == CaseEvent.LIVE_TRANSFERRED.value]
    assert handed.detail == {"chat": chat, "from": office.ann, "to": office.bob}


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_either_of_the_two_ends_the_offer(office: LiveOffice, chat: str, who: str) -> None:
    office.desk.offer_transfer(chat, office.bob, by=office.ann, term=1)
    with pytest.raises(StaleTermError):
        office.desk.end_transfer(chat, by=office.lee)
    office.desk.end_transfer(chat, by=getattr(office, who))

    for act in (office.desk.end_transfer, office.desk.accept_transfer):
        with pytest.raises(StaleTermError):
            act(chat, by=office.bob)
    assert office.chat(chat).owner == office.ann
    assert office.events()[-1] == CaseEvent.LIVE_TRANSFER_ENDED.value


def test_only_one_who_can_have_it_is_offered_it(office: LiveOffice, chat: str) -> None:
    def offer(to: str) -> None:
        office.desk.offer_transfer(chat, to, by=office.ann, term=1)

    for unknown in (office.ann, "nobody"):
        with pytest.raises(UnknownStaffError):
            offer(unknown)
    with pytest.raises(CannotChatError) as raised:
        offer(office.lee)
    assert raised.value.reason is WhyNot.NOT_ON_DUTY
    office.set_role(office.bob, Role.ADMINISTRATOR)
    with pytest.raises(CannotChatError) as raised:
        offer(office.bob)
    assert raised.value.reason is WhyNot.NO_RIGHT
    put_on_duty(office.engine, office.clock, office.lee)
    with office.engine.begin() as connection:
        mine = sa.update(staff).where(staff.c.id == office.lee)
        connection.execute(mine.values(areas=["swindon"]))
    with pytest.raises(UnknownCaseError):
        offer(office.lee)


def test_a_colleague_whose_hands_are_full_cannot_accept(office: LiveOffice, chat: str) -> None:
    office.desk.offer_transfer(chat, office.bob, by=office.ann, term=1)
    for number in (2, 3):
        office.write(f"m{number}", f"c{number}")
        office.open(f"c{number}", by=office.bob)

    with pytest.raises(CannotChatError) as raised:
        office.desk.accept_transfer(chat, by=office.bob)
    assert raised.value.reason is WhyNot.FULL
    assert office.chat(chat).owner == office.ann


def test_a_supervisor_takes_over_on_duty_or_not(office: LiveOffice, chat: str) -> None:
    with office.engine.begin() as connection:
        connection.execute(sa.delete(rota_shifts))
    with pytest.raises(CannotChatError):
        office.desk.take_over(chat, by=office.bob)
    office.desk.typing(chat, by=office.ann, term=1)

    assert office.desk.take_over(chat, by=office.lee) == 2
    row = office.chat(chat)
    assert (row.owner, row.typing_until) == (office.lee, None)
    with pytest.raises(StaleTermError):
        office.desk.take_over(chat, by=office.lee)
    assert office.events()[-1] == CaseEvent.LIVE_TAKEN_OVER.value


def test_an_offer_to_the_young_person_cannot_be_taken_over(office: LiveOffice) -> None:
    offered = office.desk.offer("c1", by=office.ann)

    with pytest.raises(StaleTermError):
        office.desk.take_over(offered, by=office.lee)
    with pytest.raises(StaleTermError):
        office.desk.offer_transfer(offered, office.bob, by=office.ann, term=1)
    assert office.chat(offered).state is LiveChatState.OFFERED


def test_a_transfer_that_waits_ends_with_the_chat(office: LiveOffice, chat: str) -> None:
    office.desk.offer_transfer(chat, office.bob, by=office.ann, term=1)
    office.desk.hand_back(chat, by=office.ann, term=1)

    with pytest.raises(StaleTermError):
        office.desk.accept_transfer(chat, by=office.bob)
