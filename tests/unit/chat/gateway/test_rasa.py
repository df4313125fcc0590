"""The client of Rasa: one error, with its reason, for every way of not answering."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from chat.gateway.rasa import (
    DIALOGUE_BYTES,
    OPENS_AFTER,
    Breaker,
    BreakerState,
    RasaReply,
    RasaRequest,
    RasaServer,
    RasaUnavailableError,
    connections,
)
from chat.gateway.requests import IncomingMessage
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import NO_RISK, AssessedMessage
from safeguarding.taxonomy import Severity

HELLO = b'{"messages": [{"kind": "text", "text": "Hello"}]}'
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


def client(status: int, content: bytes) -> RasaServer:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    return RasaServer("http://rasa", httpx.AsyncClient(transport=transport))


async def reply(to: RasaServer, sent: IncomingMessage | None = None, **known: Any) -> RasaReply:
    sent = sent or IncomingMessage(uuid4(), "hi")
    fields = {"state": ConversationState(), "assessed": None} | known
    return await to.reply(RasaRequest(uuid4(), "m1", sent, **fields), 5)


async def received(sent: IncomingMessage, **known: Any) -> dict[str, Any]:
    """Return the body that Rasa gets."""
    bodies: list[dict[str, Any]] = []

    def take(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        assert request.headers["content-type"] == "application/json"
        return httpx.Response(200, content=HELLO)

    http = httpx.AsyncClient(transport=httpx.MockTransport(take))
    await reply(RasaServer("http://rasa", http), sent, **known)
    (body,) = bodies
    return body


@pytest.mark.parametrize(("status", "content", "reason"), ANSWERS)
async def test_every_useless_answer_is_one_error(status: int, content: bytes, reason: str) -> None:
    with pytest.raises(RasaUnavailableError) as unavailable:
        await reply(client(status, content))

    assert unavailable.value.reason == reason


async def test_fields_nobody_knows_are_left_out() -> None:
    content = b'{"messages": [{"kind": "text", "text": "hi", "script": "alert(1)"}]}'

    assert (await reply(client(200, content))).messages == [{"kind": "text", "text": "hi"}]


async def test_rasa_gets_what_the_conversation_has_come_to_with_every_message() -> None:
    state = ConversationState(
        severity=Severity.URGENT,
        need="friend",
        audience="young_person",
        age=12,
        cards={"friend": Severity.URGENT},
        guide="friend_suicide/2",
        replies=3,
    )

    typed = await received(IncomingMessage(uuid4(), "and now"), state=state)
    pressed = await received(
        IncomingMessage(uuid4(), "I'm safe right now", "safe_now"), state=state
    )

    assert ConversationState.from_record(typed["state"]) == state
    assert pressed["state"] == typed["state"]
    assert (typed["text"], pressed["choice"]) == ("and now", "safe_now")
    assert "text" not in pressed


async def test_rasa_gets_the_assessment_and_the_language_where_there_is_one() -> None:
    vector = np.full(768, 0.5, np.float32)
    polish = AssessedMessage(NO_RISK, vector, "pl")

    with_one = await received(IncomingMessage(uuid4(), "hej co tam"), assessed=polish)
    without = await received(IncomingMessage(uuid4(), "hi"))

    assert AssessedMessage.from_record(with_one["assessed"]).language == "pl"
    assert "assessed" not in without


async def test_is_up_only_when_it_says_so() -> None:
    assert await client(200, b"{}").is_up()
    assert not await client(500, b"").is_up()
    assert not await RasaServer("http://127.0.0.1:9", connections("secret")).is_up()


async def test_what_rasa_leaves_with_us_comes_back_to_it_as_it_was() -> None:
    left = b'{"slots": {"name": "caf\xc3\xa9"}, "shown": [1, 2.50]}'
    answer = HELLO[:-1] + b', "dialogue": ' + left + b"}"

    given = (await reply(client(200, answer))).dialogue
    got_back = await received(IncomingMessage(uuid4(), "hi"), dialogue=given)

    assert given == left
    assert got_back["dialogue"] == json.loads(left)
    assert "dialogue" not in await received(IncomingMessage(uuid4(), "hi"))


@pytest.mark.parametrize(
    "left", [b"null", b"[1]", b'"text"', b'{"a": "' + b"x" * DIALOGUE_BYTES + b'"}']
)
async def test_what_is_no_dialogue_or_too_large_is_not_kept(left: bytes) -> None:
    answer = HELLO[:-1] + b', "dialogue": ' + left + b"}"

    given = await reply(client(200, answer))

    assert (given.messages[0]["text"], given.dialogue) == ("Hello", None)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        breaker.failed()
    return breaker


def test_it_opens_after_failures_one_after_the_other() -> None:
    breaker = Breaker()
    for _ in range(OPENS_AFTER - 1):
        assert not breaker.failed()
    breaker.succeeded()

    failed = [breaker.failed() for _ in range(OPENS_AFTER + 1)]

    assert failed == [False] * (OPENS_AFTER - 1) + [True, False]
    assert breaker.state is BreakerState.OPEN


def test_a_server_that_half_open_is_tried_and_then_trusted() -> None:
    breaker = opened()

    breaker.half_open()
    tried = breaker.state
    breaker.succeeded()

    assert (tried, breaker.state) == (BreakerState.HALF_OPEN, BreakerState.CLOSED)


def test_one_that_says_so_and_fails_is_asked_less_and_less_often() -> None:
    breaker, pauses = opened(), []
    for _ in range(10):
        breaker.half_open()
        assert breaker.failed()
        pauses.append(breaker.pause_s)

    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == 30
    breaker.half_open()
    breaker.succeeded()
    assert breaker.pause_s == Breaker().pause_s
