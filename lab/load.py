"""The client of `make bench`: conversations at one system, by one client alone and by many."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles
from typing import Any

import httpx

TURNS = 5
"""Messages in one conversation, before the client starts another."""

Say = Callable[[str], Awaitable[None]]
Open = Callable[[httpx.AsyncClient], Awaitable[Say]]
"""Begins a conversation. What it gives says one message and waits for the reply."""


class NoReplyError(Exception):
    """A system answered nothing: its times would mean nothing."""


@dataclass(frozen=True)
class Amount:
    """How many messages a measurement sends."""

    warm_up: int
    by_clients: Mapping[int, int]
    """Messages for each number of clients."""

    @property
    def messages(self) -> int:
        """All of them together."""
        return self.warm_up + sum(self.by_clients.values())


WHOLE = Amount(80, {1: 150, 4: 240, 16: 480, 64: 960})
SHORT = Amount(15, {1: 20, 16: 80})
"""Enough to see that all works; its figures say little."""


@dataclass(frozen=True)
class Load:
    """What one round at one number of clients gave."""

    clients: int
    median_ms: float
    p95_ms: float
    per_second: float
    mean_ms: float = 0.0


def gateway_opener(base: str) -> Open:
    """Conversations with the gateway. Any status but 200, or an empty reply, ends the bench."""

    async def open_(http: httpx.AsyncClient) -> Say:
        opened = (await http.post(f"{base}/v1/conversations", json={})).raise_for_status()
        headers = {"Authorization": f"Bearer {opened.json()['token']}"}

        async def say(text: str) -> None:
            body = {"id": str(uuid.uuid4()), "text": text}
            _replied(await http.post(f"{base}/v1/messages", json=body, headers=headers))

        return say

    return open_


def channel_opener(
    base: str, secret: str, assessed: Mapping[str, dict[str, Any]] | None = None
) -> Open:
    """Conversations with Rasa's gateway channel, as the gateway holds them.

    With `assessed`, each message goes with what it holds under its text: Rasa assesses nothing.
    """
    headers = {"X-Lantern-Channel-Secret": secret}

    async def open_(http: httpx.AsyncClient) -> Say:
        conversation = str(uuid.uuid4())

        async def say(text: str) -> None:
            body: dict[str, Any] = {
                "conversation_id": conversation,
                "message_id": str(uuid.uuid4()),
                "text": text,
            }
            body |= {"assessed": assessed[text]} if assessed is not None else {}
            address = f"{base}/webhooks/gateway/messages"
            _replied(await http.post(address, json=body, headers=headers))

        return say

    return open_


def rest_opener(address: str) -> Open:
    """Conversations with Rasa's own REST channel."""

    async def open_(http: httpx.AsyncClient) -> Say:
        sender = uuid.uuid4().hex

        async def say(text: str) -> None:
            body = {"sender": sender, "message": text}
            (await http.post(address, json=body)).raise_for_status()

        return say

    return open_


async def load(open_: Open, texts: Iterator[str], clients: int, messages: int) -> Load:
    """Send `messages` by `clients` at once, in conversations of the next TURNS of `texts`."""
    times: list[float] = []
    conversations = itertools.count()

    async def client(http: httpx.AsyncClient) -> None:
        while next(conversations) * TURNS < messages:
            say = await open_(http)
            for text in list(itertools.islice(texts, TURNS)):
                started = time.perf_counter()
                await say(text)
                times.append((time.perf_counter() - started) * 1000)

    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        started = time.perf_counter()
        await asyncio.gather(*(client(http) for _ in range(clients)))
        seconds = time.perf_counter() - started
    return Load(
        clients,
        round(median(times), 1),
        round(quantiles(times, n=20)[-1], 1),
        round(len(times) / seconds, 1),
        round(mean(times), 1),
    )


def loads(open_: Open, texts: Sequence[str], amount: Amount) -> list[Load]:
    """A warm-up, then one round for each number of clients.

    The texts are said in their order throughout, and from the first again after the last.
    """
    endless = itertools.cycle(texts)
    asyncio.run(load(open_, endless, max(amount.by_clients), amount.warm_up))
    return [asyncio.run(load(open_, endless, *each)) for each in amount.by_clients.items()]


def _replied(response: httpx.Response) -> None:
    if not response.raise_for_status().json()["messages"]:
        raise NoReplyError("an empty reply")
