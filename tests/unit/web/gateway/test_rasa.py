"""The client of Rasa: one error, with its reason, for every way of not answering."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from web.gateway.bodies import Sent
from web.gateway.rasa import RasaClient, RasaUnavailableError

ANSWERS = [
    (200, b'{"messages": []}', "rasa-silent"),
    (200, b'{"messages": [{"kind": "text", "text": ""}]}', "rasa-silent"),
    (200, b'{"messages": {}}', "rasa-unreadable"),
    (200, b"[]", "rasa-unreadable"),
    (200, b"", "rasa-unreadable"),
    (200, b'{"messages": [{"kind": "text", "text": "\xff"}]}', "rasa-unreadable"),
    (302, b"", "rasa-status-3xx"),
    (401, b"", "rasa-status-4xx"),
    (503, b"", "rasa-status-5xx"),
]


def client(status: int, content: bytes) -> RasaClient:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    return RasaClient("http://rasa", "secret", httpx.AsyncClient(transport=transport))


@pytest.mark.parametrize(("status", "content", "reason"), ANSWERS)
async def test_every_useless_answer_is_one_error(status: int, content: bytes, reason: str) -> None:
    with pytest.raises(RasaUnavailableError) as unavailable:
        await client(status, content).replies(uuid4(), "m1", Sent(uuid4(), "hi"), {}, 5)

    assert unavailable.value.reason == reason


async def test_fields_nobody_knows_are_left_out() -> None:
    content = b'{"messages": [{"kind": "text", "text": "hi", "script": "alert(1)"}]}'

    replies = await client(200, content).replies(uuid4(), "m1", Sent(uuid4(), "hi"), {}, 5)

    assert replies == [{"kind": "text", "text": "hi"}]


async def test_is_up_only_when_it_says_so() -> None:
    assert await client(200, b"{}").is_up()
    assert not await client(500, b"").is_up()
    assert not await RasaClient("http://127.0.0.1:9", "secret").is_up()
