"""Limits never block help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from limits import RateLimitItem, RateLimitItemPerHour

from chat.gateway import limits as module
from chat.gateway.limits import RateLimits, SenderFingerprint
from safeguarding.taxonomy import Severity
from tests.records import Clock
from tests.redis_on import OwnRedis, own_redis
from tests.unit.chat.gateway.conftest import World, noted

FEW, MANY = RateLimitItemPerHour(2), RateLimitItemPerHour(1000)


def made(
    conversation: RateLimitItem,
    address: RateLimitItem,
    beginnings: RateLimitItem,
    redis_url: str | None = None,
) -> RateLimits:
    return RateLimits(
        redis_url,
        "k" * 40,
        per_conversation=conversation,
        per_address=address,
        beginnings=beginnings,
    )


def per_conversation() -> RateLimits:
    return made(FEW, MANY, MANY)


async def test_one_conversation_at_its_limit_leaves_the_others_alone() -> None:
    limits, busy = per_conversation(), uuid4()

    answers = [await limits.admits_message(busy, "192.0.2.1") for _ in range(3)]

    assert answers == [True, True, False]
    assert await limits.admits_message(uuid4(), "192.0.2.1")


async def test_an_address_has_a_limit_of_its_own() -> None:
    limits = made(MANY, FEW, FEW)

    messages = [await limits.admits_message(uuid4(), "192.0.2.1") for _ in range(3)]
    beginnings = [await limits.admits_beginning("192.0.2.1") for _ in range(3)]

    assert messages == beginnings == [True, True, False]
    assert await limits.admits_message(uuid4(), "192.0.2.2")


async def test_while_the_shared_counter_is_away_this_process_counts_alone() -> None:
    limits = made(MANY, FEW, FEW, redis_url="redis://127.0.0.1:9/0")

    answers = [await limits.admits_message(uuid4(), "192.0.2.1") for _ in range(3)]

    assert answers == [True, True, False]


async def test_a_shared_counter_that_hangs_keeps_nobody_waiting() -> None:
    """A server that takes connections and never says a word, as a frozen Redis does."""
    connections = 0

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = made(MANY, MANY, MANY, redis_url=f"redis://127.0.0.1:{port}/0")
    async with server, asyncio.timeout(30):
        answers = [await limits.admits_message(uuid4(), "192.0.2.1") for _ in range(40)]

    assert all(answers)
    # Asked once, and then left alone for a while.
    assert connections == 1


async def test_over_the_limit_the_answer_still_holds_help(world: World) -> None:
    async with world.gateway(per_conversation()) as gateway:
        headers = await gateway.begin()
        for _ in range(2):
            await gateway.say(headers, "hello")

        answer = await gateway.say(headers, "hello again")

    shown = answer.json()["messages"]
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert [m["kind"] for m in shown] == ["help_card", "text"]
    assert "0800 1111" in shown[0]["text"]
    assert len(world.rasa.received) == 2


async def test_over_the_limit_a_disclosure_is_still_seen_and_recorded(world: World) -> None:
    async with world.gateway(per_conversation()) as gateway:
        headers, message_id = await gateway.begin(), str(uuid4())
        for _ in range(2):
            await gateway.say(headers, "hello")

        words = "he will hurt me with a knife"
        answers = [await gateway.say(headers, words, message_id) for _ in range(2)]

    (kept,) = world.log.kept.values()
    assert [a.json()["messages"][0]["severity"] for a in answers] == ["urgent", "urgent"]
    assert kept.assessment.severity == Severity.URGENT
    assert noted(kept) == {"fallback": "rate-limit"}
    assert kept.facts == ("weapon",)


async def test_an_answered_message_may_be_asked_for_again_over_the_limit(world: World) -> None:
    async with world.gateway(per_conversation()) as gateway:
        headers, message_id = await gateway.begin(), str(uuid4())
        await gateway.say(headers, "hello", message_id)
        await gateway.say(headers, "hello")

        again = await gateway.say(headers, "hello", message_id)

    assert again.status_code == 200


async def test_too_many_new_conversations_still_get_help(world: World) -> None:
    async with world.gateway(made(MANY, MANY, FEW)) as gateway:
        for _ in range(2):
            await gateway.begin()

        answer = await gateway.http.post("/v1/conversations")

    assert answer.status_code == 429
    assert answer.json()["messages"][0]["kind"] == "help_card"
    assert "token" not in answer.json()


async def test_the_record_of_a_long_message_holds_it_whole_and_says_how_it_was_read(
    world: World,
) -> None:
    text = "he hurt me " * 2_000
    world.engine.in_part = True
    async with world.gateway() as gateway:
        await gateway.say(await gateway.begin(), text)

    (kept,) = world.log.kept.values()
    assert kept.text == text
    assert kept.extra["assessed"] == "the encoder read some passages of 22000 characters"
    assert kept.assessment.signals[-1].kind == "length"


async def test_a_harmless_message_too_long_to_be_read_whole_is_recorded(world: World) -> None:
    world.engine.in_part = True
    async with world.gateway() as gateway:
        await gateway.say(await gateway.begin(), "la " * 7_000)

    (kept,) = world.log.kept.values()
    assert kept.assessment.severity == Severity.CONCERN
    assert [signal.source for signal in kept.assessment.signals] == ["read-in-part"]


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
    """Start a Redis that may take as long as a busy machine makes it."""
    monkeypatch.setattr(module, "SHARED_WAIT_S", 5.0)
    with own_redis(tmp_path) as server:
        yield server


async def test_a_dump_of_redis_names_no_conversation_and_no_address(redis: OwnRedis) -> None:
    limits = made(MANY, MANY, MANY, redis_url=redis.url)
    conversation, address = uuid4(), "192.0.2.77"

    await limits.admits_message(conversation, address)
    await limits.admits_beginning(address)

    client: Any = redis.client
    keys = client.keys("*")
    dump = b"\n".join([*keys, *(client.dump(key) for key in keys)])
    assert len(keys) == 3
    for told in (str(conversation), conversation.hex, address):
        assert told.encode() not in dump
    assert conversation.bytes not in dump


async def test_gateways_count_a_conversation_together_and_strangers_to_the_key_do_not(
    redis: OwnRedis,
) -> None:
    first, second = (made(FEW, MANY, MANY, redis_url=redis.url) for _ in range(2))
    other_key = RateLimits(
        redis.url, "o" * 40, per_conversation=FEW, per_address=MANY, beginnings=MANY
    )
    busy = uuid4()

    answers = [await each.admits_message(busy, "192.0.2.1") for each in (first, second, first)]

    assert answers == [True, True, False]
    assert await other_key.admits_message(busy, "192.0.2.1")


def fingerprint(clock: Clock, key: str = "a key that is long enough") -> SenderFingerprint:
    return SenderFingerprint(key, clock)


def test_it_is_the_same_for_one_address_at_every_gateway() -> None:
    clock = Clock()

    assert fingerprint(clock).of("203.0.113.7") == fingerprint(clock).of("203.0.113.7")
    assert fingerprint(clock).of("203.0.113.7") != fingerprint(clock).of("203.0.113.8")


def test_it_is_another_one_the_next_day_and_under_another_key() -> None:
    clock = Clock()
    today = fingerprint(clock).of("203.0.113.7")
    other_key = fingerprint(clock, "another key that is long enough").of("203.0.113.7")
    clock.move(days=1)

    assert len({today, other_key, fingerprint(clock).of("203.0.113.7")}) == 3


def test_many_addresses_share_each_one() -> None:
    clock = Clock()
    addresses = [f"10.{a}.{b}.{c}" for a in range(2) for b in range(256) for c in range(256)]

    found = {fingerprint(clock).of(each) for each in addresses}

    assert len(found) < len(addresses)
    assert {len(each) for each in found} == {4}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("not an address", "not an address", True),
        ("\udcff", "x", False),
    ],
)
def test_a_network_of_ipv6_is_one_sender(one: str, other: str, same: bool) -> None:
    of = fingerprint(Clock()).of

    assert (of(one) == of(other)) is same
