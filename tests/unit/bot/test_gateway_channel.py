"""Rasa's only input: who may call it, what it takes, what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.utils.endpoints import EndpointConfig
from sanic import Sanic

from bot.gateway_channel import SECRET_HEADER, GatewayChannel, send_action_secret
from bot.risk_screen import state_before
from bot.tracker_store import MessageTrackerStore, assessed_already
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import NO_RISK, AssessedMessage
from safeguarding.settings import ACTION_SECRET_HEADER, SettingsError
from safeguarding.taxonomy import Severity
from tests.content import real_content

SECRET = "a-shared-secret"
Reply = Callable[[UserMessage], Awaitable[None]]


class Bot:
    """Stands where Rasa's agent stands: keeps what arrives, says what the test gave it."""

    def __init__(self, *responses: dict[str, Any]) -> None:
        self.heard: list[UserMessage] = []
        self.assessed: list[AssessedMessage | None] = []
        self._responses = responses

    async def __call__(self, message: UserMessage) -> None:
        self.heard.append(message)
        self.assessed.append(assessed_already())
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


def said(**fields: object) -> dict[str, object]:
    return {"conversation_id": "c1", "message_id": "m1", **fields}


@pytest.mark.parametrize("guess", ["guess", "", "gu\u00e9ss".encode(), b"gu\xe9ss"])
def test_refuses_a_caller_without_the_secret(guess):
    bot = Bot()

    assert post(bot, said(text="hello"), secret=guess).status == 401
    assert bot.heard == []


@pytest.mark.parametrize("secret", ["", " ", "short"])
def test_rasa_does_not_start_with_a_secret_that_is_none(monkeypatch, secret):
    for name, other in (
        ("channel_secret", "LANTERN_ACTION_SECRET"),
        ("action_secret", "LANTERN_CHANNEL_SECRET"),
    ):
        monkeypatch.setenv(other, "s" * 32)
        monkeypatch.setenv(f"LANTERN_{name.upper()}", secret)

        with pytest.raises(SettingsError, match=name):
            GatewayChannel.from_credentials({})


def test_free_text_keeps_its_ids_and_what_the_conversation_has_come_to():
    bot = Bot()

    response = post(bot, said(text="hello", state={"audience": "parent"}))

    assert response.json == {"messages": [], "dialogue": {}}
    (message,) = bot.heard
    assert (message.sender_id, message.message_id, message.text) == ("c1", "m1", "hello")
    assert message.metadata == {"state": {"audience": "parent"}, "message_id": "m1"}
    assert message.parse_data is None


def test_what_the_gateway_found_out_is_there_while_the_message_is_processed_and_not_kept():
    vector = np.linspace(-0.05, 0.05, 768, dtype=np.float32)
    bot = Bot()

    post(bot, said(text="hello", assessed=AssessedMessage(NO_RISK, vector).as_record()))
    post(bot, said(text="hello"))

    first, second = bot.assessed
    assert first is not None
    assert first.vector is not None
    assert first.assessment == NO_RISK
    assert np.array_equal(first.vector, vector)
    assert "assessed" not in bot.heard[0].metadata
    assert second is None


def test_what_rasa_saves_goes_back_for_the_next_message():
    store = MessageTrackerStore(Domain.load("domain.yml"))

    class Chooses(Bot):
        async def __call__(self, message: UserMessage) -> None:
            tracker = await store.get_or_create_tracker(message.sender_id)
            tracker.update(SlotSet("area", "wiltshire"))
            await store.save(tracker)

    first = post(Chooses(), said(text="hello", dialogue={"slots": {"audience": "parent"}}))

    assert first.json["dialogue"] == {"slots": {"audience": "parent", "area": "wiltshire"}}
    assert store.store == {}


def test_what_came_goes_back_where_rasa_could_not_handle_the_message():
    dialogue = {"slots": {"audience": "parent"}, "shown": {"contacts": ["childline"]}}

    assert post(Bot(), said(text="hello", dialogue=dialogue)).json["dialogue"] == dialogue


@pytest.mark.parametrize(
    "dialogue", ["x", ["x"], {"words": 1}, {"slots": {"area": {"rubbish": 1}}}]
)
def test_refuses_a_dialogue_that_it_never_gave_back_without_quoting_it(dialogue):
    bot = Bot()
    response = post(bot, said(text="hello", dialogue=dialogue))

    assert response.status == 422
    assert bot.heard == []
    assert "rubbish" not in response.text


@pytest.mark.parametrize("record", ["x", {}, {"assessment": {}, "vector": None}, {"vector": 1}])
def test_refuses_an_assessment_that_is_none(record):
    response = post(Bot(), said(text="hello", assessed=record))

    assert response.status == 422
    assert "hello" not in response.text


def test_all_that_the_gateway_knows_of_the_conversation_travels_with_the_message():
    bot = Bot()
    state = ConversationState(
        severity=Severity.URGENT,
        need="hurt_by_someone",
        categories=("image_abuse", "grooming"),
        age=13,
        topic="sextortion",
        cards={"hurt_by_someone": Severity.URGENT},
        guide="sextortion/2",
        replies=3,
    )
    post(bot, said(text="lol", state=state.as_record()))

    assert bot.heard[0].metadata == {"state": state.as_record(), "message_id": "m1"}
    assert state_before(bot.heard[0].metadata) == state


def test_a_message_may_come_without_a_state_at_the_beginning():
    bot = Bot()
    post(bot, said(text="hello"))

    assert state_before(bot.heard[0].metadata) == ConversationState()


@pytest.mark.parametrize(
    "state",
    [
        "urgent",
        ["urgent"],
        None,
        {"severity": "rubbish"},
        {"severity": 3},
        {"cards": {"suicide": "rubbish"}},
        {"cards": ["suicide"]},
        {"words": "rubbish"},
    ],
)
def test_refuses_a_state_that_is_none_without_quoting_it(state):
    bot = Bot()
    response = post(bot, said(text="hello", state=state))

    assert response.status == 422
    assert bot.heard == []
    assert "rubbish" not in response.text


@pytest.mark.parametrize("typed", ["/restart", "/disclose_urgent", '/choose_audience{"a": 1}'])
def test_a_leading_slash_never_reaches_rasa_as_a_command(typed):
    bot = Bot()
    post(bot, said(text=typed))

    assert not bot.heard[0].text.startswith("/")


def test_a_button_needs_no_understanding_of_language():
    bot = Bot()
    post(bot, said(choice="i_am_a_parent", state={"area": "wiltshire"}))

    parsed = bot.heard[0].parse_data
    assert parsed["intent"] == {"name": "choose_audience", "confidence": 1.0}
    assert parsed["entities"] == [
        {"entity": "known_area", "value": "wiltshire"},
        {"entity": "audience", "value": "parent"},
    ]


@pytest.mark.parametrize(
    ("state", "card"),
    [
        ({}, "danger_now-immediate-young_person"),
        ({"audience": "parent"}, "danger_now-immediate-adult"),
        (
            {"severity": "urgent", "need": "suicide", "cards": {"suicide": "urgent"}},
            "danger_now-immediate-young_person",
        ),
    ],
)
def test_the_button_that_says_not_safe_carries_an_assessment_and_the_card_that_is_due(state, card):
    bot = Bot()
    post(bot, said(choice="not_safe_now", state=state))

    parsed = bot.heard[0].parse_data
    assert parsed["risk"]["severity"] == "immediate"
    assert [found["value"] for found in parsed["entities"] if found["entity"] == "help"] == [card]


def test_pressed_again_it_is_due_999_first_in_other_words():
    bot = Bot()
    shown = ConversationState(
        severity=Severity.IMMEDIATE, need="danger_now", cards={"danger_now": Severity.IMMEDIATE}
    )
    post(bot, said(choice="not_safe_now", state=shown.as_record()))

    (found,) = bot.heard[0].parse_data["entities"]
    assert found["entity"] == "help"
    words = real_content().help_cards.by_still_key(found["value"])["text"]
    assert "999" in words.split(",")[0]


@pytest.mark.parametrize("choice", ["safe_now", "i_am_a_parent", "something_else"])
def test_a_button_that_tells_nothing_names_no_card(choice):
    bot = Bot()
    post(bot, said(choice=choice, state={"severity": "urgent", "need": "suicide"}))

    parsed = bot.heard[0].parse_data
    assert "risk" not in parsed
    assert "help" not in [found["entity"] for found in parsed["entities"]]


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


def test_each_call_of_an_action_carries_the_secret():
    endpoint = EndpointConfig("http://127.0.0.1:1/webhook")
    for secret in ("of an earlier start", "s" * 32):
        send_action_secret(secret)
        action = RemoteAction("action_answer", endpoint)

    assert action.action_endpoint.headers == {ACTION_SECRET_HEADER: "s" * 32}
    assert RemoteAction("action_answer", None).action_endpoint is None
