"""The client of the Rasa server: replies, or one error for every way of not answering."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import msgspec

from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessed import AssessedMessage
from web.gateway.requests import Sent

TEXT_FOR_RASA = 4_000
"""Characters that Rasa gets. Our own screen reads the whole text."""


class RasaUnavailableError(Exception):
    """Rasa gave no answer we can show. `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Answer(msgspec.Struct):
    messages: list[Message]


class RasaClient:
    """Speaks to Rasa's only input channel."""

    def __init__(self, url: str, secret: str, http: httpx.AsyncClient | None = None) -> None:
        self._channel = f"{url.rstrip('/')}/webhooks/gateway"
        self._forgetting: set[asyncio.Task[bool]] = set()
        self._http = http or httpx.AsyncClient(
            headers={"X-Lantern-Channel-Secret": secret},
            timeout=None,  # noqa: S113 - `replies` bounds the whole call, not each phase of it
            trust_env=False,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        """Let what is being forgotten be forgotten, and close the connections."""
        if self._forgetting:
            await asyncio.wait(set(self._forgetting))
        await self._http.aclose()

    async def replies(
        self,
        conversation_id: UUID,
        message_id: str,
        sent: Sent,
        state: ConversationState,
        assessed: AssessedMessage | None,
        timeout_s: float,
    ) -> list[Message]:
        """Rasa's replies to one message, which it need not assess again; `state` is what the
        conversation had come to before it.

        Raises RasaUnavailableError within `timeout_s`.
        """
        body: dict[str, Any] = {"conversation_id": str(conversation_id), "message_id": message_id}
        body |= {"choice": sent.choice} if sent.choice else {"text": sent.text[:TEXT_FOR_RASA]}
        body |= {"state": state.as_record()}
        body |= {"assessed": assessed.as_record()} if assessed else {}
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.post(f"{self._channel}/messages", json=body)
        except TimeoutError:
            raise RasaUnavailableError("rasa-timeout") from None
        except httpx.HTTPError:
            raise RasaUnavailableError("rasa-unreachable") from None
        return _shown(response)

    def forget_soon(self, conversation_id: UUID) -> None:
        """Ask Rasa to forget a conversation, and wait for nothing: its page is already gone."""
        forgetting = asyncio.create_task(self.forget(conversation_id))
        self._forgetting.add(forgetting)
        forgetting.add_done_callback(self._forgetting.discard)

    async def forget(self, conversation_id: UUID, timeout_s: float = 4.0) -> bool:
        """Ask Rasa to forget a conversation that has ended; True when it did."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.delete(
                    f"{self._channel}/conversations/{conversation_id}"
                )
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success

    async def is_up(self, timeout_s: float = 2.0) -> bool:
        """True when Rasa's channel answers."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.get(f"{self._channel}/")
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success


def _shown(response: httpx.Response) -> list[Message]:
    if not response.is_success:
        raise RasaUnavailableError(f"rasa-status-{response.status_code // 100}xx")
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RasaUnavailableError("rasa-unreadable") from None
    messages = [message for message in answer.messages if words_of(message).strip()]
    if not messages:
        # Rasa says 200 and an empty list when an action failed.
        raise RasaUnavailableError("rasa-silent")
    return messages
