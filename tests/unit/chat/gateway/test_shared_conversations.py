"""Conversations that gateways share in a real Redis: sealed, one turn at a time.

Without Redis each gateway goes on with its copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.gateway import shared_conversations, shared_store
from chat.gateway.requests import Bearer, Beginning
from chat.gateway.shared_conversations import SharedConversations
from chat.gateway.shared_store import Seal, SharedStore
from safeguarding.messages import Message
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.taxonomy import Severity
from tests.redis_on import OwnRedis, own_redis
from tests.unit.chat.gateway.conftest import World, assessed, until

KEY, TTL_S = "k" * 40, 600
WORDS = "he said dont tell ur mum \N{PENSIVE FACE}"
SAID = [Message(kind="help_card", text="Call 999.", severity="urgent", need="unclear")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(server: OwnRedis) -> OwnRedis:
    server.client.flushall()
    return server


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may take as long as a busy machine makes it."""
    monkeypatch.setattr(shared_store, "WAIT_S", 2.0)


@pytest.fixture
def lasting_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock ends because this machine is busy."""
    for module in (shared_store, shared_conversations):
        monkeypatch.setattr(module, "LOCK_S", 60.0)


def bearer() -> Bearer:
    return Bearer(uuid4(), Beginning("young_person", "wiltshire"))


@asynccontextmanager
async def gateways(
    redis: OwnRedis, number: int = 2, key: str = KEY
) -> AsyncIterator[list[SharedConversations]]:
    """As many gateways, which share nothing but this Redis. They sweep when they are told to."""
    shared = [SharedConversations(SharedStore(redis.url), Seal(key), TTL_S) for _ in range(number)]
    try:
        yield shared
    finally:
        for each in shared:
            await each.finish()


async def tell(
    at: SharedConversations, who: Bearer, message: str, severity: Severity = Severity.NONE
) -> None:
    """One message that is answered there."""
    async with at.turn(who, 5) as conversation:
        conversation.note(assessed(severity, "self_harm") if severity else NO_RISK)
        conversation.remember(message, Turn("user", f"{message}: {WORDS}"))
        conversation.keep_answer(message, SAID)


async def known(at: SharedConversations, who: Bearer) -> tuple[Severity, set[str]]:
    """Return the severity, and the messages, that a gateway knows of a conversation."""
    async with at.turn(who, 5) as conversation:
        turns = {turn.text.partition(":")[0] for turn in conversation.turns_before("")}
        return conversation.state.severity, turns


async def test_what_one_gateway_was_told_the_other_knows(redis: OwnRedis) -> None:
    who = bearer()
    async with gateways(redis) as (one, other):
        async with one.turn(who, 5) as conversation:
            conversation.note(assessed(Severity.URGENT, "self_harm"))
            conversation.remember("1", Turn("user", WORDS))
            conversation.keep_answer("1", SAID)
            conversation.dialogue = b'{"shown": [1]}'
            conversation.callback_offered, conversation.callback_step = True, "reach"
            conversation.callback_name, conversation.callback_left = "Sam", True
            state = conversation.state

        async with other.turn(who, 5) as conversation:
            assert conversation.state == state
            assert conversation.turns_before("2") == (Turn("user", WORDS),)
            assert conversation.answer_to("1") == SAID
            assert conversation.dialogue == b'{"shown": [1]}'
            assert conversation.callback_offered
            assert (conversation.callback_step, conversation.callback_name) == ("reach", "Sam")
            assert conversation.callback_left


async def test_redis_holds_no_words_no_ids_and_nothing_for_longer(redis: OwnRedis) -> None:
    who = bearer()
    async with gateways(redis) as (one, _other):
        await tell(one, who, "1")
        names: Any = redis.client.keys()
        kept = b"".join(b"".join(redis.client.hgetall(name).values()) for name in names)

        assert len(names) == 1
        assert 0 < redis.client.pttl(names[0]) <= TTL_S * 1000
        for plain in (
            b"dont",
            b"Call",
            b"self_harm",
            b"wiltshire",
            str(who.conversation_id).encode(),
        ):
            assert plain not in kept + names[0]
        assert who.conversation_id.bytes not in kept
        assert who.conversation_id.hex.encode() not in names[0]


@pytest.mark.usefixtures("lasting_locks")
async def test_two_gateways_are_never_in_the_same_conversation_at_once(redis: OwnRedis) -> None:
    who, inside, most = bearer(), 0, 0

    async def one(at: SharedConversations) -> None:
        nonlocal inside, most
        async with at.turn(who, 60) as conversation:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            conversation.note(NO_RISK)
            inside -= 1

    async with gateways(redis, 3) as all_three:
        await asyncio.gather(*(one(at) for at in all_three for _ in range(25)))
        async with all_three[0].turn(who, 60) as conversation:
            counted = conversation.state.replies

    assert (most, counted) == (1, 75)


async def test_a_gateway_that_died_holds_up_nobody_for_long(
    redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_store, "LOCK_S", 0.3)
    who = bearer()
    async with gateways(redis, 1) as (one,):
        await tell(one, who, "1", Severity.URGENT)
        dead = SharedStore(redis.url)
        assert await dead.take(Seal(KEY).name(who.conversation_id), "a token", b"") is not None
        await dead.close()

        assert await known(one, who) == (Severity.URGENT, {"1"})
        # It had the lock itself: it waited, and did not go on without.
        assert one.unsaved() == 0


async def test_a_gateway_that_takes_long_keeps_its_turn(
    redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (shared_store, shared_conversations):
        monkeypatch.setattr(module, "LOCK_S", 1.5)
    who, seen = bearer(), []
    async with gateways(redis) as (one, other):

        async def late() -> None:
            await tell(other, who, "2")
            seen.append("the other")

        async with one.turn(who, 5):
            waiting = asyncio.create_task(late())
            await asyncio.sleep(2.5)
            seen.append("the first")
        await waiting

    assert seen == ["the first", "the other"]


async def test_whoever_has_waited_long_goes_on_and_nothing_of_both_is_lost(
    redis: OwnRedis,
) -> None:
    who = bearer()
    async with gateways(redis) as (one, other):
        await tell(one, who, "1")
        async with one.turn(who, 5) as conversation:
            conversation.note(assessed(Severity.CONCERN, "self_harm"))
            conversation.remember("2", Turn("user", "2: slow"))
            async with other.turn(who, 0.05) as beside:
                beside.note(assessed(Severity.URGENT, "self_harm"))
                beside.remember("3", Turn("user", "3: quick"))
        unsaved = other.unsaved()
        await other._sweep()

        assert (unsaved, other.unsaved()) == (1, 0)
        assert await known(one, who) == (Severity.URGENT, {"1", "2", "3"})


async def test_a_gateway_that_lost_its_turn_overwrites_nothing(redis: OwnRedis) -> None:
    """It stood still for so long that its lock ended, and another gateway answered."""
    who = bearer()
    async with gateways(redis) as (one, other):
        await tell(one, who, "1")
        async with one.turn(who, 5) as conversation:
            conversation.note(NO_RISK)
            conversation.remember("2", Turn("user", "2: slow"))
            redis.client.delete(*redis.client.keys("*:lock"))
            await tell(other, who, "3", Severity.IMMEDIATE)

        assert await known(other, who) == (Severity.IMMEDIATE, {"1", "3"})
        await one._sweep()
        assert await known(other, who) == (Severity.IMMEDIATE, {"1", "2", "3"})


async def test_what_is_found_out_after_the_answer_reaches_the_other_gateway(
    redis: OwnRedis,
) -> None:
    who = bearer()
    async with gateways(redis) as (one, other):
        await tell(one, who, "1")
        one.of(who).raise_to(Severity.URGENT)
        await one._sweep()

        assert (await known(other, who))[0] == Severity.URGENT


async def test_whoever_leaves_is_forgotten_by_every_gateway(redis: OwnRedis) -> None:
    who = bearer()
    async with gateways(redis) as (one, other):
        await tell(one, who, "1", Severity.URGENT)
        await known(other, who)
        async with other.turn(who, 5) as conversation:
            conversation.note(NO_RISK)
            await one.forget(who.conversation_id)
        (left,) = map(redis.client.hgetall, redis.client.keys())

        assert list(left) == [b"revision"]
        assert other.known(who.conversation_id) is None
        assert await known(one, who) == await known(other, who) == (Severity.NONE, set())
        async with other.turn(who, 5) as conversation:
            assert conversation.state.area == "wiltshire"


async def test_a_copy_elsewhere_brings_nobody_back_who_has_left(redis: OwnRedis) -> None:
    who = bearer()
    async with gateways(redis) as (one, other):
        await tell(one, who, "1", Severity.URGENT)
        await known(other, who)
        other.of(who).raise_to(Severity.IMMEDIATE)
        await one.forget(who.conversation_id)
        await other._sweep()

        assert await known(other, who) == (Severity.NONE, set())
        assert await known(one, who) == (Severity.NONE, set())


async def test_while_redis_stands_still_each_goes_on_and_the_graver_counts_in_the_end(
    redis: OwnRedis,
) -> None:
    who, new, gone = bearer(), bearer(), bearer()
    async with gateways(redis) as (one, other):
        for each in (who, gone):
            await tell(one, each, "1", Severity.CONCERN)
            await known(other, each)
        redis.freeze()
        try:
            await tell(one, who, "2", Severity.URGENT)
            await tell(other, who, "3")
            await tell(one, new, "4", Severity.IMMEDIATE)
            await one.forget(gone.conversation_id)
            here = await known(one, who)
            down = await one.redis()
        finally:
            redis.thaw()
        assert (here, down, one.unsaved()) == ((Severity.URGENT, {"1", "2"}), "down", 3)
        for gateway in (one, other):
            await until_saved(gateway)

        assert await known(one, who) == await known(other, who)
        assert await known(one, who) == (Severity.URGENT, {"1", "2", "3"})
        assert await known(other, new) == (Severity.IMMEDIATE, {"4"})
        assert await known(other, gone) == (Severity.NONE, set())


async def test_a_redis_that_lost_everything_gets_it_back_from_whoever_knows(
    redis: OwnRedis,
) -> None:
    who, silent = bearer(), bearer()
    async with gateways(redis) as (one, other):
        for each in (who, silent):
            await tell(one, each, "1", Severity.URGENT)
        redis.kill()
        await tell(one, who, "2")
        redis.start()
        await until_saved(one)

        assert await known(other, who) == (Severity.URGENT, {"1", "2"})
        assert await known(other, silent) == (Severity.URGENT, {"1"})


async def test_what_is_saved_late_is_kept_no_longer(redis: OwnRedis) -> None:
    who = bearer()
    async with gateways(redis, 1) as (one,):
        redis.freeze()
        await tell(one, who, "1")
        redis.thaw()
        conversation = one.known(who.conversation_id)
        assert conversation is not None
        conversation.used_at -= TTL_S - 100
        await until_saved(one)

        assert 0 < redis.client.pttl(key(redis, who.conversation_id)) <= 100_000


async def until_saved(shared: SharedConversations) -> None:
    """Sweep until all is saved: a Redis that was frozen may first take the locks asked for then."""
    async with asyncio.timeout(20):
        while shared.unsaved():
            await shared._sweep()
            await asyncio.sleep(0.05)


async def test_a_record_opens_with_its_key_and_in_its_place_only(redis: OwnRedis) -> None:
    who, thief = bearer(), bearer()
    async with gateways(redis) as (one, other), gateways(redis, 1, "x" * 40) as (stranger,):
        await tell(one, who, "1", Severity.URGENT)
        mine, theirs = (key(redis, each.conversation_id) for each in (who, thief))
        redis.client.copy(mine, theirs)
        redis.client.copy(mine, key(redis, who.conversation_id, "x" * 40))

        assert await known(other, thief) == (Severity.NONE, set())
        assert await known(stranger, who) == (Severity.NONE, set())

        redis.client.hset(mine, "record", b"1" + b"\0" * 60)
        redis.client.hset(mine, "revision", b"another")
        assert await known(other, who) == (Severity.NONE, set())
        await tell(other, who, "2")
        assert await known(one, who) == (Severity.URGENT, {"1", "2"})


def key(_redis: OwnRedis, conversation_id: UUID, token_key: str = KEY) -> str:
    return f"lantern:{{{Seal(token_key).name(conversation_id)}}}:conversation"


@pytest.mark.usefixtures("lasting_locks")
async def test_one_message_at_two_gateways_is_answered_once(redis: OwnRedis, world: World) -> None:
    world.env |= {"LANTERN_REDIS_URL": redis.url, "LANTERN_RASA_TIMEOUT_S": "20"}
    async with world.gateway() as one, world.gateway() as other:
        headers, message_id = await one.begin(), str(uuid4())
        world.rasa.hang()
        first = asyncio.create_task(one.say(headers, "someone hurt me", message_id))
        await until(lambda: len(world.rasa.received) == 1)
        second = asyncio.create_task(other.say(headers, "someone hurt me", message_id))
        await asyncio.sleep(0.1)
        world.rasa.hold.set()
        answers = [(await each).json() for each in (first, second)]
        then = await other.say(headers, "hello")

    assert answers[0] == answers[1]
    assert answers[0]["messages"][0]["severity"] == "urgent"
    assert [body["text"] for body in world.rasa.received] == ["someone hurt me", "hello"]
    assert world.rasa.received[1]["state"]["severity"] == "urgent"
    assert then.json()["messages"][0]["topic"] == "still_here"
    assert world.log.calls == 2


async def test_an_answered_message_is_found_at_the_other_gateway_over_the_limit(
    redis: OwnRedis, world: World
) -> None:
    world.env |= {"LANTERN_REDIS_URL": redis.url, "LANTERN_MESSAGES_PER_MINUTE": "1"}
    async with world.gateway() as one, world.gateway() as other:
        headers, message_id = await one.begin(), str(uuid4())
        first = await one.say(headers, "someone hurt me", message_id)

        again = await other.say(headers, "someone hurt me", message_id)
        too_many = await other.say(headers, "hello")
        ready = (await one.http.get("/readyz")).json()

    assert (first.status_code, again.status_code, too_many.status_code) == (200, 200, 429)
    assert again.json() == first.json()
    # Help for what the other gateway was told.
    assert too_many.json()["messages"][0]["severity"] == "urgent"
    assert ready["redis"] == "up"
