"""A live chat while things fail: a frozen database, a killed gateway, Redis away, two gateways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import partial
from html import escape
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine, make_url

from chat.gateway.recorder import Patience, Recorder
from safeguarding.live_chat import LiveChatEnd, LiveChatState, LiveChatStep
from storage.engine import connect
from tests.fakes.freezing_proxy import FreezingProxy
from tests.fakes.rasa import FakeRasa
from tests.records import Clock
from tests.redis_on import OwnRedis, own_redis
from tests.unit.chat.gateway.conftest import World, until
from tests.unit.chat.gateway.live.office import (
    PHRASES,
    WOULD_YOU,
    LiveMailbox,
    LiveOffice,
    Young,
    choices,
    joined,
    live_office,
    texts,
)

AWAY = PHRASES["away"].format(name="Sam").strip()
NOBODY = PHRASES["nobody_came"].strip()
BACK = PHRASES["handed_back"].format(name="Sam").strip()


@pytest.fixture(autouse=True)
def a_slow_machine(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("chat.gateway.composition.utc_now", clock)
    patient = partial(Recorder, patience=Patience(mailbox_s=5))
    monkeypatch.setattr("chat.gateway.composition.Recorder", patient)
    for name in ("READ_S", "ROUND_S", "SEND_S"):
        monkeypatch.setattr(f"chat.gateway.live.reading.{name}", 5)
    monkeypatch.setattr("chat.gateway.shared_store.WAIT_S", 2.0)


async def talking(office: LiveOffice) -> Young:
    """Return a young person who has read what Sam wrote."""
    young = await joined(office)
    office.write(young, "Hi.")
    await young.until("Hi.")
    return young


@pytest.fixture
async def begun(world: World, engine: Engine, clock: Clock) -> Young:
    """Return a young person with whom Sam talks, and whose gateway was killed meanwhile."""
    async with live_office(world, engine, clock) as office:
        return await talking(office)


async def test_a_gateway_that_knows_nothing_is_silent_where_the_page_says_so(
    world: World, engine: Engine, clock: Clock, begun: Young
) -> None:
    async with live_office(world, engine, clock) as begun.office:
        assert await begun.say("are you there", live="chat") == []
        assert begun.state == "open"
        assert await begun.listen(1) == []
        begun.office.write(begun, "Yes.")
        assert texts(await begun.until("Yes.")) == ["Yes."]
        assert await begun.say("good") == []


async def test_a_gateway_that_knows_nothing_tells_staff_the_yes_to_an_offer_that_the_page_shows(
    world: World, engine: Engine, clock: Clock
) -> None:
    async with live_office(world, engine, clock) as office:
        young = await office.young()
        office.offer(young)
        await young.until(WOULD_YOU)
    async with live_office(world, engine, clock) as young.office:
        shown = await young.press("live_yes", live="chat")
        assert texts(shown)[0].startswith("Sam is here now")
        assert young.state == "open"
        assert [each.step for each in young.office.mailbox.told] == [LiveChatStep.ACCEPTED]
        assert await young.say("hello") == []


async def test_a_gateway_that_knows_nothing_learns_it_from_a_page_that_listens(
    world: World, engine: Engine, clock: Clock, begun: Young
) -> None:
    async with live_office(world, engine, clock) as begun.office:
        assert await begun.listen() == []
        assert begun.state == "open"
        assert await begun.say("are you there") == []
        loaded = Young(begun.office, begun.headers)
        await loaded.listen(shows=False)
        assert loaded.state == "open"


async def test_an_end_that_the_killed_gateway_could_not_tell_is_told(
    world: World, engine: Engine, clock: Clock, begun: Young
) -> None:
    async with live_office(world, engine, clock) as begun.office:
        begun.office.write(begun, "Bye.")
        begun.office.end(LiveChatEnd.HANDED_BACK)

        assert texts(await begun.until(BACK[:20])) == ["Bye.", BACK]

        assert begun.state == "none"
        assert await begun.say("hello") != []


async def test_an_old_conversation_of_which_nothing_is_known_reads_the_row(
    world: World, engine: Engine, clock: Clock, begun: Young, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.live.following.MEMORY_S", -10.0)
    async with live_office(world, engine, clock) as begun.office:
        assert await begun.say("are you there") == []


async def test_a_page_that_lies_about_a_live_chat_gets_an_ordinary_answer(
    world: World, engine: Engine, clock: Clock
) -> None:
    async with live_office(world, engine, clock) as office:
        young = await office.young()
        for live in ("chat", "x" * 5_000, "\0", "'; --"):
            assert await young.say("hello", live=live) != []
        young.state = "open"
        assert await young.listen() == []
        assert young.state == "none"


async def asked(world: World, engine: Engine, clock: Clock, *, taken: bool = True) -> Young:
    """Return a young person who asks for a person, and whose gateway is killed after 30 seconds.

    `taken`: whether the case worker has come to the request.
    """
    async with live_office(world, engine, clock) as office:
        await office.ready()
        young = await office.young()
        office.mailbox.holds = not taken
        await young.press("live_ask")
        await young.listen()
        assert young.state == "asked"
    clock.move(seconds=30)
    return young


async def test_the_minute_of_a_request_goes_on_when_the_gateway_is_killed(
    world: World, engine: Engine, clock: Clock
) -> None:
    young = await asked(world, engine, clock)
    async with live_office(world, engine, clock) as young.office:
        assert await young.listen() == []
        assert young.state == "asked"

        clock.move(seconds=31)

        (said,) = await young.until(NOBODY[:20])
        assert choices([said]) == ["leave_wish", "letterbox_ask"]
        assert said["contacts"]
        await until(lambda: young.office.ends() == [LiveChatEnd.NOBODY_CAME])
        assert young.state == "none"
        assert await young.listen() == []


async def test_a_request_that_staff_have_not_read_when_the_gateway_is_killed_is_not_forgotten(
    world: World, engine: Engine, clock: Clock
) -> None:
    begun_at = clock()
    young = await asked(world, engine, clock, taken=False)
    chat = str(young.chat)
    async with live_office(world, engine, clock) as young.office:
        assert await young.listen() == []
        assert (young.state, young.typing) == ("asked", False)

        clock.move(seconds=61)

        assert texts(await young.until(NOBODY[:20])) == [NOBODY]
        # Now the case worker comes to the request: it is ended, and nothing is said twice.
        young.office.begin(young, LiveChatState.ASKED, chat, begun_at=begun_at)
        await until(lambda: young.office.ends() == [LiveChatEnd.NOBODY_CAME])
        assert await young.listen(1) == []
        assert young.state == "none"


async def test_a_page_without_javascript_is_told_by_its_next_look_after_a_restart(
    world: World, engine: Engine, clock: Clock
) -> None:
    young = await asked(world, engine, clock)
    clock.move(seconds=31)
    async with live_office(world, engine, clock) as young.office:
        page = await young.look()

        assert escape(NOBODY.partition(".")[0]) in page
        for choice in ("leave_wish", "letterbox_ask"):
            assert f'name="choice" value="{choice}"' in page
        assert 'name="state" value="none"' in page
        assert "0800 1111" in page


@pytest.fixture
def proxied(
    request: pytest.FixtureRequest, postgres: URL, engine: Engine
) -> Iterator[tuple[FreezingProxy, Engine]]:
    """Return the way of a gateway to the same database, which may freeze."""
    if engine.dialect.name != "postgresql":
        pytest.skip("only the way to PostgreSQL can freeze")
    url = make_url(request.getfixturevalue("database_url"))
    proxy = FreezingProxy(postgres.host or "127.0.0.1", postgres.port or 5432)
    through = url.set(host="127.0.0.1", port=proxy.port)
    made = connect(through.render_as_string(hide_password=False), answer_s=3.0)
    yield proxy, made
    proxy.close()
    made.dispose()


async def test_while_the_database_is_frozen_the_last_lease_counts(
    world: World, engine: Engine, clock: Clock, proxied: tuple[FreezingProxy, Engine]
) -> None:
    proxy, through = proxied
    async with live_office(world, through, clock) as office:
        office.engine = engine
        young = await talking(office)
        proxy.freeze()
        try:
            started = time.monotonic()
            answer = await office.gateway.say(young.headers, "are you there")
            assert answer.json()["messages"] == []
            card = (await office.gateway.say(young.headers, "now")).json()["messages"]
            assert card[0]["severity"] == "immediate"
            assert time.monotonic() - started < 60
            clock.move(seconds=46)
            (away,) = await young.until(AWAY[:20])
            assert away["contacts"]
            assert (await office.gateway.say(young.headers, "hello")).json()["messages"] != []
        finally:
            proxy.thaw()
        await until(lambda: LiveChatEnd.AWAY in office.ends())


async def test_after_the_database_thaws_what_was_written_comes(
    world: World, engine: Engine, clock: Clock, proxied: tuple[FreezingProxy, Engine]
) -> None:
    proxy, through = proxied
    async with live_office(world, through, clock) as office:
        office.engine = engine
        young = await talking(office)
        proxy.freeze()
        office.write(young, "one")
        assert await young.listen(2) == []
        office.write(young, "two")
        proxy.thaw()
        came = await young.until("one")
        came += [] if "two" in texts(came) else await young.until("two")
        assert texts(came) == ["one", "two"]
        assert young.state == "open"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def two(
    rasa: FakeRasa, tmp_path: Path, engine: Engine, clock: Clock, server: OwnRedis
) -> AsyncIterator[tuple[LiveOffice, LiveOffice]]:
    """Two gateways that share a database and a Redis."""
    server.client.flushall()
    async with AsyncExitStack() as stack:
        offices = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            world = World(rasa, tmp_path / name)
            world.env["LANTERN_REDIS_URL"] = server.url
            offices.append(await stack.enter_async_context(live_office(world, engine, clock)))
        yield offices[0], offices[1]


async def test_what_one_gateway_began_the_other_carries_on(
    two: tuple[LiveOffice, LiveOffice],
) -> None:
    one, other = two
    young = await joined(one)
    young.office = other

    assert await young.say("are you there") == []
    assert young.state == "open"
    assert await young.listen(1) == []
    other.write(young, "Yes.")
    assert texts(await young.until("Yes.")) == ["Yes."]
    young.office = one
    await young.press("live_stop")
    young.office = other
    assert await young.say("hello") != []
    await until(lambda: LiveChatEnd.STOPPED in one.ends())


async def test_two_gateways_that_listen_tell_an_end_once(
    two: tuple[LiveOffice, LiveOffice], clock: Clock
) -> None:
    one, other = two
    young = await joined(one)
    twin = Young(other, young.headers)
    twin.cursor, twin.state = young.cursor, young.state
    await twin.listen()

    clock.move(seconds=46)
    await asyncio.gather(young.until(AWAY[:20]), twin.until(AWAY[:20]))

    await until(lambda: len(one.ends() + other.ends()) >= 1)
    told = {each.id for each in (*one.mailbox.told, *other.mailbox.told)}
    ended = [each for each in told if "away" in each]
    assert len(ended) == 1
    young.office = other
    assert await young.listen(1) == []


async def test_while_redis_is_away_the_chat_goes_on(
    two: tuple[LiveOffice, LiveOffice], server: OwnRedis
) -> None:
    one, _other = two
    young = await joined(one)
    server.kill()
    try:
        assert await young.say("are you there") == []
        one.write(young, "Yes.")
        assert texts(await young.until("Yes.")) == ["Yes."]
    finally:
        server.start()
    assert len(one.told(LiveChatStep.ENDED)) == 0


async def test_a_mailbox_that_is_away_gets_the_end_later(
    world: World, engine: Engine, clock: Clock
) -> None:
    async with live_office(world, engine, clock) as office:
        young = await talking(office)
        mailbox: LiveMailbox = office.mailbox
        mailbox.down = True
        await young.press("live_stop")
        assert office.ends() == []

        mailbox.down = False

        await until(lambda: office.ends() == [LiveChatEnd.STOPPED])
