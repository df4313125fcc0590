"""Pages that listen: by polls and by events, in order, once, and within limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.engine import Engine

from chat.gateway.live.listening import ListenerSeats, Listening
from chat.gateway.recorder import Patience, Recorder
from chat.gateway.requests import Bearer, Beginning
from safeguarding.live_chat import LiveChatEnd
from tests.records import Clock
from tests.unit.chat.gateway.conftest import World, until
from tests.unit.chat.gateway.live.office import (
    PHRASES,
    LiveOffice,
    Young,
    events,
    joined,
    live_office,
    texts,
)

HOSTILE = ["x", "-1.-1", "9" * 400, "1.2.3", "999999999999999.999999999999999", "\0", "'; --"]


@pytest.fixture
async def office(
    world: World, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LiveOffice]:
    monkeypatch.setattr("chat.gateway.composition.utc_now", clock)
    patient = partial(Recorder, patience=Patience(mailbox_s=30))
    monkeypatch.setattr("chat.gateway.composition.Recorder", patient)
    for name in ("READ_S", "SEND_S", "ROUND_S"):
        monkeypatch.setattr(f"chat.gateway.live.reading.{name}", 30)
    async with live_office(world, engine, clock) as office:
        yield office


async def asked(office: LiveOffice, young: Young, **args: str) -> dict[str, Any]:
    answer = await office.gateway.http.get("/v1/live", params=args, headers=young.headers)
    assert answer.status_code == 200
    view: dict[str, Any] = answer.json()
    return view


async def test_without_a_token_there_is_nothing(office: LiveOffice) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        for accept in ("application/json", "text/event-stream"):
            answer = await office.gateway.http.get(
                "/v1/live", headers={**headers, "Accept": accept}
            )
            assert answer.status_code == 401
            assert "999" in answer.json()["help"]


async def test_only_a_conversation_that_was_handed_over_listens(office: LiveOffice) -> None:
    young = await office.young("")
    answer = await office.gateway.say(young.headers, "hello")
    assert answer.json()["listen"] is False
    started = time.monotonic()
    assert (await asked(office, young, wait="20"))["listen"] is False
    assert time.monotonic() - started < 10

    answer = await office.gateway.say(young.headers, "i am hurt")

    assert answer.json()["listen"] is True
    assert answer.json()["live"]["state"] == "none"
    assert (await asked(office, young))["listen"] is True


async def test_a_page_listens_also_after_a_message_that_is_assessed_later(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = await office.young("")
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", -1)

    answer = await office.gateway.say(young.headers, "hello")

    assert answer.json()["listen"] is True
    office.mailbox.worker.work_off()


async def test_a_poll_waits_until_something_comes(office: LiveOffice) -> None:
    young = await joined(office)
    poll = asyncio.create_task(young.listen(15))
    await asyncio.sleep(0.5)
    assert not poll.done()

    office.write(young, "Hi.")

    assert texts(await poll) == ["Hi."]


async def test_a_poll_answers_at_once_when_the_page_shows_something_else(
    office: LiveOffice,
) -> None:
    young = await joined(office)
    await young.listen(1)
    office.change(typing_until=office.clock() + timedelta(seconds=6))
    await young.listen(15)
    assert young.typing
    office.clock.move(seconds=7)
    await young.listen(15)
    assert not young.typing
    young.state = "none"
    await young.listen(15)
    assert young.state == "open"


async def test_an_answer_that_was_lost_comes_again_and_a_confirmed_one_never(
    office: LiveOffice,
) -> None:
    young = await joined(office)
    office.write(young, "one")
    await young.until("one")
    before = young.cursor
    office.write(young, "two")
    assert texts(await young.until("two")) == ["two"]
    after, young.cursor = young.cursor, before

    assert texts(await young.until("two")) == ["two"]

    young.cursor = after
    await young.listen()
    loaded = Young(office, young.headers)

    async def is_gone() -> bool:
        view = await asked(office, loaded)
        return not view["messages"]

    for _ in range(50):
        if await is_gone():
            break
        await asyncio.sleep(0.1)
    assert await is_gone()


async def test_a_page_that_is_loaded_again_gets_the_state_and_what_was_not_confirmed(
    office: LiveOffice,
) -> None:
    young = await joined(office)
    office.write(young, "one")
    await young.until("one")

    view = await asked(office, young)

    assert texts(view["messages"])[-1] == "one"
    assert view["state"] == "open"
    assert view["person"] == {"name": "Sam", "role": "safeguarding adviser"}
    assert view["choices"] == [{"id": "live_stop", "label": "Stop talking to Sam"}]


@pytest.mark.parametrize("after", HOSTILE)
async def test_a_hostile_cursor_harms_nothing(office: LiveOffice, after: str) -> None:
    young = await joined(office)

    await asked(office, young, after=after, wait="nan", state="'", typing="x" * 500)
    await asked(office, young, after=after, wait="-5", state="open", typing="1")
    office.write(young, "still here")

    assert "still here" in texts(await young.until("still here"))


async def test_events_bring_the_same_as_polls(office: LiveOffice) -> None:
    young = await joined(office)
    young.cursor = (await asked(office, young))["cursor"]
    headers = {**young.headers, "Accept": "text/event-stream"}
    args = {"after": young.cursor, "state": "open", "typing": "false"}
    got = ""
    async with office.gateway.http.stream("GET", "/v1/live", params=args, headers=headers) as s:
        assert s.headers["content-type"].startswith("text/event-stream")
        assert s.headers["x-accel-buffering"] == "no"
        lines = s.aiter_text()
        got += await anext(lines)
        assert got.startswith(":")
        for text in ("one", "two"):
            office.write(young, text)
        office.end(LiveChatEnd.HANDED_BACK)
        while "handed" not in got and "has left the chat" not in got:
            got += await anext(lines)

    came = [message for event in events(got) for message in event["messages"]]
    assert texts(came)[:2] == ["one", "two"]
    assert came[2]["text"] == PHRASES["handed_back"].format(name="Sam").strip()
    assert events(got)[-1]["state"] == "none"


async def test_what_only_a_stream_sent_comes_again_to_a_page_that_asks(office: LiveOffice) -> None:
    """Something on the way may hold the stream back: only the page says what it has shown."""
    young = await joined(office)
    young.cursor = (await asked(office, young))["cursor"]
    headers = {**young.headers, "Accept": "text/event-stream"}
    args = {"after": young.cursor, "state": "open", "typing": "false"}
    async with office.gateway.http.stream("GET", "/v1/live", params=args, headers=headers) as s:
        lines, got = s.aiter_text(), ""
        for text in ("one", "two", "three"):
            office.write(young, text)
            while text not in got:
                got += await anext(lines)
        # Time enough to delete the words, if the gateway took the stream for a confirmation.
        await asyncio.sleep(0.5)

        assert texts((await asked(office, young, **args))["messages"]) == ["one", "two", "three"]


async def test_a_quiet_stream_sends_comments_and_ends(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.api.STREAM_S", 1.0)
    monkeypatch.setattr("chat.gateway.live.api.COMMENT_S", 0.3)
    young = await office.young()
    headers = {**young.headers, "Accept": "text/event-stream"}

    args = {"after": "0.0", "state": "none", "typing": "false"}
    answer = await office.gateway.http.get("/v1/live", params=args, headers=headers)

    assert answer.text.count(": still here") >= 2
    assert events(answer.text) == []
    assert office.gateway.inside.live.listeners.seats.taken == 0


async def test_a_page_that_is_gone_gives_its_place_back(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.listening.GONE_CHECK_S", 0.1)
    young = await office.young()
    seats = office.gateway.inside.live.listeners.seats
    poll = asyncio.create_task(asked(office, young, after="0.0", wait="20"))
    await until(lambda: seats.taken == 1)

    poll.cancel()

    await until(lambda: seats.taken == 0)


async def test_over_the_limit_a_page_is_told_to_ask_more_slowly_and_misses_nothing(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.listening.MOST_OF_AN_ADDRESS", 0)
    young = await joined(office)
    started = time.monotonic()

    view = await asked(office, young, after="0.0", wait="20")

    assert view["pause"] >= 2
    assert time.monotonic() - started < 10
    office.write(young, "one")
    came: list[str] = []
    for _ in range(100):
        # It is answered at once, so the test waits as the page does.
        await asyncio.sleep(0.1)
        came += texts(await young.listen(1))
        if came:
            break
    assert came == ["one"]
    headers = {**young.headers, "Accept": "text/event-stream"}
    answer = await office.gateway.http.get("/v1/live", headers=headers)
    assert answer.json()["pause"] >= 2


def test_places_are_bounded_for_an_address_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.gateway.live.listening.MOST_LISTENERS", 40)
    monkeypatch.setattr("chat.gateway.live.listening.MOST_OF_AN_ADDRESS", 10)
    seats = ListenerSeats()

    one = [seats.take("one", idle=True) for _ in range(10)]
    live = [seats.take("one", idle=False) for _ in range(10)]
    rest = [seats.take(str(number), idle=False) for number in range(100)]

    assert (sum(one), sum(live), sum(rest)) == (8, 2, 30)
    for _ in range(10):
        seats.leave("one")
    assert seats.take("one", idle=False)
    assert not [seats.take(str(number), idle=True) for number in range(20)][-1]
    seats.leave_to_others(most_connections=20)
    assert not seats.take("new", idle=False)


async def test_when_the_server_stops_the_pages_that_wait_are_let_go(
    world: World, engine: Engine, clock: Clock
) -> None:
    async with live_office(world, engine, clock) as office:
        young = await office.young()
        poll = asyncio.create_task(asked(office, young, after="0.0", wait="20"))
        await until(lambda: office.gateway.inside.live.listeners.seats.taken == 1)
        started = time.monotonic()
        office.gateway.inside.live.listeners.stop()
        assert (await poll)["pause"] > 0
        assert time.monotonic() - started < 10


async def test_ten_thousand_listeners_cost_one_look_for_all(
    office: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = office.gateway.inside.live
    looks: list[int] = []
    read = live.follower.reader.all

    async def counted(ids: Any) -> Any:
        looks.append(len(ids))
        return await read(ids)

    monkeypatch.setattr(live.follower.reader, "all", counted)
    for _ in range(10_000):
        live.follower.watch.of(Bearer(uuid4(), Beginning()))
    young = await joined(office)
    office.write(young, "one")

    assert "one" in texts(await young.until("one"))
    assert max(looks) >= 10_000
    assert live.listeners.pause() >= 20


async def test_a_look_for_a_conversation_without_a_live_chat_gives_an_empty_answer(
    office: LiveOffice,
) -> None:
    listeners = office.gateway.inside.live.listeners
    view = await listeners.next(Bearer(uuid4(), Beginning()), Listening())

    assert (view["state"], view["messages"], view["listen"]) == ("none", [], False)
