"""What the owner writes is sealed, on its way, and an event, once; nobody else writes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.live_chat import LEASE, LONGEST_WORDS, TYPING, LiveChatEnd, LiveChatState
from staff.audit import trail
from staff.audit.verify import verify
from staff.cases.case import CaseEvent
from staff.cases.casework import WordsMissingError
from staff.cases.tables import live_messages
from staff.live.chats import CannotChatError, StaleTermError, WhyNot
from staff.live.desk import LiveDesk
from staff.live.room import STAFF, WHISPER
from storage.replies import replies
from tests.live_on import LiveOffice
from tests.records import NOON, Clock


@pytest.fixture
def chat(office: LiveOffice) -> str:
    """Return a live chat that Ann has, in its first term."""
    return office.open()


def staff_lines(office: LiveOffice, chat_id: str) -> list[tuple[str, str]]:
    lines = office.room.transcript(chat_id, None)
    return [(each.kind, each.text) for each in lines if each.kind in {STAFF, WHISPER}]


def test_words_go_on_their_way_and_stay_sealed_in_the_case(
    office: LiveOffice, chat: str, engine: Engine, clock: Clock
) -> None:
    clock.move(seconds=3)
    message = office.desk.say(
        chat, " Hi, I'm Ann.\r\nHow are you? ", by=office.ann, term=1, key="k"
    )

    (shown,) = office.shown()
    assert (shown.text, shown.name, shown.chat_id) == ("Hi, I'm Ann.\nHow are you?", "Ann", chat)
    with engine.connect() as connection:
        for table in (live_messages, replies):
            assert "How are" not in str(connection.execute(sa.select(table)).all())
        said = trail.of_case(connection, "c1")[-1].event
        assert (said.who, said.what) == (office.ann, CaseEvent.LIVE_SAID.value)
        assert said.detail == {"chat": chat, "message": message}
        assert verify(connection).broken is None
    assert office.chat(chat).spoke_at == clock()
    (line,) = [each for each in office.room.transcript(chat, None) if each.kind == STAFF]
    assert (line.id, line.text, line.by, line.seen_at) == (message, shown.text, office.ann, None)
    office.mailbox.shown("c1", shown.number, clock())
    (line,) = [each for each in office.room.transcript(chat, None) if each.kind == STAFF]
    assert (line.seen_at, line.withdrawn) == (clock(), False)


def test_the_same_key_is_one_message_also_after_the_end(office: LiveOffice, chat: str) -> None:
    first = office.desk.say(chat, "hello", by=office.ann, term=1, key="k1")
    again = office.desk.say(chat, "hello again", by=office.ann, term=1, key="k1")
    other = office.desk.say(chat, "hello", by=office.ann, term=1, key="k2")

    assert first == again != other
    assert [each.text for each in office.shown()] == ["hello", "hello"]
    assert office.events().count(CaseEvent.LIVE_SAID.value) == 2
    office.end(chat, LiveChatEnd.SILENT)
    assert office.desk.say(chat, "hello", by=office.ann, term=1, key="k1") == first
    with pytest.raises(StaleTermError):
        office.desk.say(chat, "late", by=office.ann, term=1, key="k3")


def test_the_same_key_in_two_chats_is_two_messages(office: LiveOffice, chat: str) -> None:
    office.write("m2", "c2")
    other = office.open("c2")
    for each in (chat, other):
        office.desk.say(each, "hello", by=office.ann, term=1, key="k")

    assert len(office.shown("c1")) == len(office.shown("c2")) == 1


@pytest.mark.parametrize(
    ("text", "key", "error"),
    [
        (" \n", "k", WordsMissingError),
        ("x" * (LONGEST_WORDS + 1), "k", ValueError),
        ("hello", "", ValueError),
        ("hello", "k" * 201, ValueError),
    ],
)
def test_nothing_empty_or_too_long_is_sent(
    office: LiveOffice, chat: str, text: str, key: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        office.desk.say(chat, text, by=office.ann, term=1, key=key)
    assert office.shown() == []


@pytest.mark.parametrize("text", ["x" * LONGEST_WORDS, "half \ud83d emoji", "a\x00b", "\u202eabc"])
def test_whatever_is_typed_arrives_as_it_is(office: LiveOffice, chat: str, text: str) -> None:
    office.desk.say(chat, text, by=office.ann, term=1, key="k")

    assert [each.text for each in office.shown()] == [text]
    assert staff_lines(office, chat) == [(STAFF, text)]


def test_a_colleague_an_older_term_and_an_offer_write_nothing(
    office: LiveOffice, chat: str
) -> None:
    office.desk.take_over(chat, by=office.lee)
    for who, term in ((office.ann, 1), (office.ann, 2), (office.bob, 2), (office.lee, 1)):
        with pytest.raises(StaleTermError) as raised:
            office.desk.say(chat, "hello", by=who, term=term, key="k")
        assert raised.value.owner == office.lee
    office.write("m2", "c2")
    offered = office.desk.offer("c2", by=office.bob)
    with pytest.raises(StaleTermError):
        office.desk.say(offered, "hello", by=office.bob, term=1, key="k")
    assert office.shown() == office.shown("c2") == []


def test_presence_and_typing_are_leases_without_events(
    office: LiveOffice, chat: str, clock: Clock
) -> None:
    before = office.events()
    clock.move(seconds=40)
    office.desk.beat(chat, by=office.ann, term=1)
    office.desk.typing(chat, by=office.ann, term=1)

    row = office.chat(chat)
    assert row.present_until == clock() + LEASE
    assert row.is_typing(clock())
    assert not row.is_typing(clock() + TYPING)
    assert office.events() == before
    office.desk.say(chat, "hi", by=office.ann, term=1, key="k")
    assert not office.chat(chat).is_typing(clock())


def test_a_beat_of_one_who_has_it_no_more_says_who_has(office: LiveOffice, chat: str) -> None:
    term = office.desk.take_over(chat, by=office.lee)
    for act in (office.desk.beat, office.desk.typing):
        with pytest.raises(StaleTermError) as raised:
            act(chat, by=office.ann, term=1)
        assert raised.value.owner == office.lee
    office.desk.hand_back(chat, by=office.lee, term=term)
    with pytest.raises(StaleTermError) as raised:
        office.desk.beat(chat, by=office.lee, term=term)
    assert raised.value.owner is None


@pytest.mark.parametrize("why", [LiveChatEnd.STOPPED, LiveChatEnd.LEFT])
def test_what_was_not_shown_is_withdrawn_when_the_young_person_goes(
    office: LiveOffice, chat: str, why: LiveChatEnd
) -> None:
    office.desk.say(chat, "seen", by=office.ann, term=1, key="k1")
    office.mailbox.shown("c1", office.shown()[0].number, NOON)
    office.desk.say(chat, "not seen", by=office.ann, term=1, key="k2")
    assert office.end(chat, why)

    assert office.shown() == []
    lines = [each for each in office.room.transcript(chat, None) if each.kind == STAFF]
    assert [each.withdrawn for each in lines] == [False, True]


@pytest.mark.parametrize("why", [LiveChatEnd.SILENT, LiveChatEnd.AWAY])
def test_what_was_sent_is_shown_also_when_lantern_takes_up_again(
    office: LiveOffice, chat: str, why: LiveChatEnd
) -> None:
    office.desk.say(chat, "I'm back", by=office.ann, term=1, key="k")
    assert office.end(chat, why)

    assert [each.text for each in office.shown()] == ["I'm back"]
    assert not office.room.transcript(chat, None)[-1].withdrawn


def test_a_whisper_is_for_the_owner_alone(office: LiveOffice, chat: str) -> None:
    assert _refused(office.desk, chat, office.bob) is WhyNot.NO_RIGHT
    one = office.desk.whisper(chat, "Ask about tonight.", by=office.lee, key="k")
    assert office.desk.whisper(chat, "Ask about tonight.", by=office.lee, key="k") == one
    office.desk.whisper(chat, "Well done.", by=office.lee)

    assert office.shown() == []
    assert staff_lines(office, chat) == [(WHISPER, "Ask about tonight."), (WHISPER, "Well done.")]
    assert office.events().count(CaseEvent.LIVE_WHISPERED.value) == 2
    office.desk.hand_back(chat, by=office.ann, term=1)
    with pytest.raises(StaleTermError):
        office.desk.whisper(chat, "too late", by=office.lee)


def _refused(desk: LiveDesk, chat_id: str, by: str) -> WhyNot:
    with pytest.raises(CannotChatError) as raised:
        desk.whisper(chat_id, "hello", by=by)
    return raised.value.reason


def test_to_read_is_to_uncover_once_in_a_session(office: LiveOffice, chat: str) -> None:
    for session in ("one", "one", "two"):
        office.desk.uncovered(chat, by=office.ann, session=session)

    assert office.events().count(CaseEvent.REVEALED.value) == 2
    assert office.chat(chat).state is LiveChatState.OPEN
