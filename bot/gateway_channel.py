"""Rasa's only input channel. Only the gateway may call it; it logs no text."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, empty, json

from bot.action_schema import check_schema_once
from bot.context import RISK, context_entities, entity
from bot.text import as_text
from bot.tracker_store import forget
from safeguarding.choices import ChoiceRecord, choices
from safeguarding.messages import Message
from safeguarding.risk.buttons import assessment_of_choice
from safeguarding.settings import Settings

SECRET_HEADER = "X-Lantern-Channel-Secret"  # noqa: S105 - a header's name
Handler = Callable[[UserMessage], Awaitable[Any]]


class CollectingChannel(OutputChannel):
    """Keeps what the bot says in the shape of the public interface."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    @classmethod
    def name(cls) -> str:
        return "gateway"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one response: `custom` is a message already, text and buttons become one."""
        if custom := message.get("custom"):
            self.messages.append(custom)
        elif text := message.get("text"):
            said: Message = {"kind": "text", "text": text}
            if buttons := message.get("buttons"):
                said["choices"] = [choices().button(button["payload"]) for button in buttons]
            self.messages.append(said)


@dataclass(frozen=True)
class _Incoming:
    """One message of the gateway, checked."""

    conversation_id: str
    message_id: str
    text: str
    choice: ChoiceRecord | None
    context: dict[str, str]


class _RefusedError(Exception):
    """The gateway sent something that is not a message. Says what, never the text."""


class GatewayChannel(InputChannel):
    """`POST /webhooks/gateway/messages`: one message in, the bot's messages out."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    def name(cls) -> str:
        return "gateway"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> GatewayChannel:
        """The shared secret comes from the settings, not from credentials.yml."""
        check_schema_once()  # Rasa makes its channels once, before it serves
        return cls(Settings.from_env().secret("channel_secret"))

    def blueprint(self, on_new_message: Handler) -> Blueprint:
        gateway = Blueprint("gateway_channel", self.name())

        @gateway.get("/")
        async def health(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            ready = agent is not None and agent.is_ready()
            return json({"status": "ok" if ready else "loading"}, status=200 if ready else 503)

        @gateway.post("/messages")
        async def receive(request: Request) -> HTTPResponse:
            if not self._trusts(request):
                return json({"error": "wrong or missing channel secret"}, status=401)
            try:
                incoming = _read(request.json)
            except _RefusedError as refused:
                return json({"error": str(refused)}, status=422)
            channel = CollectingChannel()
            await on_new_message(_user_message(incoming, channel))
            return json({"messages": channel.messages})

        @gateway.delete("/conversations/<conversation_id:str>")
        async def end(request: Request, conversation_id: str) -> HTTPResponse:
            if not self._trusts(request):
                return json({"error": "wrong or missing channel secret"}, status=401)
            forget(request.app.ctx.agent.tracker_store, conversation_id)
            return empty()

        return gateway

    def _trusts(self, request: Request) -> bool:
        offered = request.headers.get(SECRET_HEADER, "").encode()
        return hmac.compare_digest(offered, self._secret)


def _read(body: Any) -> _Incoming:
    if not isinstance(body, dict):
        raise _RefusedError("a JSON object is expected")
    for name in ("conversation_id", "message_id"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise _RefusedError(f"{name} is missing")
    context = {name: body[name] for name in ("audience", "area") if body.get(name)}
    common = {"conversation_id": body["conversation_id"], "message_id": body["message_id"]}
    if (choice_id := body.get("choice")) is not None:
        if choice_id not in choices():
            raise _RefusedError("choice is not in the catalogue")
        choice = choices()[choice_id]
        return _Incoming(**common, text=choice.label, choice=choice, context=context)
    if not isinstance(body.get("text"), str):
        raise _RefusedError("text or choice is missing")
    return _Incoming(**common, text=body["text"], choice=None, context=context)


def _user_message(incoming: _Incoming, channel: CollectingChannel) -> UserMessage:
    return UserMessage(
        text=as_text(incoming.text),
        output_channel=channel,
        sender_id=incoming.conversation_id,
        input_channel=GatewayChannel.name(),
        message_id=incoming.message_id,
        metadata={**incoming.context, "message_id": incoming.message_id},
        parse_data=_parsed(incoming, incoming.choice) if incoming.choice else None,
    )


def _parsed(incoming: _Incoming, choice: ChoiceRecord) -> dict[str, Any]:
    """What a button means, so that pressing one needs no understanding of language."""
    chosen = [entity(name, value) for name, value in choice.entities.items()]
    parsed = {
        TEXT: incoming.text,
        INTENT: {INTENT_NAME_KEY: choice.intent, PREDICTED_CONFIDENCE_KEY: 1.0},
        ENTITIES: [*context_entities(incoming.context), *chosen],
        "message_id": incoming.message_id,
    }
    if assessment := assessment_of_choice(choice.id):
        parsed[RISK] = assessment.as_record()
    return parsed
