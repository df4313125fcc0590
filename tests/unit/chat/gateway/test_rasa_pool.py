"""Several Rasa servers as one: least work first, another where one fails, no waiting in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from chat.gateway import rasa as module
from chat.gateway.rasa import (
    OPENS_AFTER,
    PLACES,
    BreakerState,
    RasaPool,
    RasaReply,
    RasaRequest,
    RasaUnavailableError,
)
from chat.gateway.requests import IncomingMessage
from safeguarding.conversation_state import ConversationState
from tests.fakes.rasa import FakeRasa, answering, failing, running_rasa
from tests.unit.chat.gateway.conftest import World, until

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def two() -> Iterator[list[FakeRasa]]:
    with ExitStack() as life:
        servers = [life.enter_context(running_rasa()) for _ in range(2)]
        for number, server in enumerate(servers):
            server.behave = answering({"kind": "text", "text": f"server {number}"})
        yield servers


def pool(*servers: FakeRasa | str) -> RasaPool:
    urls = [each if isinstance(each, str) else each.url for each in servers]
    return RasaPool(urls, "secret", 4)


def message() -> RasaRequest:
    return RasaRequest(uuid4(), "m1", IncomingMessage(uuid4(), "hi"), ConversationState(), None)


async def ask(to: RasaPool, timeout_s: float = 10) -> str:
    """Who answered; or why nobody did."""
    try:
        reply: RasaReply = await to.reply(message(), timeout_s)
    except RasaUnavailableError as error:
        return error.reason
    return reply.messages[0]["text"]


def begin(to: RasaPool, number: int, timeout_s: float = 20) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(ask(to, timeout_s)) for _ in range(number)]


def at(servers: list[FakeRasa]) -> list[int]:
    return [len(server.received) for server in servers]


async def test_whoever_has_the_least_to_do_is_asked(two: list[FakeRasa]) -> None:
    both = pool(*two)
    for server in two:
        server.hang()
    asked = begin(both, 6)
    await until(lambda: sum(at(two)) == 6)

    at_first = at(two)
    two[1].hold.set()
    await until(lambda: both.servers[1].under_way == 0)
    then = await ask(both)
    two[0].hold.set()

    assert (at_first, then) == ([3, 3], "server 1")
    assert sorted([await each for each in asked]) == ["server 0"] * 3 + ["server 1"] * 3
    await both.close()


async def test_a_server_that_is_not_there_costs_nobody_an_answer(two: list[FakeRasa]) -> None:
    both = pool(NOBODY, two[1])

    answers = [await ask(both) for _ in range(OPENS_AFTER + 3)]

    assert set(answers) == {"server 1"}
    assert both.servers[0].breaker.state is BreakerState.OPEN
    # Once it is known it is not tried any more.
    assert both.asked_again == OPENS_AFTER
    await both.close()


async def test_an_error_of_the_server_is_asked_elsewhere_and_one_of_the_message_is_not(
    two: list[FakeRasa],
) -> None:
    both = pool(*two)
    for status in (503, 422):
        for server in two:
            server.received.clear()
            server.behave = failing(status)

        answer = await ask(both)

        assert answer == f"rasa-status-{status // 100}xx"
        assert sorted(at(two)) == ([1, 1] if status == 503 else [0, 1])
    await both.close()


async def test_a_server_that_hangs_is_given_up_in_time_for_another(
    two: list[FakeRasa], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASK_ANOTHER_S", "FAIR_S"):
        monkeypatch.setattr(module, name, 0.1)
    both = pool(*two)
    two[0].hang()

    answers = [await ask(both) for _ in range(2 * OPENS_AFTER)]

    assert set(answers) == {"server 1"}
    assert both.servers[0].breaker.state is BreakerState.OPEN
    assert len(two[0].received) == OPENS_AFTER
    await both.close()


async def test_a_message_without_time_left_says_nothing_of_its_server(rasa: FakeRasa) -> None:
    one = pool(rasa)
    rasa.hang()

    answers = [await ask(one, 0.05) for _ in range(2 * OPENS_AFTER)]

    assert set(answers) == {"rasa-timeout"}
    assert one.servers[0].breaker.state is BreakerState.CLOSED
    await one.close()


async def test_no_more_than_its_places_are_under_way_at_a_server_and_the_rest_wait_in_turn(
    rasa: FakeRasa,
) -> None:
    one = pool(rasa)
    rasa.hang()
    asked = begin(one, PLACES + 5)
    await until(lambda: len(rasa.received) == PLACES)

    assert (one.servers[0].under_way, one.waiting) == (PLACES, 5)
    rasa.hold.set()
    assert [await each for each in asked] == ["Hello from Rasa"] * (PLACES + 5)
    assert (one.servers[0].under_way, one.waiting) == (0, 0)
    await one.close()


async def test_whoever_would_wait_too_long_is_told_at_once(rasa: FakeRasa) -> None:
    one = pool(rasa)
    one.servers[0].seconds = 2.0
    rasa.hang()
    asked = begin(one, PLACES)
    await until(lambda: len(rasa.received) == PLACES)
    waiting = begin(one, 4 * PLACES)
    await until(lambda: one.waiting == 4 * PLACES)

    # Four rounds of two seconds are before it.
    assert await ask(one, 9) == "rasa-busy"

    rasa.hold.set()
    assert {await each for each in asked + waiting} == {"Hello from Rasa"}
    await one.close()


async def test_a_place_that_comes_too_late_goes_to_the_next(rasa: FakeRasa) -> None:
    one = pool(rasa)
    rasa.hang()
    asked = begin(one, PLACES)
    await until(lambda: len(rasa.received) == PLACES)
    impatient, patient = begin(one, 2, 0.2), begin(one, 2)

    assert [await each for each in impatient] == ["rasa-busy"] * 2
    rasa.hold.set()
    assert {await each for each in asked + patient} == {"Hello from Rasa"}
    await one.close()


async def test_where_all_servers_are_given_up_nobody_waits_for_one() -> None:
    none = pool(NOBODY, NOBODY.replace(":9", ":10"))

    answers = [await ask(none) for _ in range(2 * OPENS_AFTER)]

    assert answers[0] == "rasa-unreachable"
    assert answers[-1] == "rasa-away"
    await none.close()


async def test_those_who_wait_are_told_when_the_last_server_is_given_up(rasa: FakeRasa) -> None:
    one = pool(rasa)
    rasa.hang()
    rasa.behave = failing(500)
    asked = begin(one, PLACES)
    await until(lambda: len(rasa.received) == PLACES)
    waiting = begin(one, 20)
    await until(lambda: one.waiting == 20)
    rasa.hold.set()

    answers = [await each for each in asked + waiting]

    assert set(answers) == {"rasa-status-5xx", "rasa-away"}
    assert answers[-1] == "rasa-away"
    await one.close()


async def test_a_server_that_is_back_is_found_without_anybodys_message(rasa: FakeRasa) -> None:
    one = pool(rasa)
    rasa.behave = failing(500)
    while await ask(one) != "rasa-away":
        pass
    rasa.behave = answering({"kind": "text", "text": "back"})
    await until(lambda: one.servers[0].breaker.state is BreakerState.HALF_OPEN)
    rasa.hang()
    asked = begin(one, 4)
    await until(lambda: one.waiting == 3)

    # One message shows whether it is.
    assert one.servers[0].under_way == 1
    rasa.hold.set()
    assert [await each for each in asked] == ["back"] * 4
    assert one.servers[0].breaker.state is BreakerState.CLOSED
    await one.close()


async def test_of_two_servers_one_that_is_away_is_not_noticed_and_stands_in_the_figures(
    world: World, two: list[FakeRasa]
) -> None:
    world.rasa.url = f"{NOBODY}, {two[1].url}"
    async with world.gateway() as gateway:
        headers = await gateway.begin()
        answers = [(await gateway.say(headers, "hello")).json() for _ in range(5)]
        ready = (await gateway.http.get("/readyz")).json()
        figures = (await gateway.http.get("/metrics")).text

    name = two[1].url.removeprefix("http://")
    assert {answer["messages"][0]["text"] for answer in answers} == {"server 1"}
    assert (ready["status"], ready["rasa"]) == ("degraded", "degraded")
    assert ready["rasa_servers"] == {"127.0.0.1:9": "down", name: "up"}
    assert 'lantern_rasa_breaker{server="127.0.0.1:9"} 2.0' in figures
    assert f'lantern_rasa_breaker{{server="{name}"}} 0.0' in figures
    assert "lantern_rasa_asked_again 3.0" in figures
    assert "lantern_rasa_waiting 0.0" in figures
