"""The public interface as a stranger meets it."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from tests.content import real_content
from tests.fakes.rasa import failing
from tests.unit.chat.gateway.conftest import Gateway, World


async def test_a_conversation_begins_with_a_token_the_opening_and_no_cookie(
    gateway: Gateway,
) -> None:
    answer = await gateway.http.post("/v1/conversations")

    assert answer.status_code == 201
    first, *rest = answer.json()["messages"]
    assert "demonstration" in first["text"]
    assert rest == real_content().opening
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def helps(answer: httpx.Response) -> bool:
    return (
        answer.headers["content-type"].startswith("application/problem+json")
        and "999" in answer.json()["help"]
        and "0800 1111" in answer.json()["help"]
    )


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer nonsense", "Basic abc"])
async def test_without_a_valid_token_the_refusal_holds_help(gateway: Gateway, token: str) -> None:
    body = {"id": str(uuid4()), "text": "hello"}

    answer = await gateway.http.post("/v1/messages", json=body, headers={"Authorization": token})

    assert answer.status_code == 401
    assert helps(answer)


async def test_an_unknown_button_is_refused_with_help(gateway: Gateway) -> None:
    answer = await gateway.press(await gateway.begin(), "/restart")

    assert answer.status_code == 422
    assert helps(answer)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
async def test_a_body_too_large_is_refused_with_help(gateway: Gateway, size: int) -> None:
    content = json.dumps({"id": str(uuid4()), "text": "a" * size})

    answer = await gateway.http.post("/v1/messages", content=content, headers=await gateway.begin())

    assert answer.status_code == 413
    assert helps(answer)


async def test_an_address_that_is_not_there_answers_with_help(gateway: Gateway) -> None:
    for answer in (
        await gateway.http.get("/v1/nothing"),
        await gateway.http.get("/v1/messages"),
        await gateway.http.get("/nothing", headers={"Accept": "text/html"}),
    ):
        assert answer.status_code in {404, 405}
        assert "0800 1111" in answer.text


async def test_leaving_forgets_the_conversation(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "hello")

    answer = await gateway.http.delete("/v1/conversations", headers=headers)

    assert answer.status_code == 204
    assert len(gateway.inside.conversations) == 0


async def test_nobody_can_forget_without_the_token(gateway: Gateway) -> None:
    await gateway.say(await gateway.begin(), "hello")

    answer = await gateway.http.delete("/v1/conversations")

    assert answer.status_code == 401
    assert len(gateway.inside.conversations) == 1


async def test_what_goes_wrong_inside_is_never_shown(gateway: Gateway) -> None:
    gateway.inside.replies.opening = lambda: 1 / 0  # type: ignore[assignment, return-value]

    answer = await gateway.http.post("/v1/conversations")

    assert answer.status_code == 500
    assert helps(answer)
    assert "division" not in answer.text


async def test_the_log_holds_neither_words_nor_tokens_nor_addresses(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.log.down = True
    world.rasa.behave = failing(500)
    async with world.gateway() as gateway:
        headers = await gateway.begin()
        await gateway.say(headers, "a secret that someone hurt me")
        world.engine.broken = True
        await gateway.say(headers, "a secret that someone hurt me")

    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if "sanic.root" not in line]
    for event in ("rasa.unavailable", "escalation.not_recorded", "screening.failed"):
        assert any(event in line for line in lines)
    for private in ("secret that", headers["Authorization"][7:], "127.0.0.1", "/v1/"):
        assert not any(private in line for line in lines)


async def test_the_last_answer_is_there_for_whoever_carries_on_and_nobody_else(
    gateway: Gateway,
) -> None:
    token = await gateway.begin()
    nothing_yet = await gateway.http.get("/v1/conversations", headers=token)
    await gateway.say(token, "hello")
    answer = await gateway.say(token, "what is grooming")

    last = await gateway.http.get("/v1/conversations", headers=token)
    other = await gateway.http.get("/v1/conversations", headers=await gateway.begin())
    stranger = await gateway.http.get("/v1/conversations")

    assert nothing_yet.json() == other.json() == {"messages": []}
    assert last.json() == {"messages": answer.json()["messages"]}
    assert last.headers["cache-control"] == "no-store"
    assert stranger.status_code == 401
    assert helps(stranger)
