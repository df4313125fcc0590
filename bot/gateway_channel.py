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
from sanic.response import HTTPResponse, json

from bot.action_secret import show_secret_to_actions
from bot.composition import content
from bot.context import (
    HELP,
    RISK,
    SAFE,
    STATE,
    context_entities,
    entity,
    handed_over,
    safe_entities,
    state_before,
)
from bot.dialogue import Dialogue
from bot.tracker_store import one_turn
from bot.tuning import tune
from safeguarding.content.choices import ChoiceRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message, as_text
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.assessment import assessment_of_choice
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
                said["choices"] = [
                    content().choices.button(button["payload"]) for button in buttons
                ]
            self.messages.append(said)


@dataclass(frozen=True)
class _Incoming:
    """One message of the gateway, checked."""

    conversation_id: str
    message_id: str
    text: str
    choice: ChoiceRecord | None
    state: dict[str, Any]
    """What the conversation had come to before it (safeguarding.conversation_state)."""
    dialogue: Dialogue
    """What this channel gave back with the answer before it; empty at the beginning."""
    assessed: AssessedMessage | None
    """What the gateway has found out about it; None when it could not."""


class _RefusedError(Exception):
    """The gateway sent something that is not a message. Says what, never the text."""


class GatewayChannel(InputChannel):
    """`POST /webhooks/gateway/messages`: one message in, the bot's messages out.

    Nothing is kept: what the next message needs goes out under `dialogue`, and comes with it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    def name(cls) -> str:
        return "gateway"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> GatewayChannel:
        """The shared secret comes from the settings, not from credentials.yml."""
        settings = Settings.from_env()
        tune()  # Rasa makes its channels once, before it loads a model
        show_secret_to_actions(settings.secret("action_secret"))
        return cls(settings.secret("channel_secret"))

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
            with handed_over(incoming.assessed), one_turn(incoming.dialogue) as turn:
                await on_new_message(_user_message(incoming, channel))
            return json({"messages": channel.messages, "dialogue": turn.after.as_record()})

        return gateway

    def _trusts(self, request: Request) -> bool:
        # Sanic gives what is no UTF-8 as halves of characters.
        offered = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(offered, self._secret)


def _read(body: Any) -> _Incoming:
    if not isinstance(body, dict):
        raise _RefusedError("a JSON object is expected")
    for name in ("conversation_id", "message_id"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise _RefusedError(f"{name} is missing")
    state = body.get(STATE, {})
    try:
        ConversationState.from_record(state)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _RefusedError("state is not the state of a conversation") from None
    try:
        dialogue = Dialogue.from_record(body.get("dialogue") or {})
    except (AttributeError, TypeError, ValueError):
        raise _RefusedError("dialogue is not what was given back") from None
    common: dict[str, Any] = {
        "conversation_id": body["conversation_id"],
        "message_id": body["message_id"],
        "state": state,
        "dialogue": dialogue,
        "assessed": _assessed(body),
    }
    if (choice_id := body.get("choice")) is not None:
        if choice_id not in content().choices:
            raise _RefusedError("choice is not in the catalogue")
        choice = content().choices[choice_id]
        return _Incoming(**common, text=choice.label, choice=choice)
    if not isinstance(body.get("text"), str):
        raise _RefusedError("text or choice is missing")
    return _Incoming(**common, text=body["text"], choice=None)


def _assessed(body: dict[str, Any]) -> AssessedMessage | None:
    record = body.get("assessed")
    if record is None:
        return None
    try:
        return AssessedMessage.from_record(record)
    except (KeyError, TypeError, ValueError):
        raise _RefusedError("assessed is not an assessed message") from None


def _user_message(incoming: _Incoming, channel: CollectingChannel) -> UserMessage:
    return UserMessage(
        text=as_text(incoming.text),
        output_channel=channel,
        sender_id=incoming.conversation_id,
        input_channel=GatewayChannel.name(),
        message_id=incoming.message_id,
        metadata={STATE: incoming.state, "message_id": incoming.message_id},
        parse_data=_parsed(incoming, incoming.choice) if incoming.choice else None,
    )


def _parsed(incoming: _Incoming, choice: ChoiceRecord) -> dict[str, Any]:
    """What a button means, so that pressing one needs no understanding of language."""
    chosen = [entity(name, value) for name, value in choice.entities.items()]
    before = state_before({STATE: incoming.state})
    assessment = assessment_of_choice(choice.id)
    entities = [*context_entities(before), *chosen]
    parsed = {
        TEXT: incoming.text,
        INTENT: {INTENT_NAME_KEY: choice.intent, PREDICTED_CONFIDENCE_KEY: 1.0},
        ENTITIES: entities,
        "message_id": incoming.message_id,
    }
    if choice.intent == SAFE:
        entities += safe_entities(before)
    if assessment:
        parsed[RISK] = assessment.as_record()
        after = before.after(assessment)
        key = content().help_cards.due_key(before, after, assessment.severity)
        entities.append(entity(HELP, key))
    return parsed
