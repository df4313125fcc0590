"""Rasa's only input channel, which only the gateway may call. It logs no text."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.utils.endpoints import EndpointConfig
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

from bot.composition import content
from bot.risk_screen import RISK, STATE, state_before
from bot.strict_http import make_strict
from bot.tracker_store import Dialogue, one_turn
from bot.tuning import tune
from safeguarding.answering.parsed import pressed
from safeguarding.content.choices import ChoiceRecord
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message, as_text
from safeguarding.risk.assessment import AssessedMessage
from safeguarding.settings import ACTION_SECRET_HEADER, Settings
from safeguarding.watchdog import report_from_loop

SECRET_HEADER = "X-Lantern-Channel-Secret"  # noqa: S105 - a header's name
Handler = Callable[[UserMessage], Awaitable[Any]]


class CollectingChannel(OutputChannel):
    """Collects the bot's messages in the shape of the public interface."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    @classmethod
    def name(cls) -> str:
        return "gateway"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Collect one response: `custom` is a message already, text and buttons become one."""
        if custom := message.get("custom"):
            self.messages.append(custom)
        elif text := message.get("text"):
            collected: Message = {"kind": "text", "text": text}
            if buttons := message.get("buttons"):
                collected["choices"] = [
                    content().choices.button(button["payload"]) for button in buttons
                ]
            self.messages.append(collected)


@dataclass(frozen=True)
class _Incoming:
    """One message of the gateway, validated."""

    conversation_id: str
    message_id: str
    text: str
    choice: ChoiceRecord | None
    state: dict[str, Any]
    """The state of the conversation before it (safeguarding.conversation_state)."""
    dialogue: Dialogue
    """What this channel returned with the previous answer; empty for the first message."""
    assessed: AssessedMessage | None
    """The gateway's assessment; None when it could not make one."""


class _RefusedError(Exception):
    """The request is no message. Names the field that is wrong, never the text."""


class GatewayChannel(InputChannel):
    """Serves `POST /webhooks/gateway/messages`: one message in, the bot's messages out.

    It keeps nothing: the answer's `dialogue` comes back with the next message.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    def name(cls) -> str:
        return "gateway"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> GatewayChannel:
        """Make the channel with the secret of the settings; credentials.yml holds none."""
        settings = Settings.from_env()
        # Rasa makes its channels once, before it loads a model and starts its server.
        tune()
        make_strict()
        send_action_secret(settings.secret("action_secret"))
        return cls(settings.secret("channel_secret"))

    def blueprint(self, on_new_message: Handler) -> Blueprint:
        gateway = Blueprint("gateway_channel", self.name())
        gateway.listener(report_from_loop, "after_server_start")

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
            with one_turn(incoming.dialogue, incoming.assessed) as turn:
                await on_new_message(_user_message(incoming, channel))
            return json({"messages": channel.messages, "dialogue": turn.after.as_record()})

        return gateway

    def _trusts(self, request: Request) -> bool:
        # Sanic passes bytes that are no UTF-8 on as lone surrogates.
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
    record = body.get("assessed")
    try:
        assessed = AssessedMessage.from_record(record) if record is not None else None
    except (KeyError, TypeError, ValueError):
        raise _RefusedError("assessed is not an assessed message") from None
    choice = None
    if (choice_id := body.get("choice")) is not None:
        if choice_id not in content().choices:
            raise _RefusedError("choice is not in the catalogue")
        choice = content().choices[choice_id]
    text = choice.label if choice else body.get("text")
    if not isinstance(text, str):
        raise _RefusedError("text or choice is missing")
    ids = (body["conversation_id"], body["message_id"])
    return _Incoming(*ids, text, choice, state, dialogue, assessed)


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
    """Return the parsed form of a pressed button, which needs no NLU."""
    parsed = pressed(choice, state_before({STATE: incoming.state}), content().help_cards)
    record = {
        TEXT: incoming.text,
        INTENT: parsed.intent,
        ENTITIES: list(parsed.entities),
        "message_id": incoming.message_id,
    }
    return record | ({RISK: parsed.assessment.as_record()} if parsed.assessment else {})


_make_remote_action = RemoteAction.__init__


def send_action_secret(secret: str) -> None:
    """Make Rasa send the secret with every call of the action server.

    In code, because endpoints.yml can take it only from the environment.
    """

    def make(self: RemoteAction, name: str, action_endpoint: EndpointConfig | None) -> None:
        if action_endpoint is not None:
            action_endpoint.headers[ACTION_SECRET_HEADER] = secret
        _make_remote_action(self, name, action_endpoint)

    RemoteAction.__init__ = make
