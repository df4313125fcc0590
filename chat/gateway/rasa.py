"""Gets replies from the Rasa servers: which server is asked, how long, and what its answer means.

Rasa keeps nothing between messages. Any server can answer any message, and a message that one
server did not answer may be sent to another.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
import structlog

from chat.gateway.requests import IncomingMessage
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessment import AssessedMessage

TEXT_FOR_RASA = 4_000
"""Characters of a message that Rasa gets. The risk engine reads the whole text."""
DIALOGUE_BYTES = 64 * 1024
"""The most that is kept for Rasa with a conversation."""
TIMEOUT = "rasa-timeout"
PLACES = 8
"""Messages in progress at one server. It has one thread: more would only wait in it."""
ASK_ANOTHER_S = 1.5
"""Seconds after which a message is sent to another server, if one is free."""
HEALTH_S = 2.0
"""Seconds after which a server that has not answered a health check is down."""
LEAST_LEFT_S = 0.5
"""Seconds before the deadline from which no other server is asked."""
FAIR_S = 1.0
"""A timeout shorter than this many seconds does not count as a failure of the server."""
OPENS_AFTER = 3
"""Failures in a row after which a server gets no more messages."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_FIRST_GUESS_S, _SMOOTHING = 0.1, 0.1
_JSON = {"Content-Type": "application/json"}
log = structlog.get_logger("gateway.rasa")


class RasaUnavailableError(Exception):
    """Rasa gave no reply that can be shown."""

    def __init__(self, reason: str, *, of_server: bool = False) -> None:
        """`reason` is one of a few fixed words; `of_server`: another server may do better."""
        super().__init__(reason)
        self.reason = reason
        self.of_server = of_server


@dataclass(frozen=True)
class RasaRequest:
    """One message, with all that Rasa must know to answer it."""

    conversation_id: UUID
    message_id: str
    sent: IncomingMessage
    state: ConversationState
    """The state of the conversation before this message."""
    assessed: AssessedMessage | None
    """The assessment; Rasa assesses the message itself if there is none."""
    dialogue: bytes | None = None
    """What Rasa returned with its last reply in this conversation."""

    def as_json(self) -> bytes:
        """Return the body of the HTTP request."""
        body: dict[str, Any] = {"conversation_id": str(self.conversation_id)}
        body |= {"message_id": self.message_id, "state": self.state.as_record()}
        sent = self.sent
        body |= {"choice": sent.choice} if sent.choice else {"text": sent.text[:TEXT_FOR_RASA]}
        body |= {"assessed": self.assessed.as_record()} if self.assessed else {}
        body |= {"dialogue": msgspec.Raw(self.dialogue)} if self.dialogue else {}
        return msgspec.json.encode(body)


@dataclass(frozen=True)
class RasaReply:
    """The messages of a reply, and the dialogue that Rasa wants back with the next message."""

    messages: list[Message]
    dialogue: bytes | None = None
    """A JSON object."""


class _Answer(msgspec.Struct):
    messages: list[Message]
    dialogue: msgspec.Raw = msgspec.Raw()


class BreakerState(IntEnum):
    """How many messages a server gets. The number is the value of the metric."""

    CLOSED = 0
    """As many as there are places."""
    HALF_OPEN = 1
    """One at a time, until one is answered."""
    OPEN = 2
    """None."""


class Breaker:
    """A circuit breaker: it opens after several failures in a row.

    While it is open, the caller checks the server's health every `pause_s` seconds, and calls
    `half_open` once the server is up. A person's message never serves as the check.
    """

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self.pause_s = _FIRST_PAUSE_S
        self._failures = 0

    def succeeded(self) -> None:
        """Note that a message was answered."""
        self.state = BreakerState.CLOSED
        self.pause_s = _FIRST_PAUSE_S
        self._failures = 0

    def failed(self) -> bool:
        """Note that a message was not answered; return whether this opened the breaker."""
        self._failures += 1
        if self.state is BreakerState.OPEN or (
            self.state is BreakerState.CLOSED and self._failures < OPENS_AFTER
        ):
            return False
        if self.state is BreakerState.HALF_OPEN:
            # The health check was wrong: the server is checked less often.
            self.pause_s = min(self.pause_s * 2, _LONGEST_PAUSE_S)
        self.state = BreakerState.OPEN
        return True

    def half_open(self) -> None:
        """Let messages try the server again, one at a time."""
        self.state = BreakerState.HALF_OPEN


class RasaServer:
    """The input channel of one Rasa server, and how the server is doing."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        parts = urlsplit(url)
        self.name = f"{parts.hostname}:{parts.port or 80}"
        self._channel = f"{url.rstrip('/')}/webhooks/gateway"
        self._http = http
        self.breaker = Breaker()
        self.under_way = 0
        self.asked_at = 0.0
        self.seconds = _FIRST_GUESS_S
        """How long a message takes here, smoothed."""

    @property
    def places(self) -> int:
        """How many messages may be in progress at once."""
        return {BreakerState.CLOSED: PLACES, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 0}[
            self.breaker.state
        ]

    def take_place(self) -> None:
        """Count one more message in progress."""
        self.under_way += 1
        self.asked_at = time.monotonic()

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Return the reply. Raises RasaUnavailableError within `timeout_s`."""
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

    async def is_up(self) -> bool:
        """Return whether the channel answers."""
        try:
            async with asyncio.timeout(HEALTH_S):
                response = await self._http.get(f"{self._channel}/")
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success


class ReplySource(Protocol):
    """What answers messages: the Rasa servers, or the gateway's own assistant."""

    name: str
    timeout_s: float
    """Seconds after which a message is answered without it."""

    @property
    def servers(self) -> Sequence[RasaServer]:
        """The Rasa servers."""

    @property
    def waiting(self) -> int:
        """How many messages wait for a server."""

    @property
    def asked_again(self) -> int:
        """How often a second server was asked, because the first did not answer."""

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Return a reply. Raises RasaUnavailableError within `timeout_s`."""

    async def are_up(self) -> dict[str, bool]:
        """Return for each of its parts, by name, whether it answers."""

    async def close(self) -> None:
        """Close all connections."""


class RasaPool:
    """Sends each message to the Rasa server with the fewest messages in progress.

    A message that would wait too long fails at once: the gateway then answers alone, with help.
    """

    name = "rasa"

    def __init__(self, urls: Sequence[str], secret: str, timeout_s: float) -> None:
        """`timeout_s`: seconds after which a message is answered without Rasa."""
        self.timeout_s = timeout_s
        self._http = connections(secret)
        self.servers = [RasaServer(url, self._http) for url in urls]
        self.asked_again = 0
        """How often a second server was asked, because the first did not answer."""
        self._waiting: deque[asyncio.Future[RasaServer]] = deque()
        self._health_checks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many messages wait for a server."""
        return sum(not waiter.done() for waiter in self._waiting)

    async def close(self) -> None:
        """Close all connections."""
        for check in self._health_checks:
            check.cancel()
        await self._http.aclose()

    async def are_up(self) -> dict[str, bool]:
        """Return for each server, by name, whether it answers."""
        up = await asyncio.gather(*(server.is_up() for server in self.servers))
        return dict(zip((server.name for server in self.servers), up, strict=True))

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Return a reply. Raises RasaUnavailableError within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        server = await self._place(deadline)
        tried = {server}
        while True:
            left = deadline - time.monotonic()
            another = self._freest(tried) if left >= ASK_ANOTHER_S + LEAST_LEFT_S else None
            try:
                return await self._ask(server, message, ASK_ANOTHER_S if another else left)
            except RasaUnavailableError as error:
                another = self._freest(tried)
                too_late = deadline - time.monotonic() < LEAST_LEFT_S
                if not error.of_server or another is None or too_late:
                    raise
            server = another
            server.take_place()
            tried.add(server)
            self.asked_again += 1

    async def _ask(self, server: RasaServer, message: RasaRequest, within_s: float) -> RasaReply:
        """Ask a server where a place is taken, and free the place."""
        started = time.monotonic()
        try:
            reply = await server.reply(message, within_s)
        except RasaUnavailableError as error:
            fair = error.reason != TIMEOUT or within_s >= FAIR_S
            if error.of_server and fair and server.breaker.failed():
                log.warning("rasa.given_up", server=server.name, reason=error.reason)
                check = asyncio.create_task(self._check_until_up(server))
                self._health_checks.add(check)
                check.add_done_callback(self._health_checks.discard)
            raise
        else:
            server.breaker.succeeded()
            server.seconds += _SMOOTHING * (time.monotonic() - started - server.seconds)
            return reply
        finally:
            self._free_place(server)

    async def _place(self, deadline: float) -> RasaServer:
        """Take a place at a server, after the messages that wait already."""
        server = None if self.waiting else self._freest()
        if server is not None:
            server.take_place()
            return server
        left = deadline - time.monotonic()
        open_ones = [server for server in self.servers if server.places]
        if not open_ones:
            raise RasaUnavailableError("rasa-away")
        quickest = min(server.seconds for server in open_ones)
        freed_a_second = sum(server.places / server.seconds for server in open_ones)
        if self.waiting / freed_a_second + quickest > left:
            raise RasaUnavailableError("rasa-busy")
        # A message is not sent so late that its reply would come after the deadline.
        return await self._wait(left - min(server.seconds for server in self.servers))

    async def _wait(self, within_s: float) -> RasaServer:
        waiter: asyncio.Future[RasaServer] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._free_place(waiter.result())
            if isinstance(error, TimeoutError):
                raise RasaUnavailableError("rasa-busy") from None
            raise

    def _freest(self, tried: Container[RasaServer] = ()) -> RasaServer | None:
        """Return the server with the fewest messages; among equals, the one asked longest ago."""
        free = (each for each in self.servers if each.under_way < each.places and each not in tried)
        return min(free, key=lambda each: (each.under_way, each.asked_at), default=None)

    def _free_place(self, server: RasaServer) -> None:
        server.under_way -= 1
        self._hand_out_places()

    def _hand_out_places(self) -> None:
        """Give free places to waiting messages in order; fail them all if every breaker is open."""
        while self._waiting and (server := self._freest()):
            waiter = self._waiting.popleft()
            if not waiter.done():
                server.take_place()
                waiter.set_result(server)
        if not any(server.places for server in self.servers):
            for waiter in self._waiting:
                if not waiter.done():
                    waiter.set_exception(RasaUnavailableError("rasa-away"))
            self._waiting.clear()

    async def _check_until_up(self, server: RasaServer) -> None:
        while server.breaker.state is BreakerState.OPEN:
            await asyncio.sleep(server.breaker.pause_s)
            if await server.is_up():
                log.warning("rasa.is_back", server=server.name)
                server.breaker.half_open()
        self._hand_out_places()


def connections(secret: str) -> httpx.AsyncClient:
    """Return an HTTP client for all servers, which authenticates with the shared secret."""
    return httpx.AsyncClient(
        headers={"X-Lantern-Channel-Secret": secret},
        timeout=None,  # noqa: S113 - `reply` bounds the whole call, not each phase of it
        trust_env=False,
        # Closed sooner than Rasa's server would close it: no message meets a closing connection.
        limits=httpx.Limits(max_keepalive_connections=40, keepalive_expiry=3.0),
    )


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
    dialogue = bytes(answer.dialogue)
    is_object, is_too_large = dialogue.startswith(b"{"), len(dialogue) > DIALOGUE_BYTES
    if is_object and is_too_large:
        log.error("rasa.dialogue_too_large", bytes=len(dialogue))
    return RasaReply(messages, dialogue if is_object and not is_too_large else None)
