"""A person in the chat: offered, asked for, there, gone. Lantern is silent in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from chat.gateway.recorder import Patience, Recorder
from safeguarding.live_chat import LIVE_CHAT, LiveChatEnd, LiveChatStep
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from tests.records import Clock
from tests.unit.chat.gateway.conftest import World, until
from tests.unit.chat.gateway.live.office import (
    PHRASES,
    WOULD_YOU,
    LiveOffice,
    Young,
    choices,
    joined,
    live_office,
    texts,
)


@pytest.fixture
async def office(
    world: World, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LiveOffice]:
    monkeypatch.setattr("chat.gateway.composition.utc_now", clock)
    patient = partial(Recorder, patience=Patience(mailbox_s=30))
    monkeypatch.setattr("chat.gateway.composition.Recorder", patient)
    for name in ("READ_S", "SEND_S", "ROUND_S"):
        monkeypatch.setattr(f"chat.gateway.live.reading.{name}", 30)
    monkeypatch.setattr("chat.gateway.live.turn.ASSESSED_WITHIN_S", 20)
    async with live_office(world, engine, clock) as office:
        yield office


async def talking(office: LiveOffice) -> Young:
    """Return a young person who has read that Sam is there."""
    young = await joined(office)
    office.open()
    await young.listen()
    return young


async def test_an_offer_is_shown_with_who_it_is_and_who_reads_and_two_buttons(
    office: LiveOffice,
) -> None:
    young = await office.young()
    office.offer(young)

    offer, knows, asked = await young.until(WOULD_YOU)

    assert "Sam" in offer["text"]
    assert "safeguarding adviser" in offer["text"]
    assert knows["text"] == PHRASES["who_knows"].strip()
    assert choices([asked]) == ["live_yes", "live_not_now"]
    assert young.state == "offered"


async def test_after_the_yes_lantern_is_silent_and_every_message_goes_to_staff(
    office: LiveOffice,
) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)

    (here,) = await young.press("live_yes")

    assert here["text"] == PHRASES["joined"].format(name="Sam", role="safeguarding adviser")
    assert here["choices"] == [{"id": "live_stop", "label": "Stop talking to Sam"}]
    (accepted,) = office.told(LiveChatStep.ACCEPTED)
    assert (accepted.chat_id, accepted.address, accepted.term) == ("chat", young.id, 1)
    for text in ("hello", "what is grooming", "", "i am hurt"):
        assert await young.say(text) == []
    assert young.state == "open"


async def test_what_staff_write_comes_in_order_once_and_with_their_name(
    office: LiveOffice,
) -> None:
    young = await talking(office)
    office.write(young, "Hi, I'm Sam.")
    office.write(young, "How are you?")

    first = await young.until("How")

    assert texts(first) == ["Hi, I'm Sam.", "How are you?"]
    assert [(each["by"], each["name"]) for each in first] == [("person", "Sam")] * 2
    assert first[0]["number"] < first[1]["number"]
    assert await young.listen() == []


async def test_typed_yes_directly_after_the_offer_accepts_it(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)

    await young.say("yes please", live="chat")

    assert young.state == "open"


async def test_typed_yes_on_a_page_that_does_not_show_the_offer_yet_accepts_nothing(
    office: LiveOffice,
) -> None:
    young = await office.young()
    await young.listen()
    office.offer(young)
    sight = office.gateway.inside.live.follower.watch.sight
    await until(lambda: (seen := sight(UUID(young.id))) is not None and seen.row is not None)

    await young.say("yes please")

    assert young.state == "offered"
    assert office.told(LiveChatStep.ACCEPTED) == []


async def test_not_now_ends_the_offer(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)

    assert texts(await young.press("live_not_now")) == [PHRASES["declined"].strip()]

    await until(lambda: office.ends() == [LiveChatEnd.DECLINED])
    assert young.state == "none"


async def test_danger_is_answered_with_help_once_while_a_person_has_the_chat(
    office: LiveOffice,
) -> None:
    young = await talking(office)

    card, line = await young.say("now")

    assert (card["kind"], card["severity"]) == ("help_card", "immediate")
    assert line["text"] == PHRASES["danger"].format(name="Sam").strip()
    assert await young.say("now") == []
    office.clock.move(minutes=11)
    office.beat()
    assert await young.say("now")


async def test_who_asks_for_a_person_is_told_when_one_is_there(office: LiveOffice) -> None:
    await office.ready()
    young = await office.young("")
    assert "live_ask" in choices(await young.say("i am hurt"))

    asked = await young.press("live_ask")

    assert texts(asked) == [PHRASES["who_knows"].strip(), PHRASES["asked"].strip()]
    (change,) = office.told(LiveChatStep.ASKED)
    await young.listen()
    assert young.state == "asked"
    office.open(change.chat_id)
    (here,) = await young.until("Sam is here")
    assert choices([here]) == ["live_stop"]
    assert young.state == "open"


async def test_when_nobody_comes_it_is_said_with_other_ways(office: LiveOffice) -> None:
    await office.ready()
    young = await office.young()
    await young.press("live_ask")
    assert len(office.told(LiveChatStep.ASKED)) == 1
    await young.listen()

    office.clock.move(seconds=61)

    (said,) = await young.until(PHRASES["nobody_came"][:20])
    assert choices([said]) == ["leave_wish", "letterbox_ask"]
    assert "childline" in [each["id"] for each in said["contacts"]]
    await until(lambda: office.ends() == [LiveChatEnd.NOBODY_CAME])
    assert young.state == "none"


@pytest.mark.parametrize(
    ("ended", "phrase"),
    [("HANDED_BACK", "handed_back"), ("FINISHED", "finished"), ("ABUSE", "ended_for_abuse")],
)
async def test_the_end_by_staff_is_told_and_lantern_answers_again(
    office: LiveOffice, ended: str, phrase: str
) -> None:
    young = await talking(office)
    office.write(young, "Goodbye.")
    office.end(LiveChatEnd[ended])

    came = await young.until(PHRASES[phrase].format(name="Sam")[:20])

    assert came[0]["text"] == "Goodbye."
    assert len(came) == 2
    assert await young.say("hello") != []


async def pass_by(office: LiveOffice, young: Young, seconds: int) -> list[str]:
    """Let time go by, while the page of staff stays open; return what the young person is told."""
    said: list[str] = []
    for _ in range(seconds // 20):
        office.clock.move(seconds=20)
        office.beat()
        said += texts(await young.listen(0.5))
    return said


async def test_silence_is_told_after_a_minute_and_ends_it_after_three(office: LiveOffice) -> None:
    young = await talking(office)
    office.write(young, "Hi.")
    await young.until("Hi.")
    assert await pass_by(office, young, 200) == []
    await young.say("are you there")

    first = await pass_by(office, young, 100)
    rest = await pass_by(office, young, 100)

    assert first == [PHRASES["quiet"].format(name="Sam").strip()]
    assert rest == [PHRASES["silent"].format(name="Sam").strip()]
    await until(lambda: office.ends() == [LiveChatEnd.SILENT])


async def test_when_the_lease_ends_lantern_takes_up_again_with_the_numbers(
    office: LiveOffice,
) -> None:
    young = await talking(office)
    office.clock.move(seconds=46)

    (away,) = await young.until("I've lost the connection to Sam")

    assert away["contacts"]
    await until(lambda: office.ends() == [LiveChatEnd.AWAY])
    assert await young.say("hello") != []


async def lease_ends(office: LiveOffice) -> str:
    """Let the page of the person be closed; return how the young person is told."""
    office.clock.move(seconds=46)
    return "away"


async def silence_ends(office: LiveOffice) -> str:
    """Let three minutes go by while the page of the person stays open; return how it is told."""
    office.clock.move(seconds=181)
    office.beat()
    return "silent"


@pytest.mark.parametrize("goes", [lease_ends, silence_ends])
async def test_what_is_written_as_the_person_goes_is_answered_by_lantern_once(
    office: LiveOffice, goes: Callable[[LiveOffice], Awaitable[str]]
) -> None:
    young = await talking(office)
    office.write(young, "Hi.")
    await young.until("Hi.")
    assert await young.say("is anyone there") == []
    id_ = "5f0c7a52-4b0e-4d7e-9d51-6f6a2d3c9f10"
    phrase = PHRASES[await goes(office)].format(name="Sam").strip()

    answer, repeated, came = await asyncio.gather(
        young.say("i am worried", id_, live="chat"),
        young.say("i am worried", id_, live="chat"),
        young.until(phrase[:20]),
    )

    assert answer == repeated != []
    assert texts(came) == [phrase]
    assert came[0]["contacts"]
    assert await young.listen(1) == []
    assert await young.say("i am worried", id_) == answer
    read = [each for each in office.whole(young).messages if each.text == "i am worried"]
    assert len(read) == 1
    assert LIVE_CHAT not in read[0].extra
    heard = [each["text"] for each in office.gateway.world.rasa.received]
    assert heard.count("i am worried") == 1
    assert "is anyone there" not in heard


async def test_stop_is_stop_also_for_words_that_are_on_the_way(office: LiveOffice) -> None:
    young = await talking(office)
    office.write(young, "Wait!")
    office.mailbox.holds = True

    assert texts(await young.press("live_stop")) == [PHRASES["stopped"].format(name="Sam").strip()]

    assert await young.listen(0.6) == []
    await until(lambda: office.ends() == [LiveChatEnd.STOPPED])
    office.change(term=2, shown_name="Ann")
    await young.listen(0.6)
    await until(lambda: [each.term for each in office.told(LiveChatStep.ENDED)] == [1, 2])
    assert {*office.ends()} == {LiveChatEnd.STOPPED}
    assert young.state == "none"


async def test_a_withdrawn_offer_in_the_moment_of_the_yes_is_told(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)
    office.end(LiveChatEnd.WITHDRAWN)

    came = await young.press("live_yes") + await young.listen(1)

    assert texts(came) == [PHRASES["withdrawn"].format(name="Sam").strip()]
    assert young.state == "none"
    assert office.told(LiveChatStep.ACCEPTED) == []
    assert await young.say("hello") != []


async def test_a_yes_that_cannot_be_told_to_staff_is_no_yes(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)
    office.mailbox.down = True

    (sorry,) = await young.press("live_yes")

    assert sorry["text"] == PHRASES["not_accepted"].format(name="Sam").strip()
    assert choices([sorry]) == ["live_yes", "live_not_now"]
    assert young.state == "offered"
    office.mailbox.down = False
    await young.press("live_yes")
    assert young.state == "open"


async def test_a_request_that_cannot_be_told_to_staff_is_taken_back(office: LiveOffice) -> None:
    await office.ready()
    young = await office.young()
    office.mailbox.down = True

    (sorry,) = await young.press("live_ask")
    office.mailbox.down = False

    assert sorry["text"] == PHRASES["not_asked"].strip()
    assert young.state == "none"
    await until(lambda: office.ends() == [LiveChatEnd.STOPPED])


async def test_the_button_is_there_only_while_a_person_is_ready_and_on_duty(
    office: LiveOffice,
) -> None:
    assert "live_ask" not in choices(await (await office.young("")).say("i am hurt"))
    await office.ready(["swindon"])
    assert "live_ask" in choices(await (await office.young("")).say("i am hurt"))
    elsewhere = Young(office, await office.gateway.begin(area="wiltshire"))
    assert "live_ask" not in choices(await elsewhere.say("i am hurt"))
    assert "live_ask" not in choices(await (await office.young("")).say("now"))
    office.gateway.world.rota = ()
    await office.gateway.inside.duty.read_once()
    assert "live_ask" not in choices(await (await office.young("")).say("i am hurt"))
    young = await office.young()
    (nobody,) = await young.press("live_ask")
    assert nobody["text"] == PHRASES["nobody_ready"].strip()
    assert young.state == "none"


async def test_who_asks_in_words_is_asked_for(office: LiveOffice) -> None:
    await office.ready()
    young = await office.young()

    await young.say("can i talk to a real person")

    assert young.state == "asked"
    assert await young.say("hello") != []


async def test_a_conversation_that_staff_blocked_cannot_ask(office: LiveOffice) -> None:
    await office.ready()
    young = await talking(office)
    office.change(blocked=True)
    office.end(LiveChatEnd.ABUSE)
    await young.until("Sam has ended the chat")

    (blocked,) = await young.press("live_ask")

    assert blocked["text"] == PHRASES["blocked"].strip()
    assert "childline" in [each["id"] for each in blocked["contacts"]]


async def test_after_abuse_each_answer_has_the_numbers_and_a_graver_message_raises_the_case(
    office: LiveOffice,
) -> None:
    young = await talking(office)
    office.change(blocked=True)
    office.end(LiveChatEnd.ABUSE)
    await young.until("Sam has ended the chat")
    assert office.whole(young).case.severity is Severity.URGENT

    for text in ("hello", "you are an idiot", "", "i am worried", "i am hurt", "hello", "so what"):
        shown = await young.say(text)
        numbers = [card["id"] for each in shown for card in each.get("contacts", [])]
        assert {"childline", "emergency_999"} <= {*numbers}, text
        assert len(numbers) == len({*numbers})

    (card, *_) = await young.say("he is here now")
    assert (card["kind"], card["severity"]) == ("help_card", "immediate")
    assert office.whole(young).case.severity is Severity.IMMEDIATE
    with office.engine.connect() as connection:
        graver = alerts.c.severity == Severity.IMMEDIATE
        raised = connection.execute(sa.select(alerts.c.case_id).where(graver)).scalars().all()
    assert raised == [young.id]
    assert LIVE_CHAT not in office.read(young, "he is here now").extra


async def test_a_danger_is_heard_before_an_answer_to_the_offer(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)

    shown = await young.say("yes he is here now")

    assert shown[0]["severity"] == "immediate"
    assert young.state == "offered"


async def test_a_later_yes_answers_something_else(office: LiveOffice) -> None:
    young = await office.young()
    office.offer(young)
    await young.until(WOULD_YOU)
    await young.say("who is that")

    await young.say("yes")

    assert young.state == "offered"


async def test_who_deletes_a_call_back_is_heard_while_a_person_has_the_chat(
    office: LiveOffice,
) -> None:
    young = await office.young()
    await young.press("leave_wish")
    await young.say("Alex")
    await young.say("07700 900123")
    office.offer(young)
    await young.until(WOULD_YOU)
    await young.press("live_yes")

    assert await young.press("take_back_wish") != []
    assert await young.say("Alex") == []


async def test_who_leaves_is_told_to_staff(office: LiveOffice) -> None:
    young, quiet, other = await talking(office), await office.young(), await office.young()
    await quiet.listen()

    for each in (young, quiet, other):
        await office.gateway.http.delete("/v1/conversations", headers=each.headers)

    await until(lambda: office.ends() == [LiveChatEnd.LEFT] * 2)
    assert [each.chat_id for each in office.told(LiveChatStep.ENDED)] == ["chat", ""]


async def test_where_the_setting_is_off_no_page_listens_and_no_offer_is_shown(
    world: World, engine: Engine, clock: Clock
) -> None:
    world.env["LANTERN_LIVE_CHAT"] = "false"
    async with live_office(world, engine, clock) as office:
        await office.ready()
        young = await office.young()
        office.offer(young)
        assert await young.listen(1) == []
        assert young.state == "none"
        answer = await office.gateway.say(young.headers, "hello")
        assert answer.json()["listen"] is False
        assert texts(await young.press("live_ask")) == [PHRASES["nobody_ready"].strip()]
