"""The client of the Rasa server: replies, or one error for every way of not answering."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import msgspec
import structlog

from chat.gateway.requests import IncomingMessage
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessed import AssessedMessage

TEXT_FOR_RASA = 4_000
"""Characters that Rasa gets. Our own screen reads the whole text."""
DIALOGUE_BYTES = 64 * 1024
"""What Rasa may leave with us of a conversation."""
TIMEOUT = "rasa-timeout"
_JSON = {"Content-Type": "application/json"}
log = structlog.get_logger("gateway.rasa")


class RasaUnavailableError(Exception):
    """Rasa gave no answer we can show. `reason` is one of a few fixed words."""

    def __init__(self, reason: str, *, of_server: bool = False) -> None:
        """`of_server`: it says something of the server, and not of the message."""
        super().__init__(reason)
        self.reason = reason
        self.of_server = of_server


@dataclass(frozen=True)
class RasaRequest:
    """One message of a person's, with all that Rasa must know to answer it."""

    conversation_id: UUID
    message_id: str
    sent: IncomingMessage
    state: ConversationState
    """What the conversation had come to before it."""
    assessed: AssessedMessage | None
    """What it came to, so that Rasa need not assess it again."""
    dialogue: bytes | None = None
    """What Rasa gave with its last reply in this conversation."""

    def as_json(self) -> bytes:
        """The body of the request."""
        body: dict[str, Any] = {"conversation_id": str(self.conversation_id)}
        body |= {"message_id": self.message_id, "state": self.state.as_record()}
        sent = self.sent
        body |= {"choice": sent.choice} if sent.choice else {"text": sent.text[:TEXT_FOR_RASA]}
        body |= {"assessed": self.assessed.as_record()} if self.assessed else {}
        body |= {"dialogue": msgspec.Raw(self.dialogue)} if self.dialogue else {}
        return msgspec.json.encode(body)


@dataclass(frozen=True)
class RasaReply:
    """What Rasa answers."""

    messages: list[Message]
    dialogue: bytes | None = None
    """What it wants to have back with the next message, as JSON."""


def connections(secret: str) -> httpx.AsyncClient:
    """The connections to all servers, which the shared secret opens."""
    return httpx.AsyncClient(
        headers={"X-Lantern-Channel-Secret": secret},
        timeout=None,  # noqa: S113 - `reply` bounds the whole call, not each phase of it
        trust_env=False,
        # Given up sooner than Rasa's server closes it: no message goes into a closing one.
        limits=httpx.Limits(max_keepalive_connections=40, keepalive_expiry=3.0),
    )


class _Answer(msgspec.Struct):
    messages: list[Message]
    dialogue: msgspec.Raw = msgspec.Raw()


class RasaClient:
    """Speaks to the only input channel of one Rasa server."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._channel = f"{url.rstrip('/')}/webhooks/gateway"
        self._http = http

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Rasa's reply to one message. Raises RasaUnavailableError within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.post(
                    f"{self._channel}/messages", content=message.as_json(), headers=_JSON
                )
        except TimeoutError:
            raise RasaUnavailableError(TIMEOUT, of_server=True) from None
        except httpx.HTTPError:
            raise RasaUnavailableError("rasa-unreachable", of_server=True) from None
        return _read(response)

    async def is_up(self, timeout_s: float = 2.0) -> bool:
        """True when Rasa's channel answers."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.get(f"{self._channel}/")
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success


def _read(response: httpx.Response) -> RasaReply:
    if not response.is_success:
        reason = f"rasa-status-{response.status_code // 100}xx"
        raise RasaUnavailableError(reason, of_server=response.is_server_error)
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RasaUnavailableError("rasa-unreadable") from None
    messages = [message for message in answer.messages if words_of(message).strip()]
    if not messages:
        # Rasa says 200 and an empty list when an action failed.
        raise RasaUnavailableError("rasa-silent")
    return RasaReply(messages, _bounded(bytes(answer.dialogue)))


def _bounded(dialogue: bytes) -> bytes | None:
    """What is kept for Rasa: an object, and not more than there is room for."""
    if not dialogue.startswith(b"{"):
        return None
    if len(dialogue) > DIALOGUE_BYTES:
        log.error("rasa.dialogue_too_large", bytes=len(dialogue))
        return None
    return dialogue
