"""A phrase of six words leads back to the case: it is given, found again, read and written to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.engine import Engine

from chat.gateway.letterbox_key import PhraseKey
from chat.gateway.recorder import Patience, Recorder
from safeguarding.escalation import LETTERBOX_LASTS
from staff.cases.cases import Cases
from staff.cases.tables import cases
from staff.letterbox.desk import LetterboxDesk
from storage import letterboxes
from storage.engine import connect
from storage.replies import LEASE, AddressKind, ReplyMailbox, replies
from tests.content import real_content
from tests.records import PASSWORD, Clock, WorkedMailbox, accounts_on, vault
from tests.unit.chat.gateway.conftest import Gateway, World

PHRASES = real_content().phrases.group("letterbox")
LISTED = real_content().six_words
QUESTION = "letterbox_question_1"
ANSWER = "Toast the 3rd!"
Messages = list[dict[str, Any]]


class Person:
    """A young person in a conversation of their own."""

    def __init__(self, office: Office, headers: dict[str, str]) -> None:
        self.office = office
        self.headers = headers

    async def say(self, text: str, message_id: str | None = None) -> Messages:
        """Send typed words."""
        answer = await self.office.gateway.say(self.headers, text, message_id)
        messages: Messages = answer.json()["messages"]
        self.office.mailbox.worker.work_off()
        return messages

    async def press(self, choice: str) -> Messages:
        """Press a button."""
        answer = await self.office.gateway.press(self.headers, choice)
        messages: Messages = answer.json()["messages"]
        self.office.mailbox.worker.work_off()
        return messages

    async def last_answer(self) -> Messages:
        """Return what a page that is loaded again shows."""
        answer = await self.office.gateway.http.get("/v1/conversations", headers=self.headers)
        messages: Messages = answer.json()["messages"]
        return messages

    async def ask_for_phrase(self, message_id: str | None = None) -> str:
        """Ask for a phrase with an answer; return the phrase."""
        await self.press("letterbox_ask")
        await self.press(QUESTION)
        return phrase_in(await self.say(ANSWER, message_id))

    async def come_back(self, phrase: str, answer: str = ANSWER) -> Messages:
        """Type a phrase and the answer; return what follows."""
        await self.press("letterbox_enter")
        await self.say(phrase)
        return await self.say(answer)


class Office:
    """A gateway over a real database, with a case worker and a member of staff."""

    def __init__(self, gateway: Gateway, engine: Engine, clock: Clock) -> None:
        self.gateway = gateway
        self.world = gateway.world
        self.engine = engine
        self.clock = clock
        self.mailbox: WorkedMailbox = gateway.world.mailbox
        self.desk = LetterboxDesk(engine, vault(), clock)
        self.ann = accounts_on(engine, clock).add("ann", PASSWORD, "Ann").id

    async def person(self, said: str = "") -> Person:
        """Return a person in a new conversation, who has said this."""
        person = Person(self, await self.gateway.begin())
        if said:
            await person.say(said)
        return person

    @property
    def case(self) -> str:
        """The only case."""
        with self.engine.connect() as connection:
            return str(connection.execute(sa.select(cases.c.id)).scalar_one())

    def write(self, text: str) -> None:
        """Write a letter as a member of staff."""
        self.desk.write(self.case, self.case, text, by=self.ann)

    def letters(self) -> list[str]:
        """Return the letters of the person that are in the case."""
        whole = Cases(self.engine, vault()).whole(self.case)
        return [each.text for each in whole.messages if each.is_letter]


def texts(messages: Messages) -> list[str]:
    return [each["text"] for each in messages]


def choices(messages: Messages) -> list[str]:
    return [choice["id"] for each in messages for choice in each.get("choices", [])]


def phrase_in(messages: Messages) -> str:
    """Return the phrase that is shown."""
    lines = [line for text in texts(messages) for line in text.split("\n")]
    return next(line for line in lines if LISTED.read(line) == line)


def other_than(phrase: str) -> str:
    """Return another phrase of the list."""
    first, *rest = phrase.split()
    return " ".join([next(word for word in LISTED.words if word != first), *rest])


def with_a_slip(phrase: str) -> str:
    """Return the phrase without one letter, where no other word of the list can be meant."""
    slips = (phrase[:at] + phrase[at + 1 :] for at, letter in enumerate(phrase) if letter != " ")
    return next(slip for slip in slips if LISTED.read(slip) == phrase)


@pytest.fixture
async def office(
    world: World, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setattr("chat.gateway.composition.utc_now", clock)
    # However busy the machine is: these tests are not about what is late.
    world.env["LANTERN_RASA_TIMEOUT_S"] = "20"
    patient = partial(Recorder, patience=Patience(mailbox_s=30))
    monkeypatch.setattr("chat.gateway.composition.Recorder", patient)
    monkeypatch.setattr("chat.gateway.letters.WAIT_S", 30)
    monkeypatch.setattr("chat.gateway.letterbox_asking.WAIT_S", 30)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("chat.gateway.composition.PhraseKey", partial(PhraseKey, hasher=hasher))
    world.mailbox, world.database_engine = WorkedMailbox(engine, clock), engine
    async with world.gateway() as gateway:
        yield Office(gateway, engine, clock)


async def test_is_offered_once_after_a_hand_off_and_never_beside_999(office: Office) -> None:
    person = await office.person()

    assert "letterbox_ask" not in choices(await person.say("hello"))
    assert "letterbox_ask" in choices(await person.say("i am hurt"))
    assert "letterbox_ask" not in choices(await person.say("i am hurt"))
    assert "letterbox_ask" not in choices(await (await office.person()).say("now"))


@pytest.mark.parametrize("asked", ["can i come back to this", "Can someone write back?"])
async def test_is_asked_for_in_words_too(office: Office, asked: str) -> None:
    person = await office.person("i am hurt")

    assert texts(await person.say(asked)) == [PHRASES["about"]]


async def test_is_not_given_before_a_hand_off(office: Office) -> None:
    person = await office.person("hello")

    assert texts(await person.press("letterbox_ask")) == [PHRASES["only_after"]]


async def test_what_it_is_and_is_not_stands_before_the_phrase(office: Office) -> None:
    person = await office.person("i am hurt")

    (about,) = await person.press("letterbox_ask")

    for said in ("30 days", "999", "isn't for danger", "Nothing is kept on this device"):
        assert said in about["text"]
    assert len(choices([about])) == 7


async def test_the_way_back_from_asking_to_a_second_letter(office: Office) -> None:
    person = await office.person("i am hurt")
    phrase = await person.ask_for_phrase()

    back = await office.person()
    assert texts(await back.come_back(phrase.upper(), "toast the 3RD")) == [PHRASES["nothing"]]
    office.write("We can meet you at school.")
    office.clock.move(days=1)
    again = await office.person()
    _, letter, end = await again.come_back(f"  {phrase.replace(' ', '  ')} ")
    assert letter["text"] == "We can meet you at school."
    assert end["text"] == PHRASES["letter_end"]
    (kept,) = await again.say("ok on friday")

    assert kept["text"] == PHRASES["kept"]
    assert office.letters() == ["ok on friday"]
    with office.engine.connect() as connection:
        (box,) = letterboxes.of_cases(connection, [office.case])
    assert box.waits_since == office.clock()


async def test_a_whole_phrase_needs_no_button_and_a_slip_does_no_harm(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    back = await office.person()

    await back.say(with_a_slip(phrase))

    assert texts(await back.say(ANSWER)) == [PHRASES["nothing"]]


async def test_phrase_and_answer_go_nowhere(office: Office) -> None:
    person = await office.person("i am hurt")
    phrase = await person.ask_for_phrase()
    shown = await person.last_answer()
    back = await office.person()
    await back.come_back(phrase)

    assert phrase not in str(shown)
    heard = str(office.world.rasa.received)
    recorded = str(Cases(office.engine, vault()).whole(office.case))
    kept = str([list(each.turns.values()) for each in office_conversations(office)])
    for place in (heard, recorded, kept, dumped(office.engine)):
        assert phrase not in place
        assert ANSWER not in place


def office_conversations(office: Office) -> list[Any]:
    return list(office.gateway.inside.conversations._alive.values())


def dumped(engine: Engine) -> str:
    """Return every row of the tables through which a phrase passes."""
    names = ("letterboxes", "handoffs", "replies", "letters", "audit_events", "alerts")
    with engine.connect() as connection:
        return str([connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names])  # noqa: S608


@pytest.mark.parametrize("wrong", ["phrase", "answer", "no words", "expired", "closed", "none"])
async def test_whatever_is_wrong_the_same_question_of_form_and_the_same_words_follow(
    office: Office, wrong: str
) -> None:
    person = await office.person("i am hurt")
    phrase = LISTED.phrase() if wrong == "none" else await person.ask_for_phrase()
    answer = "another" if wrong == "answer" else ANSWER
    if wrong == "phrase":
        phrase = other_than(phrase)
    if wrong == "no words":
        phrase = f"qqqqqq {phrase.partition(' ')[2]}"
    if wrong == "expired":
        office.clock.at += LETTERBOX_LASTS
    if wrong == "closed":
        await person.press("letterbox_close")
    back = await office.person()
    await back.press("letterbox_enter")

    (asked,) = await back.say(phrase)
    (told,) = await back.say(answer)

    assert asked["text"].endswith("Type the answer that goes with your words.")
    assert asked["hides"] is True
    assert (told["text"], choices([told])) == (PHRASES["no_letter"], ["letterbox_enter"])


async def test_a_letter_stays_until_the_person_goes_on_and_is_gone_then(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    office.write("first")
    office.write("second")

    assert "first" in texts(await (await office.person()).come_back(phrase))
    office.clock.at += LEASE
    again = await office.person()
    assert "first" in texts(await again.come_back(phrase))
    assert "first" not in str(await again.last_answer())
    assert "second" in texts(await again.press("letterbox_read"))
    assert texts(await again.press("letterbox_read")) == [PHRASES["all_read"]]

    with office.engine.connect() as connection:
        assert connection.execute(sa.select(replies.c.sealed)).scalars().all() == [None, None]


async def test_in_a_second_tab_the_letter_is_said_to_be_open_elsewhere(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    office.write("first")
    one, other = await office.person(), await office.person()
    await one.come_back(phrase)

    assert texts(await other.come_back(phrase)) == [PHRASES["elsewhere"]]
    office.clock.at += LEASE
    assert "first" in texts(await other.press("letterbox_read"))


async def test_a_gateway_that_is_killed_after_its_claim_loses_no_letter(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    office.write("first")
    boxes = ReplyMailbox(office.engine, vault())
    assert boxes.claim(office.case, "killed", office.clock(), AddressKind.LETTERBOX) is not None

    back = await office.person()
    assert texts(await back.come_back(phrase)) == [PHRASES["elsewhere"]]
    office.clock.at += LEASE
    assert "first" in texts(await back.press("letterbox_read"))


async def test_of_two_phrases_the_later_one_opens_it(office: Office) -> None:
    person = await office.person("i am hurt")
    first = await person.ask_for_phrase()
    office.clock.move(minutes=1)
    second = await person.ask_for_phrase()

    assert texts(await (await office.person()).come_back(first)) == [PHRASES["no_letter"]]
    assert texts(await (await office.person()).come_back(second)) == [PHRASES["nothing"]]


async def test_a_phrase_whose_answer_was_lost_on_the_way_is_made_again(office: Office) -> None:
    person = await office.person("i am hurt")
    message_id = "11111111-2222-4333-8444-555555555555"
    first = await person.ask_for_phrase(message_id)
    office.clock.move(seconds=5)

    second = phrase_in(await person.say(ANSWER, message_id))

    assert second != first
    assert texts(await (await office.person()).come_back(second)) == [PHRASES["nothing"]]
    assert ANSWER not in str(office.world.rasa.received)


async def test_danger_in_a_letter_gets_help_at_once_and_is_in_the_same_case(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    back = await office.person()
    await back.come_back(phrase)

    card, *_ = await back.say("he is here now")

    assert (card["kind"], card["severity"]) == ("help_card", "immediate")
    assert office.letters() == ["he is here now"]


@pytest.mark.parametrize("step", ["answer", "proof"])
async def test_a_disclosure_in_place_of_an_answer_is_a_disclosure(
    office: Office, step: str
) -> None:
    person = await office.person("i am hurt")
    phrase = await person.ask_for_phrase()
    if step == "answer":
        await person.press("letterbox_ask")
        await person.press(QUESTION)
    else:
        await person.say(phrase)

    messages = await person.say("he hurt me again now")

    assert messages[0]["kind"] == "help_card"
    assert "he hurt me again now" in str(Cases(office.engine, vault()).whole(office.case))


async def test_a_call_back_that_is_left_in_a_letterbox_is_kept_with_its_case(
    office: Office,
) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    back = await office.person()
    await back.come_back(phrase)
    await back.say("i am hurt again")
    await back.press("leave_wish")
    await back.say("Robin")
    await back.say("text me after school")

    wish = Cases(office.engine, vault()).whole(office.case).wish
    assert wish is not None
    assert wish.name == "Robin"


async def test_after_leaving_the_letterbox_it_is_a_chat_like_any_other(office: Office) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    back = await office.person()
    await back.come_back(phrase)

    assert texts(await back.press("letterbox_leave")) == [PHRASES["left"]]
    await back.say("hello again")

    assert office.letters() == []
    assert "hello again" in str(office.world.rasa.received)


async def test_too_many_tries_wait_whether_right_or_wrong_and_another_address_need_not(
    office: Office,
) -> None:
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    for _ in range(5):
        assert texts(await (await office.person()).come_back(phrase, "wrong")) == [
            PHRASES["no_letter"]
        ]

    assert texts(await (await office.person()).come_back(phrase)) == [PHRASES["too_many"]]
    inside, digest = office.gateway.inside, PhraseKey("k" * 40).digest(phrase)
    here = inside.fingerprint.of("127.0.0.1")
    assert not await inside.limits.admits_phrase(uuid4(), here, digest)
    assert await inside.limits.admits_phrase(uuid4(), "another address", digest)


async def test_without_a_database_the_person_reads_that_it_does_not_work_now(
    world: World, tmp_path: object
) -> None:
    world.database_engine = connect(f"sqlite:///{tmp_path}/nowhere/none.db")
    async with world.gateway() as gateway:
        headers = await gateway.begin()
        answer = await gateway.say(headers, LISTED.phrase())

    assert texts(answer.json()["messages"]) == [PHRASES["away"]]


async def test_while_the_database_hangs_an_answer_comes_all_the_same(office: Office) -> None:
    if office.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has readers that no writer holds up")
    phrase = await (await office.person("i am hurt")).ask_for_phrase()
    back = await office.person()
    with office.engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE letterboxes IN ACCESS EXCLUSIVE MODE")
        assert texts((await office.gateway.say(back.headers, phrase)).json()["messages"]) == [
            PHRASES["away"]
        ]

    assert texts(await back.come_back(phrase)) == [PHRASES["nothing"]]
