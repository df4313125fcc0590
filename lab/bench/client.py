"""The client of `make bench`: conversations with one system, by one client or many at once."""

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

SendMessage = Callable[[str], Awaitable[None]]
"""Sends one message of a conversation and waits for the reply."""
OpenConversation = Callable[[httpx.AsyncClient], Awaitable[SendMessage]]
"""Begins a conversation."""


class NoReplyError(Exception):
    """Raised for an empty reply: the time it took would mean nothing."""


@dataclass(frozen=True)
class Amount:
    """Number of messages that a measurement sends."""

    warm_up: int
    by_clients: Mapping[int, int]
    """Number of messages by number of clients."""

    @property
    def messages(self) -> int:
        """The sum of all rounds, the warm-up included."""
        return self.warm_up + sum(self.by_clients.values())


WHOLE = Amount(80, {1: 150, 4: 240, 16: 480, 64: 960})
SHORT = Amount(15, {1: 20, 16: 80})
"""Enough to see that everything works; its figures mean little."""


@dataclass(frozen=True)
class LoadFigures:
    """Times and throughput of one round with one number of clients."""

    clients: int
    median_ms: float
    p95_ms: float
    per_second: float
    mean_ms: float = 0.0


def gateway_opener(base: str) -> OpenConversation:
    """Return what opens conversations at the gateway.

    An error status and an empty reply raise, and so end the bench.
    """

    async def open_(http: httpx.AsyncClient) -> SendMessage:
        opened = (await http.post(f"{base}/v1/conversations", json={})).raise_for_status()
        headers = {"Authorization": f"Bearer {opened.json()['token']}"}

        async def send(text: str) -> None:
            body = {"id": str(uuid.uuid4()), "text": text}
            _check_reply(await http.post(f"{base}/v1/messages", json=body, headers=headers))

        return send

    return open_


def channel_opener(
    base: str, secret: str, assessed: Mapping[str, dict[str, Any]] | None = None
) -> OpenConversation:
    """Return what opens conversations at Rasa's gateway channel, as the gateway does.

    `assessed` maps texts to assessments; with it, each message carries its assessment and Rasa
    makes none itself.
    """
    headers = {"X-Lantern-Channel-Secret": secret}

    async def open_(http: httpx.AsyncClient) -> SendMessage:
        conversation = str(uuid.uuid4())

        async def send(text: str) -> None:
            body: dict[str, Any] = {
                "conversation_id": conversation,
                "message_id": str(uuid.uuid4()),
                "text": text,
            }
            body |= {"assessed": assessed[text]} if assessed is not None else {}
            address = f"{base}/webhooks/gateway/messages"
            _check_reply(await http.post(address, json=body, headers=headers))

        return send

    return open_


def rest_opener(address: str) -> OpenConversation:
    """Return what opens conversations at Rasa's own REST channel."""

    async def open_(http: httpx.AsyncClient) -> SendMessage:
        sender = uuid.uuid4().hex

        async def send(text: str) -> None:
            body = {"sender": sender, "message": text}
            (await http.post(address, json=body)).raise_for_status()

        return send

    return open_


async def load(
    open_: OpenConversation, texts: Iterator[str], clients: int, messages: int
) -> LoadFigures:
    """Send `messages` by `clients` at once, in conversations of TURNS messages each.

    The messages are the next ones of `texts`.
    """
    times: list[float] = []
    conversations = itertools.count()

    async def client(http: httpx.AsyncClient) -> None:
        while next(conversations) * TURNS < messages:
            send = await open_(http)
            for text in list(itertools.islice(texts, TURNS)):
                started = time.perf_counter()
                await send(text)
                times.append((time.perf_counter() - started) * 1000)

    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        started = time.perf_counter()
        await asyncio.gather(*(client(http) for _ in range(clients)))
        seconds = time.perf_counter() - started
    return LoadFigures(
        clients,
        round(median(times), 1),
        round(quantiles(times, n=20)[-1], 1),
        round(len(times) / seconds, 1),
        round(mean(times), 1),
    )


def loads(open_: OpenConversation, texts: Sequence[str], amount: Amount) -> list[LoadFigures]:
    """Warm up, then measure one round for each number of clients.

    The texts are sent in their order throughout, and from the first again after the last.
    """
    endless = itertools.cycle(texts)
    asyncio.run(load(open_, endless, max(amount.by_clients), amount.warm_up))
    return [asyncio.run(load(open_, endless, *each)) for each in amount.by_clients.items()]


def _check_reply(response: httpx.Response) -> None:
    if not response.raise_for_status().json()["messages"]:
        raise NoReplyError("an empty reply")
