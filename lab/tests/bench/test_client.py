"""The client of the bench sends the stated number of messages and fails at a missing reply."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest

from lab.bench.client import (
    SHORT,
    TURNS,
    WHOLE,
    Amount,
    NoReplyError,
    channel_opener,
    gateway_opener,
    load,
    loads,
)
from tests.fakes.gateway import FakeGateway

TEXTS = [f"message {at}" for at in range(12)]


def test_all_messages_are_sent_in_conversations_of_five_turns(gateway: FakeGateway) -> None:
    opener = gateway_opener(gateway.url)

    found = asyncio.run(load(opener, itertools.cycle(TEXTS), clients=3, messages=30))

    assert found.clients == 3
    assert 0 < found.median_ms <= found.p95_ms
    assert found.per_second > 0
    assert len(gateway.messages) == 30
    assert len(gateway.begun) == 30 / TURNS


def test_rounds_follow_the_warm_up_and_go_on_with_the_texts(gateway: FakeGateway) -> None:
    opener = channel_opener(gateway.url, "secret")

    found = loads(opener, TEXTS, Amount(10, {1: 5, 2: 10}))

    assert [each.clients for each in found] == [1, 2]
    said = [body["text"] for body in gateway.messages]
    assert sorted(said) == sorted(itertools.islice(itertools.cycle(TEXTS), 25))


def test_only_what_is_assessed_goes_with_an_assessment(gateway: FakeGateway) -> None:
    assessed = {text: {"assessment": text} for text in TEXTS}
    amount = Amount(5, {1: 5})

    loads(channel_opener(gateway.url, "secret", assessed), TEXTS, amount)
    loads(channel_opener(gateway.url, "secret"), TEXTS, amount)

    with_it, without = gateway.messages[:10], gateway.messages[10:]
    assert all(body["assessed"] == {"assessment": body["text"]} for body in with_it)
    assert not any("assessed" in body for body in without)
    assert len({body["message_id"] for body in gateway.messages}) == 20


@pytest.mark.parametrize("opener", [gateway_opener, lambda url: channel_opener(url, "secret")])
def test_an_empty_reply_ends_the_bench(gateway: FakeGateway, opener) -> None:
    with pytest.raises(NoReplyError):
        asyncio.run(load(opener(gateway.url), itertools.repeat("(silence)"), 1, 5))


def test_a_server_that_refuses_ends_the_bench() -> None:
    with pytest.raises(httpx.HTTPError):
        asyncio.run(load(gateway_opener("http://127.0.0.1:1"), itertools.repeat("hi"), 1, 5))


@pytest.mark.parametrize("amount", [SHORT, WHOLE])
def test_whole_conversations_give_enough_messages_for_a_95th_percentile(amount: Amount) -> None:
    assert min(amount.by_clients.values()) >= 20
    assert not any(count % TURNS for count in (amount.warm_up, *amount.by_clients.values()))
