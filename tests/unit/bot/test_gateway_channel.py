"""Rasa's only input: who may call it, what it takes, what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from sanic import Sanic

from bot.gateway_channel import SECRET_HEADER, GatewayChannel

SECRET = "a-shared-secret"
Reply = Callable[[UserMessage], Awaitable[None]]


class Bot:
    """Stands where Rasa's agent stands: keeps what arrives, says what the test gave it."""

    def __init__(self, *responses: dict[str, Any]) -> None:
        self.heard: list[UserMessage] = []
        self._responses = responses

    async def __call__(self, message: UserMessage) -> None:
        self.heard.append(message)
        for response in self._responses:
            await message.output_channel.send_response(message.sender_id, dict(response))


def post(bot: Bot, body: Any, secret: str = SECRET) -> Any:
    Sanic.test_mode = True
    app = Sanic(f"channel_{id(bot)}")
    app.blueprint(GatewayChannel(SECRET).blueprint(bot), url_prefix="/webhooks/gateway")
    headers = {SECRET_HEADER: secret}
    _, response = app.test_client.post("/webhooks/gateway/messages", json=body, headers=headers)
    return response


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_says_it_is_ready_only_when_the_model_is_loaded(ready, status):
    Sanic.test_mode = True
    app = Sanic(f"channel_ready_{ready}")
    app.blueprint(GatewayChannel(SECRET).blueprint(Bot()), url_prefix="/webhooks/gateway")
    app.ctx.agent = SimpleNamespace(is_ready=lambda: ready)
    _, response = app.test_client.get("/webhooks/gateway/")

    assert response.status == status


def said(**fields: str) -> dict[str, str]:
    return {"conversation_id": "c1", "message_id": "m1", **fields}


def test_refuses_a_caller_without_the_secret():
    bot = Bot()

    assert post(bot, said(text="hello"), secret="guess").status == 401
    assert bot.heard == []


def test_free_text_keeps_its_ids_and_context():
    bot = Bot()

    response = post(bot, said(text="hello", audience="parent"))

    assert response.json == {"messages": []}
    (message,) = bot.heard
    assert (message.sender_id, message.message_id, message.text) == ("c1", "m1", "hello")
    assert message.metadata == {"audience": "parent", "message_id": "m1"}
    assert message.parse_data is None


@pytest.mark.parametrize("typed", ["/restart", "/disclose_urgent", '/choose_audience{"a": 1}'])
def test_a_leading_slash_never_reaches_rasa_as_a_command(typed):
    bot = Bot()
    post(bot, said(text=typed))

    assert not bot.heard[0].text.startswith("/")


def test_a_button_needs_no_understanding_of_language():
    bot = Bot()
    post(bot, said(choice="i_am_a_parent", area="wiltshire"))

    parsed = bot.heard[0].parse_data
    assert parsed["intent"] == {"name": "choose_audience", "confidence": 1.0}
    assert parsed["entities"] == [
        {"entity": "known_area", "value": "wiltshire"},
        {"entity": "audience", "value": "parent"},
    ]


def test_the_button_that_says_not_safe_carries_an_assessment():
    bot = Bot()
    post(bot, said(choice="not_safe_now"))

    assert bot.heard[0].parse_data["risk"]["severity"] == "immediate"


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {},
        {"conversation_id": "c1", "text": "hello"},
        {"conversation_id": "c1", "message_id": "m1"},
        {"conversation_id": "c1", "message_id": "m1", "text": 5},
        {"conversation_id": "c1", "message_id": "m1", "choice": "/restart"},
    ],
)
def test_refuses_what_is_not_a_message_without_quoting_it(body):
    bot = Bot()
    response = post(bot, body)

    assert response.status == 422
    assert bot.heard == []
    assert "/restart" not in response.text


def test_what_the_bot_says_has_the_shape_of_the_public_interface():
    card = {"kind": "help_card", "severity": "urgent", "text": "Call 999", "choices": []}
    bot = Bot(
        {"custom": card},
        {"text": "Hi", "buttons": [{"title": "x", "payload": "speak_to_someone"}]},
        {"text": "Bye", "buttons": []},
        {"attachment": None},
    )

    assert post(bot, said(text="hello")).json["messages"] == [
        card,
        {
            "kind": "text",
            "text": "Hi",
            "choices": [{"id": "speak_to_someone", "label": "I want to talk to someone"}],
        },
        {"kind": "text", "text": "Bye"},
    ]
